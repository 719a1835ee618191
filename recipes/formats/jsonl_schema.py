"""What a line of our JSONL may say, field by field; the JSON schema in docs/jsonl.schema.json is made of it.

Importing this loads pydantic, which reading and writing such files does without.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import Required, TypedDict  # before Python 3.12 pydantic reads no other

Offset = Annotated[int, Field(ge=0)]
Label = Annotated[str, Field(min_length=1)]
_SPAN = ConfigDict(use_attribute_docstrings=True, extra="forbid")
_LINE = ConfigDict(use_attribute_docstrings=True, extra="allow")


@with_config(_SPAN)
class SpanObject(TypedDict, total=False):
    """Characters of the text with a label."""

    start: Required[Offset]
    """The first character, counted from 0 in Unicode code points."""
    end: Required[Offset]
    """The character behind the last one."""
    label: Required[Label]
    """A label of the project; in a tags project the tag of one token."""
    score: float
    """The model's confidence, 0 to 1."""
    text: str
    """Its characters, which are held against the offsets; `mention`, `surface` and the like are read too."""


SpanGiven = SpanObject | tuple[Offset, Offset, Label]


@with_config(_LINE)
class Line(TypedDict, total=False):
    """One document, or one opinion of it. What the line says besides goes into the meta data."""

    text: str
    """The text. Where `tokens` stand it may be left out: they are joined with blanks."""
    id: str | int
    """The document's key: two lines of one key are one document. Without it the text gives one."""
    spans: list[SpanGiven] | None
    """All spans of the document, objects or `[start, end, label]`; an empty list says that there are none,
    and no list says nothing. `label`, `labels` and `entities` are read too where they hold triples."""
    answer: Literal["accept", "reject", "ignore"]
    """What was said of the document; without it `accept`."""
    ranges: list[tuple[Offset, Offset]]
    """The characters that were looked at, in order and apart; without it all of them."""
    negatives: list[SpanGiven]
    """Suggestions that were refused."""
    known_labels: list[str]
    """The labels that it speaks of; without it all of the project."""
    predicted_by: str
    """The model that said it: the spans are predictions, not annotations."""
    annotator: str
    """Who said it: the spans are this person's answer. Without it they are the file's."""
    origin: Literal["human", "import", "simulated", "review", "machine"]
    """What the answer of an `annotator` is, such as a `review`; without it `human`."""
    created_at: str
    """When it was said, ISO 8601; without a zone it is UTC."""
    flagged: bool
    """Whether the answer flags the document."""
    comment: str
    """What was written beside the answer."""
    group: str | int
    """What belongs together stands on one side of the split; `doc` is read too. Without it the key."""
    split: Literal["pool", "eval", "train", "dev", "test"]
    """The side of the split: `train` is the pool, `test` is eval, `dev` what `--dev` says. Without it the
    group decides."""
    meta: dict[str, Any] | None
    """What is kept with the document and shown beside it."""
    tokens: list[str | dict[str, Any]]
    """The words, or objects with a `text`."""
    tags: list[str]
    """A tag a word of `tokens`, in any of the usual schemes."""


def schema_of_line() -> dict[str, Any]:
    """The JSON schema (2020-12) of a line.

    Returns:
        The schema as a JSON-ready value.
    """
    return TypeAdapter(Line).json_schema(mode="validation")
