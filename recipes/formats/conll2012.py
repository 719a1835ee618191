"""OntoNotes as CoNLL-2012 has it: ``#begin document``, a token a line, names in brackets in the eleventh
column. Source of the format: conll.cemantix.org/2012/data.html.

What is read are the words and the names; parses, senses, roles and coreference are left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.conll_rows import Sentence, cells
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.lines import numbered_lines
from spanloop.recipes.formats.tagged import join_tokens
from spanloop.store.records import Range, Span

BEGIN, END = "#begin document", "#end document"
_WORD, _POS, _NAMES, _LEAST = 3, 4, 10, 12
_OPENED = re.compile(r"\(([^()*]+)")
_PART = re.compile(r"#begin document\s*\(?(.*?)\)?;?\s*(?:part\s*(\d+))?\s*$")


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a sentence, or a part of a document where ``options.by`` says so; documents are the groups.
    In a tags project the tags are the parts of speech."""
    unit = options.by or "sentence"
    if unit not in ("sentence", "document"):
        raise FormatError(path, None, f"CoNLL-2012 has no {unit}s: --by sentence or document")
    if unit == "sentence":
        for sentence in _sentences(path):
            yield _entry(path, [sentence], options)
        return
    for _, several in groupby(_sentences(path), key=attrgetter("document")):
        yield _entry(path, list(several), options)


def _sentences(path: Path) -> Iterator[Sentence]:
    rows: list[list[str]] = []
    first, part, name = 1, 0, None
    for line, text in numbered_lines(path):
        if not text.strip() or text.startswith("#"):
            if rows:
                yield Sentence(first, part, rows, name)
                rows = []
            if text.startswith(BEGIN):
                part, name = part + 1, _name(text)
            continue
        row = cells(text.strip())
        if len(row) < _LEAST:
            raise FormatError(
                path, line, f"{len(row)} columns where {_LEAST} at least are expected: {text[:60]!r}"
            )
        if row[_WORD] == "[WORD]":
            raise FormatError(
                path, line, "the words are not in this file: make the _conll file of it with OntoNotes"
            )
        first = first if rows else line
        rows.append(row)
    if rows:
        yield Sentence(first, part, rows, name)


def _name(line: str) -> str | None:
    found = _PART.match(line)
    return found[1].strip() or None if found else None


def _entry(path: Path, several: Sequence[Sentence], options: ReadOptions) -> Entry:
    texts: list[str] = []
    spans: list[Span] = []
    offset = 0
    for sentence in several:
        text, ranges = join_tokens([row[_WORD] for row in sentence.rows])
        places = [(start + offset, end + offset) for start, end in ranges]
        if options.task == "tags":
            spans += [Span(*place, row[_POS]) for place, row in zip(places, sentence.rows, strict=True)]
        else:
            spans += _names(path, sentence, places)
        texts.append(text)
        offset += len(text) + 1
    return Entry("\n".join(texts), several[0].line, group=several[0].name, spans=tuple(spans))


def _names(path: Path, sentence: Sentence, places: Sequence[Range]) -> Iterator[Span]:
    """The names of a sentence; each bracket is closed in it."""
    opened: list[tuple[int, str]] = []
    for number, (row, (start, end)) in enumerate(zip(sentence.rows, places, strict=True)):
        cell = row[_NAMES]
        opened += [(start, label.strip()) for label in _OPENED.findall(cell)]
        for _ in range(cell.count(")")):
            if not opened:
                raise FormatError(
                    path, sentence.line + number, f"a bracket is closed that is not open: {cell!r}"
                )
            begin, label = opened.pop()
            yield Span(begin, end, label)
    if opened:
        raise FormatError(path, sentence.line, f"the name {opened[-1][1]!r} has no end in this sentence")


def sniff(head: str) -> bool:
    """It begins as CoNLL-2012 does."""
    return head.lstrip().startswith(BEGIN)


FORMAT = Format(
    name="conll2012",
    suffixes=(),
    read=read,
    write=None,
    sniff=sniff,
    title="OntoNotes in CoNLL-2012 columns",
    detected="#begin document in the first line",
    skips=("parses, senses, roles and coreference",),
    tried="a file written from the description of the shared task",
)
