"""Files and folders that appear whole or not at all, whoever reads them meanwhile and whoever else writes them.

Each writer has a temporary name of its own beside the target, so two of them never write into one file; the last one to
finish has its content there. What a killed process leaves is such a hidden file, ``.NAME.XXXXXXXX.part``: nothing reads it,
and it may be deleted.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part"
"""How the name of what is not finished yet ends; it begins with a dot."""


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a path to write to; when the block ends without an error, its content is at ``path`` and on disk.

    A link is followed: the file it points to is replaced, not the link. A file that is there keeps its permissions until
    it is replaced, and the new one has them too. What is no ordinary file (a pipe, ``/dev/stdout``) is written to
    directly. OSError, naming ``path``, where the disk refuses; nothing is left behind then.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        yield target
        return
    part = _name_beside(target)
    try:
        yield part
        _keep_mode(target, part)
        _to_disk(part)
        os.replace(part, target)
        _to_disk(target.parent)
    except OSError as error:
        raise _named(error, part, path) from error
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: str | Path, text: str) -> None:
    """Write a text in UTF-8, whole or not at all; see `whole_file`."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill; when the block ends without an error it is at ``path``, which must be free.

    FileExistsError where somebody else was first: what is there is never touched. Nothing is left behind after an
    error.
    """
    part = _name_beside(path)
    part.mkdir(parents=True)
    try:
        yield part
        for found in sorted(part.rglob("*")):
            _to_disk(found)
        _to_disk(part)
        if path.exists():
            raise FileExistsError(errno.EEXIST, "is there already", str(path))
        os.rename(part, path)  # fails where a folder with something in it has come meanwhile
        _to_disk(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _name_beside(target: Path) -> Path:
    """A name that nobody else has, in the folder of the target: a rename works only within one file system."""
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}{PART}")


def _keep_mode(target: Path, part: Path) -> None:
    if target.exists():
        part.chmod(stat.S_IMODE(target.stat().st_mode))


def _to_disk(path: Path) -> None:
    """Wait until the file, or the names in the folder, are on disk."""
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if path.is_file():  # some file systems cannot sync a folder; the rename is whole all the same
            raise
    finally:
        os.close(descriptor)


def _named(error: OSError, part: Path, path: str | Path) -> OSError:
    """The same error about the file that the user named, where it was about the temporary one or about none."""
    if error.filename not in (None, str(part)):
        return error
    return OSError(error.errno, error.strerror or str(error), str(path))
