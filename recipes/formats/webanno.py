"""WebAnno TSV 3, as INCEpTION and WebAnno export it: the spans of one layer of a document, by sentences.

Written from the format's description in WebAnno's user guide. Relations and chains are left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.lines import numbered_lines
from spanloop.recipes.formats.placing import NO_VALUE
from spanloop.recipes.formats.tagged import find_tokens
from spanloop.recipes.formats.webanno_writing import write
from spanloop.store.records import Range, Span, Task

MAGIC, LAYER, TEXT = "#FORMAT=WebAnno TSV 3", re.compile(r"#T_(SP|CH|RL)=(.*)$"), "#Text="
_BASE = 3
_ID = re.compile(r"(\d{1,9})-(\d{1,9})(?:\.(\d{1,9}))?$")
_PLACE = re.compile(r"(\d{1,15})-(\d{1,15})$")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_CONTROL = {"t": "\t", "r": "\r", "n": "\n", "b": "\b", "f": "\f"}
_PARTED = re.compile(r"(?<!\\)((?:\\\\)*)\|")
_NUMBERED = re.compile(r"(.*?)(?<!\\)((?:\\\\)*)\[(\d{1,9})\]$", re.DOTALL)


@dataclass(slots=True)
class _Sentence:
    """``line``: of its first row; ``rows``: line, number of the token, place in UTF-16, form, value."""

    line: int = 1
    text: list[str] = field(default_factory=list)
    rows: list[tuple[int, str, Range, str, str]] = field(default_factory=list)


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a sentence; the sentences of a file are one group."""
    layers: list[tuple[str, str]] = []
    column: int | None = None
    sentence = _Sentence()
    for line, row in numbered_lines(path):
        if row.startswith("#T_"):
            layers += _layer(row)
        elif row.startswith(TEXT):
            if sentence.rows:
                yield _entry(path, sentence, options.task)
                sentence = _Sentence()
            sentence.text.append(_plain(row.removeprefix(TEXT)))
        elif row.strip() and not row.startswith("#"):
            column = _column(path, layers, options) if column is None else column
            sentence.line = sentence.line if sentence.rows else line
            sentence.rows.append(_row(path, line, row, column))
    if sentence.rows:
        yield _entry(path, sentence, options.task)


def _layer(row: str) -> list[tuple[str, str]]:
    """Kind and name of each column that a layer has: ``SP``, ``NamedEntity.value``."""
    found = LAYER.match(row)
    if found is None:
        return []
    name, *features = found[2].split("|")
    short = name.rsplit(".", 1)[-1]
    return [(found[1], f"{short}.{feature}" if feature else short) for feature in features or [""]]


def _column(path: Path, layers: Sequence[tuple[str, str]], options: ReadOptions) -> int:
    """The column that is read: the one that was named, else the value of named entities (in a tags project of
    parts of speech), else the only one of spans."""
    names = [name for kind, name in layers if kind == "SP"]
    wanted = list(options.columns or ())
    if not wanted:
        known = ("POS.PosValue", "POS.coarseValue") if options.task == "tags" else ("NamedEntity.value",)
        wanted = [name for name in known if name in names] or (names if len(names) == 1 else [])
    if not wanted or wanted[0] not in names:
        raise FormatError(
            path, None, f"which column has the labels? --columns takes one of {', '.join(names)}"
        )
    return _BASE + [name for _, name in layers].index(wanted[0])


def _row(path: Path, line: int, row: str, column: int) -> tuple[int, str, Range, str, str]:
    cells = row.split("\t")
    number, place = _ID.match(cells[0]), _PLACE.match(cells[1]) if len(cells) > 1 else None
    if number is None or place is None or len(cells) <= column:
        raise FormatError(
            path, line, f"a number, a place, a token and {column - 2} columns are expected: {row[:60]!r}"
        )
    return line, cells[0], (int(place[1]), int(place[2])), _plain(cells[2]), cells[column]


def _entry(path: Path, sentence: _Sentence, task: Task) -> Entry:
    text = "\n".join(sentence.text) or " ".join(
        form for _, name, _, form, _ in sentence.rows if "." not in name
    )
    whole = [row for row in sentence.rows if "." not in row[1]]
    try:
        found = find_tokens(text, [form for _, _, _, form, _ in whole])
    except ValueError as error:
        raise FormatError(path, sentence.line, str(error)) from error
    places = {row[1]: place for row, place in zip(whole, found, strict=True)}
    begins = {row[1]: row[2][0] for row in whole}
    spans: dict[str, Span] = {}
    refused: list[tuple[Span, str]] = []
    for number, (line, name, units, form, value) in enumerate(sentence.rows):
        start, end = places.get(name) or _inside(path, line, name, units, form, text, places, begins)
        for part, one in enumerate(_values(value)):
            numbered = _NUMBERED.match(one)
            label = _plain(one if numbered is None else numbered[1] + numbered[2])
            if label == "*" and one != r"\*":
                refused.append((Span(start, end, "*"), NO_VALUE))
                continue
            own = f"{number}/{part}" if numbered is None or task == "tags" else f"[{numbered[3]}]"
            before = spans.get(own)
            spans[own] = Span(start if before is None else before.start, end, label)
    return Entry(
        text=text, line=sentence.line, group=path.stem, spans=tuple(spans.values()), refused=tuple(refused)
    )


def _inside(
    path: Path,
    line: int,
    name: str,
    units: Range,
    form: str,
    text: str,
    places: dict[str, Range],
    begins: dict[str, int],
) -> Range:
    """Where a piece of a token stands, such as 1-2.1."""
    token = name.split(".")[0]
    if token not in places:
        raise FormatError(path, line, f"a piece of the token {token}, which is not there")
    start, end = places[token]
    inside = text[start:end].encode("utf-16-le")[: 2 * (units[0] - begins[token])]
    at = start + len(inside.decode("utf-16-le", "replace"))
    if text[at : at + len(form)] != form:
        raise FormatError(path, line, f"{form!r} does not stand at its place in the token")
    return at, at + len(form)


def _values(cell: str) -> list[str]:
    """The stacked values of a cell, still escaped; none for ``_``."""
    return [] if cell in ("_", "") else _PARTED.sub(lambda match: f"{match[1]}\0", cell).split("\0")


def _plain(text: str) -> str:
    """Without the escapes."""
    return _ESCAPED.sub(lambda match: _CONTROL.get(match[1], match[1]), text)


def sniff(head: str) -> bool:
    """It begins as WebAnno TSV 3 does."""
    return head.startswith(MAGIC)


FORMAT = Format(
    name="webanno",
    suffixes=(),
    read=read,
    write=write,
    sniff=sniff,
    needs_tokens=True,
    foreign=True,
    carries=frozenset({"spans", "empty_documents", "blanks"}),
    title="WebAnno TSV 3 (INCEpTION)",
    detected="#FORMAT=WebAnno TSV 3 in the first line",
    skips=("relations, chains and further layers",),
    tried="files written from WebAnno's user guide",
)
