"""The architectures that are refused, and the line that says so."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.pretrained import load

REFUSED = ("bros", "fnet", "layoutlmv2", "nystromformer")
"""Token classifiers of transformers that cannot serve as one here."""


def line_of(architecture: str) -> str:
    """What is said of a model of this architecture, without its name and place.

    Raises:
        AssertionError: where such a model is not refused, or the line does not name its architecture.
    """
    with tempfile.TemporaryDirectory() as folder:
        config = {"model_type": architecture, "architectures": ["SomeForTokenClassification"]}
        Path(folder, "config.json").write_text(json.dumps(config), encoding="utf-8")
        Path(folder, "model.safetensors").write_bytes(b"")
        try:
            load(folder)
        except ModelError as error:
            line = str(error)
            assert repr(architecture) in line, line
            assert "\n" not in line, line
            return line.replace(folder, "NAME")
    raise AssertionError(f"a model of the architecture {architecture} is not refused")
