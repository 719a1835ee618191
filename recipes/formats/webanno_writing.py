"""WebAnno TSV 3.3, as INCEpTION and WebAnno import it: the named entities of one document.

One of our documents is one of its sentences, and the file is one document there. Offsets count UTF-16 code
units, as Java does. Written from the format's description in WebAnno's user guide.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from spanloop.recipes.formats.entry import Entry, WriteOptions, Written
from spanloop.recipes.formats.tagged import column_tokens
from spanloop.store.records import Range, Span

LAYER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
_ENDS_A_COLUMN = re.compile(r"[\t\r\n]+")
_RESERVED = re.compile(r"([\[\]|_;*]|->)")
_CONTROL = {"\t": r"\t", "\r": r"\r", "\b": r"\b", "\f": r"\f"}


def write(path: Path, entries: Iterable[Entry], _options: WriteOptions) -> Written:
    """A token a line: its number, its characters, itself, and the label of the span that covers it, with the
    span's number where it has several tokens. A token is cut where a span begins or ends inside it, and
    counted."""
    documents = spans = cuts = lost = offset = number = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"#FORMAT=WebAnno TSV 3.3\n#T_SP={LAYER}|value\n\n")
        for entry in entries:
            tokens = column_tokens(entry, _ENDS_A_COLUMN)
            placed, values = _values(tokens, entry.spans or (), number)
            number += placed
            documents += 1
            file.write("\n")
            file.writelines(f"#Text={_text(line)}\n" for line in entry.text.split("\n"))
            file.writelines(_rows(entry.text, tokens, values, documents, offset))
            offset += _units(entry.text) + 1
            spans, lost = spans + placed, lost + len(entry.spans or ()) - placed
            cuts += len(tokens) - len(entry.tokens or ())
    return Written(documents=documents, spans=spans, tokens_cut=cuts, spans_lost=lost)


def _values(tokens: Sequence[Range], spans: Sequence[Span], number: int) -> tuple[int, list[str]]:
    """How many spans have tokens, and what each token has in the column of the layer; ``number``: of the last
    span before."""
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    values, placed = ["_"] * len(tokens), 0
    for span in spans:
        first, end = bisect_left(starts, span.start), bisect_right(ends, span.end)
        if first >= end:
            continue
        placed += 1
        label = _RESERVED.sub(r"\\\1", _text(span.label))
        value = label if end - first == 1 else f"{label}[{number + placed}]"
        values[first:end] = [value] * (end - first)
    return placed, values


def _rows(
    text: str, tokens: Sequence[Range], values: Sequence[str], sentence: int, offset: int
) -> Iterator[str]:
    at, units = 0, offset
    for number, ((start, end), value) in enumerate(zip(tokens, values, strict=True), start=1):
        begin = units + _units(text[at:start])
        at, units = end, begin + _units(text[start:end])
        yield f"{sentence}-{number}\t{begin}-{units}\t{_text(text[start:end])}\t{value}\t\n"


def _units(text: str) -> int:
    """How long Java finds the text."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _text(text: str) -> str:
    """Text in a column or after ``#Text=``: what would end it is escaped."""
    escaped = text.replace("\\", "\\\\")
    for letter, spelled in _CONTROL.items():
        escaped = escaped.replace(letter, spelled)
    return escaped
