"""The page's JSON on its way in: what a request must look like.

Offsets on the wire are half-open Unicode code points, as everywhere outside the page's own JavaScript.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from spanloop.store.records import Answer, Range

MAX_INT = 2**53 - 1  # what JavaScript can count to
MAX_COMMENT = 10_000
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_HALF_PAIR = re.compile("[\ud800-\udfff]")


class WireError(ValueError):
    """A request that cannot be served: the text says what was wrong to people, ``reason`` to the page.

    ``status`` is the HTTP code.
    """

    def __init__(self, message: str, status: int = 400, *, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class PostedAnswer:
    """An answer as the page sent it, checked for shape but not yet against the store."""

    uuid: str
    document_id: int
    document_key: str
    answer: Answer
    spans: tuple[tuple[int, int, int], ...]  # start, end, id of the label
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


@dataclass(frozen=True, slots=True)
class PostedDraft:
    """Unfinished edits as JSON text, None to drop them. ``saved_at``: by the clock of the page; ``resent``: a
    page that is gone had kept them, and there may be newer ones."""

    document_id: int
    document_key: str
    text: str | None
    saved_at: float | None
    resent: bool


def parse_draft(body: Any) -> PostedDraft:
    """``{"document_id", "document_key", "draft": object or null, "resent": true or false}``."""
    fields = _object(body, "the draft")
    draft = fields.get("draft")
    text = None if draft is None else json.dumps(_object(draft, "'draft'"), ensure_ascii=False)
    if text is not None and _HALF_PAIR.search(text):
        raise WireError("'draft' holds half a surrogate pair")
    return PostedDraft(
        document_id=_integer(fields.get("document_id"), "document_id"),
        document_key=_text(fields, "document_key", limit=1_000_000),
        text=text,
        saved_at=None if draft is None else saved_at(draft),
        resent=_boolean(fields.get("resent", False), "resent"),
    )


def saved_at(draft: Any) -> float | None:
    """When the page says that it kept a draft, None where it does not."""
    moment = draft.get("saved_at") if isinstance(draft, dict) else None
    return float(moment) if isinstance(moment, int | float) and abs(moment) <= MAX_INT else None


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of one document that the page names."""

    document_id: int
    document_key: str
    start: int
    end: int


def parse_proposals(body: Any) -> tuple[str, int, tuple[Place, ...]]:
    """``{"text", "label_id", "places": [{"document_id", "document_key", "start", "end"}]}``."""
    fields = _object(body, "the proposals")
    places = _array(fields.get("places"), "places")
    if len(places) > 1000:
        raise WireError("'places' may be at most 1,000")
    label_id = _integer(fields.get("label_id"), "label_id")
    return _text(fields, "text", limit=1000), label_id, tuple(map(_place, places))


def _place(value: Any) -> Place:
    place = _object(value, "a place")
    start, end = _integer(place.get("start"), "start"), _integer(place.get("end"), "end")
    if start >= end:
        raise WireError(f"a place must end after it starts, not {start} to {end}")
    document_id = _integer(place.get("document_id"), "document_id")
    return Place(document_id, _text(place, "document_key", limit=1_000_000), start, end)


def parse_entering(body: Any) -> tuple[str, tuple[str, str | None] | None]:
    """``{"token"}`` asks; with ``annotator`` and ``now`` (null: nobody) it signs in as the one instead of
    the other. Gives the token and those two names, None where it only asks."""
    fields = _object(body, "the request")
    token = _text(fields, "token", limit=200)
    if "annotator" not in fields:
        return token, None
    now = None if fields.get("now") is None else _text(fields, "now", limit=1000)
    return token, (_text(fields, "annotator", limit=1000), now)


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


def _posted_span(value: Any) -> tuple[int, int, int]:
    span = _object(value, "a span")
    start, end = _integer(span.get("start"), "start"), _integer(span.get("end"), "end")
    if start >= end:
        raise WireError(f"a span must end after it starts, not {start} to {end}")
    return start, end, _integer(span.get("label_id"), "label_id")


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
