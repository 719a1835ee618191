"""Files and folders that appear whole or not at all, whoever reads them or writes them meanwhile.

Each writer has a temporary name of its own beside the target, so two of them never write into one file; the
last one to finish has its content there. What a killed process leaves is such a hidden file,
``.NAME.XXXXXXXX.part``: nothing reads it, and it may be deleted.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PART = ".part"
"""How the name of what is not finished yet ends; it begins with a dot."""
_NAME_CHARACTERS = 50  # of the target's name, so that the temporary one is never too long: 255 bytes at most
_STANDARD = (1, 2)  # the descriptors of a process's output


@contextmanager
def whole_file(path: str | Path, *, private: bool = False) -> Iterator[Path]:
    """Give a path to write to; when the block ends without an error, its content is at ``path`` and on disk.

    A link is followed: the file it points to is replaced, not the link. The new file has the permissions and,
    where the system allows it, the owner of the one that it replaces, which nobody may be kept from writing
    (PermissionError). What is no ordinary file (a pipe, a terminal, ``/dev/stdout``) gets the content when
    all of it is there. ``private``: a new file is its owner's alone. OSError, naming ``path``, where the
    disk refuses; nothing is left behind then.
    """
    before = _found(Path(path))
    if before is not None and stat.S_ISDIR(before.st_mode):
        raise _refusal(errno.EISDIR, path)
    if before is not None and is_stream(path):
        with _whole_stream(Path(path)) as part:
            yield part
        return
    if before is not None and not os.access(path, os.W_OK):
        raise _refusal(errno.EACCES, path)
    target = Path(os.path.realpath(path))
    part = name_beside(target)
    try:
        # what replaces a private file is private from its first byte on
        mode = 0o600 if private or before is not None else 0o666
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
        yield part
        _keep_rights(_found(target) or before, part)
        to_disk(part)
        os.replace(part, target)
        folder_to_disk(target.parent)
    except OSError as error:
        raise _named(error, part, path) from error
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: str | Path, text: str) -> None:
    """Write a text in UTF-8, whole or not at all; see `whole_file`."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give an empty folder to fill; when the block ends without an error it is at ``path``, which must be
    free, in a folder that is there.

    FileExistsError where somebody else was first: what is there is never touched. Nothing is left behind
    after an error. ``replace``: the folder that is there goes, once the new one is whole.
    """
    part, before = name_beside(path), name_beside(path)
    try:
        if not replace:
            _refuse_taken(path)
        part.mkdir()
        yield part
        for found in part.rglob("*"):
            if found.is_dir():
                folder_to_disk(found)
            elif found.is_file():
                to_disk(found)
        folder_to_disk(part)
        if replace and os.path.lexists(path):
            os.rename(path, before)
        _refuse_taken(path)
        os.rename(part, path)  # fails where a folder with something in it has come meanwhile
        folder_to_disk(path.parent)
    except OSError as error:
        raise _named(error, part, path) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if before.exists() and not os.path.lexists(path):
            os.rename(before, path)
        shutil.rmtree(before, ignore_errors=True)


def is_stream(path: str | Path) -> bool:
    """Whether ``path`` is no ordinary file, or the one that this process's output goes to: it cannot be
    replaced then, only written to."""
    found = _found(Path(path))
    return found is not None and (not stat.S_ISREG(found.st_mode) or _descriptor(found) is not None)


def file_meant(typed: str | Path) -> Path:
    """The file that somebody means who types this: ``-`` is standard output, as in other programs; a file
    that is called so is ``./-``."""
    return Path("/dev/stdout") if str(typed) == "-" else Path(typed)


def is_output(path: str | Path) -> bool:
    """Whether ``path`` is this process's standard output: what else is said must not go there."""
    found = _found(Path(path))
    return found is not None and _descriptor(found) == 1


def name_beside(target: Path) -> Path:
    """A name that nobody else has, in the target's folder: a rename works only within one file system."""
    return target.with_name(f".{target.name[:_NAME_CHARACTERS]}.{secrets.token_hex(4)}{PART}")


def drafts_of(target: Path) -> Iterator[Path]:
    """What may be a draft of this file, in a hidden file or folder beside it: one of which the writer was
    killed after it had its name still lies there under the other."""
    hidden = f".{glob.escape(target.name[:_NAME_CHARACTERS])}*"
    yield from target.parent.glob(hidden)
    yield from target.parent.glob(f"{hidden}/*")


def publish(draft: Path, path: Path) -> None:
    """Give a finished file its name, never over another one. FileExistsError where the name is taken."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError as error:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(f"{path} exists already") from error
        draft.rename(path)


def folder_to_disk(folder: Path) -> None:
    """Wait until the names in the folder are on disk; not every system can, and a rename is whole all the
    same."""
    with suppress(OSError):
        to_disk(folder)


@contextmanager
def _whole_stream(path: Path) -> Iterator[Path]:
    """A file elsewhere whose content goes to ``path`` at the end."""
    with tempfile.TemporaryDirectory(prefix="spanloop-") as folder:
        part = Path(folder) / "part"
        try:
            yield part
            with part.open("rb") as content, _opened(path) as stream:
                shutil.copyfileobj(content, stream)
        except OSError as error:
            raise _named(error, part, path) from error


def _opened(path: Path) -> IO[bytes]:
    """The stream, to write on where its other writers are; our own output is not opened anew, which would
    begin at its first byte."""
    found = _found(path)
    descriptor = None if found is None else _descriptor(found)
    return path.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb")


def _descriptor(found: os.stat_result) -> int | None:
    """Which output of this process that file is."""
    for descriptor in _STANDARD:
        with suppress(OSError):  # closed
            if os.path.samestat(found, os.fstat(descriptor)):
                return descriptor
    return None


def _found(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:  # whatever stands in the way is said when it is written to
        return None


def _keep_rights(before: os.stat_result | None, part: Path) -> None:
    if before is None:
        return
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(part, before.st_uid, before.st_gid)
    part.chmod(stat.S_IMODE(before.st_mode))


def to_disk(path: Path) -> None:
    """Wait until the file, or the names in the folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_taken(path: Path) -> None:
    if os.path.lexists(path):
        raise _refusal(errno.EEXIST, path)


def _refusal(number: int, path: str | Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))


def _named(error: OSError, part: Path, path: str | Path) -> OSError:
    """The same error about what the user named, where it was about the temporary name or about none."""
    if error.errno is None:  # none of the operating system's
        return error
    if error.errno == errno.ENOTEMPTY:
        return _refusal(errno.EEXIST, path)
    about = [name for name in (error.filename, error.filename2) if name is not None]
    ours = (Path(name).is_relative_to(part) for name in about if isinstance(name, str | Path))
    return OSError(error.errno, error.strerror, str(path)) if any(ours) or not about else error
