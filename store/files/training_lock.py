"""Who trains a round of the project: the one place where that is known, and where the lock for it is taken.

The lock is the operating system's and ends with its process, however that came to an end; a process number
proves nothing, since another process may have it by now, or one on another machine. The two files beside the
lock mean nothing without it: ``.holder`` says whose it is, ``.stop`` asks the holder to stop.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.store import clock
from spanloop.store.errors import StoreError
from spanloop.store.files.atomic import PART, write_whole
from spanloop.store.files.os_lock import locked, opened

if TYPE_CHECKING:
    from spanloop.store.store import Store

LOCK, HOLDER, STOP = ".lock", ".holder", ".stop"
# Whoever only looks holds the lock too, for less than this.
_LOOKING_SECONDS = 0.5
_POLL_SECONDS = 0.02


class InUse(StoreError):
    """Somebody else trains."""

    def __init__(self, path: Path, holder: Holder | None) -> None:
        what = "a round" if holder is None or holder.round is None else f"round {holder.round}"
        who = f"another process is training {what} of {path}"
        if holder is not None:
            who = f"{what} of {path} is being trained by {holder.text()}"
        super().__init__(f"{who}: wait for it, or stop it with: spanloop rounds {path} cancel")


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

    @property
    def turn(self) -> tuple[str, int, str]:
        """What tells this turn at the lock from every other one."""
        return self.host, self.process, self.since


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the lock showed; ``holder`` None where it is free, or its holder has not said yet who it
    is. ``mine``: whoever looks holds it."""

    held: bool
    holder: Holder | None = None
    mine: bool = False

    def trains(self, number: int) -> bool:
        """Whether that round, which says that it is running, is being trained. Another process that has not
        said yet which round it trains may have begun this one."""
        if self.holder is None:
            return self.held
        return self.holder.round == number or (self.holder.round is None and not self.mine)


class TrainingLock:
    """``store.training_lock``: free, or held by the one process that trains."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder: Path | None = None
        self._mine: Holder | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold it. InUse says who does where somebody else does."""
        self._folder = folder = self._store.rounds_folder.claim()
        with opened(folder / LOCK, os.O_RDWR | os.O_CREAT) as lock:
            end = time.monotonic() + _LOOKING_SECONDS
            while not locked(lock, exclusively=True):
                if time.monotonic() > end:
                    raise InUse(self._store.named, self.look().holder)
                time.sleep(_POLL_SECONDS)
            _clear(folder)  # a killed holder leaves its files behind
            try:
                self._say(Holder(os.getpid(), _user(), socket.gethostname(), clock.now()))
                yield
            finally:
                self._mine = None
                _clear(folder)

    def look(self) -> Look:
        """Who holds it now."""
        if self._mine is not None:
            return Look(True, self._mine, mine=True)
        folder = self._store.rounds_folder.path
        try:
            with opened(folder / LOCK, os.O_RDONLY) as lock:
                # shared, so that two that look at the same time do not take each other for a training
                if locked(lock, exclusively=False):
                    return Look(False)
        except (FileNotFoundError, NotADirectoryError):
            return Look(False)
        try:
            return Look(True, Holder(**json.loads((folder / HOLDER).read_text(encoding="utf-8"))))
        except (FileNotFoundError, ValueError, TypeError):
            return Look(True)

    def begin(self, number: int) -> None:
        """Whoever holds it trains this round."""
        assert self._mine is not None
        self._say(replace(self._mine, round=number))

    def ask_to_stop(self, holder: Holder) -> None:
        """Ask that holder to stop, and no later one."""
        by = f"{_user()} on {socket.gethostname()}"
        with suppress(FileNotFoundError):  # it has just ended and cleared everything away
            write_whole(self._store.rounds_folder.path / STOP, json.dumps({"turn": holder.turn, "by": by}))

    def stop_asked_by(self) -> str | None:
        """Who has asked the present turn, which must be one's own, to stop; None as long as nobody has."""
        assert self._folder is not None
        try:
            asked = json.loads((self._folder / STOP).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        mine = self._mine is not None and tuple(asked["turn"]) == self._mine.turn
        return str(asked["by"]) if mine else None

    def _say(self, holder: Holder) -> None:
        assert self._folder is not None
        self._mine = holder
        write_whole(self._folder / HOLDER, json.dumps(asdict(holder)))


def _clear(folder: Path) -> None:
    for name in (HOLDER, STOP):
        for path in [folder / name, *folder.glob(f".{name}.*{PART}")]:
            path.unlink(missing_ok=True)


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
