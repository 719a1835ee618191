"""The model as OpenVINO runs it on a CPU: the encoder converted, the head left to torch in float32."""

from __future__ import annotations

import contextlib
import copy
import functools
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from spanloop.plugin.alignment.subwords import Ints
from spanloop.plugin.model.device import Precision
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.neighbours import shortest_batch
from spanloop.plugin.model.packed import agreement, made_up
from spanloop.plugin.model.pretrained import head_name
from spanloop.plugin.model.torch_backend import TorchBackend, state_of
from spanloop.plugin.model.unreported import library

if TYPE_CHECKING:
    import torch

    from spanloop.plugin.model.pretrained import Pretrained

# What the conversion of a model that it does not know may raise, torch's tracing and OpenVINO's reading.
UNCONVERTED = (RuntimeError, TypeError, ValueError, AttributeError, NotImplementedError, KeyError)


class OpenVINOBackend:
    """Runs one padded batch after the other. Training, and whoever wants a gradient, computes with torch.

    The model is converted at the first prediction and after each change of its weights, and what comes out is
    compared with what the model itself says. Nothing is written to the disk: to read a converted model and to
    find out whether it is still this one takes about as long as to convert it.

    Args:
        pretrained: the model, which stays as it is: it is what is saved and trained.
        precision: ``bf16`` has the encoder compute in bfloat16 where the processor can, ``int8`` with what
            the model was quantised to; the head computes in float32 always, since its scores become
            confidences.
    """

    def __init__(self, pretrained: Pretrained, precision: Precision = "fp32") -> None:
        self.model = model = pretrained.model
        self.precision = precision
        self._pretrained = pretrained
        self._by_torch = TorchBackend(model, "fp32" if precision == "int8" else precision)
        self._shortest = shortest_batch(model)
        self._pid = os.getpid()
        self._making = threading.Lock()
        self._requests = threading.local()
        self._compiled: Any = None
        self._compiled_of: tuple[tuple[int, int], ...] = ()

    def logits(self, input_ids: Ints, attention_mask: Ints) -> torch.Tensor:
        """The scores of one batch, on the CPU.

        Raises:
            ModelError: where the model is on a GPU, and where OpenVINO cannot convert it or says something
                else than the model itself.
        """
        import torch

        forked = os.getpid() != self._pid  # a forked child has none of OpenVINO's threads
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
                self._compiled, self._compiled_of = self._compile(), weights
            return self._compiled

    def _compile(self) -> Any:
        import torch

        if self.model.device.type != "cpu":
            raise ModelError(
                'backend = "openvino" computes on the CPU, and this model is on a GPU: give the pipe '
                'device = "cpu", or leave the backend torch'
            )
        if self.precision == "int8":
            return self._quantised()
        with torch.inference_mode(False), torch.no_grad():
            try:
                compiled = _compiled(converted(self.model), self.precision)
            except UNCONVERTED as error:
                raise _unfit(self.model, f"cannot convert it ({_first_line(error)})") from error
        for rows in made_up(self.model, shortest=self._shortest):
            mask = torch.ones_like(rows)
            mask[-1, -2:] = 0
            with torch.inference_mode():
                found = self._run(compiled, rows.numpy(), mask.numpy())
                expected = self.model(input_ids=rows, attention_mask=mask).logits
            read = mask.bool()
            if not agreement(found[read], expected[read], low=self.precision == "bf16"):
                raise _unfit(self.model, "says other things than the model itself once it is converted")
        return compiled

    def _quantised(self) -> Any:
        from spanloop.plugin.model.fingerprint import fingerprint

        quantised = self._pretrained.quantised
        if quantised is None or quantised.model != fingerprint(self._pretrained):
            raise ModelError(
                "the weights or labels are not those that were quantised: save it with precision = "
                '"fp32" and call spanloop optimise again'
            )
        return _compiled(_core().read_model(quantised.graph, quantised.weights), self.precision)

    def _run(self, compiled: Any, input_ids: Ints, attention_mask: Ints) -> torch.Tensor:
        import torch

        kept = self._requests.__dict__
        if kept.get("of") is not compiled:  # one a thread: two threads may not share a request
            kept["of"], kept["request"] = compiled, compiled.create_infer_request()
        vectors = kept["request"].infer({0: input_ids, 1: attention_mask})[0]
        head = self.model.get_submodule(head_name(self.model))
        logits: torch.Tensor = head(torch.from_numpy(vectors))
        return logits


@functools.cache
def _core() -> Any:
    """One a process: it loads OpenVINO's plugin for this processor."""
    return library("openvino").Core()


def converted(model: Any) -> Any:
    """The model without its head, as OpenVINO has it."""
    with _logging_kept(), warnings.catch_warnings():
        # of torch's tracing, about itself and about numbers that become constants: the comparison sees those
        warnings.simplefilter("ignore")
        return library("openvino").convert_model(_vectors_of(model), example_input=_example(model))


def _compiled(graph: Any, precision: Precision) -> Any:
    import torch

    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
    }
    return _core().compile_model(graph, "CPU", settings)


def _example(model: Any) -> dict[str, torch.Tensor]:
    import torch

    rows = made_up(model, shortest=shortest_batch(model))[0]
    mask = torch.ones_like(rows)
    mask[-1, -2:] = 0
    return {"input_ids": rows, "attention_mask": mask}


def _unfit(model: Any, what: str) -> ModelError:
    return ModelError(f'OpenVINO {what}: {model.config.model_type} needs backend = "torch"')


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


@contextlib.contextmanager
def _logging_kept() -> Iterator[None]:
    """A conversion that fails leaves the root logger deaf to warnings, everybody's."""
    root = logging.getLogger()
    level, filters, handlers = root.level, list(root.filters), list(root.handlers)
    try:
        yield
    finally:
        root.setLevel(level)
        root.filters[:], root.handlers[:] = filters, handlers


def _vectors_of(model: Any) -> Any:
    """The model without its head, as OpenVINO converts it; it shares the weights."""
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
