"""Which labels of the gold are probably wrong, by what models said that never saw them. numpy only.

Confident learning (Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset
Labels", JAIR 70), token by token as in Wang and Mueller 2022 ("Detecting Label Errors in Token Classification
Data"): a model is *confident* of a label where it gives it at least the probability that it gives it, on the
mean, to the tokens that have it. What it is confident of and the gold does not say is a suspect. Suspects are
counted by places and not by tokens, since a person looks at places: a span whose pieces are contradicted is
one. The margin between the two probabilities ranks them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.tagging.gold import put_on_units
from spanloop.plugin.tagging.reading import read_tags
from spanloop.plugin.tagging.schemes import OUTSIDE, Scheme

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Judgement:
    """One document: ``probabilities[u, c]`` of class ``c`` at unit ``u``, by a model that never saw it.

    ``given[u]``: the class that the gold says, -1 where nobody looked. ``span[u]``: the number of the gold
    span that covers the unit, -1 for none. The unit covers the characters ``starts[u]`` to ``ends[u]``.
    """

    probabilities: Floats
    given: Ints
    span: Ints
    starts: Ints
    ends: Ints


@dataclass(frozen=True, slots=True)
class Suspect:
    """Characters ``start`` to ``end`` (excluded) on which gold and model differ; None says: no label.

    ``confidence``: the model's mean probability, 0 to 1, of what it says there. ``doubt`` ranks, the worst
    highest: by how much what the model says is more probable to it than what is given, 0 to 1, on the mean of
    the place's units. Those that are not contradicted count as 0: a span that is wrong at its edge comes
    behind one that is wrong as a whole.
    """

    start: int
    end: int
    given: str | None
    said: str | None
    confidence: float
    doubt: float


def classes_of(labels: Sequence[str], *, outside: bool) -> tuple[str, ...]:
    """The classes that `judge_labels` tells apart: the labels, and "O" where a unit may have none."""
    return (OUTSIDE, *labels) if outside else tuple(labels)


def judge_labels(
    scores: TokenScores,
    spans: Sequence[CharSpan],
    classes: Sequence[str],
    *,
    scheme: Scheme,
    ranges: Sequence[tuple[int, int]] | None = None,
    unknown: Collection[str] = (),
    temperature: float = 1.0,
    renamed: Mapping[str, str | None] | None = None,
) -> Judgement:
    """Gold spans and token scores of one document on the same units, prefixes (B, I ...) added up.

    ``ranges``: the characters that somebody looked at, None for all. A unit of a label outside of
    ``classes`` is unknown, and so is one without a label where the classes have no "O". ``renamed``: what
    the model's labels are called now, None for those in use no more. ``unknown``: the labels that the
    document says nothing of; to it they are as good as no label.
    """
    place = {name: k for k, name in enumerate(classes)}
    names = read_tags(scores.tags, scheme).names
    of_tag = [place.get((renamed or {}).get(name, name) or "") for name in names]
    probabilities = np.zeros((len(scores), len(classes)))
    likely = np.exp(scores.calibrated(temperature).astype(np.float64))
    for column, k in enumerate(of_tag):
        if k is not None:
            probabilities[:, k] += likely[:, column]
    for name in {*unknown} & place.keys():
        if OUTSIDE in place:
            probabilities[:, place[OUTSIDE]] += probabilities[:, place[name]]
        probabilities[:, place[name]] = 0
    np.minimum(probabilities, 1, out=probabilities)  # a sum of rounded parts may end just above
    units = put_on_units(spans, scores.starts, scores.ends, ranges=ranges)
    given = np.full(len(scores), place.get(OUTSIDE, _UNKNOWN))
    span = np.full(len(scores), -1)
    for number, (start, end, label) in enumerate(units.runs):
        given[start:end] = _UNKNOWN if label in unknown else place.get(label, _UNKNOWN)
        span[start:end] = number
    given[units.unknown] = _UNKNOWN
    return Judgement(probabilities, given, span, scores.starts, scores.ends)


def thresholds(judgements: Sequence[Judgement], n_classes: int) -> Floats:
    """For each class the mean probability that it has where the gold gives it; 1 for a class without gold.

    This is what makes a class that the model knows badly comparable with one that it knows well.
    """
    total, units = np.zeros(n_classes), np.zeros(n_classes)
    for judgement in judgements:
        known = np.flatnonzero(judgement.given != _UNKNOWN)
        classes = judgement.given[known]
        np.add.at(total, classes, judgement.probabilities[known, classes])
        np.add.at(units, classes, 1)
    return np.where(units > 0, total / np.maximum(units, 1), 1.0)


def find_suspects(judgements: Sequence[Judgement], classes: Sequence[str]) -> list[list[Suspect]]:
    """The suspects of each document in text order, one a place: a place is a gold span, or a run that the
    model gives one label, with whatever of the other kind touches it. However many pieces of it the model
    contradicts, a person who looks there sees them all."""
    usual = thresholds(judgements, len(classes))
    return [list(_of_document(judgement, classes, usual)) for judgement in judgements]


def _of_document(judgement: Judgement, classes: Sequence[str], usual: Floats) -> Iterator[Suspect]:
    known = judgement.given != _UNKNOWN
    units = np.arange(len(known))
    said = judgement.probabilities.argmax(axis=1) if len(known) else units
    sure = judgement.probabilities[units, said]
    given = np.where(known, judgement.given, 0)
    margin = sure - judgement.probabilities[units, given]
    contradicted = known & (said != given) & (sure >= usual[said])
    outside = classes.index(OUTSIDE) if OUTSIDE in classes else None
    for first, end in _places(judgement.span, said, outside):
        wrong = first + np.flatnonzero(contradicted[first:end])
        if not len(wrong):
            continue
        kind = _most_doubted(given[wrong] * len(classes) + said[wrong], margin[wrong])
        yield Suspect(
            int(judgement.starts[wrong[0]]),
            int(judgement.ends[wrong[-1]]),
            given=_label(classes[kind // len(classes)]),
            said=_label(classes[kind % len(classes)]),
            confidence=float(sure[wrong].mean()),
            doubt=float(margin[wrong].sum() / (end - first)),
        )


def _most_doubted(kinds: Ints, margin: Floats) -> int:
    """Of several kinds of contradiction in one place the one with the largest margins together."""
    names, which = np.unique(kinds, return_inverse=True)
    return int(names[np.bincount(which, weights=margin).argmax()])


def _places(span: Ints, said: Ints, outside: int | None) -> Iterator[tuple[int, int]]:
    """The runs of units that are one place; every unit by itself where units have a label each (``outside``
    None)."""
    one = np.zeros(max(len(span) - 1, 0), dtype=bool)
    if outside is not None:
        one = (span[:-1] == span[1:]) & (span[1:] >= 0) | (said[:-1] == said[1:]) & (said[1:] != outside)
    edges = [0, *(np.flatnonzero(~one) + 1).tolist(), len(span)] if len(span) else []
    yield from pairwise(edges)


def _label(name: str) -> str | None:
    return None if name == OUTSIDE else name
