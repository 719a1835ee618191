"""doccano's exports, in all four shapes: ``label`` or ``labels`` as lists of [start, end, label];
``entities`` and ``relations``; ``annotations`` of several people; as JSON Lines or as one array.

Written: ``label`` as triples. What the format cannot carry: relations, which stay in the meta.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.doccano_writing import write
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.json_values import first_record, lines_or_array
from spanloop.recipes.formats.jsonl import entry_of
from spanloop.recipes.formats.span_shapes import is_offset, is_span

_TRIPLES = ("label", "labels")
_OBJECTS = ("entities", "annotations")


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a record, or one a person where its annotations name several."""
    for line, record in lines_or_array(path):
        try:
            if not isinstance(record, Mapping):
                raise ValueError(f"a document is an object, not a {type(record).__name__}")
            yield from _entries(record, line, options)
        except ValueError as error:
            raise FormatError(path, line, str(error)) from error


def _entries(record: Mapping[str, Any], line: int, options: ReadOptions) -> Iterator[Entry]:
    comments = _comments(record.get("Comments"))
    rest = {key: value for key, value in record.items() if key != "Comments" or comments is None}
    people = _people(record.get("annotations"))
    if not people:
        yield replace(entry_of(rest, line, options), comment=comments or "")
        return
    for number, person in enumerate(people):
        said = [one for one in record["annotations"] if one["user"] == person]
        entry = entry_of({**rest, "annotations": said}, line, options)
        yield replace(entry, annotator=f"doccano-{person}", comment=comments or "", continues=number > 0)


def _people(annotations: Any) -> list[Any]:
    """Who said something of the document, where its annotations name that."""
    if not isinstance(annotations, list) or not all(
        is_span(one) and _names_person(one) for one in annotations
    ):
        return []
    return list(dict.fromkeys(one["user"] for one in annotations))


def _names_person(annotation: Any) -> bool:
    return isinstance(annotation, Mapping) and isinstance(annotation.get("user"), str | int)


def _comments(value: Any) -> str | None:
    """The comments as one text; None where they are something else."""
    if not isinstance(value, list):
        return None
    said = [one.get("text") if isinstance(one, Mapping) else one for one in value]
    texts = [one for one in said if isinstance(one, str)]
    return "\n".join(texts) if len(texts) == len(said) else None


def sniff(head: str) -> bool:
    """The first record has a text, and spans as doccano spells them."""
    record = first_record(head)
    if not isinstance(record, Mapping) or not isinstance(record.get("text"), str) or "spans" in record:
        return False
    lists = {name: value for name, value in record.items() if isinstance(value, list)}
    if any(lists.get(name) and all(map(_is_triple, lists[name])) for name in _TRIPLES):
        return True
    offsets = any(
        lists.get(name) and all(isinstance(o, Mapping) and "start_offset" in o for o in lists[name])
        for name in _OBJECTS
    )
    nobody_answered = set(record) == {"id", "text", "label"} and record["label"] == []
    return offsets or "Comments" in lists or nobody_answered


def _is_triple(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 3 and all(map(is_offset, item[:2]))


FORMAT = Format(
    name="doccano",
    suffixes=(".jsonl", ".json"),
    read=read,
    write=write,
    sniff=sniff,
    foreign=True,
    offsets=True,
    carries=frozenset({"spans", "empty_documents", "open_documents", "ids", "metadata", "blanks"}),
    title="doccano's JSONL and JSON",
    detected="label as lists of [start, end, label], or entities with start_offset",
    skips=("relations, which stay in the meta",),
    tried="an export of a public project; the other shapes by doccano's documentation",
)
