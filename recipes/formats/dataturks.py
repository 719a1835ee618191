"""DataTurks' export of text annotation: a line a document, with ``content`` and ``annotation``; ends are
inclusive there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.json_values import first_record, lines_or_array
from spanloop.recipes.formats.span_shapes import is_offset
from spanloop.store.records import Span

DISCONTINUOUS = "discontinuous"


def read(path: Path, _options: ReadOptions) -> Iterator[Entry]:
    """One entry a document; ``annotation`` null says nothing of spans."""
    for line, record in lines_or_array(path):
        try:
            yield _entry(record, line)
        except ValueError as error:
            raise FormatError(path, line, str(error)) from error


def _entry(record: Any, line: int) -> Entry:
    if not isinstance(record, Mapping) or not isinstance(record.get("content"), str):
        raise ValueError('every document needs a "content" that is a string')
    text = record["content"]
    found = record.get("annotation")
    if found is not None and not isinstance(found, list):
        raise ValueError(f'"annotation" is a {type(found).__name__}; a list or null is expected')
    spans: list[Span] = []
    refused: list[tuple[Span, str]] = []
    for number, one in enumerate(found or (), start=1):
        places, labels = _said(one, number)
        for label in labels:
            pieces = [_span(place, label, text, number) for place in places]
            if len(pieces) == 1:
                spans += pieces
            else:
                whole = Span(min(p.start for p in pieces), max(p.end for p in pieces), label)
                refused.append((whole, DISCONTINUOUS))
    about = {
        key: value
        for key, value in record.items()
        if key not in ("content", "annotation") and value is not None
    }
    return Entry(
        text=text,
        line=line,
        meta=about,
        spans=None if found is None else tuple(spans),
        refused=tuple(refused),
    )


def _said(annotation: Any, number: int) -> tuple[list[Any], list[str]]:
    points, labels = (
        annotation.get(name) if isinstance(annotation, Mapping) else None for name in ("points", "label")
    )
    labels = [labels] if isinstance(labels, str) else labels
    if not isinstance(points, list) or not points or not isinstance(labels, list) or not labels:
        raise ValueError(f'annotation {number} has no "points" and "label", which are lists')
    if not all(isinstance(label, str) and label for label in labels):
        raise ValueError(f"annotation {number} has the labels {labels!r}; names are expected")
    return points, labels


def _span(place: Any, label: str, text: str, number: int) -> Span:
    """The span; its own text says whether its end is inclusive, as it always should be."""
    start, end = (place.get("start"), place.get("end")) if isinstance(place, Mapping) else (None, None)
    if not (isinstance(start, int) and isinstance(end, int) and is_offset(start) and is_offset(end)):
        raise ValueError(
            f"annotation {number} has start {start!r} and end {end!r}; both must be whole numbers"
        )
    own = place.get("text")
    inclusive = not (isinstance(own, str) and own == text[start:end] != text[start : end + 1])
    return Span(start, end + inclusive, label)


def sniff(head: str) -> bool:
    """The first record has ``content`` and ``annotation``."""
    record = first_record(head)
    return isinstance(record, Mapping) and {"content", "annotation"} <= set(record)


FORMAT = Format(
    name="dataturks",
    suffixes=(".json",),
    read=read,
    write=None,
    sniff=sniff,
    foreign=True,
    title="DataTurks' JSON",
    detected="content and annotation in the first line",
    tried="a file written from public examples",
)
