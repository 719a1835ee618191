"""Numbers that are none: a model whose weights or scores are NaN or infinite is told in one line, wherever it
comes from, before anything is made of what it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.model.errors import ModelError

if TYPE_CHECKING:
    import torch


class NotFinite(ModelError):
    """A model that gives no numbers. The message says whose they are."""


def broken_weights(weights: Mapping[str, torch.Tensor]) -> list[str]:
    """The names of the weights that hold NaN or infinity, in their order."""
    return [name for name, tensor in weights.items() if not _all_finite(tensor)]


def _all_finite(tensor: torch.Tensor) -> bool:
    # The sum of finite numbers can only overflow; that of others is never finite. One pass, no copy.
    return not tensor.is_floating_point() or bool(tensor.sum().isfinite() or tensor.isfinite().all())


def check_scores(scores: Iterable[NDArray[np.float32]], whose: str) -> None:
    """NotFinite where one of the scores, logarithms of probabilities, is NaN."""
    if any(np.isnan(rows).any() for rows in scores):
        raise NotFinite(
            f"{whose} gives scores that are no numbers (NaN): its weights are broken, or too large to "
            "compute with; use another model"
        )
