from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax

from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.tagging.calibrate import (
    calibrate,
    calibrate_like,
    calibration_error,
    judge,
    reliability,
)

TAGS = ("O", "B-A", "I-A")


def overconfident(
    n_documents: int, *, says: float, right: float
) -> tuple[list[TokenScores], list[list[CharSpan]]]:
    """Documents of one token; the model is ``says`` sure of each span, a share of ``right`` are true."""
    rest = (1 - says) / 2
    row = np.log(np.array([[rest, says, rest]], dtype=np.float32))
    scores = [TokenScores(row, np.array([0]), np.array([3]), TAGS) for _ in range(n_documents)]
    gold = [[CharSpan(0, 3, "A")] if k < right * n_documents else [] for k in range(n_documents)]
    return scores, gold


@pytest.mark.parametrize(("says", "right"), [(0.99, 0.7), (0.6, 0.8), (0.9, 0.5)])
def test_confidence_comes_to_mean_how_often_it_is_right(says: float, right: float) -> None:
    scores, gold = overconfident(100, says=says, right=right)
    found = calibrate(scores, gold, scheme="IOB2")
    assert found.error_before == pytest.approx(abs(says - right), abs=1e-5)
    assert found.error_after == pytest.approx(0.0, abs=0.01)
    assert (found.temperature > 1) == (says > right)


def test_too_few_spans_are_not_calibrated_on_and_it_says_so() -> None:
    found = calibrate(*overconfident(19, says=0.99, right=0.5), scheme="IOB2")
    assert (found.temperature, found.error_before, found.error_after) == (1.0, None, None)
    assert found.note == "not calibrated: 19 predicted spans, it takes 20"


def test_a_span_is_right_only_if_all_of_it_is() -> None:
    predicted = [[CharSpan(0, 3, "A", 0.9), CharSpan(4, 8, "A", 0.8), CharSpan(9, 10, "B", 0.7)], []]
    gold = [[CharSpan(0, 3, "A"), CharSpan(4, 7, "A"), CharSpan(9, 10, "A")], [CharSpan(0, 1, "A")]]
    confidence, correct = judge(predicted, gold)
    assert confidence.tolist() == [0.9, 0.8, 0.7]
    assert correct.tolist() == [True, False, False]


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.15, 0.15])
    correct = np.array([True, False, False, False])
    assert calibration_error(confidence, correct) == pytest.approx((2 * 0.45 + 2 * 0.15) / 4)
    assert calibration_error(np.zeros(0), np.zeros(0, dtype=bool)) == 0.0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=50))
def test_every_span_is_in_one_bin_that_holds_its_confidence(pairs: list[tuple[float, bool]]) -> None:
    confidence = np.array([pair[0] for pair in pairs])
    bins = reliability(confidence, np.array([pair[1] for pair in pairs], dtype=bool))
    assert sum(b.count for b in bins) == len(pairs)
    assert all(b.low - 1e-9 <= b.confidence <= b.high + 1e-9 and 0 <= b.accuracy <= 1 for b in bins)


@pytest.mark.parametrize(("sharper", "temperature"), [(2.0, 1.0), (0.5, 1.0), (1.0, 1.7), (1.6, 0.8)])
def test_a_model_gets_the_temperature_that_makes_it_as_sure_as_another(
    sharper: float, temperature: float
) -> None:
    rows = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32) * 3
    starts = np.arange(40)

    def of(logits: np.ndarray) -> TokenScores:
        return TokenScores(log_softmax(logits, axis=1).astype(np.float32), starts, starts + 1, TAGS)

    model, own = of(rows), of(rows * np.float32(sharper))
    found = calibrate_like([own], [model], temperature)
    assert found == pytest.approx(sharper * temperature, rel=1e-2)
    np.testing.assert_allclose(own.calibrated(found), model.calibrated(temperature), atol=0.05)
    nothing = TokenScores(np.zeros((0, 3), dtype=np.float32), np.zeros(0, int), np.zeros(0, int), TAGS)
    assert calibrate_like([nothing], [nothing], 1.3) == 1.3
