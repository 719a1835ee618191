"""doccano's JSON Lines, as it is imported there for sequence labelling: ``text``, ``label`` as triples, and
every further key as metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spanloop.recipes.formats.entry import Entry, Written

_OURS = frozenset(
    [
        "id",
        "text",
        "spans",
        "label",
        "labels",
        "entities",
        "annotations",
        "relations",
        "Comments",
        "tokens",
        "tags",
        "ner_tags",
        "answer",
        "split",
        "group",
        "doc",
        "meta",
        "ranges",
        "negatives",
        "predicted_by",
        "known_labels",
        "annotator",
        "origin",
        "created_at",
        "flagged",
        "comment",
    ]
)
"""Keys that a reader takes for something else than metadata."""


def write(path: Path, entries: Iterable[Entry], _options: object) -> Written:
    """One object a line; the triples of a document without spans are an empty list, one that nobody has
    answered has no list."""
    documents = spans = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for entry in entries:
            file.write(json.dumps(record_of(entry), ensure_ascii=False) + "\n")
            documents, spans = documents + 1, spans + len(entry.spans or ())
    return Written(documents=documents, spans=spans)


def record_of(entry: Entry) -> dict[str, Any]:
    """The document as doccano takes it."""
    record: dict[str, Any] = {"text": entry.text}
    if entry.key is not None:
        record["id"] = entry.key
    if entry.spans is not None:
        record["label"] = [[span.start, span.end, span.label] for span in entry.spans]
    meta = dict(entry.meta)
    return {**record, "meta": meta} if _OURS & set(meta) else {**record, **meta}
