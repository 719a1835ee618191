"""Every span that may be there, with its probability: what the decoder chose, and what it chose it over.

The units are taken as independent, as everywhere where confidences are made. Two spans that share a unit
exclude each other, so at each unit the probabilities of all spans over it add up to 1 at most, and those of
all spans of a text to how many spans it is expected to have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.tagging.schemes import OUTSIDE, Scheme, labels_of, split_tag

Probabilities = NDArray[np.float64]
_CONTINUES, _LASTS, _WHOLE = ("I", "E", "L"), ("E", "L"), ("S", "U")


@dataclass(frozen=True, slots=True)
class _Label:
    """How probable it is, of each unit, that it begins, continues (inside), ends or is a whole span of one
    label; ``stays[u]``: that the span before unit u does not go on there."""

    begins: Probabilities
    inside: Probabilities
    ends: Probabilities
    whole: Probabilities
    stays: Probabilities


def candidates(
    scores: TokenScores,
    chosen: Sequence[CharSpan],
    *,
    scheme: Scheme,
    least: float,
    temperature: float = 1.0,
) -> list[CharSpan]:
    """The spans of all labels that are at least so probable, each with its probability, in text order and of
    one place the most probable first.

    Args:
        scores: what the model says of the document.
        chosen: the spans that the decoder found there with their confidences; they are always among them.
        scheme: what the tags are written in.
        least: the least probability, above 0 and at most 1. At most 1 / ``least`` candidates share a unit.
        temperature: what the scores are divided by, as for confidences.
    """
    kept = {span.key: span for span in chosen}
    probabilities = np.exp(scores.calibrated(temperature).astype(np.float64))
    for label in labels_of(scores.tags, scheme):
        parts = _of_label(scores.tags, probabilities, scheme, label)
        for start, end, probability in _spans(parts, least):
            span = CharSpan(
                int(scores.starts[start]), int(scores.ends[end - 1]), label, min(probability, 1.0)
            )
            kept.setdefault(span.key, span)
    return sorted(kept.values(), key=_place)


def _place(span: CharSpan) -> tuple[int, int, float]:
    return span.start, span.end, -(1.0 if span.score is None else span.score)


def _single(tags: Sequence[str], scheme: Scheme) -> bool:
    """Whether every unit is a span of its own: plain tags without an outside tag."""
    return scheme == "plain" and OUTSIDE not in tags


def _of_label(tags: Sequence[str], likely: Probabilities, scheme: Scheme, label: str) -> _Label:
    prefixes = [prefix if name == label else "" for prefix, name in (split_tag(tag, scheme) for tag in tags)]

    def of(*wanted: str) -> Probabilities:
        rows: Probabilities = likely[:, [prefix in wanted for prefix in prefixes]].sum(axis=1)
        return rows

    opens, inside, goes_on = of("B"), of("I"), of(*_CONTINUES)
    nothing = np.zeros(len(likely))
    if _single(tags, scheme):
        return _Label(nothing, nothing, nothing, inside, np.ones(len(likely) + 1))
    by_itself = scheme in ("IOB1", "plain") or "B" not in prefixes
    if by_itself:  # it begins where the unit before is not of the same span
        before = np.append(0.0, (opens + inside)[:-1])
        opens = opens + inside * (1 - before)
    has_end, has_whole = any(p in _LASTS for p in prefixes), any(p in _WHOLE for p in prefixes)
    stays = np.append(1 - goes_on, 1.0)
    ends, whole = of(*_LASTS) if has_end else inside, of(*_WHOLE) if has_whole else opens
    return _Label(opens, inside, ends, whole, stays)


def _spans(parts: _Label, least: float) -> Iterator[tuple[int, int, float]]:
    """The spans of at least that probability: first unit, end unit, probability. Of those that begin at
    different units no more than 1 / ``least`` can be under way at once, so the work grows with the text."""
    count = len(parts.begins)
    alone = parts.whole * parts.stays[1:]
    for start in np.flatnonzero(alone >= least).tolist():
        yield start, start + 1, float(alone[start])
    for start in np.flatnonzero(parts.begins >= least).tolist():
        so_far = float(parts.begins[start])
        for last in range(start + 1, count):
            probability = so_far * float(parts.ends[last] * parts.stays[last + 1])
            if probability >= least:
                yield start, last + 1, probability
            so_far *= float(parts.inside[last])
            if so_far < least:
                break
