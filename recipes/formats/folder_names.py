"""What the files of a folder are called where each is a document: by its id, and back to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote

LONGEST = 150
"""Bytes of a file's name without its ending: with it and a temporary name, 255 are allowed."""
IDS = "ids.tsv"
"""Beside the files: the names that are no ids, each with its id, both spelled as in a name."""
_HASHED = 16


@dataclass(slots=True)
class FolderNames:
    """The names of one folder, each given once; ``others``: the ids of those that do not say theirs."""

    taken: set[str] = field(default_factory=set)
    others: dict[str, str] = field(default_factory=dict)

    def take(self, key: str | None, number: int) -> str:
        """A name that is free, also where letters count the same in both cases.

        Args:
            key: The id of the document; None: it has none.
            number: How many documents came before.

        Returns:
            The id, in which what no file name holds is spelled ``%2F``; where that is too long or there
            already, its beginning and a hash.
        """
        key = key or f"{number + 1}"
        name = file_name(key)
        if len(name.encode()) > LONGEST or name.lower() in self.taken:
            name = f"{name[: LONGEST - 20]}~{sha256(key.encode()).hexdigest()[:_HASHED]}"
            self.others[name] = key
        self.taken.add(name.lower())
        return name

    def write_others(self, folder: Path) -> None:
        """Leave the ids of such names in the folder, where there are any."""
        if self.others:
            lines = [f"{name}\t{quote(key, safe=' ')}\n" for name, key in self.others.items()]
            (folder / IDS).write_text("".join(lines), encoding="utf-8", newline="\n")


def file_name(key: str) -> str:
    """The id as a file is called, without its ending."""
    name = quote(key, safe=" +,()@=")
    return f"%2E{name[1:]}" if name.startswith(".") else name


def key_of(name: str, folder: Path) -> str:
    """The id of a file that we named, and the name of any other.

    Args:
        name: The file's name without its ending.
        folder: Where it lies.
    """
    if name[-_HASHED - 1 :].startswith("~"):
        known = _ids(folder).get(name)
        if known is not None:
            return known
    return unquoted(name)


def unquoted(name: str) -> str:
    """What a name of ours spells, and any other name as it is."""
    key = unquote(name)
    return key if file_name(key) == name else name


def _ids(folder: Path) -> dict[str, str]:
    file = folder / IDS
    if not file.is_file():
        return {}
    changed = file.stat()
    return _read(file, changed.st_size, changed.st_mtime_ns)


@lru_cache(maxsize=2)
def _read(file: Path, _size: int, _changed: int) -> dict[str, str]:
    lines = file.read_text("utf-8", errors="replace").split("\n")
    rows = (line.split("\t") for line in lines)
    return {row[0]: unquote(row[1]) for row in rows if len(row) == 2}
