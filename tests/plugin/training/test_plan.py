from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloop.plugin.training.config import plan


@given(st.integers(1, 10_000_000))
def test_steps_are_enough_for_a_new_head_and_batches_stay_in_bounds(wordpieces: int) -> None:
    planned = plan(wordpieces)
    steps = -(-wordpieces // planned.batch_wordpieces) * planned.epochs
    assert 256 <= planned.batch_wordpieces <= 512
    assert 4 <= planned.epochs <= 18
    assert steps >= 160 or planned.epochs == 18


@given(st.integers(1, 10_000_000))
def test_in_a_hurry_it_takes_three_fifths_of_the_epochs(wordpieces: int) -> None:
    usual, fast = plan(wordpieces), plan(wordpieces, fast=True)
    assert fast.batch_wordpieces == usual.batch_wordpieces
    assert abs(fast.epochs - 0.6 * usual.epochs) <= 0.5
    assert plan(wordpieces, epochs=7, fast=True).epochs == 7


@given(st.integers(1, 1_000_000), st.integers(1, 1000))
def test_more_text_never_means_more_epochs(wordpieces: int, more: int) -> None:
    assert plan(wordpieces + more * 1024).epochs <= plan(wordpieces).epochs


@pytest.mark.parametrize(
    ("wordpieces", "batch", "epochs"),
    [(100, 256, 18), (5_000, 256, 8), (10_000, 256, 4), (40_000, 400, 4), (500_000, 512, 4)],
)
def test_examples(wordpieces: int, batch: int, epochs: int) -> None:
    planned = plan(wordpieces)
    assert (planned.batch_wordpieces, planned.epochs) == (batch, epochs)


@given(st.integers(1, 10_000_000), st.integers(1, 10_000_000))
def test_more_text_is_never_learned_at_a_higher_rate(wordpieces: int, more: int) -> None:
    less_text, more_text = plan(wordpieces), plan(wordpieces + more)
    assert 1e-4 <= more_text.learning_rate <= less_text.learning_rate <= 3e-4


@given(st.integers(1, 10_000_000), st.none() | st.floats(1e-7, 10))
def test_a_head_learns_up_to_ten_times_as_fast_and_no_faster_than_it_bears(
    wordpieces: int, rate: float | None
) -> None:
    planned = plan(wordpieces, learning_rate=rate)
    of_head = planned.head_rate * planned.learning_rate
    assert 1 <= planned.head_rate <= 10
    assert of_head <= max(3e-3, planned.learning_rate) * (1 + 1e-9)
    assert planned.head_rate == 10 or of_head >= 3e-3 * (1 - 1e-9)
    assert plan(wordpieces, learning_rate=rate, head_rate=2.5).head_rate == 2.5


@pytest.mark.parametrize(("wordpieces", "rate"), [(33_000, 3e-4), (50_000, 2e-4), (100_000, 1e-4)])
def test_examples_of_rates(wordpieces: int, rate: float) -> None:
    assert plan(wordpieces).learning_rate == pytest.approx(rate)


def test_what_is_given_stays() -> None:
    planned = plan(10_000, batch_wordpieces=2048, epochs=3, learning_rate=0.5)
    assert (planned.batch_wordpieces, planned.epochs, planned.learning_rate) == (2048, 3, 0.5)
