"""Threads that begin together, and change places as often as they can."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

THREADS = 8


@contextmanager
def many_changes() -> Iterator[None]:
    """Python changes threads a thousand times as often as it usually does: what can go wrong, goes wrong."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """What the work gives in each thread, all of which begin together. The first error ends the test."""
    together = threading.Barrier(threads)

    def begin(number: int) -> Any:
        together.wait()
        return work(number)

    with many_changes(), ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, range(threads)))
