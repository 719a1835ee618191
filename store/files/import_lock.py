"""One process at a time imports into a project, or takes an import back; the next one waits.

The lock is the operating system's and ends with its process, however that came to an end. Its file is there
only as long as somebody holds it or waits for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spanloop.store.files.os_lock import locked, opened

SUFFIX = "-importing"


@contextmanager
def import_lock(project: Path) -> Iterator[None]:
    """Hold the lock of the project file at ``project`` in the block."""
    path = project.with_name(project.name + SUFFIX)
    file = _locked(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: nobody else can have locked this file
        os.close(file)


def import_runs(project: Path) -> bool:
    """Whether somebody holds the lock now."""
    try:
        with opened(project.with_name(project.name + SUFFIX), os.O_RDONLY) as file:
            return not locked(file, exclusively=False)
    except FileNotFoundError:
        return False


def _locked(path: Path) -> int:
    """The lock's file, opened and locked. The one before may have taken the file away while we waited: then
    it is another file that has the name now."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        locked(file, exclusively=True, wait=True)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file), os.stat(path)):
                return file
        os.close(file)
