"""CSV tables: a document a row with its spans as JSON in a cell."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spanloop.recipes.formats.entry import Entry, Written

COLUMNS = ("id", "text", "spans", "group", "split")


def write(path: Path, entries: Iterable[Entry], _options: object) -> Written:
    """A line of names, then a row a document; ``spans`` is a list in JSON, and empty where nobody has
    answered."""
    documents = spans = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for entry in entries:
            writer.writerow(row_of(entry))
            documents, spans = documents + 1, spans + len(entry.spans or ())
    return Written(documents=documents, spans=spans)


def row_of(entry: Entry) -> dict[str, Any]:
    """The document as a row; what it does not know is an empty cell."""
    found: list[dict[str, Any]] | None = None
    if entry.spans is not None:
        found = [_span(span.start, span.end, span.label, span.score) for span in entry.spans]
    return {
        "id": entry.key,
        "text": entry.text,
        "spans": None if found is None else json.dumps(found, ensure_ascii=False),
        "group": entry.group,
        "split": entry.split,
    }


def _span(start: int, end: int, label: str, score: float | None) -> dict[str, Any]:
    span: dict[str, Any] = {"start": start, "end": end, "label": label}
    return span if score is None else {**span, "score": score}
