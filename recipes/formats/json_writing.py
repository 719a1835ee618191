"""A JSON array of the objects that our JSON Lines has one a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from spanloop.recipes.formats.entry import Entry, Written
from spanloop.recipes.formats.jsonl import as_record


def write_array(path: Path, entries: Iterable[Entry], record_of: Callable[[Entry], Any]) -> Written:
    """Write an array with one value a line, letters as they are, as the entries come."""
    documents = spans = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for entry in entries:
            file.write(",\n" if documents else "[\n")
            file.write(json.dumps(record_of(entry), ensure_ascii=False))
            documents, spans = documents + 1, spans + len(entry.spans or ())
        file.write("\n]\n" if documents else "[]\n")
    return Written(documents=documents, spans=spans)


def write(path: Path, entries: Iterable[Entry], _options: object) -> Written:
    """An array of the records of our JSONL: what that carries, this does."""
    return write_array(path, entries, as_record)


def write_spacy_v2(path: Path, entries: Iterable[Entry], _options: object) -> Written:
    """What spaCy 2 was trained on: ``[text, {"entities": [[start, end, label], ...]}]``; a document that
    nobody has answered has an empty object."""
    return write_array(path, entries, spacy_v2_record)


def spacy_v2_record(entry: Entry) -> list[Any]:
    """The pair of a text and what is said of it."""
    if entry.spans is None:
        return [entry.text, {}]
    return [entry.text, {"entities": [[span.start, span.end, span.label] for span in entry.spans]}]
