"""One training a project at a time: the lock, who holds it, and how to ask that one to stop.

The lock is the operating system's and ends with its process, however that came to an end. The two files
beside it mean nothing without it: ``.holder`` says whose it is, ``.stop`` asks the holder to stop. It looks
there with each step, so a request reaches the training alone and neither the service nor the notebook that
it runs in, as a signal would.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress
from spanloop.store import Store, clock
from spanloop.store.files.atomic import PART, write_whole

CHECKPOINTS = ".training"
"""The folder among the rounds where an interrupted training leaves what it goes on from."""
# Longer than anybody holds the lock who only looks whether it is free.
_LOOKING_SECONDS = 0.5


class Cancelled(RecipeError):
    """Somebody cancelled the training from elsewhere."""

    def __init__(self, path: Path, by: str) -> None:
        super().__init__(f"cancelled by {by}: spanloop rounds {path}")
        self.by = by


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that trains; ``round`` None until it has begun one. ``since``: UTC, ISO 8601."""

    process: int
    user: str
    host: str
    since: str
    round: int | None = None

    def text(self) -> str:
        return f"process {self.process} ({self.user} on {self.host}, since {_local_time(self.since)})"

    def json(self) -> dict[str, object]:
        return asdict(self)

    @property
    def turn(self) -> tuple[str, int, str]:
        """What tells this turn at the lock from every other one."""
        return self.host, self.process, self.since


class TrainingLock:
    """The lock of a project, free or held."""

    def __init__(self, store: Store) -> None:
        self.path = store.named
        self._rounds = store.rounds_folder
        self._lie_in(store.rounds_dir)
        self._mine: Holder | None = None

    def _lie_in(self, folder: Path) -> None:
        self._folder = folder
        self._lock, self._holder, self._stop = (folder / name for name in (".lock", ".holder", ".stop"))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold it. RecipeError says who does where somebody else does."""
        from filelock import FileLock, Timeout

        self._lie_in(self._rounds.claim())
        lock = FileLock(self._lock)
        try:
            lock.acquire(timeout=_LOOKING_SECONDS, poll_interval=0.02)
        except Timeout as error:
            raise RecipeError(self._refusal()) from error
        try:
            self._clear()  # a killed holder leaves its files behind
            self._say(Holder(os.getpid(), _user(), socket.gethostname(), clock.now()))
            yield
        finally:
            self._clear()
            lock.release()

    def is_held(self) -> bool:
        from filelock import FileLock, Timeout

        if not self._lock.exists():
            return False
        try:
            with FileLock(self._lock).acquire(timeout=0):
                return False
        except Timeout:
            return True

    def holder(self) -> Holder | None:
        """Who holds it; None where it is free, or its holder has not said yet who it is."""
        if not self.is_held():
            return None
        try:
            return Holder(**json.loads(self._holder.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def begin(self, number: int) -> None:
        """Whoever holds it trains this round."""
        assert self._mine is not None
        self._say(replace(self._mine, round=number))

    def ask_to_stop(self, holder: Holder) -> None:
        """Ask that holder to stop, and no later one."""
        with suppress(FileNotFoundError):  # it has just ended and cleared everything away
            self._write(self._stop, {"turn": holder.turn, "by": f"{_user()} on {socket.gethostname()}"})

    def heeding(self, progress: Progress) -> Progress:
        """The same progress, which ends the training with `Cancelled` once somebody has asked for it."""

        def report(done: int, total: int | None, what: str) -> None:
            self._heed()
            progress(done, total, what)

        return report

    def _heed(self) -> None:
        if self._mine is None or not self._stop.exists():
            return
        try:
            asked = json.loads(self._stop.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        if tuple(asked["turn"]) == self._mine.turn:
            raise Cancelled(self.path, asked["by"])

    def _refusal(self) -> str:
        to_do = f"wait for it, or stop it with: spanloop rounds {self.path} cancel"
        holder = self.holder()
        if holder is None:
            return f"another process is training a round of {self.path}: {to_do}"
        what = "a round" if holder.round is None else f"round {holder.round}"
        return f"{what} of {self.path} is being trained by {holder.text()}: {to_do}"

    def _say(self, holder: Holder) -> None:
        self._mine = holder
        self._write(self._holder, holder.json())

    def _clear(self) -> None:
        for name in (self._holder.name, self._stop.name):
            for path in [self._folder / name, *self._folder.glob(f".{name}.*{PART}")]:
                path.unlink(missing_ok=True)

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        """Whole or not at all: others read it at any moment."""
        write_whole(path, json.dumps(content))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in a container
        return f"user {os.getuid()}"


def _local_time(moment: str) -> str:
    """The local time of a moment, with its date where that is not today's."""
    then = clock.moment(moment).astimezone()
    today = then.date() == clock.read_clock().astimezone().date()
    return then.strftime("%H:%M" if today else "%Y-%m-%d %H:%M")
