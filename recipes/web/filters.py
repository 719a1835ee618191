"""What a page asks of the list of documents: the filters in the query, checked one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

from spanloop.recipes.web.wire import MAX_INT, WireError
from spanloop.store.records import Origin, QueueState
from spanloop.store.tables.listing import State, Wanted

MAX_TEXT = 200
MAX_HITS = 100
MAX_COUNTED = 10_000
STATES: tuple[str, ...] = (*get_args(QueueState), "review")


@dataclass(frozen=True, slots=True)
class AskedList:
    """The filters, and which part of the list: ``n`` hits behind ``after``, counting to ``most``."""

    wanted: Wanted
    client: str
    after: int
    n: int
    most: int


def parse_asked(query: Mapping[str, str]) -> AskedList:
    """The filters of a query; what is empty is no filter. WireError names the parameter that is wrong."""
    wanted = Wanted(
        text=_text(query, "text"),
        state=cast(State | None, _one_of(query, "state", STATES)),
        flagged=_one_of(query, "flagged", ("true", "false")) == "true",
        annotator=_text(query, "by") or None,
        origin=cast(Origin | None, _one_of(query, "source", get_args(Origin))),
        label_id=_whole(query, "label_id", MAX_INT),
        meta=_meta(query),
        least=_share(query, "least"),
        below=_share(query, "below"),
    )
    return AskedList(
        wanted,
        query.get("client") or "-",
        after=_whole(query, "after", MAX_INT) or 0,
        n=_or(_whole(query, "n", MAX_HITS), 20),
        most=max(1, _or(_whole(query, "most", MAX_COUNTED), 1_000)),
    )


def _or(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number


def _text(query: Mapping[str, str], name: str) -> str:
    value = query.get(name, "")
    if len(value) > MAX_TEXT:
        raise WireError(f"{name!r} may be at most {MAX_TEXT} characters long")
    return value


def _one_of(query: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str | None:
    value = query.get(name, "")
    if value and value not in choices:
        raise WireError(f"{name!r} is one of {', '.join(choices)}")
    return value or None


def _whole(query: Mapping[str, str], name: str, most: int) -> int | None:
    value = query.get(name, "")
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 16 and int(value) <= most):
        raise WireError(f"{name!r} must be a whole number of at most {most}")
    return int(value)


def _share(query: Mapping[str, str], name: str) -> float | None:
    value = query.get(name, "")
    if not value:
        return None
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise WireError(f"{name!r} must be a number from 0 to 1")
    return share


def _meta(query: Mapping[str, str]) -> tuple[str, str] | None:
    key = _text(query, "meta")
    value = _text(query, "value")
    if value and not key:
        raise WireError("'value' goes with 'meta', the key whose value it is a part of")
    return (key, value) if key else None
