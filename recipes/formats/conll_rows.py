"""The lines of CoNLL columns as sentences of rows, with the comments and the marks of documents between
them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.lines import numbered_lines

DOCUMENT_START = "-DOCSTART-"
_NAMED = re.compile(r"#\s*(?:id|sent_id|sent-id)\s*[= ]\s*(\S+)")
_COMMENT = re.compile(r"#\s|#(?:begin|end) document")
_VALUE = re.compile(r"#\s+\w[\w ]*=")
_BLANKS = re.compile(r"[ \t]+")
_SAMPLE = 200
_NO_TAG = frozenset({"O", "_", "*", ""})


@dataclass(frozen=True, slots=True)
class Sentence:
    """``line``: where its first token stands, from 1; ``document``: its number, 0 before the first mark;
    ``name``: what a comment calls it."""

    line: int
    document: int
    rows: list[list[str]]
    name: str | None = None


def cells(line: str) -> list[str]:
    """The columns of a line: parted by tabs where it has one, else by blanks."""
    return line.split("\t") if "\t" in line else _BLANKS.split(line.strip(" "))


def width_of(lines: Iterable[str]) -> int:
    """How many columns most of the lines have, 2 at least; lines that may be comments are asked where there
    are no others."""
    found: Counter[int] = Counter()
    perhaps: Counter[int] = Counter()
    for line in lines:
        if line.strip() and line[0] != "#" and not line.startswith(DOCUMENT_START):
            found[len(cells(line))] += 1
            if found.total() >= _SAMPLE:
                break
        elif line.startswith("#") and _VALUE.match(line) is None:
            perhaps[len(cells(line))] += 1
    return max(2, *(width for width, _ in (found or perhaps).most_common(1)), 2)


def is_comment(line: str, width: int) -> bool:
    """Whether a line between sentences of so many columns is a comment."""
    return _VALUE.match(line) is not None or (_COMMENT.match(line) is not None and len(cells(line)) != width)


def is_mark(line: str, width: int) -> bool:
    """Whether a line begins a document: ``-DOCSTART-``, unless its last column has a tag, and so a word."""
    if not line.startswith(DOCUMENT_START):
        return False
    row = cells(line)
    return len(row) != width or row[-1] in _NO_TAG or row[-1].startswith("-")


def sentences(path: Path, width: int) -> Iterator[Sentence]:
    """Each sentence of the file. FormatError for a line that has another number of columns.

    A comment begins with ``#`` and a blank, before the first token of a sentence, and is ``# name = value``
    or has another number of columns than the rows. Marks of documents are ``-DOCSTART-`` without a tag.
    """
    rows: list[list[str]] = []
    first, document, name = 1, 0, None
    for line, text in numbered_lines(path):
        if not text.strip():
            if rows:
                yield Sentence(first, document, rows, name)
                rows, name = [], None
        elif is_mark(text, width):
            if rows:
                yield Sentence(first, document, rows, name)
            rows, name, document = [], None, document + 1
        else:
            row = cells(text)
            if not rows and is_comment(text, width):
                named = _NAMED.match(text)
                name = named[1] if named else name
                continue
            if len(row) != width:
                raise FormatError(path, line, f"{len(row)} columns where {width} are expected: {text[:60]!r}")
            first = first if rows else line
            rows.append(row)
    if rows:
        yield Sentence(first, document, rows, name)
