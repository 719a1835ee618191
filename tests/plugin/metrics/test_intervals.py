"""Do the intervals hold the truth as often as they say? A world whose truth is known, sampled 500 times and
more."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from spanloop.plugin.metrics.intervals import (
    Counts,
    averages,
    bounds,
    figures,
    informative_documents,
    per_label,
    resample,
)
from spanloop.plugin.metrics.score import ScoreReport
from spanloop.recipes.scoring.gate import compare

LABELS = ("often", "seldom", "rarely")
SPANS = np.array([3.0, 0.6, 0.15])
EXPERIMENTS = 500
AT_LEAST = 0.93


def world(rng: np.random.Generator, documents: int, skill: float = 1.0) -> Counts:
    """What a model got right and wrong of so many documents: spans come in clumps, and a document that is
    hard is hard for all of its labels, so that documents are the units to resample, not spans."""
    ease = rng.beta(2.5, 1.2, size=(documents, 1))
    gold = rng.poisson(SPANS * rng.gamma(1.0, 1.0, size=(documents, 3)))
    return answers(rng, gold, ease, skill)


def answers(
    rng: np.random.Generator, gold: NDArray[np.int64], ease: NDArray[np.float64], skill: float
) -> Counts:
    hits = rng.binomial(gold, np.clip(ease * skill, 0, 1))
    alarms = rng.poisson(0.35 * SPANS * (1 - ease) + 0.02)
    return np.stack([hits, alarms, gold - hits], axis=-1).astype(np.int64)


@cache
def truth() -> dict[str, float]:
    total = world(np.random.default_rng(99), 500_000).sum(axis=0).astype(np.float64)
    by_label = dict(zip(LABELS, per_label(total)[:, 2].tolist(), strict=True))
    return {name: float(value[2]) for name, value in averages(total).items()} | by_label


@pytest.mark.parametrize("documents", [20, 100])
def test_the_interval_of_f1_holds_the_truth(documents: int) -> None:
    rng = np.random.default_rng(documents)
    asked = dict.fromkeys(truth(), 0)
    held = dict.fromkeys(truth(), 0)
    for number in range(EXPERIMENTS):
        found = figures(world(rng, documents), LABELS, replicates=400, seed=number)
        for name, figure in (found[0] | found[1]).items():
            if figure.f1_low is None or figure.f1_high is None:
                continue  # not one gold span of a rare label
            asked[name] += 1
            held[name] += figure.f1_low <= truth()[name] <= figure.f1_high
    assert held["micro"] >= AT_LEAST * asked["micro"] == AT_LEAST * EXPERIMENTS, held
    assert held["often"] >= AT_LEAST * asked["often"], held
    assert all(held[name] >= 0.91 * asked[name] for name in held), (held, asked)


@pytest.mark.parametrize(("documents", "gain"), [(25, 0.12), (60, 0.0)])
def test_the_paired_interval_holds_the_true_difference(documents: int, gain: float) -> None:
    rng = np.random.default_rng(documents)
    true = _true_gain(gain)
    held = 0
    for number in range(EXPERIMENTS):
        ease = rng.beta(2.5, 1.2, size=(documents, 1))
        gold = rng.poisson(SPANS * rng.gamma(1.0, 1.0, size=(documents, 3)))
        new, old = (_report(answers(rng, gold, ease, skill)) for skill in (0.8 + gain, 0.8))
        overall = compare(new, old, seed=number).overall
        held += overall.low <= true <= overall.high
    assert held >= AT_LEAST * EXPERIMENTS


@cache
def _true_gain(gain: float) -> float:
    both = []
    for skill in (0.8 + gain, 0.8):
        total = world(np.random.default_rng(7), 300_000, skill).sum(axis=0).astype(np.float64)
        both.append(float(averages(total)["micro"][2]))
    return both[0] - both[1]


def _report(counts: Counts) -> ScoreReport:
    average, by_label = figures(counts, LABELS, replicates=0, seed=0)
    return ScoreReport(len(counts), average["micro"], average["macro"], average["weighted"], by_label, counts)


def test_plain_percentiles_of_few_documents_would_be_too_narrow() -> None:
    """Why the ends are moved outwards: at 20 documents the 2.5th and 97.5th percentiles hold the truth too
    seldom, and for very many documents both are the same."""
    rng = np.random.default_rng(20)
    held = 0
    for number in range(EXPERIMENTS):
        drawn = averages(resample(world(rng, 15), replicates=500, seed=number))["micro"][:, 2]
        low, high = np.quantile(drawn, [0.025, 0.975])
        held += low <= truth()["micro"] <= high
    assert held < AT_LEAST * EXPERIMENTS
    values = rng.normal(size=(4000, 1))
    plain = np.quantile(values, [0.025, 0.975], axis=0)
    assert bounds(values, np.array([100_000])) == pytest.approx(plain, abs=0.02)


def test_the_more_documents_say_something_the_closer_the_ends() -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    low, high = bounds(np.stack([values] * 5, axis=1), np.array([1, 3, 5, 30, 1000]))
    widths = high - low
    assert (np.diff(widths) < 0).all()
    assert widths[0] == values.max() - values.min()


def test_the_ends_are_those_that_students_t_asks_for() -> None:
    """Hesterberg 2015: the normal tail beyond the root of n / (n - 1) times the percentile of t."""
    even = np.linspace(0.0, 1.0, 100_001)[:, None]  # the value at a place is the place
    for documents in range(2, 40):
        widened = np.sqrt(documents / (documents - 1)) * stats.t.ppf(0.975, documents - 1)
        low, high = bounds(even, np.array([documents]))
        assert low == pytest.approx(stats.norm.cdf(-widened), rel=1e-6, abs=1e-12), documents
        assert high == pytest.approx(1 - low, abs=1e-12)
    # of a table: 12.706, 4.303 and 3.182 at one, two and three degrees of freedom
    for documents, table in ((3, 4.303), (4, 3.182)):
        (low,), _ = bounds(even, np.array([documents]))
        assert -stats.norm.ppf(low) * np.sqrt(1 - 1 / documents) == pytest.approx(table, abs=1e-3)


def test_a_few_right_documents_prove_no_perfection() -> None:
    """Three documents, all right: between 29 % (0.025 to the third) and all of such documents are."""
    right = np.array([[[1, 0, 0]]] * 3)
    _, found = figures(right, ("PER",), replicates=200, seed=0)
    assert found["PER"].f1 == 1.0
    assert (found["PER"].f1_low, found["PER"].f1_high) == (pytest.approx(0.025 ** (1 / 3)), 1.0)
    wrong = np.array([[[0, 1, 1]]] * 30)
    _, found = figures(wrong, ("PER",), replicates=200, seed=0)
    assert (found["PER"].f1_low, found["PER"].f1_high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 30)))


def test_informative_documents_are_those_that_say_something() -> None:
    counts = np.zeros((4, 2, 3), dtype=np.int64)
    counts[0, 0, 0] = counts[1, 0, 2] = counts[1, 1, 1] = 1
    any_label, each = informative_documents(counts)
    assert (int(any_label), each.tolist()) == (2, [2, 1])
