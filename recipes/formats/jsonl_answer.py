"""What a line of our JSONL says of the answer beside its spans: who gave it, when, the flag, the comment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypedDict, cast, get_args

from spanloop.recipes.formats.entry import Entry
from spanloop.store.clock import moment, written
from spanloop.store.records import Origin


class Answered(TypedDict, total=False):
    """Fields of an entry; those that the line does not say are left out."""

    annotator: str
    origin: Origin
    created_at: str
    flagged: bool
    comment: str


def answered(record: Mapping[str, Any]) -> Answered:
    """What the record says of its answer; what is something else under one of these names is passed over, as
    is everything where the record says nothing of spans. ``origin`` counts beside ``annotator`` alone."""
    found = Answered()
    annotator, origin, comment = record.get("annotator"), record.get("origin"), record.get("comment")
    if isinstance(annotator, str) and annotator.strip():
        found["annotator"] = annotator
        if origin in get_args(Origin):
            found["origin"] = cast(Origin, origin)
    at = record.get("created_at")
    if isinstance(at, str):
        with suppress(ValueError, OverflowError):  # a moment of another kind stays in the meta
            found["created_at"] = written(moment(at))
    if record.get("flagged") is True:
        found["flagged"] = True
    if isinstance(comment, str) and comment:
        found["comment"] = comment
    return found


def answer_record(entry: Entry) -> dict[str, Any]:
    """The same as the keys that are written."""
    said: dict[str, Any] = {
        "annotator": entry.annotator,
        "origin": None if entry.annotator is None or entry.origin == "human" else entry.origin,
        "created_at": entry.created_at,
        "flagged": entry.flagged or None,
        "comment": entry.comment or None,
    }
    return {name: value for name, value in said.items() if value is not None}
