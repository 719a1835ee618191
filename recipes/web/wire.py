"""The page's JSON: what a post must look like, and what the page is sent.

Offsets on the wire are half-open Unicode code points, as everywhere outside the page's own JavaScript.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from spanloop.store.records import Annotation, Answer, Document, Label, Prediction, Range, Span

MAX_INT = 2**53 - 1  # what JavaScript can count to
MAX_COMMENT = 10_000
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_HALF_PAIR = re.compile("[\ud800-\udfff]")


class WireError(ValueError):
    """A request that cannot be served; ``status`` is its HTTP code and the text says what was wrong."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class PostedAnswer:
    """An answer as the page sent it, checked for shape but not yet against the store."""

    uuid: str
    document_id: int
    document_key: str
    answer: Answer
    spans: tuple[tuple[int, int, str], ...]
    prediction_id: int | None
    seconds: float | None
    comment: str
    flagged: bool
    ranges: tuple[Range, ...] | None


def parse_answer(body: Any) -> PostedAnswer:
    """Check a posted answer field by field; raises WireError naming the field."""
    fields = _object(body, "the answer")
    uuid = _text(fields, "uuid", limit=36)
    if not _UUID.match(uuid):
        raise WireError("'uuid' must be a lower-case UUID made by the page")
    answer = _text(fields, "answer", limit=10)
    if answer not in get_args(Answer):
        raise WireError("'answer' must be accept, reject or ignore")
    prediction_id = fields.get("prediction_id")
    return PostedAnswer(
        uuid=uuid,
        document_id=_integer(fields.get("document_id"), "document_id"),
        document_key=_text(fields, "document_key", limit=1_000_000),
        answer=cast(Answer, answer),
        spans=tuple(_posted_span(span) for span in _array(fields.get("spans"), "spans")),
        prediction_id=None if prediction_id is None else _integer(prediction_id, "prediction_id"),
        seconds=_seconds(fields.get("seconds")),
        comment=_text(fields, "comment", limit=MAX_COMMENT) if fields.get("comment") else "",
        flagged=_boolean(fields.get("flagged", False), "flagged"),
        ranges=_ranges(fields.get("ranges")),
    )


def parse_draft(body: Any) -> tuple[int, str, str | None]:
    """``{"document_id", "document_key", "draft": object or null}``; the draft comes back as JSON text."""
    fields = _object(body, "the draft")
    draft = fields.get("draft")
    text = None if draft is None else json.dumps(_object(draft, "'draft'"), ensure_ascii=False)
    if text is not None and _HALF_PAIR.search(text):
        raise WireError("'draft' holds half a surrogate pair")
    return (
        _integer(fields.get("document_id"), "document_id"),
        _text(fields, "document_key", limit=1_000_000),
        text,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of one document that the page names."""

    document_id: int
    document_key: str
    start: int
    end: int


def parse_proposals(body: Any) -> tuple[str, str, tuple[Place, ...]]:
    """``{"text", "label", "places": [{"document_id", "document_key", "start", "end"}]}``."""
    fields = _object(body, "the proposals")
    places = _array(fields.get("places"), "places")
    if len(places) > 1000:
        raise WireError("'places' may be at most 1,000")
    return _text(fields, "text", limit=1000), _text(fields, "label", limit=1000), tuple(map(_place, places))


def _place(value: Any) -> Place:
    place = _object(value, "a place")
    start, end = _integer(place.get("start"), "start"), _integer(place.get("end"), "end")
    if start >= end:
        raise WireError(f"a place must end after it starts, not {start} to {end}")
    document_id = _integer(place.get("document_id"), "document_id")
    return Place(document_id, _text(place, "document_key", limit=1_000_000), start, end)


def parse_client(value: Any) -> str:
    """The name that a page gave itself."""
    if not isinstance(value, str) or not 1 <= len(value) <= 64:
        raise WireError("'client' must name the page (1 to 64 characters)")
    return value


def parse_opening(body: Any) -> tuple[str, int]:
    """``{"client", "document_id"}``: a page takes a document out of turn."""
    fields = _object(body, "the request")
    return parse_client(fields.get("client")), _integer(fields.get("document_id"), "document_id")


def parse_sitting(body: Any) -> tuple[str, list[int] | None]:
    """``{"client", "held": document ids, or null: the page closes}``."""
    fields = _object(body, "the sitting")
    client, held = parse_client(fields.get("client")), fields.get("held")
    if held is None:
        return client, None
    return client, [_integer(number, "held") for number in _array(held, "held")[:1000]]


def parse_ids(text: str, name: str) -> list[int]:
    """``"3,17"`` as ``[3, 17]``; at most 1,000 ids."""
    parts = [part for part in text.split(",") if part]
    if len(parts) > 1000:
        raise WireError(f"'{name}' may name at most 1,000 documents")
    return [_digits(part, name) for part in parts]


def _digits(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= MAX_INT):
        raise WireError(f"'{name}' must be whole numbers joined by commas")
    return int(text)


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise WireError(f"{what} must be a JSON object")
    return value


def _array(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise WireError(f"'{name}' must be a JSON array")
    return value


def _integer(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INT:
        raise WireError(f"'{name}' must be a whole number of at least 0")
    return value


def _boolean(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise WireError(f"'{name}' must be true or false")
    return value


def _text(fields: Mapping[str, Any], name: str, *, limit: int) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise WireError(f"'{name}' must be a string")
    if len(value) > limit:
        raise WireError(f"'{name}' may be at most {limit:,} characters long")
    if "\0" in value or _HALF_PAIR.search(value):
        raise WireError(f"'{name}' holds a NUL or half a surrogate pair")
    return value


def _seconds(value: Any) -> float | None:
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not 0 <= value < 1e9
    ):
        raise WireError("'seconds' must be a number of at least 0")
    return float(value)


def _posted_span(value: Any) -> tuple[int, int, str]:
    span = _object(value, "a span")
    start, end = _integer(span.get("start"), "start"), _integer(span.get("end"), "end")
    if start >= end:
        raise WireError(f"a span must end after it starts, not {start} to {end}")
    return start, end, _text(span, "label", limit=1000)


def _ranges(value: Any) -> tuple[Range, ...] | None:
    if value is None:
        return None
    ranges: list[Range] = []
    for pair in _array(value, "ranges"):
        if not isinstance(pair, list) or len(pair) != 2:
            raise WireError("'ranges' must be pairs of start and end")
        start, end = _integer(pair[0], "ranges"), _integer(pair[1], "ranges")
        if start >= end or (ranges and start < ranges[-1][1]):
            raise WireError("'ranges' must be in order, apart, and each end after its start")
        ranges.append((start, end))
    return tuple(ranges)


def label_json(label: Label) -> dict[str, Any]:
    return {"name": label.name, "key": label.key, "colour": label.colour, "description": label.description}


def document_json(document: Document, tokens: Sequence[Range] | None) -> dict[str, Any]:
    """The document; ``tokens`` is flat (start, end, start, end ...), or null while not yet tokenised."""
    return {
        "id": document.id,
        "key": document.key,
        "text": document.text,
        "meta": dict(document.meta),
        "tokens": None if tokens is None else flat(tokens),
    }


def flat(tokens: Sequence[Range]) -> list[int]:
    return [offset for token in tokens for offset in token]


def suggestions_json(prediction: Prediction | None) -> list[dict[str, Any]]:
    return [] if prediction is None else [_suggestion(span) for span in prediction.spans]


def _suggestion(span: Span) -> dict[str, Any]:
    return {"id": span.id, "start": span.start, "end": span.end, "label": span.label, "score": span.score}


def annotation_json(annotation: Annotation) -> dict[str, Any]:
    """An earlier answer, as the page reopens it; refused suggestions are left out."""
    return {
        "answer": annotation.answer,
        "annotator": annotation.annotator,
        "origin": annotation.origin,
        "created_at": annotation.created_at,
        "comment": annotation.comment,
        "flagged": annotation.flagged,
        "prediction_id": annotation.prediction_id,
        "ranges": None if annotation.ranges is None else [list(pair) for pair in annotation.ranges],
        "spans": [
            {"start": span.start, "end": span.end, "label": span.label}
            for span in annotation.spans
            if span.action != "rejected"
        ],
    }
