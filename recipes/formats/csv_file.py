"""Tables with a line of names on top (CSV, TSV): a text a row, or a token a row with a tag and a sentence.

Columns are found by the names that people give them, or said: ``--columns text=Review``, or for a token a row
``--columns token=Word,tag=Tag,sentence=Nr``. What the format cannot carry: the
spaces between tokens, in a table of tokens.
"""

from __future__ import annotations

import ast
import csv
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spanloop.plugin.tagging.reading import read_tags
from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats.csv_writing import write
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.header import (
    DOCUMENTS,
    SENTENCES,
    TAGS,
    TEXTS,
    TOKENS,
    first_of,
    is_header,
    plain,
)
from spanloop.recipes.formats.json_text import NotJson, parse
from spanloop.recipes.formats.jsonl import entry_of
from spanloop.recipes.formats.lines import lines_of_head
from spanloop.recipes.formats.span_shapes import PLACES, TAGGED
from spanloop.recipes.formats.tagged import join_tokens, spans_of_tags

_PARTED_BY = (",", "\t", ";", "|")
_ROLES = ("text", "token", "tag", "sentence", "document")
_LONGEST = 2**30
Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class _Table:
    """``names``: the columns; ``places``: where each role stands among them."""

    path: Path
    delimiter: str
    names: list[str]
    places: Mapping[str, int]


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a row, or a sentence where the rows are tokens. FormatError names the line."""
    table = _open(path, options.columns)
    if "token" in table.places:
        yield from _sentences(table, options)
        return
    for line, row in _rows(table):
        try:
            yield entry_of(_record(table, row), line, options)
        except ValueError as error:
            raise FormatError(path, line, str(error)) from error


def _open(path: Path, columns: Sequence[str] | None) -> _Table:
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        first = file.readline(2**16)
    delimiter = max(_PARTED_BY, key=lambda mark: (is_header(_cells(first, mark)), first.count(mark)))
    names = _cells(first, delimiter)
    places = _guessed(names) if columns is None else _said(path, columns, names)
    if "text" not in places and not {"token", "tag"} <= places.keys():
        raise FormatError(
            path,
            1,
            f"which of the columns {', '.join(map(repr, names))} has the text? Say it with --columns "
            "text=NAME, or for a token a row --columns token=NAME,tag=NAME,sentence=NAME",
        )
    return _Table(path, delimiter, names, places)


def _cells(line: str, delimiter: str) -> list[str]:
    with suppress(csv.Error):  # a line that is no line of a table names no columns
        return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
    return []


def _guessed(names: Sequence[str]) -> dict[str, int]:
    roles = {"token": TOKENS, "tag": TAGS, "sentence": SENTENCES, "document": DOCUMENTS, "text": TEXTS}
    found = {role: first_of(names, wanted) for role, wanted in roles.items()}
    if found["text"] is not None:
        found.update(token=None, sentence=None)
    elif found["token"] is None or found["tag"] is None:
        found.update(text=first_of(names, ("sentence", "document")), token=None, sentence=None)
    return {role: names.index(name) for role, name in found.items() if name is not None}


def _said(path: Path, columns: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for column in columns:
        role, found, name = column.partition("=")
        if not found or role not in _ROLES:
            raise RecipeError(
                f"--columns has {column!r}; for a table with names on top it is ROLE=NAME, and a role is "
                + ", ".join(_ROLES)
            )
        if name not in names:
            raise FormatError(path, 1, f"there is no column {name!r}, only {', '.join(map(repr, names))}")
        places[role] = names.index(name)
    return places


def _rows(table: _Table) -> Iterator[Row]:
    """Each row behind the names with its line; an empty list for an empty line. FormatError where one has
    another number of cells."""
    csv.field_size_limit(_LONGEST)
    bare = table.delimiter == "\t" and "token" in table.places
    quoting: Literal[0, 3] = 3 if bare else 0  # csv.QUOTE_NONE, csv.QUOTE_MINIMAL
    width = len(table.names)
    with table.path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=table.delimiter, quoting=quoting, strict=True)
        line = 0
        try:
            for row in reader:
                first, line = line + 1, reader.line_num
                if first == 1:
                    continue
                if len(row) not in (0, width):
                    raise FormatError(table.path, first, f"{len(row)} cells where {width} are expected")
                yield first, row
        except csv.Error as error:
            raise FormatError(table.path, reader.line_num, f"this is no table: {error}") from error
        except UnicodeDecodeError as error:
            raise FormatError(
                table.path, None, "bytes are no UTF-8: name the encoding, e.g. --encoding cp1252"
            ) from error


def _record(table: _Table, row: Sequence[str]) -> dict[str, Any]:
    """The row as a record: spans and tags are lists that somebody wrote into a cell."""
    if not row:
        return {"text": ""}
    text = row[table.places["text"]]
    record: dict[str, Any] = {"text": text}
    for place, (name, cell) in enumerate(zip(table.names, row, strict=True)):
        if place == table.places["text"] or not cell:
            continue
        known = plain(name)
        if place == table.places.get("tag"):
            known = name = "tags" if _is_list_of_strings(_value(cell)) else name
        record[known if known in (*PLACES, *TAGGED, *TOKENS, "id") else name] = _value(cell)
    words = text.split()
    if "tokens" not in record and any(
        _is_list_of_strings(record.get(n)) and len(record[n]) == len(words) for n in TAGGED
    ):
        record["tokens"] = words
    return record


def _is_list_of_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _value(cell: str) -> Any:
    """What a cell spells: a list in JSON or as Python writes it, else itself."""
    if cell[:1] != "[":
        return cell
    with suppress(NotJson):
        return parse(cell)
    with suppress(ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # Python warns of strange escapes and numbers, on a line of its own
            found = ast.literal_eval(cell)
        return parse(json.dumps(found))  # tuples become lists; sets and bytes are nothing that JSON has
    return cell


def _sentences(table: _Table, options: ReadOptions) -> Iterator[Entry]:
    """One entry a sentence. The rows are read twice, since what the tags mean must be known first."""
    token, tag = table.places["token"], table.places["tag"]
    blanks = False
    tags: dict[str, None] = {}
    for _, row in _rows(table):
        blanks = blanks or not any(row)
        if any(row):
            tags[row[tag]] = None
    if not blanks and "sentence" not in table.places:
        raise FormatError(
            table.path, 1, "no column says where a sentence ends: --columns token=…,tag=…,sentence=NAME"
        )
    reading = read_tags(sorted(tags), of_model=False)
    for first, rows in _parted(table, _rows(table)):
        text, ranges = join_tokens([row[token] for row in rows])
        spans = spans_of_tags(ranges, [row[tag] for row in rows], task=options.task, reading=reading)
        group = rows[0][table.places["document"]] if "document" in table.places else None
        yield Entry(text=text, line=first, group=group or None, spans=spans)


def _parted(table: _Table, rows: Iterable[Row]) -> Iterator[tuple[int, list[list[str]]]]:
    """The rows of each sentence, with its first line. An empty cell says the sentence of the row before."""
    place, token = table.places.get("sentence"), table.places["token"]
    together: list[list[str]] = []
    first, number = 1, ""
    for line, row in rows:
        said = row[place] if row and place is not None else ""
        if together and (not any(row) or (said and said != number)):
            yield first, together
            together = []
        number = said or number
        if not any(row):
            continue
        if not row[token]:
            raise FormatError(table.path, line, "a tag without a token")
        first = first if together else line
        together.append(row)
    if together:
        yield first, together


def sniff(head: str) -> bool:
    """The first line names columns that people have for texts or tokens."""
    lines = lines_of_head(head)
    return bool(lines) and any(is_header(_cells(lines[0], mark)) for mark in _PARTED_BY)


FORMAT = Format(
    name="csv",
    suffixes=(".csv",),
    read=read,
    write=write,
    sniff=sniff,
    title="CSV and TSV tables with names on top",
    detected="names such as text, token, word, tag or sentence in the first line",
    skips=("columns beside tokens and tags, in a table of tokens",),
    carries=frozenset(
        {"spans", "empty_documents", "open_documents", "ids", "groups", "splits", "blanks", "scores"}
    ),
    tried="files written as the well-known data set of Kaggle and as exports of tables",
)
