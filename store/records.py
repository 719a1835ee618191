"""The nouns of the store: frozen values that go in and come out; no row, no connection, no SQL.

Every offset is half-open and counts Unicode code points of the document's text.
A span of a ``tags`` project covers one token and its label is the tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Task = Literal["spans", "tags"]
Split = Literal["pool", "eval"]
Answer = Literal["accept", "reject", "ignore"]
Origin = Literal["human", "import", "simulated", "review", "machine"]
Action = Literal["taken", "changed", "added", "rejected"]
ModelKind = Literal["round", "hf", "spacy", "patterns", "import"]
RoundState = Literal["running", "done", "failed", "cancelled"]
QueueState = Literal["open", "answered", "ignored", "rejected", "conflict"]
Metric = Literal["strict", "lenient", "accuracy"]
Average = Literal["micro", "macro", "weighted"]
Drawn = Literal["strategy", "random", "reopened"]
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Project:
    """What the file is about: one task and one label set."""

    task: Task
    base_model: str
    lang: str | None = None
    nlp: str | None = None
    eval_fraction: float = 0.2
    seed: int = 0
    instructions: str = ""
    tokenizer: str | None = None  # hash of the tokenizer whose boundaries the page shows
    overlap: int = 1  # how many people answer each document
    page: Mapping[str, Any] = field(default_factory=dict)  # settings of the correction page
    uid: str = ""  # of the project, whatever its file is called; a copy has the same


@dataclass(frozen=True, slots=True)
class Label:
    """One label; spans point at ``id``, so a rename is one row."""

    name: str
    id: int | None = None
    position: int = 0
    key: str | None = None
    colour: str | None = None
    description: str = ""
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A text as it came in. ``key`` None on the way in means: derive it from the text."""

    text: str
    key: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    group: str | None = None
    split: Split | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a document on its way in; ``new`` is False when it was there already."""

    document_id: int
    key: str
    new: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``start`` to ``end`` (excluded) carry ``label``; ``score`` 0-1 where a model gave one."""

    start: int
    end: int
    label: str
    score: float | None = None
    id: int | None = None  # prediction_spans.id, once stored as a prediction


@dataclass(frozen=True, slots=True)
class AnnotatedSpan:
    """A span as a person left it and what was done to the suggestion it came from.

    ``rejected``: the suggestion was refused; it is no gold but a negative for training.
    """

    start: int
    end: int
    label: str
    action: Action = "added"
    prediction_span_id: int | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """Whatever made predictions.

    ``hash`` is of weights and settings; ``path`` is relative to the store's folder.
    """

    hash: str
    kind: ModelKind
    name: str
    path: str | None = None
    round: int | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model said of one document."""

    document_id: int
    model_id: int
    spans: tuple[Span, ...]
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """One revision, append-only. ``uuid`` is made by the client: the same uuid twice is one row.

    ``ranges``: the characters really looked at; None = the whole document.
    """

    uuid: str
    document_id: int
    annotator: str
    origin: Origin
    answer: Answer
    spans: tuple[AnnotatedSpan, ...] = ()
    ranges: tuple[Range, ...] | None = None
    prediction_id: int | None = None
    seconds: float | None = None
    created_at: str | None = None  # ISO 8601, UTC; the store fills it in
    comment: str = ""
    flagged: bool = False
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of an annotation on its way in; ``new`` is False for a repeated submit."""

    annotation_id: int
    new: bool


@dataclass(frozen=True, slots=True)
class DraftOf:
    """Which answer a draft was begun for: whose, of which document, and whether it is a review or blind."""

    annotator: str
    document_id: int
    origin: Origin = "human"
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Gold:
    """A document whose truth is known: what training and scoring read."""

    document: Document
    annotation_id: int
    spans: tuple[Span, ...]
    negatives: tuple[Span, ...] = ()
    ranges: tuple[Range, ...] | None = None


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A document handed out for correction, leased until ``lease_until`` (ISO 8601, UTC)."""

    document: Document
    prediction: Prediction | None
    model: Model | None
    lease_until: str
    drawn: Drawn


@dataclass(frozen=True, slots=True)
class Score:
    """One figure row of a round; exactly one of ``average`` and ``label`` is set, or neither for accuracy."""

    split: str
    metric: Metric
    average: Average | None
    label: str | None
    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    f1_low: float | None = None
    f1_high: float | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One retraining: what went in, what came out."""

    number: int
    state: RoundState
    parent: int | None
    parameters: Mapping[str, Any]
    seed: int
    class_weights: Mapping[str, float] | None
    manifest: Mapping[str, Any] | None
    model_id: int | None
    promoted: bool
    started_at: str
    finished_at: str | None = None
    error: str | None = None
    files_hash: str | None = None  # of the files of its pipeline; None while it has none


@dataclass(frozen=True, slots=True)
class AlignmentEvent:
    """A span that could not stay where it was meant: what it was, what was done, why."""

    document_id: int
    start: int
    end: int
    label: str
    action: str  # snapped, dropped, split, trimmed, conflict
    reason: str
    placed_start: int | None = None
    placed_end: int | None = None
    model_id: int | None = None
    annotation_id: int | None = None
    source: str | None = None  # import file
    line: int | None = None
    id: int | None = None
