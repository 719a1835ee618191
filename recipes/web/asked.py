"""What a page asks for and what it posts: the one definition of everything that comes in."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic.json_schema import SkipJsonSchema

from spanloop.recipes.web.settings import Mode
from spanloop.recipes.web.wire import (
    MAX_INT,
    Asked,
    Client,
    Comment,
    Flag,
    Key,
    Name,
    Seconds,
    Token,
    Uuid,
    Whole,
    has_half_pair,
)
from spanloop.store.records import Answer, Origin
from spanloop.store.tables.listing import STATES, State

MAX_LISTED = 1000


def _unsaid() -> None:
    """No default that a schema could show: what is left out is not null."""


class InSession(Asked):
    """What is asked by a page that knows its session, as /api/project says it; it may leave that out."""

    project: str | SkipJsonSchema[None] = Field(
        default_factory=_unsaid, description="The session's: another one's is refused with 409."
    )
    annotator: str | SkipJsonSchema[None] = Field(default_factory=_unsaid)
    mode: Mode | SkipJsonSchema[None] = Field(default_factory=_unsaid)


class Signed(Asked):
    """What is kept, so that it must say in which session it was done."""

    project: str = Field(description="The session's: what was done in another one is refused with 409.")
    annotator: str
    mode: Mode


# In a path or a query everything is text.


def _digits(text: Any) -> int:
    text = str(text)
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= MAX_INT):
        raise ValueError("must be whole numbers joined by commas")
    return int(text)


def _ids(text: Any) -> list[int]:
    parts = [part for part in str(text).split(",") if part]
    if len(parts) > MAX_LISTED:
        raise ValueError(f"may name at most {MAX_LISTED:,} documents")
    return [_digits(part) for part in parts]


_WHOLE = {"type": "integer", "minimum": 0, "maximum": MAX_INT}
Number = Annotated[int, BeforeValidator(_digits), WithJsonSchema(_WHOLE)]
Ids = Annotated[
    list[int],
    BeforeValidator(_ids),
    WithJsonSchema({"type": "string", "description": "Ids joined by commas."}),
]


MAX_FILTER = 200
# What may be left out says so with None, and never as null on the wire.
MaybeState = Annotated[State | None, WithJsonSchema({"enum": list(STATES)})]
MaybeOrigin = Annotated[Origin | None, WithJsonSchema({"enum": list(get_args(Origin))})]
MaybeId = Annotated[Number | None, WithJsonSchema(_WHOLE)]
MaybePart = Annotated[
    Annotated[str, Field(min_length=1, max_length=MAX_FILTER)] | None,
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_FILTER}),
]
MaybeShare = Annotated[
    Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None,
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1}),
]


class OfProject(Asked):
    """What the project is: in any session."""


class Next(InSession):
    """The next documents for a page that already holds some."""

    client: Client
    held: Ids = Field(default_factory=list)
    n: Number = Field(1, description="How many; 20 at most are given.")


class OfDocument(InSession):
    """One document by its number."""

    id: Number


class Earlier(InSession):
    """One's own answers."""

    n: Number = Field(50, description="How many; 500 at most are given.")


class Search(InSession):
    """The list of documents, by filters; what is left out is no filter."""

    text: str = Field("", max_length=MAX_FILTER, description="Characters in a row, case aside.")
    state: MaybeState = Field(
        default_factory=_unsaid, description="In the queue, or `review`: it waits for one."
    )
    flagged: Literal["true", "false"] = "false"
    by: MaybePart = Field(default_factory=_unsaid, description="Who has answered.")
    source: MaybeOrigin = Field(default_factory=_unsaid, description="What such an answer is.")
    label_id: MaybeId = Field(
        default_factory=_unsaid, description="A span of an answer, or of a suggestion while it is open."
    )
    meta: MaybePart = Field(default_factory=_unsaid, description="A key of the meta.")
    value: str = Field("", max_length=MAX_FILTER, description="A part of its value, case aside.")
    least: MaybeShare = Field(
        default_factory=_unsaid, description="The least sure suggestion is at least so sure."
    )
    below: MaybeShare = Field(default_factory=_unsaid, description="It is less sure.")
    after: Number = Field(0, description="Only documents behind this one: where the look before ended.")
    n: Number = Field(20, description="How many; 100 at most are given.")
    most: Number = Field(1000, description="It counts so far; 10,000 at most.")
    client: str = "-"

    @model_validator(mode="after")
    def _a_value_has_a_key(self) -> Search:
        if self.value and not self.meta:
            raise ValueError("must name with 'meta' the key whose 'value' it is about")
        return self


class Choices(InSession):
    """What the filters of the list can be set to."""


class Same(InSession):
    """The same characters in other documents."""

    client: Client
    text: str = Field(min_length=1, max_length=200)
    label_id: Number


# What is posted. Lists fail fast: a million elements that are all wrong must not become a million errors.


class Entering(Asked):
    """``token`` alone asks whose link it is; with both names it signs in as the one instead of the other."""

    token: Token
    annotator: Name = ""
    now: Name | None = Field(None, description="Who is signed in; null: nobody.")

    @property
    def named(self) -> tuple[str, str | None] | None:
        """The two names, None where it only asks."""
        return (self.annotator, self.now) if "annotator" in self.model_fields_set else None


class Opening(InSession):
    """A page takes a document out of turn."""

    client: Client
    document_id: Whole


class Sitting(InSession):
    """A page says that it lives."""

    client: Client
    held: Annotated[list[Whole], Field(fail_fast=True, max_length=MAX_LISTED)] | None = Field(
        description="The documents that it holds; null: it closes."
    )


class Stretch(Asked):
    """Characters of a document."""

    start: Whole
    end: Whole

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Stretch:
        if self.start >= self.end:
            raise ValueError(f"must end after it starts, not {self.start} to {self.end}")
        return self


class PostedSpan(Stretch):
    """A span of an answer."""

    label_id: Whole


class Place(Stretch):
    """A stretch of one document that the page names."""

    document_id: Whole
    document_key: Key


class Proposals(Signed):
    """Places that are kept as proposals in one's own drafts."""

    text: Name
    label_id: Whole
    places: Annotated[list[Place], Field(fail_fast=True, max_length=MAX_LISTED)]


def _apart(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    last = 0
    for start, end in ranges:
        if start >= end or start < last:
            raise ValueError("must be in order, apart, and each end after its start")
        last = end
    return ranges


class PostedAnswer(Signed):
    """An answer; the same uuid twice is one answer."""

    uuid: Uuid
    document_id: Whole
    document_key: Key
    answer: Answer
    spans: Annotated[list[PostedSpan], Field(fail_fast=True)]
    prediction_id: Whole | None = None
    seconds: Seconds | None = None
    comment: Comment = ""
    flagged: Flag = False
    ranges: Annotated[list[tuple[Whole, Whole]], Field(fail_fast=True), AfterValidator(_apart)] | None = (
        Field(None, description="The characters really looked at; null: the whole document.")
    )
    in_parts: Flag = Field(
        False, description="It answers the parts that were asked, beside what was said of others before."
    )
    labels: Annotated[list[Whole], Field(fail_fast=True, max_length=MAX_LISTED)] | None = Field(
        None, description="Ids of the labels that the page had to give; null: all in use."
    )


def _storable(draft: Any) -> dict[str, Any]:
    if not isinstance(draft, dict):
        raise ValueError("must be a JSON object")
    if has_half_pair(json.dumps(draft, ensure_ascii=False)):
        raise ValueError("holds half a surrogate pair")
    return draft


def saved_at(draft: Any) -> float | None:
    """When the page says that it kept a draft, None where it does not."""
    moment = draft.get("saved_at") if isinstance(draft, dict) else None
    return float(moment) if isinstance(moment, int | float) and abs(moment) <= MAX_INT else None


class PostedDraft(Signed):
    """The unfinished edits of one document; ``draft`` is kept as it is, and null drops what was kept."""

    document_id: Whole
    document_key: Key
    draft: Annotated[dict[str, Any], PlainValidator(_storable), WithJsonSchema({"type": "object"})] | None
    resent: Flag = Field(
        False, description="A page that is gone had kept it, so that there may be a newer one."
    )
