"""Query strategies of single documents against values computed by hand, and the laws that they obey."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spanloop.recipes.active_learning import registry
from spanloop.recipes.active_learning.strategy import DocumentStrategy

TWO_TOKENS = np.log(np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1]], dtype=np.float32))
EMPTY = np.zeros((0, 3), dtype=np.float32)
OF_DOCUMENTS = {
    name: found for name in registry.NAMES if isinstance(found := registry.by_name(name), DocumentStrategy)
}
FIRST, SECOND = (-sum(p * math.log(p) for p in row) for row in ((0.7, 0.2, 0.1), (0.5, 0.4, 0.1)))


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("least_confidence", 1 - 0.7 * 0.5),
        ("mnlp", -(math.log(0.7) + math.log(0.5)) / 2),
        ("margin", 1 - (0.5 - 0.4)),  # the second token is the closest call
        ("entropy", (FIRST + SECOND) / 2),
        ("entropy_max", SECOND),
        ("entropy_top", (FIRST + SECOND) / 2),  # there are fewer than five
    ],
)
def test_values_computed_by_hand(strategy: str, expected: float) -> None:
    assert OF_DOCUMENTS[strategy].score(TWO_TOKENS) == pytest.approx(expected, abs=1e-6)


def test_the_five_most_doubtful_tokens_count_and_no_other() -> None:
    rows = np.concatenate([np.tile(TWO_TOKENS[1], (5, 1)), np.tile(TWO_TOKENS[0], (40, 1))])
    assert OF_DOCUMENTS["entropy_top"].score(rows) == pytest.approx(SECOND, abs=1e-6)


@pytest.mark.parametrize("strategy", OF_DOCUMENTS)
def test_a_certain_document_scores_zero_a_doubtful_one_more_and_an_empty_one_nothing(strategy: str) -> None:
    score = OF_DOCUMENTS[strategy].score
    with np.errstate(divide="ignore"):
        certain = np.log(np.array([[1.0, 0.0, 0.0]] * 4, dtype=np.float32))
    assert score(certain) == pytest.approx(0)
    assert score(TWO_TOKENS) > 0
    assert score(EMPTY) == 0


@settings(max_examples=30)
@given(
    arrays(np.float64, (5, 4), elements=st.floats(-8, 8)),
    st.permutations(range(5)),
    st.permutations(range(4)),
)
def test_scores_are_finite_and_the_order_of_tokens_and_tags_changes_nothing(
    logits: np.ndarray, rows: list[int], columns: list[int]
) -> None:
    logprobs = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)
    for name, strategy in OF_DOCUMENTS.items():
        found = strategy.score(logprobs)
        assert -1e-6 <= found <= math.log(4) * 2, name
        assert found == pytest.approx(strategy.score(logprobs[rows][:, columns]), abs=1e-5), name


def test_one_token_and_a_hundred_thousand_give_numbers_and_length_alone_changes_no_mean() -> None:
    long = np.tile(TWO_TOKENS, (50_000, 1))
    for name, strategy in OF_DOCUMENTS.items():
        assert math.isfinite(strategy.score(TWO_TOKENS[:1])), name
        assert math.isfinite(strategy.score(long)), name
    for name in ("mnlp", "entropy", "margin"):
        assert OF_DOCUMENTS[name].score(long) == pytest.approx(OF_DOCUMENTS[name].score(TWO_TOKENS), rel=1e-5)
    three = np.tile(TWO_TOKENS, (3, 1))
    assert OF_DOCUMENTS["least_confidence"].score(three) == pytest.approx(1 - 0.35**3, abs=1e-6)
