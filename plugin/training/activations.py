"""What the frozen lower half of an encoder puts out: computed once a training, not once an epoch.

The layers above then train on exactly what they will be given in prediction: the frozen half works without
dropout.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from spanloop.plugin.model.runtime import batches
from spanloop.plugin.training.collate import Collator, TrainWindow

_BUDGET = 1024  # wordpieces a batch

Wrap = Callable[[torch.Tensor], Any]


@dataclass(frozen=True, slots=True)
class Activations:
    """The windows of a training, each with its ``lower``: what the last frozen layer gives for it.

    ``rows``: ``[wordpiece, width]`` of all windows, in a file; those of a window start at ``begins``.
    ``layers``: the frozen ones, from below, each with how it hands on a hidden state. ``dtype`` is that
    state's; the file has float32, which holds it exactly.
    """

    windows: Sequence[TrainWindow]
    rows: NDArray[np.float32]
    begins: NDArray[np.int64]
    layers: Sequence[tuple[nn.Module, Wrap]]
    dtype: torch.dtype

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, place: int) -> TrainWindow:
        window, begin = self.windows[place], self.begins[place]
        return replace(window, lower=self.rows[begin : begin + len(window)])

    @contextmanager
    def replayed(self, lower: torch.Tensor) -> Iterator[None]:
        """Within it the last frozen layer gives ``lower``, ``[window, wordpiece, width]``, and those below
        it hand on what they get."""
        known = lower.to(self.dtype)
        last = self.layers[-1][0]
        for layer, wrap in self.layers:
            layer.forward = _stand_in(wrap, known if layer is last else None)
        try:
            yield
        finally:
            for layer, _ in self.layers:
                del layer.forward  # the one of its class comes back


def record(
    model: nn.Module,
    layers: Sequence[nn.Module],
    windows: Sequence[TrainWindow],
    *,
    bf16: bool,
    collate: Collator,
    even: bool,
    folder: Path,
) -> Activations | None:
    """What the last of the frozen ``layers`` gives for each window. ``even``: windows of one length are run
    together, others are not.

    The file lies in ``folder`` without a name and vanishes with the process, however that ends. None where
    the layers cannot be left out: something trainable lies below the last of them (adapters, positions that
    all layers share), or they hand on more than one hidden state with a row for each wordpiece. OSError where
    the disk is full.
    """
    device = next(model.parameters()).device
    model.eval()
    wraps = _wraps(model, layers, collate(windows[:1]))
    if wraps is None:
        return None
    begins = np.zeros(len(windows), dtype=np.int64)
    written = 0
    with tempfile.TemporaryFile(dir=folder) as file:
        for group in batches([len(window) for window in windows], _BUDGET, even=even):
            batch = collate([windows[place] for place in group])
            with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                hidden = _hidden(_run(model, layers, batch)[-1])
            if hidden.shape[:2] != batch["input_ids"].shape:
                return None
            for place, row in zip(group, hidden.float().cpu().numpy(), strict=True):
                begins[place] = written
                written += len(windows[place])
                file.write(row[: len(windows[place])].tobytes())
        file.flush()
        # Copy on write: torch takes no arrays that cannot be written to.
        rows = np.memmap(file, dtype=np.float32, mode="c", shape=(written, hidden.shape[-1]))
    return Activations(windows, rows, begins, list(zip(layers, wraps, strict=True)), hidden.dtype)


class _Reached(Exception):
    """The last frozen layer has been passed: nothing above it is wanted."""


def _run(model: nn.Module, layers: Sequence[nn.Module], batch: dict[str, torch.Tensor]) -> list[Any]:
    """What each of the layers gives, as it gives it."""
    device = next(model.parameters()).device
    given: list[Any] = []

    def keep(layer: nn.Module, _inputs: Any, output: Any) -> None:
        given.append(output)
        if layer is layers[-1]:
            raise _Reached

    hooks = [layer.register_forward_hook(keep) for layer in layers]
    try:
        model(input_ids=batch["input_ids"].to(device), attention_mask=batch["attention_mask"].to(device))
    except _Reached:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    return given


def _wraps(
    model: nn.Module, layers: Sequence[nn.Module], batch: dict[str, torch.Tensor]
) -> list[Wrap] | None:
    """How each layer hands on a hidden state; None where that is not all it does, or where what reaches the
    last one depends on something that is being trained."""
    given = _run(model, layers, batch)
    simple = [isinstance(one, torch.Tensor) or not any(part is not None for part in one[1:]) for one in given]
    if len(given) != len(layers) or not all(simple) or _hidden(given[-1]).requires_grad:
        return None
    return [_wrap(one) for one in given]


def _wrap(output: Any) -> Wrap:
    if isinstance(output, torch.Tensor):
        return lambda hidden: hidden
    rest = output[1:]
    return lambda hidden: (hidden, *rest)


def _hidden(output: Any) -> torch.Tensor:
    hidden: torch.Tensor = output if isinstance(output, torch.Tensor) else output[0]
    return hidden


def _stand_in(wrap: Wrap, known: torch.Tensor | None) -> Callable[..., Any]:
    def forward(hidden: torch.Tensor, *_: Any, **__: Any) -> Any:
        return wrap(hidden if known is None else known)

    return forward
