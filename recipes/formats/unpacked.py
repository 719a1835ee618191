"""What a name on the command line stands for, as plain UTF-8 files: compressed, in a zip, from standard
input, in another encoding.

Files are made in a temporary folder, piece by piece, so that every reader finds a file that it can read
twice.
"""

from __future__ import annotations

import codecs
import gzip
import shutil
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from spanloop.recipes.errors import FormatError, RecipeError

ALWAYS = 2**30
"""Unpacked bytes that any file may have."""
TIMES = 100
"""Beyond them, so many times its own size."""
STANDARD_INPUT = Path("-")
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_PIECE = 2**20
_MARKS = (  # the longer ones first: UTF-32 begins as UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def from_standard_input(folder: Path) -> Path:
    """Standard input as a file of the folder."""
    path = folder / "stdin"
    with path.open("wb") as target:
        shutil.copyfileobj(sys.stdin.buffer, target, _PIECE)
    return path


def is_gzip(path: Path) -> bool:
    """Whether the file is compressed by gzip."""
    return _begins(path, _GZIP)


def is_zip(path: Path) -> bool:
    """Whether the file is a zip of files."""
    return _begins(path, _ZIP)


def _begins(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def from_gzip(path: Path, shown: Path, folder: Path) -> Path:
    """The unpacked file, in the folder, without the suffix. FormatError where it is damaged or too large."""
    target = folder / (shown.stem if shown.suffix.lower() == ".gz" else shown.name)
    try:
        with gzip.open(path, "rb") as packed:
            _copy(packed, target, _most(path), shown)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FormatError(shown, None, f"it is damaged, or cut off: {error}") from error
    return target


def from_zip(path: Path, shown: Path, folder: Path) -> None:
    """Unpack the files of a zip into the folder. FormatError for one that is damaged, locked or too large, or
    would lie outside the folder."""
    left = _most(path)
    try:
        with zipfile.ZipFile(path) as packed:
            for member in packed.infolist():
                place = PurePosixPath(member.filename.replace("\\", "/"))
                if member.is_dir():
                    continue
                if place.is_absolute() or ".." in place.parts or not place.parts:
                    raise FormatError(shown, None, f"{member.filename!r} in it would lie outside its folder")
                target = folder.joinpath(*place.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(member) as file:
                    left -= _copy(file, target, left, shown)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FormatError(shown, None, f"it is no zip that can be unpacked: {error}") from error


def _most(path: Path) -> int:
    return max(ALWAYS, TIMES * path.stat().st_size)


def _copy(source: IO[bytes] | gzip.GzipFile, target: Path, most: int, shown: Path) -> int:
    """Copy piece by piece; the number of bytes."""
    done = 0
    with target.open("wb") as file:
        while piece := source.read(_PIECE):
            done += len(piece)
            if done > most:
                raise FormatError(
                    shown, None, f"it unpacks to more than {most // 2**20} MiB: unpack it yourself, if it may"
                )
            file.write(piece)
    return done


def encoding_of(path: Path) -> str | None:
    """The encoding that a file declares by its first bytes, where it is not UTF-8."""
    with path.open("rb") as file:
        head = file.read(4)
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def as_utf8(path: Path, encoding: str, shown: Path, folder: Path) -> Path:
    """The file in UTF-8, in the folder. FormatError names the line that is not in that encoding."""
    try:
        decoder = codecs.getincrementaldecoder(encoding)("strict")
    except LookupError as error:
        raise RecipeError(
            f"there is no encoding {encoding!r}; --encoding takes e.g. utf-16, cp1252, latin-1, gb18030"
        ) from error
    target = folder / path.name
    lines = 1
    with path.open("rb") as source, target.open("w", encoding="utf-8", newline="") as file:
        for piece in _pieces(source):
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                said = f"near this line bytes are no {encoding}: {error.reason}"
                raise FormatError(shown, lines, said) from error
            try:
                file.write(text)
            except UnicodeEncodeError as error:
                raise FormatError(shown, lines, f"{encoding} gives half a character there") from error
            lines += text.count("\n")
    return target


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    """A line or so at a time, and an empty piece at the end."""
    while piece := source.readline(2**16):
        yield piece
    yield b""
