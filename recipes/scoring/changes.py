"""What one round gets right that another got wrong, span by span, and where the errors gather."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanloop.recipes.report import Count, Shape
from spanloop.store.records import Gold

if TYPE_CHECKING:
    from spanloop.plugin.alignment.values import CharSpan

CONTEXT = 60
"""Characters shown on each side of a span."""

Spans = Sequence["CharSpan"]
Place = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Example(Shape):
    """A span in its context: ``before`` and ``after`` are the characters around ``text``."""

    key: str
    label: str
    before: str
    text: str
    after: str


@dataclass(frozen=True, slots=True)
class Changes(Shape):
    """What two rounds find differently."""

    fixed: tuple[Example, ...]
    """Gold spans that only the newer one finds."""
    broken: tuple[Example, ...]
    """Gold spans that only the older one finds."""
    new_alarms: tuple[Example, ...]
    """What only the newer one says and is no gold."""
    gone_alarms: tuple[Example, ...]
    """What only the older one says and is no gold."""


@dataclass(frozen=True, slots=True)
class Hard(Shape):
    """An eval document with its errors."""

    key: str
    text: str
    missed: Count
    """Gold spans that were not found."""
    wrong: Count
    """Spans that are no gold."""


def changes(golds: Sequence[Gold], newer: Sequence[Spans], older: Sequence[Spans]) -> Changes:
    """Compare two rounds on the same documents, in the same order."""
    fixed: list[Example] = []
    broken: list[Example] = []
    alarms: list[Example] = []
    gone: list[Example] = []
    for gold, new_spans, old_spans in zip(golds, newer, older, strict=True):
        truth, new, old = _truth(gold), _said(gold, new_spans), _said(gold, old_spans)
        fixed += [_example(gold, place) for place in sorted(truth & new - old)]
        broken += [_example(gold, place) for place in sorted(truth & old - new)]
        alarms += [_example(gold, place) for place in sorted(new - old - truth)]
        gone += [_example(gold, place) for place in sorted(old - new - truth)]
    return Changes(tuple(fixed), tuple(broken), tuple(alarms), tuple(gone))


def hardest(golds: Sequence[Gold], predicted: Sequence[Spans], *, limit: int = 10) -> tuple[Hard, ...]:
    """The documents with the most errors, worst first."""
    found = []
    for gold, spans in zip(golds, predicted, strict=True):
        truth, said = _truth(gold), _said(gold, spans)
        hard = Hard(gold.document.key, gold.document.text, len(truth - said), len(said - truth))
        if hard.missed + hard.wrong:
            found.append(hard)
    return tuple(sorted(found, key=_errors, reverse=True)[:limit])


def _truth(gold: Gold) -> set[Place]:
    """What is known to be right, of the labels that the document knows."""
    found = ((span.start, span.end, span.label) for span in gold.spans)
    return {place for place in found if place[2] not in gold.unknown}


def _said(gold: Gold, spans: Spans) -> set[Place]:
    """What a round says with such labels."""
    return {span.key for span in spans if span.label not in gold.unknown}


def _errors(hard: Hard) -> int:
    return hard.missed + hard.wrong


def _example(gold: Gold, place: Place) -> Example:
    start, end, label = place
    text = gold.document.text
    before = ("…" if start > CONTEXT else "") + text[max(0, start - CONTEXT) : start]
    after = text[end : end + CONTEXT] + ("…" if end + CONTEXT < len(text) else "")
    return Example(gold.document.key, label, before, text[start:end], after)
