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
from spanloop.plugin.tagging.decode import speaks_iob1
from spanloop.plugin.tagging.reading import Reading, read_tags
from spanloop.plugin.tagging.schemes import Scheme

Probabilities = NDArray[np.float64]


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
    reading, iob1 = read_tags(scores.tags, scheme), speaks_iob1(scores, scheme=scheme)
    for label in reading.labels:
        parts = _of_label(reading, probabilities, label, iob1=iob1)
        for start, end, probability in _spans(parts, least):
            span = CharSpan(
                int(scores.starts[start]), int(scores.ends[end - 1]), label, min(probability, 1.0)
            )
            kept.setdefault(span.key, span)
    return sorted(kept.values(), key=_place)


def expected_begins(
    scores: TokenScores, *, scheme: Scheme, temperature: float = 1.0
) -> dict[str, Probabilities]:
    """How probable it is, of each unit, that a span of each label begins there: of shape (units,), by label.

    The sum over the units is how many spans of the label the text is expected to have; where a label has one
    tag, such as a part of speech, how many units.

    Args:
        scores: what the model says of the document.
        scheme: what the tags are written in.
        temperature: what the scores are divided by, as for confidences.
    """
    probabilities = np.exp(scores.calibrated(temperature).astype(np.float64))
    reading, iob1 = read_tags(scores.tags, scheme), speaks_iob1(scores, scheme=scheme)
    found = {}
    for label in reading.labels:
        parts = _of_label(reading, probabilities, label, iob1=iob1)
        apart = parts.whole is not parts.begins  # a span of one unit has a tag of its own
        found[label] = np.minimum(parts.begins + parts.whole if apart else parts.begins, 1.0)
    return found


def _place(span: CharSpan) -> tuple[int, int, float]:
    return span.start, span.end, -(1.0 if span.score is None else span.score)


def _of_label(reading: Reading, likely: Probabilities, label: str, *, iob1: bool) -> _Label:
    roles = [role if name == label else "" for role, name in reading.parts]

    def of(*wanted: str) -> Probabilities:
        rows: Probabilities = likely[:, [role in wanted for role in roles]].sum(axis=1)
        return rows

    opens, inside = of("B"), of("I")
    if not reading.merges:
        nothing = np.zeros(len(likely))
        return _Label(nothing, nothing, nothing, inside, np.ones(len(likely) + 1))
    if iob1 or "B" not in roles:  # it begins where the unit before is not of the same span
        before = np.append(0.0, (opens + inside)[:-1])
        opens = opens + inside * (1 - before)
    ends, whole = of("E") if "E" in roles else inside, of("S") if "S" in roles else opens
    return _Label(opens, inside, ends, whole, np.append(1 - of("I", "E"), 1.0))


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
