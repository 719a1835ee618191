"""Query strategies against values computed by hand, and the laws they obey."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spanloop.recipes.active_learning import strategies

TWO_TOKENS = np.log(np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1]], dtype=np.float32))
EMPTY = np.zeros((0, 3), dtype=np.float32)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("least_confidence", 1 - 0.7 * 0.5),
        ("mnlp", -(math.log(0.7) + math.log(0.5)) / 2),
        ("margin", 1 - (0.5 - 0.4)),  # the second token is the closest call
        (
            "entropy",
            -sum(p * math.log(p) for p in (0.7, 0.2, 0.1)) / 2
            - sum(p * math.log(p) for p in (0.5, 0.4, 0.1)) / 2,
        ),
    ],
)
def test_values_computed_by_hand(strategy: str, expected: float) -> None:
    assert strategies.STRATEGIES[strategy](TWO_TOKENS) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("strategy", strategies.STRATEGIES)
def test_an_empty_document_gives_nothing_to_ask(strategy: str) -> None:
    assert strategies.STRATEGIES[strategy](EMPTY) == 0


@pytest.mark.parametrize("strategy", strategies.STRATEGIES)
def test_a_certain_document_scores_zero_and_a_doubtful_one_more(strategy: str) -> None:
    with np.errstate(divide="ignore"):
        certain = np.log(np.array([[1.0, 0.0, 0.0]] * 4, dtype=np.float32))
    assert strategies.STRATEGIES[strategy](certain) == pytest.approx(0)
    assert strategies.STRATEGIES[strategy](TWO_TOKENS) > 0


@pytest.mark.parametrize("strategy", ["mnlp", "entropy", "margin"])
def test_length_alone_changes_nothing_in_the_normalised_strategies(strategy: str) -> None:
    score = strategies.STRATEGIES[strategy]
    assert score(np.tile(TWO_TOKENS, (50, 1))) == pytest.approx(score(TWO_TOKENS), rel=1e-5)


def test_least_confidence_grows_with_length() -> None:
    longer = np.tile(TWO_TOKENS, (3, 1))
    assert strategies.least_confidence(longer) == pytest.approx(1 - 0.35**3, abs=1e-6)


@given(arrays(np.float64, (5, 4), elements=st.floats(-8, 8)))
def test_scores_stay_in_their_range(logits: np.ndarray) -> None:
    logprobs = (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)
    assert 0 <= strategies.least_confidence(logprobs) <= 1
    assert -1e-6 <= strategies.margin(logprobs) <= 1 + 1e-6
    assert -1e-6 <= strategies.entropy(logprobs) <= math.log(4) + 1e-5
    assert strategies.mnlp(logprobs) <= math.log(4) + 1e-5


def test_random_is_decided_by_seed_and_key_alone() -> None:
    keys = [f"doc-{i}" for i in range(500)]
    first = [strategies.random(0, key) for key in keys]
    assert first == [strategies.random(0, key) for key in keys]
    assert first != [strategies.random(1, key) for key in keys]
    assert len(set(first)) == len(keys)
    assert 0.45 < sum(first) / len(first) < 0.55


def test_without_token_scores_only_random_is_known() -> None:
    assert set(strategies.acquisition(None, seed=0, key="a")) == {"random"}
    assert set(strategies.acquisition(TWO_TOKENS, seed=0, key="a")) == set(strategies.NAMES)
