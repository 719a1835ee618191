"""What a file is called in the keys and groups of its documents, so that two of one name stay two."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from spanloop.store.tables.imports import Import, ImportedFile

BLOCK = 2**20


def names_of(files: Sequence[Path], earlier: Iterable[Import]) -> list[str]:
    """The names of the files of an import.

    Args:
        files: The files.
        earlier: The imports of before: a file that was one of theirs keeps its name.

    Returns:
        Of each file its own name, with so many of its folders before it that no other file has it.
    """
    taken = {file.called: file.path for one in earlier for file in one.files}
    by_path = {path: called for called, path in taken.items()}
    names: list[str] = []
    for file in files:
        path = str(file.absolute())
        called = by_path.get(path)
        if called is None:
            called = next(name for name in _tails(file.absolute()) if taken.get(name, path) == path)
            taken[called], by_path[path] = path, called
        names.append(called)
    return names


def _tails(path: Path) -> Iterable[str]:
    """``notes.txt``, ``b/notes.txt``, ``a/b/notes.txt`` …, in the end the whole path."""
    parts = path.parts
    for length in range(1, len(parts)):
        yield "/".join(parts[-length:])
    yield str(path)


def described(file: Path, shown: Path, called: str) -> ImportedFile:
    """A file as it is now; of a folder the names and contents of all that is in it.

    Args:
        file: Where it lies, unpacked.
        shown: Where it came from.
        called: Its name in keys and groups.
    """
    digest, size = hashlib.sha256(), 0
    within = sorted(p for p in file.rglob("*") if p.is_file()) if file.is_dir() else [file]
    for part in within:
        if part != file:
            digest.update(part.relative_to(file).as_posix().encode())
        with part.open("rb") as content:
            while block := content.read(BLOCK):
                digest.update(block)
                size += len(block)
    return ImportedFile(str(shown.absolute()), called, size, digest.hexdigest())
