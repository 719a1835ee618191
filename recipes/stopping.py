"""Being asked to stop: Ctrl-C and SIGTERM end a recipe alike, so that what is under way can be marked."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A signal asked this process to stop. ``exit_code``: as a shell tells it, 130 for Ctrl-C, 143 for
    SIGTERM."""

    def __init__(self, number: int) -> None:
        self.name = signal.Signals(number).name
        self.exit_code = 128 + number
        super().__init__(f"stopped by {self.name}")


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside, the first SIGINT or SIGTERM raises `Stopped`; later ones find it cleaning up and are ignored.
    For the main thread of a command."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for name in SIGNALS:
            signal.signal(name, signal.SIG_IGN)
        raise Stopped(number)

    before = {name: signal.signal(name, stop) for name in SIGNALS}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
