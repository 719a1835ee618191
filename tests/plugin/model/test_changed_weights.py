"""Predictions are those of the weights as they are, however these were changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.pipe_making import make
from support.tiny_models import SAMPLE


def _by_optimizer(model: Any, *, fused: bool) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=fused)
    ids = torch.tensor([[2, 7, 9, 3]])
    model(input_ids=ids).logits.sum().backward()
    optimizer.step()


def _in_place(model: Any) -> None:
    with torch.no_grad():
        model.classifier.weight.mul_(-1)


CHANGES: dict[str, Callable[[Any], None]] = {
    "an optimizer": lambda model: _by_optimizer(model, fused=False),
    "a fused one": lambda model: _by_optimizer(model, fused=True),
    "in place": _in_place,
}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_weights_is_seen_by_the_next_prediction(
    folder: Path, change: str, precision: str
) -> None:
    nlp, pipe = make(folder, precision=precision)
    doc = nlp.make_doc(SAMPLE[0])
    before = pipe.predict([doc])[0].logprobs
    CHANGES[change](pipe.hf_model())
    after = pipe.predict([doc])[0].logprobs
    nlp.to_disk(folder.parent / f"changed {precision} {change}")
    _, fresh = make(folder.parent / f"changed {precision} {change}" / "hf_token_classifier" / "model")
    fresh.model.shims[0].precision = precision  # type: ignore[attr-defined]
    expected = fresh.predict([doc])[0].logprobs
    np.testing.assert_allclose(after, expected, atol=1e-4)
    assert np.abs(after - before).max() > 0.01
