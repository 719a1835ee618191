"""Which documents a model may answer unseen, so that a share of wrong ones is held with a given certainty.

Answers that chance drew and documents that nobody has answered are together one population, of which the
answers are a fair sample. Documents are ordered by how sure the model is. Thresholds are fixed beforehand, as
shares of the population, and tested from the strictest on until one fails (fixed-sequence testing, of
"Learn then Test", Angelopoulos et al. 2021): so looking at many costs no certainty. Each test is exact for a
finite population (hypergeometric, where Clopper and Pearson's is of an infinite one): it speaks of the very
documents that are accepted, and supposes nothing but that chance drew the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, lgamma, log, sqrt

SPARE = 1.3
"""The strictest threshold is to have so many times the answers that suffice if none of them is wrong."""
FIRST_SHARE = 0.25
"""It takes at least this share of the population: a few documents more or less tell nothing."""
STEPS = 12
"""Thresholds that are looked at."""
MOST_ANSWERS = 100_000
"""More answers than anybody gives: beyond it nothing is promised."""
LARGE = 1_000_000
"""A population of which a sample takes little, to see how many more answers are needed."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What was found. ``threshold``: the confidence from which on documents are accepted, None for none;
    ``accepted``: how many of those without an answer; ``answers`` of the sample have at least this
    confidence, ``wrong`` of them are wrong; ``at_most``: the share of wrong documents among the accepted.
    Where there is no threshold, ``answers`` and ``wrong`` are of the strictest one that was tried."""

    threshold: float | None
    accepted: int
    answers: int
    wrong: int
    at_most: float


def at_most_so_many(wrong: int, population: int, bad: int, drawn: int) -> float:
    """The probability to draw at most ``wrong`` bad ones when ``drawn`` of a ``population`` are drawn and
    ``bad`` of it are bad (the hypergeometric distribution)."""
    least = max(0, drawn - (population - bad))
    most = min(wrong, bad, drawn)
    whole = _log_choose(population, drawn)
    terms = (
        _log_choose(bad, k) + _log_choose(population - bad, drawn - k) - whole for k in range(least, most + 1)
    )
    return min(1.0, sum(exp(term) for term in terms))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def answers_needed(max_error: float, confidence: float) -> int:
    """How many answers the smallest sample has that can hold such a bound: with none of them wrong, and room
    for the strictest threshold."""
    return ceil(SPARE * log(1 - confidence) / log(1 - max_error))


def certify(
    sample: Sequence[tuple[float, bool]], unseen: Sequence[float], max_error: float, confidence: float
) -> Bound:
    """The lowest threshold whose accepted documents hold the bound.

    Args:
        sample: Of each answer that chance drew, how sure the model is (any scale, higher is surer) and
            whether it is right.
        unseen: How sure it is of each document that may be accepted.
        max_error: The share of wrong documents among the accepted that is allowed.
        confidence: The probability with which the bound holds, over the draws of the sample.

    Returns:
        The threshold, and what it stands on.
    """
    everything = sorted([*(sure for sure, _ in sample), *unseen], reverse=True)
    found: Bound | None = None
    strictest = Bound(None, 0, 0, 0, 1.0)
    for rank in _ranks(len(sample), len(everything), max_error, confidence):
        threshold = everything[rank - 1]
        tried, held = _try(sample, unseen, threshold, max_error, confidence)
        if strictest.answers == 0:
            strictest = Bound(None, 0, tried.answers, tried.wrong, 1.0)
        if not held:
            break
        if tried.at_most <= max_error:
            found = tried
    return found or strictest


def _ranks(answers: int, population: int, max_error: float, confidence: float) -> list[int]:
    """At which places of the population the thresholds stand; no answer is looked at for it."""
    needed = answers_needed(max_error, confidence)
    if answers < needed or not population:
        return []
    first = min(1.0, max(needed / answers, FIRST_SHARE))
    shares = (first + (1 - first) * step / (STEPS - 1) for step in range(STEPS))
    return sorted({max(1, floor(share * population)) for share in shares})


def _try(
    sample: Sequence[tuple[float, bool]],
    unseen: Sequence[float],
    threshold: float,
    max_error: float,
    confidence: float,
) -> tuple[Bound, bool]:
    """The bound of one threshold, and whether the test gives it."""
    among = [right for sure, right in sample if sure >= threshold]
    wrong, accepted = among.count(False), sum(sure >= threshold for sure in unseen)
    population, drawn = len(among) + accepted, len(among)
    # so many of the population may be bad, fixed before chance says which of them are in the sample: as if
    # few were left to accept, so that what is left keeps the bound
    share = len(sample) / max(len(sample) + len(unseen), 1)
    left = population * (1 - share) - sqrt(population * share * (1 - share))
    allowed = floor(max_error * max(left, 0.0))
    held = allowed < population and at_most_so_many(wrong, population, allowed + 1, drawn) <= 1 - confidence
    at_most = max(allowed - wrong, 0) / accepted if accepted else 0.0
    return Bound(threshold, accepted, drawn, wrong, at_most), held


def more_answers(found: Bound, answers: int, max_error: float, confidence: float) -> int | None:
    """How many more random answers would let the strictest threshold pass, should as large a share of them be
    wrong as now.

    Returns:
        The number; 0 where there is a threshold; None where the model errs as often as that or nearly, so
        that no number of answers helps.
    """
    if found.threshold is not None:
        return 0
    needed = answers_needed(max_error, confidence)
    if answers < needed:
        return needed - answers
    rate = found.wrong / max(found.answers, 1)
    if rate >= max_error:
        return None
    total = answers
    while total <= MOST_ANSWERS:
        among = round(total * max(needed / total, FIRST_SHARE))
        tail = at_most_so_many(ceil(rate * among), LARGE, floor(max_error * LARGE), among)
        if tail <= 1 - confidence:
            return max(total - answers, 1)
        total = ceil(total * 1.1)
    return None
