"""What a service does about work that fails: it tells it in one line and tries again later, each time after a
longer pause, until the cause is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from spanloop.recipes.errors import FAILURES, line_of

LONGEST_PAUSE = 600.0
"""Seconds between two tries at most: a cause that is gone is noticed within ten minutes."""


class Patience:
    """For one piece of work. ``pause``: seconds after the first failure, doubled after each further one."""

    def __init__(self, work: str, pause: float, tell: Callable[[str], None]) -> None:
        self._work, self._pause, self._tell = work, pause, tell
        self._failures = 0
        self._next = 0.0

    @property
    def over(self) -> bool:
        """Whether it may be tried now."""
        return time.monotonic() >= self._next

    @contextmanager
    def bearing(self) -> Iterator[None]:
        """A try: a failure is told and puts the next one off, a success forgets all failures."""
        try:
            yield
        except FAILURES as error:
            wait = min(self._pause * 2**self._failures, LONGEST_PAUSE)
            self._failures += 1
            self._next = time.monotonic() + wait
            self._tell(f"{self._work} failed: {line_of(error)}; tried again in {wait:g} s")
        else:
            self._failures, self._next = 0, 0.0
