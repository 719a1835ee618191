"""Figures as every ``--json`` has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol

from spanloop.recipes.report import Count, Shape, Share
from spanloop.recipes.suggest.choice import Used
from spanloop.recipes.suggest.refusal import Refusal
from spanloop.recipes.table import counted
from spanloop.store.records import Split


class Measured(Protocol):
    """A figure of a score, stored or just made."""

    @property
    def precision(self) -> float | None: ...

    @property
    def recall(self) -> float | None: ...

    @property
    def f1(self) -> float | None: ...

    @property
    def support(self) -> int: ...

    @property
    def f1_low(self) -> float | None: ...

    @property
    def f1_high(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Figures(Shape):
    """Precision, recall and F1 (for accuracy all three are it), with the 95 % interval of F1."""

    precision: Share | None
    recall: Share | None
    f1: Share | None
    support: Count
    """Gold spans, or tokens."""
    f1_low: Share | None
    f1_high: Share | None

    @classmethod
    def of(cls, figure: Measured) -> Figures:
        """The same of a figure of a score."""
        return cls(**{field.name: getattr(figure, field.name) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Confused(Shape):
    """Tokens of one gold label that were given one label."""

    gold: str
    """O: none, as in `predicted`."""
    predicted: str
    tokens: Count


@dataclass(frozen=True, slots=True)
class Averages(Shape):
    """Figures by label, and over all labels."""

    micro: Figures
    macro: Figures
    weighted: Figures
    labels: dict[str, Figures]


@dataclass(frozen=True, slots=True)
class Scored(Shape):
    """The figures of one round on today's gold of the eval split."""

    round: Count
    """The number of the round."""
    split: Split
    """What it was scored on."""
    documents: Count
    """Documents with gold."""
    mode: Literal["strict", "tags"]
    """Strict: only exactly the right characters and label count."""
    scheme: Literal["IOB2"] | None
    """How spans become tags; null in a tags project."""
    micro: Figures
    """All spans together."""
    macro: Figures
    """The mean of the labels that have gold."""
    weighted: Figures
    """The mean of the labels, each weighted by its support."""
    labels: dict[str, Figures]
    """The figures of each label."""
    known: dict[str, Count]
    """Of how many documents the figures of each label speak: those that know it."""
    accuracy: Share | None
    """The share of the tokens with the right tag; null in a spans project."""
    alignment_events: Count
    """Predicted spans that tokens cannot carry."""
    confusion: tuple[Confused, ...]
    """Which label the tokens of each gold label were given, the most frequent pair first."""
    refused: tuple[Refusal, ...]
    """Documents that the pipeline could not read: all their spans count as missed."""
    lenient: Averages | None
    """The figures where one shared character and the label suffice; null in a tags project."""
    used: Used
    """How the answer of the round was read: its thresholds and its label map."""
    below_threshold: Count
    """Predicted spans that it was not sure enough of: they count as not predicted."""
    unmatchable: Count
    """Gold spans that cut a token or have blanks at an edge: no prediction can match them."""


def figures_of(figure: Measured | None) -> Figures | None:
    """`Figures.of`, where there is a figure."""
    return None if figure is None else Figures.of(figure)


@dataclass(frozen=True, slots=True)
class AlignmentEvents(Shape):
    """Spans in the ledger of alignment: those that could not stay as they were meant."""

    total: Count
    by_reason: dict[str, Count]

    @classmethod
    def of(cls, counts: Mapping[str, Any]) -> AlignmentEvents:
        """What `store.ledger.counts` says."""
        return cls(counts["total"], counts["by_reason"])

    def text(self) -> str:
        """How many, and why."""
        reasons = ", ".join(f"{name} {number:,}" for name, number in self.by_reason.items())
        return f"{counted(self.total, 'span')} in the ledger of alignment: {reasons}"
