"""The training loss: cross-entropy over the labelled wordpieces of a step, weighted by class or by
difficulty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from spanloop.plugin.tagging.gold import UNKNOWN


class TokenLoss:
    """Called by HF Trainer as ``compute_loss_func(outputs, labels, num_items_in_batch)``.

    The sum over the labelled wordpieces is divided by how many the whole optimiser step has, over all its
    micro-batches and processes: so the gradient depends neither on accumulation nor on the number of
    processes. ``gamma`` above 0 is the focal loss of Lin et al. 2017: a token that is already right hardly
    counts.
    """

    def __init__(self, tag_weights: Sequence[float], gamma: float = 0.0) -> None:
        self.weights = torch.tensor(tag_weights, dtype=torch.float32)
        self.gamma = gamma

    def __call__(
        self, outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        logits = outputs.logits.float().flatten(0, 1)
        targets = labels.flatten()
        weights = self.weights.to(logits.device)
        if self.gamma:
            total = self._focal(logits, targets, weights)
        else:
            total = cross_entropy(logits, targets, weight=weights, ignore_index=UNKNOWN, reduction="sum")
        items = (targets != UNKNOWN).sum() if num_items_in_batch is None else num_items_in_batch
        return total / torch.as_tensor(items, device=total.device).clamp(min=1)

    def _focal(self, logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        plain = cross_entropy(logits, targets, ignore_index=UNKNOWN, reduction="none")
        weight = weights[targets.clamp(min=0)]  # the loss of an ignored wordpiece is 0 whatever its weight
        return (weight * (1.0 - torch.exp(-plain)) ** self.gamma * plain).sum()
