from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import cross_entropy

from spanloop.plugin.tagging.gold import UNKNOWN
from spanloop.plugin.training.loss import TokenLoss


def batch(rows: int, length: int, seed: int = 0) -> tuple[SimpleNamespace, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, length, 3, generator=generator, requires_grad=True)
    labels = torch.randint(0, 3, (rows, length), generator=generator)
    labels[:, 0] = UNKNOWN
    return SimpleNamespace(logits=logits), labels


def test_unweighted_it_is_the_mean_cross_entropy() -> None:
    outputs, labels = batch(2, 5)
    expected = cross_entropy(outputs.logits.flatten(0, 1), labels.flatten(), ignore_index=UNKNOWN)
    assert TokenLoss([1.0, 1.0, 1.0])(outputs, labels).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_parts_of_a_step_add_up_to_the_step(gamma: float) -> None:
    outputs, labels = batch(6, 5)
    loss = TokenLoss([0.2, 1.0, 3.0], gamma)
    items = (labels != UNKNOWN).sum()
    whole = loss(outputs, labels, items)
    parts = [
        loss(SimpleNamespace(logits=outputs.logits[rows]), labels[rows], items)
        for rows in (slice(0, 1), slice(1, 4), slice(4, 6))
    ]
    assert torch.stack(parts).sum().item() == pytest.approx(whole.item(), rel=1e-6)


def test_a_weight_scales_the_loss_of_its_tag() -> None:
    outputs, labels = batch(1, 2)
    labels[0, 1] = 2
    plain, weighted = TokenLoss([1.0, 1.0, 1.0]), TokenLoss([1.0, 1.0, 4.0])
    assert weighted(outputs, labels).item() == pytest.approx(4 * plain(outputs, labels).item())


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_what_is_masked_gets_no_gradient(gamma: float) -> None:
    outputs, labels = batch(2, 5)
    TokenLoss([1.0, 2.0, 3.0], gamma)(outputs, labels).backward()  # type: ignore[no-untyped-call]
    assert outputs.logits.grad[:, 0].abs().max() == 0
    assert outputs.logits.grad[:, 1:].abs().min() > 0


def test_focal_loss_is_that_of_the_paper() -> None:
    outputs, labels = batch(1, 2)
    labels[0, 1] = 1
    p = outputs.logits[0, 1].softmax(0)[1].item()
    expected = -((1 - p) ** 2) * torch.tensor(p).log().item()
    assert TokenLoss([1.0, 1.0, 1.0], gamma=2.0)(outputs, labels).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_a_batch_with_nothing_to_learn_has_no_loss_and_no_nan(gamma: float) -> None:
    outputs, labels = batch(1, 3)
    loss = TokenLoss([1.0, 1.0, 1.0], gamma)(outputs, torch.full_like(labels, UNKNOWN))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0.0
    assert outputs.logits.grad.abs().max() == 0


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_a_choice_asks_for_one_of_its_tags_and_not_for_a_certain_one(gamma: float) -> None:
    outputs, labels = batch(1, 2)
    labels[0, 1] = 3  # the first choice behind three tags
    p = outputs.logits[0, 1].softmax(0)[[0, 2]].sum()
    expected = -2.0 * (1 - p) ** gamma * p.log()
    loss = TokenLoss([2.0, 1.0, 1.0], gamma, [(0, 2)])(outputs, labels)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()  # type: ignore[no-untyped-call]
    pull = outputs.logits.grad[0, 1]
    assert pull[1] > 0 > pull[0]
    assert pull[2] / pull[0] == pytest.approx(
        (outputs.logits[0, 1, 2] - outputs.logits[0, 1, 0]).exp().item()
    )


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_choices_that_nobody_has_change_nothing(gamma: float) -> None:
    outputs, labels = batch(3, 5)
    plain, with_choices = (TokenLoss([0.2, 1.0, 3.0], gamma, choices) for choices in ((), [(0, 2)]))
    assert with_choices(outputs, labels).item() == pytest.approx(plain(outputs, labels).item(), rel=1e-5)
    nothing = with_choices(outputs, torch.full_like(labels, UNKNOWN))
    nothing.backward()
    assert nothing.item() == 0.0
    assert outputs.logits.grad.isfinite().all()
