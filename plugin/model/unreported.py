"""OpenVINO's packages, imported so that they report nothing to anyone.

As they are, they tell their makers that they were imported and what was converted, unasked, by another
package that comes with them. Where that one is not there they are silent.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Literal

_REPORTER = "openvino_telemetry"


def library(name: Literal["openvino", "nncf"]) -> Any:
    """The package of that name. ImportError where it is not installed.

    Whoever imported it, or what reports for it, before spanloop did has chosen: then it stays as it is.
    """
    if name in sys.modules or _REPORTER in sys.modules:
        return import_module(name)
    sys.modules[_REPORTER] = None  # type: ignore[assignment]  # so Python says that there is none
    try:
        return import_module(name)
    finally:
        del sys.modules[_REPORTER]
