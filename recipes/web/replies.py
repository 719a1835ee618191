"""The one definition of every answer that the page is sent.

These are TypedDicts and no models: an answer is a plain dict on its way to JSON, so that checking costs
nothing where people wait. mypy holds the code to them, and the tests hold every real answer to the OpenAPI
that is made from them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, with_config
from typing_extensions import NotRequired, TypedDict  # before Python 3.12 pydantic reads no other

from spanloop.recipes.web.settings import Mode, View
from spanloop.store.records import Answer, Origin, Split, Task

_reply = with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True))
Offsets = list[int]
Counts = dict[str, int]


@_reply
class Refused(TypedDict):
    """A request that was not served."""

    error: str
    """For people: what was wrong, and what to do instead."""
    reason: NotRequired[str]
    """One word, where the page can act upon it."""


@_reply
class SessionSent(TypedDict):
    """In whose name, for which project and with what power a page works."""

    project: str
    annotator: str
    mode: Mode


@_reply
class LabelSent(TypedDict):
    """A label in use."""

    id: int
    name: str
    key: str | None
    """The key that gives it."""
    colour: str | None
    description: str


HeadlineName = Literal["strict micro F1", "accuracy"]


@_reply
class Figures(TypedDict):
    """How good the promoted round is on the eval split."""

    round: int
    metric: HeadlineName
    """Which figure it is: accuracy in a tags project."""
    value: float | None
    before: float | None
    """The same of the round that it came from."""
    waited: float | None
    """Seconds from the start of its training until the next documents had its suggestions; null where it made
    none then."""


@_reply
class OtherSplit(TypedDict):
    """The split that this page does not serve."""

    split: Split
    open: int
    """Documents without an answer there: what may come next."""


@_reply
class ProjectSent(TypedDict):
    """All that the page needs once."""

    session: SessionSent
    name: str
    file: str
    """The name of the project's file, for commands."""
    task: Task
    labels: list[LabelSent]
    instructions: str
    """Markdown."""
    keys: dict[str, Any]
    """Keys of the page that this project changes."""
    named: bool
    """Whether the people who may come in are named."""
    annotator: str
    split: Split
    other_split: OtherSplit
    blind: bool
    view: View
    only: str | None
    """The one label that is asked about; null: every one."""
    counts: Counts
    """Documents by state."""
    figures: Figures | None
    """Null before a round is promoted."""
    advice: list[str]
    """Whether to annotate on, a sentence each; none before the first round."""


@_reply
class Suggestion(TypedDict):
    """A span that a model suggests."""

    id: int | None
    start: int
    end: int
    label: str
    label_id: int | None
    score: float | None
    """The model's confidence, 0 to 1."""


@_reply
class AnsweredSpan(TypedDict):
    """A span of an answer."""

    start: int
    end: int
    label: str
    label_id: int | None


@_reply
class EarlierAnswer(TypedDict):
    """An answer as the page reopens it; suggestions that were refused are left out."""

    answer: Answer
    annotator: str
    origin: Origin
    created_at: str | None
    comment: str
    flagged: bool
    prediction_id: int | None
    ranges: list[Offsets] | None
    """The characters really looked at, start and end; null: the whole document."""
    spans: list[AnsweredSpan]


@_reply
class ListedAnswer(EarlierAnswer):
    """An answer in a list of them, with the number and the beginning of its document."""

    id: int
    text: str


@_reply
class Opened(TypedDict):
    """A document and what its answer starts from: the draft, else the answer, else the suggestions."""

    id: int
    key: str
    text: str
    meta: dict[str, Any]
    tokens: Offsets | None
    """Start, end, start, end ...; null while they are not known."""
    suggestions: list[Suggestion]
    prediction_id: int | None
    """What the suggestions are of: an answer names it."""
    model: str | None
    answer: EarlierAnswer | None
    draft: dict[str, Any] | None
    reason: str
    """Why a review is asked for."""
    parts: list[Offsets] | None
    """The characters that are asked, start and end of each part; null: all of the document."""


@_reply
class Taken(Opened):
    """A document out of turn, and who else has it in hand."""

    others: list[str]


@_reply
class NextSent(TypedDict):
    """The next documents; those with a draft first."""

    documents: list[Opened]
    counts: Counts


@_reply
class TokensSent(TypedDict):
    """The token boundaries of a document."""

    tokens: Offsets | None
    """Start, end, start, end ...; null while they are not known."""
    failed: bool
    """Whether they will not come."""


@_reply
class AnswersSent(TypedDict):
    """One's own answers, newest first, one a document."""

    answers: list[ListedAnswer]


@_reply
class FoundPlace(TypedDict):
    """Where the same characters stand."""

    document_id: int
    document_key: str
    start: int
    end: int
    before: str
    text: str
    after: str
    now: list[str]
    """Labels of what is suggested there."""


@_reply
class PlacesSent(TypedDict):
    """The same characters in other open documents."""

    places: list[FoundPlace]
    more: bool
    """Whether the list was cut."""
    in_other_hands: int
    """Documents that are left out because somebody has them in hand."""
    unindexed: int
    """Documents that were looked through without the search index."""


@_reply
class Proposed(TypedDict):
    """What became of places that were proposed."""

    documents: int
    """In so many drafts they are kept."""
    left_out: int
    """Documents that were taken in hand or answered meanwhile."""


@_reply
class Stored(TypedDict):
    """An answer that is committed."""

    annotation_id: int
    new: bool
    """False for one that was stored already."""
    counts: Counts


@_reply
class DraftKept(TypedDict):
    """A draft is kept, or dropped."""

    saved: bool


@_reply
class SittingHeard(TypedDict):
    """What a page holds, and who else has which of it in hand."""

    held: list[int]
    others: dict[str, list[str]]
    """By the number of the document."""


@_reply
class Entered(TypedDict):
    """Whose link it is, who is signed in (null: nobody), and whether that was changed."""

    annotator: str
    now: str | None
    signed_in: bool
