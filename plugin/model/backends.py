"""Which library computes a model's scores: what the setting ``backend`` means, told in one place."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, get_args

from spanloop.plugin.model.errors import ModelError

if TYPE_CHECKING:
    from spanloop.plugin.model.converted import ConvertedBackend
    from spanloop.plugin.model.device import Precision
    from spanloop.plugin.model.pretrained import Pretrained
    from spanloop.plugin.model.torch_backend import TorchBackend

BackendName = Literal["torch", "openvino", "onnx"]
BackendSetting = Literal["torch", "openvino", "onnx", "auto"]
"""What can be asked for: ``auto`` is the fastest one whose entities are those of torch."""
BACKENDS: tuple[BackendSetting, ...] = get_args(BackendSetting)

_PACKAGES: dict[BackendName, tuple[str, ...]] = {
    "torch": (),
    "openvino": ("openvino",),
    "onnx": ("onnxruntime", "onnx"),  # the one computes, the other one is asked when torch exports
}

BACKEND_VARIABLE = "SPANLOOP_BACKEND"
"""The environment variable that has the last word on what computes, in this process and in those that it
starts: a pipeline that was saved elsewhere may name a library that is not here, or know nothing of one that
is."""


def backend_of(setting: str) -> BackendSetting:
    """What a setting asks for now.

    Args:
        setting: ``torch``, ``openvino``, ``onnx`` or ``auto``. The environment variable SPANLOOP_BACKEND,
            where it is set, stands in its place.

    Raises:
        ModelError: for what names none, and for one that is not installed.
    """
    given = os.environ.get(BACKEND_VARIABLE)
    asked, whose = (given, BACKEND_VARIABLE) if given else (setting, "backend")
    if asked not in BACKENDS:
        known = f"{', '.join(BACKENDS[:-1])} or {BACKENDS[-1]}"
        raise ModelError(f"{whose} = {asked!r} is no backend: choose {known}")
    if asked != "auto":
        _look_for(asked, whose)
    return asked


def _look_for(name: BackendName, whose: str) -> None:
    """ModelError where it is not installed."""
    if not is_here(name):
        raise ModelError(f"{whose} = {name!r} needs the extra: pip install 'spanloop[{name}]'")


def is_here(backend: BackendName) -> bool:
    """Whether what computes it is installed; nothing is loaded."""
    return all(find_spec(package) is not None for package in _PACKAGES[backend])


def candidates(precision: Precision) -> tuple[BackendName, ...]:
    """What ``auto`` chooses from: the installed ones that compute in this precision, torch first."""
    if precision == "int8":
        return ("openvino",)
    fit: tuple[BackendName, ...] = ("torch", "openvino") if precision == "bf16" else get_args(BackendName)
    return tuple(name for name in fit if is_here(name))


def make_backend(
    name: BackendName, pretrained: Pretrained, precision: Precision
) -> TorchBackend | ConvertedBackend:
    """What computes this model's scores.

    Raises:
        ModelError: where it shall compute in eight bits and cannot.
    """
    if precision == "int8" and name != "openvino":
        raise ModelError('precision = "int8" computes with OpenVINO: give the pipe backend = "openvino"')
    _look_for(name, "backend")
    if precision == "int8" and pretrained.quantised is None:
        raise ModelError(
            'precision = "int8" takes a model that spanloop optimise wrote: this one was never quantised'
        )
    if precision == "bf16" and name == "onnx":
        raise ModelError(
            'precision = "bf16" computes with torch or OpenVINO: ONNX Runtime has no such layers on a CPU'
        )
    if name == "onnx":
        from spanloop.plugin.model.onnx_backend import ONNXBackend

        return ONNXBackend(pretrained, precision)
    if name == "openvino":
        from spanloop.plugin.model.openvino_backend import OpenVINOBackend

        return OpenVINOBackend(pretrained, precision)
    from spanloop.plugin.model.torch_backend import TorchBackend

    return TorchBackend(pretrained.model, precision)
