"""A model without its head, as another library converts it; and what a conversion may leave behind."""

from __future__ import annotations

import contextlib
import copy
import logging
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from spanloop.plugin.model.neighbours import shortest_batch
from spanloop.plugin.model.packed import made_up
from spanloop.plugin.model.pretrained import head_name

if TYPE_CHECKING:
    import torch


def vectors_of(model: Any) -> Any:
    """The model without its head, in evaluation; it shares the weights.

    Returns:
        A module that takes ``input_ids`` and ``attention_mask``, each of shape (windows, wordpieces), and
        gives the vectors that the head reads, of shape (windows, wordpieces, width).
    """
    import torch

    shared: dict[int, Any] = {id(one): one for one in (*model.parameters(), *model.buffers())}
    headless = copy.deepcopy(model, shared).eval()
    parent, _, leaf = head_name(headless).rpartition(".")
    setattr(headless.get_submodule(parent), leaf, torch.nn.Identity())
    for module in headless.modules():
        if hasattr(type(module), "loss_function"):  # or transformers says that there is none, when traced
            module.loss_type = "ForTokenClassification"

    class Vectors(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.headless = headless

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            vectors: torch.Tensor = self.headless(input_ids=input_ids, attention_mask=attention_mask).logits
            return vectors

    return Vectors().eval()


def example(model: Any) -> dict[str, torch.Tensor]:
    """Two windows of wordpieces to trace the model with, one of them padded."""
    import torch

    rows = made_up(model, shortest=shortest_batch(model))[0]
    mask = torch.ones_like(rows)
    mask[-1, -2:] = 0
    return {"input_ids": rows, "attention_mask": mask}


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Without the warnings of torch's tracing, which are about itself and about numbers that become
    constants: a comparison sees those. A conversion that fails leaves the root logger deaf to warnings,
    everybody's, so that one is put back as it was."""
    root = logging.getLogger()
    level, filters, handlers = root.level, list(root.filters), list(root.handlers)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(level)
        root.filters[:], root.handlers[:] = filters, handlers
