"""The model as ONNX Runtime runs it, in float32."""

from __future__ import annotations

import io
import os
from importlib import import_module
from typing import Any

import numpy as np

from spanloop.plugin.alignment.subwords import Ints
from spanloop.plugin.model.converted import UNCONVERTED, ConvertedBackend
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.headless import example, vectors_of
from spanloop.plugin.model.unreported import library

# Known to every onnxruntime that pyproject.toml allows.
_OPSET = 17
_NAMES = ("input_ids", "attention_mask")
# What one message of Protocol Buffers, which an exported model is, holds.
_MOST_BYTES = 2 * 1024**3
_ERRORS_ALONE = 3


class ONNXBackend(ConvertedBackend):
    """Exported in memory by torch's tracing, which knows more architectures than its newer exporter and takes
    a twentieth of the time (docs/design.md)."""

    name, title = "onnx", "ONNX Runtime"

    def compile(self) -> Any:
        """Exported in memory.

        Raises:
            ModelError: where its weights are more than an exported model can hold.
        """
        import torch

        size = sum(weight.numel() * weight.element_size() for weight in self.model.parameters())
        if size >= _MOST_BYTES:
            raise ModelError(
                f'this model has {size / 1024**3:.1f} GiB of weights, and backend = "onnx" takes less than '
                '2: leave the backend torch, or choose "openvino"'
            )
        runtime, rows = library("onnxruntime"), example(self.model)
        graph: Any = io.BytesIO()  # as torch takes it for this exporter, though its types name paths alone
        torch.onnx.export(
            vectors_of(self.model),
            tuple(rows[name] for name in _NAMES),
            graph,
            dynamo=False,
            opset_version=_OPSET,
            input_names=list(_NAMES),
            output_names=["vectors"],
            dynamic_axes={name: {0: "windows", 1: "wordpieces"} for name in (*_NAMES, "vectors")},
        )
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = _ERRORS_ALONE
        if (
            os.environ.get("OMP_WAIT_POLICY", "").lower() == "passive"
        ):  # torch's threads do not spin then either
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return runtime.InferenceSession(graph.getvalue(), options, providers=["CPUExecutionProvider"])

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """Its own errors have no ancestor in common."""
        library("onnxruntime")
        raised = vars(import_module("onnxruntime.capi.onnxruntime_pybind11_state")).values()
        own = [one for one in raised if isinstance(one, type) and issubclass(one, Exception)]
        return (*UNCONVERTED, *own)

    def vectors(self, compiled: Any, input_ids: Ints, attention_mask: Ints) -> Any:
        """Several threads may share a session."""
        found = compiled.run(None, dict(zip(_NAMES, (input_ids, attention_mask), strict=True)))[0]
        return np.asarray(found)
