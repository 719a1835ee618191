"""The model as torch runs it: on a CPU or a GPU, in float32 or bfloat16."""

from __future__ import annotations

import contextlib
import copy
import functools
import os
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from spanloop.plugin.alignment.subwords import Ints
from spanloop.plugin.model.device import Precision
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.neighbours import as_configured, changes_itself, shortest_batch
from spanloop.plugin.model.packed import agrees, packed
from spanloop.plugin.model.pretrained import head_name

if TYPE_CHECKING:
    import torch


class TorchBackend:
    """Runs one padded batch after the other. A gradient is kept where the caller has not switched it off;
    where it has, a CPU computes with a copy whose linear layers are packed (`spanloop.plugin.model.packed`).

    Args:
        model: the Hugging Face model, which stays in float32: it is what is saved and trained.
        precision: ``bf16`` computes with a copy of the encoder in bfloat16 (half the memory of the model
            beside it), and with the head in float32, whose scores become confidences. What is trained
            computes in float32 whatever is asked for here: the trainer has a setting of its own.
    """

    def __init__(self, model: Any, precision: Precision = "fp32") -> None:
        _count_steps()
        self.model = model
        self.precision = precision
        self._shortest = shortest_batch(model)
        self._pid = os.getpid()
        self._making = threading.Lock()
        self._turn = threading.Lock() if changes_itself(model) else contextlib.nullcontext()
        self._copy: Any = None
        self._copy_of: tuple[tuple[int, int], ...] = ()

    def logits(self, input_ids: Ints, attention_mask: Ints) -> torch.Tensor:
        """The scores of one batch, on the model's device; a GPU may still be at work on them.

        Raises:
            ModelError: in a process that was forked from one that uses the GPU.
        """
        import torch

        self._look_where_we_are()
        length = input_ids.shape[1]
        if length < self._shortest:
            room = ((0, 0), (0, self._shortest - length))
            input_ids, attention_mask = np.pad(input_ids, room), np.pad(attention_mask, room)
        ids, mask = torch.from_numpy(input_ids), torch.from_numpy(attention_mask)
        device = self.model.device
        if device.type == "cuda":
            # From pinned memory the copy waits for nothing that the GPU still has to do.
            ids, mask = (one.pin_memory().to(device, non_blocking=True) for one in (ids, mask))
        elif device.type != "cpu":
            ids, mask = ids.to(device), mask.to(device)
        model = self._chosen()
        with self._turn:
            as_configured(model)
            logits: torch.Tensor = model(input_ids=ids, attention_mask=mask).logits
        return logits if logits.shape[1] == length else logits[:, :length]

    def with_head_inputs(self, input_ids: Ints, attention_mask: Ints) -> tuple[torch.Tensor, torch.Tensor]:
        """As `logits`, and what the head of the model was given for them, of shape (windows, wordpieces,
        width)."""
        kept: list[torch.Tensor] = []
        own = threading.get_ident()

        def keep(_: Any, given: tuple[torch.Tensor, ...]) -> None:
            if threading.get_ident() == own:  # another thread may predict with the same head
                kept.append(given[0])

        handle = self.head.register_forward_pre_hook(keep)
        try:
            logits = self.logits(input_ids, attention_mask)
        finally:
            handle.remove()
        return logits, kept[-1][:, : input_ids.shape[1]]

    @property
    def head(self) -> Any:
        """The head of what computes now."""
        return self._chosen().get_submodule(head_name(self.model))

    def forget(self) -> None:
        """The weights have changed in a way that torch does not count."""
        self._copy, self._copy_of = None, ()

    def _look_where_we_are(self) -> None:
        import torch

        if os.getpid() == self._pid:
            return
        if self.model.device.type == "cuda":
            raise ModelError(
                "a process that was forked cannot use the GPU of its parent: call nlp.pipe with "
                'n_process = 1, or give the pipe device = "cpu"'
            )
        # A forked child has none of OpenMP's threads and waits for them for ever (spaCy #4667): one
        # thread.
        torch.set_num_threads(1)
        self._pid = os.getpid()

    def _chosen(self) -> Any:
        """What computes now: the model itself where it trains, where a gradient is wanted and where torch
        chooses the precision of each step, else its fastest copy."""
        import torch

        plain = torch.is_grad_enabled() or torch.is_autocast_enabled(self.model.device.type)
        if self.model.training or (self.precision == "fp32" and plain):
            return self.model
        weights = tuple(state_of(weight) for weight in self.model.parameters())
        with self._making:
            if self._copy is None or self._copy_of != weights:
                self._copy, self._copy_of = self._fastest(), weights
            return self._copy

    def _fastest(self) -> Any:
        exact = self.model if self.precision == "fp32" else _in_bfloat16(self.model)
        laid_out = packed(exact)
        return laid_out if laid_out is not None and agrees(laid_out, exact) else exact


def state_of(weight: torch.Tensor) -> tuple[int, int]:
    """What changes when the weight does; a tensor made in inference mode counts no versions, and a fused
    optimizer, such as the one that rounds are trained with, leaves them as they are."""
    return weight.data_ptr(), _steps + (0 if weight.is_inference() else weight._version)  # both only grow


_steps = 0


@functools.cache
def _count_steps() -> None:
    """Count the steps of all optimizers of torch in this process from now on."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    register_optimizer_step_post_hook(_stepped)


def _stepped(*_: Any) -> None:
    global _steps
    _steps += 1


def _in_bfloat16(model: Any) -> Any:
    """A copy of the model with its encoder in bfloat16 and its head in float32."""
    import torch

    low = copy.deepcopy(model).to(torch.bfloat16).requires_grad_(False).eval()
    head = low.get_submodule(head_name(low))
    exact = model.get_submodule(head_name(model))
    head.float().load_state_dict(exact.state_dict())
    head.register_forward_pre_hook(_widen)
    return low


def _widen(_head: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(one.float() for one in given)
