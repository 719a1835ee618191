"""Where a model computes and how exactly: what the settings ``device`` and ``precision`` mean, told in one
place."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Literal, get_args

from spanloop.plugin.model.errors import ModelError

if TYPE_CHECKING:
    import torch

Precision = Literal["fp32", "bf16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

DEVICE_VARIABLE = "SPANLOOP_DEVICE"
"""The environment variable that has the last word on where models compute, in this process and in those that
it starts: a pipeline that was saved on another machine may name a GPU that is not here."""
_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")


def check_device(asked: str, whose: str = "device") -> None:
    """ModelError for what names no device; ``whose``: where it was asked for."""
    if not _DEVICE.fullmatch(asked):
        raise ModelError(
            f"{whose} = {asked!r} is no device: choose auto, cpu, cuda, or cuda:N with the number of a GPU, "
            "from 0"
        )


def device_of(setting: str) -> torch.device:
    """The device that a setting means on this machine, now.

    ``auto`` is the GPU that spaCy was told to use (``spacy.require_gpu``), else the current GPU of this
    process where torch has one, else the CPU.

    Args:
        setting: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. The environment variable SPANLOOP_DEVICE, where
            it is set, stands in its place.

    Raises:
        ModelError: for what names no device, and for a GPU that is not here.
    """
    import torch

    given = os.environ.get(DEVICE_VARIABLE)
    asked, whose = (given, DEVICE_VARIABLE) if given else (setting, "device")
    check_device(asked, whose)
    if asked == "auto":
        return _best()
    if asked == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ModelError(
            f"{whose} = {asked!r}: torch {torch.__version__} finds no GPU here; choose auto or cpu"
        )
    device = torch.device("cuda", torch.cuda.current_device()) if asked == "cuda" else torch.device(asked)
    found = torch.cuda.device_count()
    if device.index >= found:
        last = "there is only cuda:0" if found == 1 else f"the last one here is cuda:{found - 1}"
        raise ModelError(f"{whose} = {asked!r}: {last}")
    return device


def _best() -> torch.device:
    import torch
    from thinc.util import get_torch_default_device

    told = get_torch_default_device()
    if told.type == "cpu" and torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return told


def gpus_in_use() -> list[int]:
    """Whose random state ``torch.random.fork_rng`` has to keep: that of every GPU, once this process uses any
    (a seed set for torch is set for all of them), and of none before: to ask would take hold of them."""
    import torch

    begun = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return list(range(torch.cuda.device_count())) if begun else []


def no_room(error: BaseException) -> bool:
    """Whether this says that the memory of a GPU is used up."""
    import torch

    return isinstance(error, torch.cuda.OutOfMemoryError)
