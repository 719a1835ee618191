"""The training loss: cross-entropy over the labelled wordpieces of a step, weighted by class or by
difficulty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy, one_hot

from spanloop.plugin.tagging.gold import UNKNOWN


class TokenLoss:
    """Called by HF Trainer as ``compute_loss_func(outputs, labels, num_items_in_batch)``.

    The sum over the labelled wordpieces is divided by how many the whole optimiser step has, over all its
    micro-batches and processes: so the gradient depends neither on accumulation nor on the number of
    processes. ``gamma`` above 0 is the focal loss of Lin et al. 2017: a token that is already right hardly
    counts.

    ``choices``: the tags that a wordpiece may have whose tag is known only in part. Its label is the number
    of tags plus the place of its choice, whose first tag gives its weight. Its loss is that of the sum of the
    probabilities of the choice's tags, the marginal likelihood of Greenberg et al. 2018 ("Marginal Likelihood
    Training of BiLSTM-CRF for Biomedical Named Entity Recognition from Disjoint Label Sets"), here token by
    token: it says that one of them is right, and nothing about which.

    ``soft``: ``[row, tag]``, for wordpieces of which a model says how likely each tag is. Their labels come
    behind those of the choices, and their loss is the cross-entropy to these probabilities, whose weight is 1
    whatever the tags weigh.
    """

    def __init__(
        self,
        tag_weights: Sequence[float],
        gamma: float = 0.0,
        choices: Sequence[Sequence[int]] = (),
        soft: NDArray[np.float32] | None = None,
    ) -> None:
        self.weights = torch.tensor(
            [*tag_weights, *(tag_weights[tags[0]] for tags in choices)], dtype=torch.float32
        )
        self.gamma = gamma
        allowed = torch.eye(len(tag_weights), dtype=torch.bool)
        rows = [one_hot(torch.tensor(tags), len(tag_weights)).sum(0).bool() for tags in choices]
        self.allowed = torch.cat([allowed, torch.stack(rows)]) if rows else None
        self.soft = torch.from_numpy(soft) if soft is not None and len(soft) else None

    def __call__(
        self, outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        logits = outputs.logits.float().flatten(0, 1)
        targets = labels.flatten()
        total = self._of_gold(logits, targets)
        if self.soft is not None:
            total = total + self._of_soft(logits, targets)
        items = (targets != UNKNOWN).sum() if num_items_in_batch is None else num_items_in_batch
        return total / torch.as_tensor(items, device=total.device).clamp(min=1)

    def _of_gold(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of the wordpieces whose tag, or choice of tags, is known."""
        weights = self.weights.to(logits.device)
        if self.soft is not None:
            targets = targets.masked_fill(targets >= len(weights), UNKNOWN)
        if self.gamma or self.allowed is not None:
            plain = self._plain(logits, targets)
            weight = weights[
                targets.clamp(min=0)
            ]  # the loss of an ignored wordpiece is 0 whatever its weight
            return (weight * (1.0 - torch.exp(-plain)) ** self.gamma * plain).sum()
        return cross_entropy(logits, targets, weight=weights, ignore_index=UNKNOWN, reduction="sum")

    def _of_soft(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of the wordpieces of which a model has said how likely each tag is."""
        assert self.soft is not None
        self.soft = self.soft.to(logits.device)  # once: a table of many rows is not sent there at each step
        places = targets - len(self.weights)
        wanted = self.soft[places.clamp(min=0)].masked_fill((places < 0)[:, None], 0.0)
        return cross_entropy(logits, wanted, reduction="sum")

    def _plain(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of each wordpiece without any weight, 0 where it is unknown."""
        if self.allowed is None:
            return cross_entropy(logits, targets, ignore_index=UNKNOWN, reduction="none")
        allowed = self.allowed.to(logits.device)[targets.clamp(min=0)]
        possible = logits.masked_fill(~allowed, -torch.inf)
        surprise = torch.logsumexp(logits, dim=-1) - torch.logsumexp(possible, dim=-1)
        surprise = surprise.clamp(min=0)  # rounding may put it just below
        return torch.where(targets == UNKNOWN, torch.zeros_like(surprise), surprise)
