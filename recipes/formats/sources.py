"""Every file behind a name, with its format: a file, a compressed one, those of a zip or a folder, standard
input."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import Entry, Format, Notes, ReadOptions
from spanloop.recipes.formats.registry import by_name, detect, detect_folder, fitting
from spanloop.recipes.formats.unpacked import (
    STANDARD_INPUT,
    as_utf8,
    encoding_of,
    from_gzip,
    from_standard_input,
    from_zip,
    is_gzip,
    is_zip,
)

_DEEPEST = 3
"""Zips in each other."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read, or a folder that is one thing. ``path``: where it lies, as UTF-8; ``shown``: what
    messages and the ledger call it."""

    path: Path
    shown: Path
    fmt: Format

    def entries(self, options: ReadOptions) -> Iterator[Entry]:
        """Its documents. FormatError names the file as it was named."""
        try:
            yield from self.fmt.read(self.path, options)
        except FormatError as error:
            if self.path == self.shown:
                raise
            raise error.told_of(self.path, self.shown) from error


def sources(
    files: Iterable[str | Path],
    *,
    format: str | None = None,
    encoding: str | None = None,
    notes: Notes | None = None,
) -> Iterator[Source]:
    """The files behind names, one after the other; each is there until the next one is asked for.

    Args:
        files: Files, folders, or ``-`` for standard input.
        format: The format of all of them by name; None: as each looks.
        encoding: How their texts are encoded; None: UTF-8, or what a file declares by its first bytes.
        notes: Told of the files of a folder or zip that are not read, since they look like no format.

    Yields:
        The files, those of a folder in the order of their names.

    Raises:
        FormatError: A file is missing, empty, damaged, or like none of the formats or like several.
        RecipeError: There is no such format or encoding.
    """
    for file in files:
        folder = Path(tempfile.mkdtemp(prefix="spanloop-"))
        try:
            yield from _Opening(folder, format, encoding, notes or Notes()).sources(Path(file))
        finally:
            shutil.rmtree(folder)


@contextmanager
def kept_sources(
    files: Iterable[str | Path], *, format: str | None, encoding: str | None, notes: Notes
) -> Iterator[list[Source]]:
    """All files behind names, as in `sources`, there until the block ends: they can be read again."""
    with tempfile.TemporaryDirectory(prefix="spanloop-") as folder:
        opening = _Opening(Path(folder), format, encoding, notes)
        yield [source for file in files for source in opening.sources(Path(file))]


@dataclass(slots=True)
class _Opening:
    folder: Path
    format: str | None
    encoding: str | None
    notes: Notes
    made: int = 0

    def sources(self, file: Path) -> Iterator[Source]:
        if file == STANDARD_INPUT:
            yield from self._of_file(from_standard_input(self._new_folder()), Path("standard input"), 0)
        elif file.is_dir():
            yield from _some(self._of_folder(file, file, 0), file)
        else:
            yield from self._of_file(file, file, 0)

    def _new_folder(self) -> Path:
        self.made += 1
        path = self.folder / str(self.made)
        path.mkdir()
        return path

    def _of_file(self, path: Path, shown: Path, depth: int, *, among: bool = False) -> Iterator[Source]:
        """``among``: it is one of a folder's, where a file of no format is told and passed over."""
        if path.is_file():
            if is_gzip(path):
                path = from_gzip(path, shown, self._new_folder())
            elif is_zip(path):
                if depth >= _DEEPEST:
                    raise FormatError(shown, None, "zips lie in each other more than three levels deep")
                inside = self._new_folder()
                from_zip(path, shown, inside)
                yield from _some(self._of_folder(inside, shown, depth + 1), shown)
                return
            encoding = encoding_of(path) or self.encoding
            if encoding is not None and encoding.lower() not in ("utf-8", "utf8"):
                path = as_utf8(path, encoding, shown, self._new_folder())
        if among and (unlike := self._passed_over(path)):
            self.notes.add(f"{shown}: not read, {unlike}")
            return
        try:
            yield Source(path, shown, detect(path) if self.format is None else self._named(path))
        except FormatError as error:
            if path == shown:
                raise
            raise error.told_of(path, shown) from error

    def _passed_over(self, path: Path) -> str | None:
        """Why a file among others is not read; None where it is."""
        if path.stat().st_size == 0:
            return "it is empty"
        return "it looks like none of the formats" if self.format is None and not fitting(path) else None

    def _named(self, path: Path) -> Format:
        return by_name(self.format or "") if path.exists() else detect(path)

    def _of_folder(self, folder: Path, shown: Path, depth: int) -> Iterator[Source]:
        whole = detect_folder(folder, self.format)
        if whole is not None:
            for part in (folder,) if whole.parts is None else whole.parts(folder):
                yield Source(part, shown / part.relative_to(folder), whole)
            return
        for path in sorted(folder.iterdir()):
            name = shown / path.name
            if path.name.startswith((".", "__MACOSX")):
                continue
            if path.is_dir():
                yield from self._of_folder(path, name, depth)
            else:
                yield from self._of_file(path, name, depth, among=True)


def _some(found: Iterator[Source], shown: Path) -> Iterator[Source]:
    """The sources. FormatError where there is none."""
    there = False
    for source in found:
        there = True
        yield source
    if not there:
        raise FormatError(shown, None, "there is no file in it that looks like one of the formats")
