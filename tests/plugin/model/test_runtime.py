"""Batches, padding and the way from wordpieces to units."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spanloop.plugin.alignment.windows import Window
from spanloop.plugin.model.runtime import aggregate, batches, pad


@given(lengths=st.lists(st.integers(1, 200), max_size=60), budget=st.integers(1, 400))
def test_batches_hold_every_window_once_within_the_budget(lengths: list[int], budget: int) -> None:
    groups = batches(lengths, budget)
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    for group in groups:
        longest = max(lengths[index] for index in group)
        assert len(group) == 1 or longest * len(group) <= budget
    in_order = [lengths[index] for group in groups for index in group]
    assert in_order == sorted(lengths, reverse=True)


def window(*ids: int) -> Window:
    length = len(ids)
    return Window(
        np.array(ids), np.zeros(length, dtype=np.int64), np.ones(length, bool), np.ones(length, bool)
    )


def test_padding_is_on_the_right_and_masked() -> None:
    input_ids, attention_mask = pad([window(5, 6, 7), window(8)], pad_id=9)
    assert input_ids.tolist() == [[5, 6, 7], [8, 9, 9]]
    assert attention_mask.tolist() == [[1, 1, 1], [1, 0, 0]]


def logits(*rows: tuple[float, float]) -> torch.Tensor:
    return torch.tensor(rows).log()


def test_first_takes_the_first_wordpiece() -> None:
    rows = logits((0.6, 0.4), (0.1, 0.9), (0.2, 0.8))
    merged = aggregate(rows, np.array([0, 0, 1]), 2, "first").softmax(1)
    assert torch.allclose(merged, torch.tensor([[0.6, 0.4], [0.2, 0.8]]))


def test_mean_is_the_mean_probability() -> None:
    rows = logits((0.6, 0.4), (0.1, 0.9), (0.2, 0.8))
    merged = aggregate(rows, np.array([0, 0, 1]), 2, "mean").softmax(1)
    assert torch.allclose(merged, torch.tensor([[0.35, 0.65], [0.2, 0.8]]))


def test_max_takes_the_surest_wordpiece() -> None:
    rows = logits((0.6, 0.4), (0.1, 0.9), (0.2, 0.8), (0.8, 0.2))
    merged = aggregate(rows, np.array([0, 0, 1, 1]), 2, "max").softmax(1)
    assert torch.allclose(merged, torch.tensor([[0.1, 0.9], [0.2, 0.8]])), "of two alike the first"


@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=8),
    row=st.lists(st.floats(-5, 5, width=32), min_size=2, max_size=5),
    how=st.sampled_from(["first", "mean", "max"]),
)
def test_merging_a_constant_gives_it_back(sizes: list[int], row: list[float], how: str) -> None:
    units = np.repeat(np.arange(len(sizes)), sizes)
    rows = torch.tensor(row).expand(len(units), -1)
    merged = aggregate(rows, units, len(sizes), how)  # type: ignore[arg-type]
    assert torch.allclose(merged.softmax(1), rows[: len(sizes)].softmax(1), atol=1e-6)


@pytest.mark.parametrize("how", ["first", "mean", "max"])
def test_gradients_flow_back_to_wordpieces(how: str) -> None:
    rows = torch.randn((5, 3), generator=torch.Generator().manual_seed(0)).requires_grad_()
    merged = aggregate(rows, np.array([0, 0, 1, 1, 2]), 3, how)  # type: ignore[arg-type]
    merged.log_softmax(1)[:, 0].sum().backward()
    assert rows.grad is not None
    touched = int((rows.grad.abs().sum(1) > 0).sum())
    assert touched == (5 if how == "mean" else 3)
    assert math.isfinite(float(rows.grad.sum()))
