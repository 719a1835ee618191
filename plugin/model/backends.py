"""Which library computes a model's scores: what the setting ``backend`` means, told in one place."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, get_args

from spanloop.plugin.model.errors import ModelError

if TYPE_CHECKING:
    from spanloop.plugin.model.device import Precision
    from spanloop.plugin.model.openvino_backend import OpenVINOBackend
    from spanloop.plugin.model.pretrained import Pretrained
    from spanloop.plugin.model.torch_backend import TorchBackend

BackendName = Literal["torch", "openvino"]
BACKENDS: tuple[BackendName, ...] = get_args(BackendName)

BACKEND_VARIABLE = "SPANLOOP_BACKEND"
"""The environment variable that has the last word on what computes, in this process and in those that it
starts: a pipeline that was saved elsewhere may name a library that is not here, or know nothing of one that
is."""


def backend_of(setting: str) -> BackendName:
    """The backend that a setting means now.

    Args:
        setting: ``torch`` or ``openvino``. The environment variable SPANLOOP_BACKEND, where it is set, stands
            in its place.

    Raises:
        ModelError: for what names none, and for one that is not installed.
    """
    given = os.environ.get(BACKEND_VARIABLE)
    asked, whose = (given, BACKEND_VARIABLE) if given else (setting, "backend")
    if asked not in BACKENDS:
        raise ModelError(f"{whose} = {asked!r} is no backend: choose {' or '.join(BACKENDS)}")
    if asked == "openvino" and find_spec("openvino") is None:
        raise ModelError(f"{whose} = 'openvino' needs the extra: pip install 'spanloop[openvino]'")
    return asked


def make_backend(
    name: BackendName, pretrained: Pretrained, precision: Precision
) -> TorchBackend | OpenVINOBackend:
    """What computes this model's scores.

    Raises:
        ModelError: where it shall compute in eight bits and cannot.
    """
    if precision == "int8" and name != "openvino":
        raise ModelError('precision = "int8" computes with OpenVINO: give the pipe backend = "openvino"')
    if precision == "int8" and pretrained.quantised is None:
        raise ModelError(
            'precision = "int8" takes a model that spanloop optimise wrote: this one was never quantised'
        )
    if name == "openvino":
        from spanloop.plugin.model.openvino_backend import OpenVINOBackend

        return OpenVINOBackend(pretrained, precision)
    from spanloop.plugin.model.torch_backend import TorchBackend

    return TorchBackend(pretrained.model, precision)
