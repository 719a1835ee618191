"""Python's look for cycles among its objects: waste, where many are made and all of them go by themselves."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS = 100_000
"""New objects before the next look; Python's own habit is a few hundred."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """In the block Python looks for cycles less often, in this process; afterwards as before."""
    before = gc.get_threshold()
    gc.set_threshold(max(OBJECTS, before[0]) if before[0] else 0, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
