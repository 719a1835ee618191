"""Numbers that are none: a model whose weights or scores are NaN or infinite is told in one line, wherever it
comes from, before anything is made of what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

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


def log_probabilities(scores: Sequence[NDArray[np.float32]], whose: str) -> list[NDArray[np.float32]]:
    """The logarithms of the probabilities that these scores mean, a row a unit, of all documents at once:
    numpy takes as long for a short one as for many.

    Raises:
        NotFinite: where one of them is NaN.
    """
    if not scores:
        return []
    ends = np.cumsum([len(rows) for rows in scores])
    with np.errstate(invalid="ignore"):  # told below, in better words
        together = np.asarray(log_softmax(np.concatenate(scores), axis=1), np.float32)
    if np.isnan(together).any():
        raise NotFinite(
            f"{whose} gives scores that are no numbers (NaN): its weights are broken, or too large to "
            "compute with; use another model"
        )
    return np.split(together, ends[:-1])
