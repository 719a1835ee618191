"""A model that another library runs on a CPU: the encoder converted, the head left to torch in float32."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from spanloop.plugin.alignment.subwords import Ints
from spanloop.plugin.model.device import Precision
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.headless import quietly
from spanloop.plugin.model.neighbours import changes_itself, shortest_batch
from spanloop.plugin.model.packed import agreement, made_up
from spanloop.plugin.model.pretrained import head_name
from spanloop.plugin.model.torch_backend import TorchBackend, state_of

if TYPE_CHECKING:
    import torch

    from spanloop.plugin.model.pretrained import Pretrained

# What the conversion of a model that a library does not know may raise, torch's tracing and its own reading.
UNCONVERTED = (RuntimeError, TypeError, ValueError, AttributeError, NotImplementedError, KeyError)
# What was traced with a short window is compared at the length of a usual long one too.
_LONGEST = 512
# torch's tracing and export, and Python's list of warnings, are one for all threads.
_CONVERTING = threading.Lock()


class ConvertedBackend(ABC):
    """Runs one padded batch after the other. Training, and whoever wants a gradient, computes with torch.

    The model is converted at the first prediction and after each change of its weights, and what comes out is
    compared with what the model itself says. Nothing is written to the disk: to read a converted model and to
    find out whether it is still this one takes about as long as to convert it.

    Args:
        pretrained: the model, which stays as it is: it is what is saved and trained.
        precision: how exactly the encoder computes; the head computes in float32 always, since its scores
            become confidences.
    """

    name: ClassVar[str]
    """The backend, as it is typed."""
    title: ClassVar[str]
    """The library, as its makers write it."""

    def __init__(self, pretrained: Pretrained, precision: Precision = "fp32") -> None:
        self.model = model = pretrained.model
        self.precision = precision
        self.pretrained = pretrained
        self._by_torch = TorchBackend(model, "fp32" if precision == "int8" else precision)
        self._shortest = shortest_batch(model)
        self._pid = os.getpid()
        self._making = threading.Lock()
        self._compiled: Any = None
        self._compiled_of: tuple[tuple[int, int], ...] = ()

    @abstractmethod
    def compile(self) -> Any:
        """The model as the library runs it."""

    @abstractmethod
    def vectors(self, compiled: Any, input_ids: Ints, attention_mask: Ints) -> Any:
        """What the compiled model gives for one batch: an array of shape (windows, wordpieces, width)."""

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """What the library may raise for a model that it cannot convert or run."""
        return UNCONVERTED

    def ready_made(self) -> Any | None:
        """A model that was compiled elsewhere and is not compared with the one in torch; None where there is
        none."""
        return None

    def logits(self, input_ids: Ints, attention_mask: Ints) -> torch.Tensor:
        """The scores of one batch, on the CPU.

        Raises:
            ModelError: where the model is on a GPU, and where the library cannot convert it or says something
                else than the model itself.
        """
        import torch

        forked = os.getpid() != self._pid  # a forked child has none of the library's threads
        if forked and self.precision == "int8":
            raise ModelError(
                "a process that was forked cannot compute in int8: call nlp.pipe with n_process = 1"
            )
        plain = torch.is_grad_enabled() or torch.is_autocast_enabled("cpu")
        if forked or self.model.training or plain:
            return self._by_torch.logits(input_ids, attention_mask)
        compiled = self._now()
        length = input_ids.shape[1]
        if length < self._shortest:
            room = ((0, 0), (0, self._shortest - length))
            input_ids, attention_mask = np.pad(input_ids, room), np.pad(attention_mask, room)
        return self._run(compiled, input_ids, attention_mask)[:, :length]

    def forget(self) -> None:
        """The weights have changed in a way that torch does not count."""
        self._compiled, self._compiled_of = None, ()
        self._by_torch.forget()

    def _now(self) -> Any:
        weights = tuple(state_of(weight) for weight in self.model.parameters())
        with self._making:
            if self._compiled is None or self._compiled_of != weights:
                self._compiled, self._compiled_of = self._made(), weights
            return self._compiled

    def _made(self) -> Any:
        import torch

        if self.model.device.type != "cpu":
            raise ModelError(
                f'backend = "{self.name}" computes on the CPU, and this model is on a GPU: give the pipe '
                'device = "cpu", or leave the backend torch'
            )
        if changes_itself(self.model):
            raise self._unfit("cannot convert a model that attends in another way from some length on")
        found = self.ready_made()
        if found is not None:
            return found
        with _CONVERTING, torch.inference_mode(False), torch.no_grad(), quietly():
            try:
                compiled = self.compile()
            except ModelError:
                raise
            except self.failures as error:
                raise self._unfit(f"cannot convert it ({_first_line(error)})") from error
        for rows in made_up(self.model, shortest=self._shortest, longest=_LONGEST):
            mask = torch.ones_like(rows)
            mask[-1, -2:] = 0
            if not self._agrees(compiled, rows, mask):
                raise self._unfit("says other things than the model itself once it is converted")
        return compiled

    def _agrees(self, compiled: Any, rows: torch.Tensor, mask: torch.Tensor) -> bool:
        import torch

        with torch.inference_mode():
            try:
                found = self._run(compiled, rows.numpy(), mask.numpy())
            except self.failures as error:  # a length that it was not traced with
                raise self._unfit(f"cannot run it ({_first_line(error)})") from error
            expected = self.model(input_ids=rows, attention_mask=mask).logits
        read = mask.bool()
        return agreement(found[read], expected[read], low=self.precision == "bf16")

    def _run(self, compiled: Any, input_ids: Ints, attention_mask: Ints) -> torch.Tensor:
        import torch

        head = self.model.get_submodule(head_name(self.model))
        logits: torch.Tensor = head(torch.from_numpy(self.vectors(compiled, input_ids, attention_mask)))
        return logits

    def _unfit(self, what: str) -> ModelError:
        kind = self.model.config.model_type
        return ModelError(f'{self.title} {what}: {kind} needs backend = "torch"')


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
