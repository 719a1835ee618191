"""Libraries that compute, imported so that they report nothing to anyone.

As they are, OpenVINO's packages tell their makers that they were imported and what was converted, unasked, by
another package that comes with them; where that one is not there they are silent. ONNX Runtime has a switch,
which its builds for Windows need.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Literal

_REPORTER = "openvino_telemetry"


def library(name: Literal["openvino", "nncf", "onnxruntime"]) -> Any:
    """The package of that name. ImportError where it is not installed.

    Whoever imported one of OpenVINO, or what reports for it, before spanloop did has chosen: then it stays as
    it is.
    """
    if name == "onnxruntime":
        runtime = import_module(name)
        runtime.disable_telemetry_events()
        return runtime
    if name in sys.modules or _REPORTER in sys.modules:
        return import_module(name)
    sys.modules[_REPORTER] = None  # type: ignore[assignment]  # so Python says that there is none
    try:
        return import_module(name)
    finally:
        del sys.modules[_REPORTER]
