"""Real processes of ours, and the one way to wait for what they do.

A test waits for an event: a row in the store, a line on a pipe, a file, the end of a process. How long that
takes says nothing, so the patience is far beyond what two busy machines beside it would need.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from spanloop.store import Store
from support.places import ROOT

PATIENCE_SECONDS = 300
ENDLESS = ("--epochs", "5000")
_STEPPED_WATCH = ROOT / "tests" / "support" / "stepped_watch.py"
Found = TypeVar("Found")


def wait_for(
    look: Callable[[], Found], *, process: subprocess.Popen[str] | None = None, pause: float = 0.05
) -> Found:
    """What ``look`` gives, as soon as that is true of it; ``pause``: seconds between two looks.

    AssertionError where it never is, or where the ``process`` that should bring it about has ended.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert process is None or process.poll() is None or look(), "its process has ended"
        assert time.monotonic() < end, "it never came"
        time.sleep(pause)
    return found


def rounds(db: Path, state: str) -> int:
    with Store.open(db) as store:
        return sum(row.state == state for row in store.rounds.all())


@contextmanager
def training(db: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has begun its round."""
    command = [sys.executable, "-m", "spanloop.recipes", "retrain", str(db), *ENDLESS, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(lambda: rounds(db, "running") == 1, process=process)
            yield process
        finally:
            process.kill()


class Watch:
    """``spanloop watch`` as a process that goes on after each look only when it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def has_looked(self) -> None:
        """Wait until it has looked and done what was due."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "looked\n", "it has ended"

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def look_again(self) -> None:
        self.go_on()
        self.has_looked()

    def stop(self) -> str:
        """End it as a service manager does; gives what it said."""
        self.process.send_signal(signal.SIGTERM)
        _, log = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert self.process.returncode == 0, log
        return log


@contextmanager
def watching(db: Path, *options: str) -> Iterator[Watch]:
    """A watch that is about to look for the first time. It does not step back for other processes unless it
    is asked to (``--nice``): beside busy ones it would come to nothing for minutes."""
    command = [sys.executable, str(_STEPPED_WATCH), str(db), "--epochs", "1", *options]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Watch(process)
        finally:
            if process.poll() is None:
                process.kill()


def free_watch(db: Path, *options: str) -> Watch:
    """A watch that looks by itself every fifth of a second; ``stop`` ends it."""
    command = [sys.executable, "-m", "spanloop.recipes", "watch", str(db), "--epochs", "1", "--pause", "0.2"]
    return Watch(subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True))
