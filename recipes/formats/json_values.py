"""The records of a JSON file: an array as a stream, or an object that has such an array; with their lines.

Own code, since the libraries that stream JSON know no lines, and a message without a line helps nobody in a
file of a thousand documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.json_text import NotJson, parse, parse_at
from spanloop.recipes.formats.lines import numbered_lines

_PIECE = 2**16
_BLANKS = " \t\r\n"
_PAIR = re.compile(r'\s*\[\s*"(?:[^"\\]|\\.)*"\s*,\s*\{.*\]\s*$')


@dataclass(slots=True)
class _Text:
    """What is read of a file and not yet taken; ``line`` is that of its first character."""

    path: Path
    file: IO[str]
    text: str = ""
    line: int = 1
    ended: bool = False

    def more(self) -> bool:
        """Read as much again as there is, at least a piece; False at the end of the file."""
        try:
            piece = self.file.read(max(_PIECE, len(self.text)))
        except UnicodeDecodeError as error:
            said = "bytes are no UTF-8: convert the file, or name its --encoding"
            raise FormatError(self.path, None, said) from error
        self.ended = not piece
        self.text += piece
        return not self.ended

    def take(self, until: int) -> None:
        """Go on behind that character."""
        self.line += self.text.count("\n", 0, until)
        self.text = self.text[until:]

    def sign(self) -> str:
        """The next character that is no blank, not yet taken; empty at the end of the file."""
        while True:
            rest = self.text.lstrip(_BLANKS)
            self.take(len(self.text) - len(rest))
            if rest or not self.more():
                return rest[:1]

    def value(self) -> tuple[int, Any]:
        """The value that begins here, and its line."""
        while True:
            try:
                found, end = parse_at(self.text, 0)
            except NotJson as error:
                if self.more():
                    continue
                line = None if error.line is None else self.line + error.line - 1
                raise FormatError(self.path, line, str(error)) from error
            # a number or word at the end may go on
            if end < len(self.text) or isinstance(found, dict | list | str) or not self.more():
                line = self.line
                self.take(end)
                return line, found


def first_sign(path: Path) -> str:
    """The first character of the file that is no blank; empty where there is none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return _Text(path, file).sign()


def array(path: Path) -> Iterator[tuple[int, Any]]:
    """The line and the value of each element of the array that the file is. FormatError where it is none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = _Text(path, file)
        if text.sign() != "[":
            raise FormatError(path, text.line, "a JSON array, [ … ], is expected")
        text.take(1)
        if text.sign() != "]":
            yield text.value()
            while text.sign() == ",":
                text.take(1)
                text.sign()
                yield text.value()
        if text.sign() != "]":
            what = "the file ends inside its array" if text.ended else "a comma or ] is expected"
            raise FormatError(path, text.line, f"this is no JSON ({what})")
        text.take(1)
        if text.sign():
            raise FormatError(path, text.line, "this is no JSON (something stands behind the array)")


def whole(path: Path) -> Any:
    """The one value that the file is, in memory."""
    try:
        return parse(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        said = f"byte {error.start + 1} is no UTF-8: convert the file, or name its --encoding"
        raise FormatError(path, None, said) from error
    except NotJson as error:
        raise FormatError(path, error.line, str(error)) from error


def records(path: Path, *names: str) -> Iterator[tuple[int | None, Any, Mapping[str, Any]]]:
    """The records of an array, or of an object that has one under one of these names.

    Args:
        path: The file.
        names: Names under which an object may keep its array.

    Yields:
        Line (None in an object, which is read as a whole), the record, and what the object says besides.

    Raises:
        FormatError: The file is no JSON, or has no such array.
    """
    if first_sign(path) == "[":
        for line, value in array(path):
            yield line, value, {}
        return
    found = whole(path)
    name = next((n for n in names if isinstance(found, dict) and isinstance(found.get(n), list)), None)
    if name is None:
        raise FormatError(path, None, f"an array of documents is expected, or one under {' or '.join(names)}")
    about = {key: value for key, value in found.items() if key != name}
    for value in found[name]:
        yield None, value, about


def lines_or_array(path: Path) -> Iterator[tuple[int, Any]]:
    """The records of a file of JSON Lines, or of one array."""
    if first_sign(path) == "[" and not _is_a_line(path):
        yield from array(path)
        return
    for line, raw in numbered_lines(path):
        if raw.strip():
            try:
                yield line, parse(raw)
            except NotJson as error:
                raise FormatError(path, line, f"{error}: {raw[:60]!r}") from error


def _is_a_line(path: Path) -> bool:
    """Whether the first line is a list of something other than records: a pair of its own."""
    raw = next(raw for _, raw in numbered_lines(path) if raw.strip())
    return _PAIR.match(raw) is not None


def first_record(head: str) -> Any:
    """The first record at the beginning of a file, be it an array or lines; None where it is cut off, or no
    JSON."""
    text = head.lstrip(_BLANKS)
    text = text[1:].lstrip(_BLANKS) if text.startswith("[") else text
    try:
        return parse_at(text, 0)[0]
    except NotJson:
        return None
