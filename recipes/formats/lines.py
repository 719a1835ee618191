"""The lines of a UTF-8 file with their numbers, read as a stream."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from spanloop.recipes.errors import FormatError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLOCK = 2**20


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Each line without its line end, counted from 1. Only ``\\n`` and ``\\r\\n`` end a line, as in JSON
    Lines: U+2028 and its like are ordinary characters. FormatError where the bytes are no UTF-8 or the file
    is empty."""
    number = 0
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if number == 1:
                raw = raw.removeprefix(BYTE_ORDER_MARK)
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise FormatError(
                    path,
                    number,
                    f"byte {error.start + 1} of this line is no UTF-8: convert the file, e.g. with iconv",
                ) from error
            yield number, line.removesuffix("\n").removesuffix("\r")
    if number == 0:
        raise FormatError(path, None, "the file is empty: there is nothing to import")


def holds_one_of(path: Path, words: Collection[str]) -> bool:
    """Whether one of the words stands anywhere in a file, by a look at its bytes."""
    spelled, before = [word.encode() for word in words], b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            piece = before + block
            if any(word in piece for word in spelled):
                return True
            before = piece[-max(map(len, spelled)) :]
    return False


def lines_of_head(head: str) -> list[str]:
    """The lines with something on them at the beginning of a file; the last one, which may be cut off, only
    where there is no other."""
    lines = [line.removesuffix("\r") for line in head.split("\n")]
    return [line for line in lines[:-1] or lines if line.strip()]
