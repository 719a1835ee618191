"""What the page is sent of the list of documents; see ``replies``."""

from __future__ import annotations

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict  # before Python 3.12 pydantic reads no other

from spanloop.store.records import Origin, QueueState

_reply = with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True))


@_reply
class ListedDocument(TypedDict):
    """A document of the list, and how it stands."""

    id: int
    key: str
    pieces: list[tuple[str, bool]]
    """Characters around the first hit, each piece with whether it is a hit."""
    state: QueueState
    answered_by: list[str]
    flagged_by: list[str]
    """On whose behalf a flag stands."""
    review: bool
    """Whether it waits for one."""
    source: Origin | None
    """What the answer is that made it gold; null: it is none."""
    others: list[str]
    """Who has it in hand."""


@_reply
class FoundSent(TypedDict):
    """A part of the list: the first hits, and how far the look has come."""

    documents: list[ListedDocument]
    counted: int
    """Hits of this look, shown or not."""
    until: int
    """It has looked at all documents up to this one; the next look goes on behind it."""
    whole: bool
    """Whether no hit lies behind that."""
    last: int
    """The last document of the project."""


@_reply
class ChoicesSent(TypedDict):
    """What the filters can be set to, as far as a look at some documents and answers shows it."""

    people: list[str]
    keys: list[str]
    """Of meta."""
