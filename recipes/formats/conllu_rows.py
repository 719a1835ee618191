"""The lines of CoNLL-U as sentences of words: what the reader makes entries of, and the writer puts tags on.

The words of a multiword token get their own characters where their forms spell it (``do`` + ``n't``); where
they do not (``du`` = ``de`` + ``le``) the token stays whole and has no tag. Empty nodes stand nowhere in the
text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from spanloop.plugin.tagging.schemes import OUTSIDE
from spanloop.recipes.errors import FormatError

COLUMNS, UPOS, XPOS, MISC = 10, 3, 4, 9
NAMES = ("NER", "NE", "NER_TAG", "NAMEDENTITY")
"""What MISC calls the tag of a named entity, in large letters."""
EXACT = "spanloop_text"
"""The comment that carries a text which ``# text =`` cannot: with line ends, or spaces beyond one."""
ID = re.compile(r"(\d{1,9})(?:([-.])(\d{1,9}))?$")
_COMMENT = re.compile(r"#\s*([^=]*?)\s*(?:=\s*(.*))?$")


class Word(NamedTuple):
    """A word of the text. ``tag``: None where it has none; ``row``: where its line stands among the lines of
    its sentence; ``whole``: it is a multiword token that its words do not spell, and can have no tag;
    ``name``: the tag of a named entity that MISC gives it."""

    form: str
    tag: str | None
    row: int
    whole: bool = False
    name: str | None = None


@dataclass(slots=True)
class Sentence:
    """``line``: of the file, where it begins; ``lines``: all of it as it stands there; ``spaces``: whether
    one follows each word."""

    line: int
    comments: dict[str, str | None] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)
    spaces: list[bool] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def names_document(self) -> bool:
        """Whether a document begins with it."""
        return "newdoc" in self.comments or "newdoc id" in self.comments


def sentences(path: Path, numbered: Iterable[tuple[int, str]], column: int) -> Iterator[Sentence]:
    """The sentences of numbered lines; tags are those of ``column``. FormatError names ``path`` and line."""
    sentence = Sentence(1)
    covered = 0  # the last word of the multiword token that has been begun
    parts: list[Word] = []
    for line, text in chain(numbered, [(0, "")]):
        if not text.strip():
            if sentence.words:
                yield sentence
            sentence, covered, parts = Sentence(line + 1), 0, []
            continue
        sentence.lines.append(text)
        comment = _COMMENT.match(text)
        if comment and text.startswith("#"):
            sentence.comments[comment[1]] = comment[2]
            continue
        columns = text.split("\t")
        number = ID.match(columns[0])
        if len(columns) != COLUMNS or number is None:
            raise FormatError(path, line, f"ten columns parted by tabs are expected: {text[:60]!r}")
        if number[2] == ".":
            continue
        if int(number[1]) == 0:
            raise FormatError(path, line, "the words of a sentence are numbered from 1, and this one is 0")
        tag = None if columns[column] == "_" else columns[column]
        word = Word(columns[1], tag, len(sentence.lines) - 1, name=name_in_misc(columns[MISC]))
        spaced = "SpaceAfter=No" not in columns[MISC].split("|")
        if number[2] == "-":
            covered, parts = int(number[3]), []
            sentence.words.append(word._replace(tag=None, whole=True))
            sentence.spaces.append(spaced)
        elif int(number[1]) <= covered:
            parts.append(word)
            if int(number[1]) == covered:
                _spell(sentence, parts)
        else:
            sentence.words.append(word)
            sentence.spaces.append(spaced)


def name_in_misc(misc: str) -> str | None:
    """The tag of a named entity: ``NER=B-PER``."""
    if "N" not in misc.upper():  # most words have nothing there
        return None
    pairs = (pair.partition("=") for pair in misc.split("|"))
    return next((value for name, _, value in pairs if name.upper() in NAMES and value), None)


def _spell(sentence: Sentence, parts: list[Word]) -> None:
    """Put the words in the place of their multiword token where their forms spell it."""
    form, spaced = sentence.words[-1].form, sentence.spaces[-1]
    if sentence.words[-1].name is None:  # a token that stays whole has the first name of its words
        named = next((word.name for word in parts if word.name not in (None, OUTSIDE)), parts[0].name)
        sentence.words[-1] = sentence.words[-1]._replace(name=named)
    if "".join(word.form for word in parts) == form:
        sentence.words[-1:] = parts
        sentence.spaces[-1:] = [*[False] * (len(parts) - 1), spaced]
