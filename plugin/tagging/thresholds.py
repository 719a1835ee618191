"""How sure a model must be of a span: thresholds on confidences, given or chosen on documents held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.calibrate import MIN_SPANS

EVERY = "*"
"""The key of the threshold that holds for every label without one of its own."""
Thresholds = dict[str, float]
Given = float | Mapping[str, float]
Wanted = Literal["f1"] | float
"""What thresholds are chosen for: the best F1, or a precision to reach."""


class ThresholdError(ValueError):
    """A threshold that is none."""


def read_thresholds(text: str) -> Thresholds:
    """Thresholds as they are typed: ``0.5``, ``PER=0.6,ORG=0.4``, or both, ``0.5,PER=0.6``.

    Args:
        text: numbers from 0 to 1 parted by commas; one without a label is for all others.

    Raises:
        ThresholdError: where it is none of these, or where one is given twice.
    """
    found: Thresholds = {}
    for part in text.split(","):
        label, equals, number = part.rpartition("=")
        name = label.strip() if equals else EVERY
        try:
            value = float(number)
        except ValueError as error:
            raise ThresholdError(
                f"the threshold {part.strip()!r} is no number from 0 to 1: type 0.5, or PER=0.6,ORG=0.4, "
                "or 0.5,PER=0.6"
            ) from error
        if name in found:
            raise ThresholdError(f"the threshold of {_named(name)} is given twice")
        found[name] = value
    return checked(found)


def checked(given: Given) -> Thresholds:
    """Thresholds by label, under ``*`` the one of all others. ThresholdError outside of 0 to 1."""
    found = {EVERY: given} if isinstance(given, (int, float)) else dict(given)
    for label, value in found.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            raise ThresholdError(f"the threshold of {_named(label)} is {value!r}: give a number from 0 to 1")
        if not 0 <= value <= 1:
            raise ThresholdError(f"the threshold of {_named(label)} is {value:g}: give 0 to 1")
    return {label: float(value) for label, value in found.items()}


def check_labels(thresholds: Mapping[str, float], labels: Sequence[str]) -> None:
    """ThresholdError for a threshold of a label that is not there."""
    strangers = [label for label in thresholds if label != EVERY and label not in labels]
    if strangers:
        raise ThresholdError(
            f"there is a threshold for {', '.join(map(repr, strangers))}, which is no label here; "
            f"the labels are {', '.join(labels)}"
        )


def in_force(thresholds: Mapping[str, float] | None) -> Thresholds:
    """Those that leave anything out: a threshold of 0 does not, unless it is an exception from the one of
    all others."""
    given = thresholds or {}
    return {} if not any(given.values()) else {k: v for k, v in given.items() if v or given.get(EVERY)}


def typed_thresholds(thresholds: Mapping[str, float]) -> str:
    """The thresholds as they can be typed, the one for all others first."""
    every = [f"{thresholds[EVERY]:.4g}"] if EVERY in thresholds else []
    return ",".join(
        [*every, *(f"{label}={value:.4g}" for label, value in thresholds.items() if label != EVERY)]
    )


def part(
    spans: Sequence[CharSpan], thresholds: Mapping[str, float] | None
) -> tuple[list[CharSpan], list[CharSpan]]:
    """The spans that reach their threshold, and those that do not; a span without a confidence does."""
    if not thresholds:
        return list(spans), []
    every = thresholds.get(EVERY, 0.0)
    kept: list[CharSpan] = []
    left_out: list[CharSpan] = []
    for span in spans:
        enough = span.score is None or span.score >= thresholds.get(span.label, every)
        (kept if enough else left_out).append(span)
    return kept, left_out


@dataclass(frozen=True, slots=True)
class Rates:
    """How good the spans are that are kept."""

    spans: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Picked:
    """``thresholds`` by label, ``*`` for all others; empty where none was chosen. ``before`` and ``after``:
    the spans of the held-out documents without and with them. ``note`` says what was done, or why not."""

    wanted: Wanted
    thresholds: Thresholds
    before: Rates | None
    after: Rates | None
    note: str


def pick(
    predicted: Sequence[Sequence[CharSpan]], gold: Sequence[Sequence[CharSpan]], wanted: Wanted
) -> Picked:
    """Choose thresholds on documents that the model was not trained on.

    Args:
        predicted: the spans of each document with their calibrated confidences.
        gold: the true spans of the same documents.
        wanted: ``f1``, or the precision to reach, above 0 and at most 1, with as many spans as that allows.

    Returns:
        A threshold for each label with 20 predicted spans or more, and one for all others together. Nothing
        is chosen on fewer than 20 predicted spans in all. Of equally good ones the lowest is taken.
    """
    spans = [(span, span.key in keys) for spans, keys in _beside(predicted, gold) for span in spans]
    true = [span.label for spans in gold for span in spans]
    if len(spans) < MIN_SPANS:
        note = f"no thresholds: {len(spans)} predicted spans on the held-out documents, it takes {MIN_SPANS}"
        return Picked(wanted, {}, None, None, note)
    by_label: dict[str, list[tuple[CharSpan, bool]]] = {}
    for span, right in spans:
        by_label.setdefault(span.label, []).append((span, right))
    own = {label: found for label, found in sorted(by_label.items()) if len(found) >= MIN_SPANS}
    few = [one for one in spans if one[0].label not in own]
    apart = len(few) >= MIN_SPANS  # else the rest is judged by all spans
    true_rest = [label for label in true if label not in own or not apart]
    cuts = {EVERY: _cut(few if apart else spans, len(true_rest), wanted)}
    cuts |= {label: _cut(found, true.count(label), wanted) for label, found in own.items()}
    thresholds = {label: cut for label, (cut, _) in cuts.items()}
    missed = [_named(label) for label, (_, reached) in cuts.items() if not reached]
    note = f"thresholds chosen on {len(spans)} predicted spans of {len(gold)} held-out documents"
    if missed:
        note += f"; the precision {wanted:g} cannot be reached for {', '.join(missed)}"
    kept = [part(found, thresholds)[0] for found in predicted]
    return Picked(wanted, thresholds, _rates(predicted, gold), _rates(kept, gold), note)


def _beside(
    predicted: Sequence[Sequence[CharSpan]], gold: Sequence[Sequence[CharSpan]]
) -> list[tuple[Sequence[CharSpan], set[tuple[int, int, str]]]]:
    return [(spans, {span.key for span in true}) for spans, true in zip(predicted, gold, strict=True)]


def _rates(predicted: Sequence[Sequence[CharSpan]], gold: Sequence[Sequence[CharSpan]]) -> Rates:
    found = sum(map(len, predicted))
    true = sum(map(len, gold))
    right = sum(span.key in keys for spans, keys in _beside(predicted, gold) for span in spans)
    f1 = 2 * right / max(found + true, 1)
    return Rates(found, right / max(found, 1), right / max(true, 1), f1)


def _cut(spans: Sequence[tuple[CharSpan, bool]], true: int, wanted: Wanted) -> tuple[float, bool]:
    """The threshold for these spans, of ``true`` gold ones, and whether it gives what is wanted."""
    scores = np.array([1.0 if span.score is None else span.score for span, _ in spans], dtype=np.float64)
    order = np.argsort(-scores, kind="stable")
    scores = scores[order]
    right = np.cumsum([spans[place][1] for place in order])
    count = np.arange(1, len(spans) + 1)
    places = np.flatnonzero(
        np.append(scores[1:] < scores[:-1], True)
    )  # spans of one confidence stay together
    if wanted == "f1":
        return _between(scores, _last_of_best((2 * right / (count + true))[places], places)), True
    precision = (right / count)[places]
    reached = precision >= float(wanted)
    if reached.any():
        return _between(scores, int(places[reached][-1])), True
    return _between(scores, _last_of_best(precision, places)), False


def _last_of_best(figures: NDArray[np.float64], places: NDArray[np.intp]) -> int:
    """The place of the highest figure; of equal ones the last, which keeps most."""
    return int(places[len(figures) - 1 - int(np.argmax(figures[::-1]))])


def _between(scores: NDArray[np.float64], last: int) -> float:
    """A threshold that keeps the scores up to this one, which fall, and leaves out those behind it."""
    if last + 1 == len(scores):
        return 0.0
    low, high = float(scores[last + 1]), float(scores[last])
    middle = (low + high) / 2
    return middle if low < middle else high


def _named(label: str) -> str:
    return "every label" if label == EVERY else repr(label)
