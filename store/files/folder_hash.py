"""A hash over all files of a folder: what was saved is what is loaded."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from spanloop.store.files.atomic import to_disk

_CHUNK_BYTES = 1 << 20


def folder_hash(folder: Path) -> str:
    """SHA-256 over the names and the content of all files in the folder, in the order of their names.

    Files and folders whose name begins with a dot do not count: a file manager may leave some.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    for path in files_of(folder):
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{path.stat().st_size}\0".encode("utf-8", "surrogateescape"))
        with path.open("rb", buffering=0) as file:
            while read := file.readinto(buffer):
                digest.update(buffer[:read])
    return digest.hexdigest()


def files_of(folder: Path) -> list[Path]:
    """All files below the folder that count, in the order of their names."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found, key=Path.as_posix)


def tree_to_disk(folder: Path) -> None:
    """Wait until everything in the folder is on the disk, names included: a power cut leaves it whole."""
    for path in [*files_of(folder), *(Path(place) for place, _, _ in os.walk(folder))]:
        to_disk(path)
