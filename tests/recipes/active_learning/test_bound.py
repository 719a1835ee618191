"""The bound of what may be accepted unseen: exact on a small population, and held over many draws."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from spanloop.recipes.active_learning.bound import (
    answers_needed,
    at_most_so_many,
    certify,
    more_answers,
)


def test_the_probability_of_a_draw_is_that_of_counting_all_draws() -> None:
    bad, good, drawn = 4, 5, 3
    draws = list(combinations([1] * bad + [0] * good, drawn))
    for wrong in range(4):
        share = sum(sum(draw) <= wrong for draw in draws) / len(draws)
        assert at_most_so_many(wrong, bad + good, bad, drawn) == pytest.approx(share)


def replay(
    rng: np.random.Generator, errs: np.ndarray, sure: np.ndarray, answers: int, max_error: float
) -> tuple[float, bool]:
    """One draw of the answers: the share that is accepted, and whether too many of them are wrong."""
    order = rng.permutation(len(sure))
    drawn, rest = order[:answers], order[answers:]
    sample = [(float(sure[i]), not errs[i]) for i in drawn]
    found = certify(sample, sure[rest].tolist(), max_error, 0.95)
    if found.threshold is None:
        return 0.0, False
    accepted = rest[sure[rest] >= found.threshold]
    assert len(accepted) == found.accepted
    return len(accepted) / len(rest), bool(errs[accepted].mean() > max_error)


@pytest.mark.parametrize("kind", ["steps at the bound", "rising", "tells nothing"])
def test_the_bound_holds_over_many_draws(kind: str) -> None:
    """Also where the errors of the accepted lie just above what is allowed, where a bound is broken first."""
    rng = np.random.default_rng(5)
    sure = rng.random(2_000)
    rate = {
        "steps at the bound": np.where(sure > 0.6, 0.052, 0.3),
        "rising": 0.25 * (1 - sure) ** 2,
        "tells nothing": np.full(2_000, 0.055),
    }[kind]
    errs = rng.random(2_000) < rate
    found = [replay(rng, errs, sure, 300, 0.05) for _ in range(200)]
    # with 5 % allowed, more than 18 of 200 come by chance once in 100 times
    assert sum(broken for _, broken in found) <= 18
    if kind == "rising":
        assert np.mean([share for share, _ in found]) > 0.3


def test_ties_of_confidence_are_accepted_or_left_together() -> None:
    sample = [(0.9, True)] * 100 + [(0.5, False)] * 20
    found = certify(sample, [0.9] * 700 + [0.5] * 80, 0.05, 0.95)
    assert (found.threshold, found.accepted, found.answers, found.wrong) == (0.9, 700, 100, 0)
    assert found.at_most <= 0.05


@pytest.mark.parametrize("sample", [[], [(0.9, True)] * 10])
def test_too_few_answers_say_how_many_are_lacking(sample: list[tuple[float, bool]]) -> None:
    found = certify(sample, [0.9] * 50, 0.02, 0.95)
    assert found.threshold is None
    assert more_answers(found, len(sample), 0.02, 0.95) == answers_needed(0.02, 0.95) - len(sample)
    # 149 without an error hold 2 % at 95 %; three tenths more are asked for
    assert answers_needed(0.02, 0.95) == 193
    assert certify([], [], 0.02, 0.95).threshold is None


def test_a_model_that_errs_too_often_is_not_helped_by_more_answers() -> None:
    rng = np.random.default_rng(1)
    sample = [(float(s), bool(r)) for s, r in zip(rng.random(400), rng.random(400) > 0.2, strict=True)]
    found = certify(sample, rng.random(2_000).tolist(), 0.02, 0.95)
    assert (found.threshold, found.accepted) == (None, 0)
    assert found.wrong > 0
    assert more_answers(found, 400, 0.02, 0.95) is None
    # one that errs half as often as is allowed is helped
    lucky = certify([(s, i % 100 != 50) for i, (s, _) in enumerate(sample)], [0.5] * 2_000, 0.02, 0.95)
    more = more_answers(lucky, 400, 0.02, 0.95)
    assert lucky.threshold is not None or (more is not None and more > 0)
