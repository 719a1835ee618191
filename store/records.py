"""The nouns of the store: frozen values that go in and come out; no row, no connection, no SQL.

Offsets are half-open and count code points of the text; a span of a ``tags`` project is one token."""

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
    page_url: str | None = None  # where the correction page was served last
    unit: Literal["token", "wordpiece"] = "token"  # what the model gives one tag
    unaided_share: float = 0.0  # of the documents, those that people get without suggestions


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A label on its way in; key and colour None: the store chooses them."""

    name: str
    key: str | None = None
    colour: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """One label of the project; spans point at ``id``, so a rename is one row."""

    name: str
    id: int
    position: int
    key: str | None
    colour: str | None
    description: str
    retired: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """The project and its labels as they were at one moment; gold that was read then has these names.

    ``labels`` are those in use, in their order; ``readings`` says what the spans of each label id read as:
    those of a merged label as the one it went into, those of a retired one not at all.
    """

    project: Project
    labels: tuple[Label, ...]
    readings: Mapping[int, str]

    @property
    def names(self) -> list[str]:
        """The names of the labels in use, in their order."""
        return [label.name for label in self.labels]

    def names_of(self, ids: Mapping[str, int]) -> dict[str, str | None]:
        """What labels that had these names once, each with its id, were called at this moment; None for one
        that was not in use any more."""
        return {name: self.readings.get(label_id) for name, label_id in ids.items()}


@dataclass(slots=True)  # not frozen, as `Added`
class NewDocument:
    """A text on its way in. None: the key is derived from the text, the group is the document's own, the
    split is drawn by the group's hash."""

    text: str
    key: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    group: str | None = None
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A text of the project; it never changes."""

    text: str
    key: str
    meta: Mapping[str, Any]
    group: str
    split: Split
    id: int


@dataclass(slots=True)  # not frozen, which takes Python longer to make: an import has one a document
class Added:
    """What became of a document on its way in; ``new`` is False when it was there already, ``other_text``
    when the key is that of another text, which stays as it is."""

    document_id: int
    key: str
    new: bool
    other_text: bool = False


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
class NewModel:
    """Whatever is about to make predictions."""

    hash: str  # of weights and settings
    kind: ModelKind
    name: str
    path: str | None = None  # relative to the store's folder
    round: int | None = None
    read_with: Mapping[str, Any] | None = None  # label map, thresholds, component; None: as it stands


@dataclass(frozen=True, slots=True)
class Model:
    """A model that the store knows; fields as in ``NewModel``."""

    hash: str
    kind: ModelKind
    name: str
    path: str | None
    round: int | None
    read_with: Mapping[str, Any] | None
    id: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model said of one document."""

    document_id: int
    model_id: int
    spans: tuple[Span, ...]
    id: int


@dataclass(frozen=True, slots=True)
class NewAnnotation:
    """A revision on its way in. ``uuid`` is made by the client: the same uuid twice is one row.

    ``ranges``: the characters really looked at; None = the whole document. ``labels``: the names of the
    labels that were there to be given; None = all in use. Of any other it says nothing. ``label_set``: in
    their place those of a stored annotation, by its row of ``label_sets``, whatever they are called now.
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
    created_at: str | None = None  # ISO 8601, UTC; None: now
    comment: str = ""
    flagged: bool = False
    labels: tuple[str, ...] | None = None
    label_set: int | None = None
    import_id: int | None = None  # the import that brought it


@dataclass(frozen=True, slots=True)
class Annotation(NewAnnotation):
    """One revision, append-only: what was said, and the number that it is stored under. ``labels`` are named
    as now. None: ``label_set`` of another program's, ``drawn`` of what the queue has not dealt."""

    id: int = field(kw_only=True)
    drawn: Drawn | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of an annotation on its way in; ``new`` is False for a repeated submit."""

    annotation_id: int
    new: bool


@dataclass(frozen=True, slots=True)
class Gold:
    """A document whose truth is known: what training and scoring read.

    ``unknown``: labels that were not there when it was annotated, of which it says nothing. ``also``: further
    annotations in it, of people who know other labels. ``at_random``: no strategy chose the document."""

    document: Document
    annotation_id: int
    spans: tuple[Span, ...]
    negatives: tuple[Span, ...] = ()
    ranges: tuple[Range, ...] | None = None
    unknown: tuple[str, ...] = ()
    annotator: str = ""
    created_at: str = ""
    comment: str = ""
    also: tuple[int, ...] = ()
    at_random: bool = False


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
    documents: int | None = None  # of so many documents: of a label those that know it


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
    pruned_at: str | None = None  # since when its pipeline is left out on purpose
    best: int | None = None  # the best round up to this one, all on the same gold

    @property
    def label_ids(self) -> Mapping[str, int]:
        """Which label each name of its pipeline means, whatever that label is called since."""
        return dict(self.parameters.get("label_ids", {}))
