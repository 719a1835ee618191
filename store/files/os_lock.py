"""Locks of the operating system on a file: they end with their process, however that came to an end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    """The descriptor of a file, closed after the block, which gives its lock back too."""
    file = os.open(path, flags, 0o666)
    try:
        yield file
    finally:
        os.close(file)


def locked(file: int, *, exclusively: bool, wait: bool = False) -> bool:
    """Take the lock of the file, at once or after ``wait``; whether it could be taken."""
    import fcntl  # not everywhere, and nobody who does not train, import or look needs it

    kind = fcntl.LOCK_EX if exclusively else fcntl.LOCK_SH
    try:
        fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
