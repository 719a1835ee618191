"""A training that leaves the range of numbers ends at the first step that shows it, and says what to try."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from spanloop.plugin.model.finite import NotFinite, broken_weights
from spanloop.plugin.training.config import HIGHEST_RATE, LOWEST_RATE

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")


class Diverged(NotFinite):
    """The loss, the weights or the scores of a training are NaN or infinite. The message says when, and what
    to try instead."""


class Divergence:
    """Watches a training for it. With several processes all of them find it at the same step: those that
    went on would wait for ever for the one that ended."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self._looked_at_next: tuple[torch.Tensor, int] | None = None

    def check_loss(self, loss: torch.Tensor, step: int) -> None:
        """Diverged where the loss of a batch is no finite number; on a GPU it is that of the batch before,
        since to look at this one would be to wait for it. ``step``: the optimiser steps before this batch."""
        looked_at, this = self._looked_at_next, (loss.isfinite().all(), step)
        self._looked_at_next = this
        if not loss.is_cuda or _shared():
            looked_at = this
        if looked_at is None:
            return
        fine, step = looked_at
        if _everywhere(bool(fine)):
            return
        if not step:
            raise Diverged(
                "the loss is no finite number before anything was learned: the weights of the model that it "
                "starts from are broken, or a class weight is too large; try another model, or none of the "
                "class weights"
            )
        raise Diverged(f"the loss is no finite number after step {step}: {self._advice()}")

    def check_weights(self, model: Any, when: str) -> None:
        """Diverged where a weight is no finite number."""
        if broken := broken_weights(model.state_dict()):
            raise Diverged(
                f"{len(broken)} of the model's weights are no finite numbers {when} ({broken[0]} is the "
                f"first): {self._advice()}"
            )

    def scored(self, when: str, score: Callable[[], Result]) -> Result:
        """What ``score`` gives; Diverged where the model's scores are no numbers."""
        try:
            return score()
        except NotFinite as error:
            raise Diverged(f"the model's scores are no numbers {when}: {self._advice()}") from error

    def _advice(self) -> str:
        usual = self.learning_rate <= HIGHEST_RATE
        lower = self.learning_rate / 10 if usual else LOWEST_RATE
        return f"the learning rate of {self.learning_rate:g} is too high for it, try {lower:g}"


def _shared() -> bool:
    """Whether several processes train together."""
    from torch import distributed

    return distributed.is_available() and distributed.is_initialized()


def _everywhere(fine: bool) -> bool:
    """Whether it is so in every process of this training."""
    import torch
    from torch import distributed

    if not _shared():
        return fine
    # Of a backend for each kind of device ("cpu:gloo,cuda:nccl") the one of the CPU answers.
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    told = torch.tensor(int(fine), device=device)
    distributed.all_reduce(told, op=distributed.ReduceOp.MIN)
    return bool(told)
