"""A folder as bytes by file name, for `to_bytes` and pickle: the bytes are the files, nothing is pickled
inside."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


def pack(write: Callable[[Path], object]) -> dict[str, bytes]:
    """What ``write`` puts into a folder, by path relative to it."""
    with tempfile.TemporaryDirectory(prefix="spanloop-") as name:
        folder = Path(name)
        write(folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def unpack(files: Mapping[str, bytes], read: Callable[[Path], Result]) -> Result:
    """What ``read`` makes of the folder that was packed. ValueError for a path that leaves it."""
    with tempfile.TemporaryDirectory(prefix="spanloop-") as name:
        folder = Path(name).resolve()
        for relative, content in files.items():
            path = (folder / relative).resolve()
            if not path.is_relative_to(folder):
                raise ValueError(f"the saved file name {relative!r} points outside of its folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return read(folder)
