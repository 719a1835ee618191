"""The model as OpenVINO runs it."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any

from spanloop.plugin.alignment.subwords import Ints
from spanloop.plugin.model.converted import ConvertedBackend
from spanloop.plugin.model.device import Precision
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.headless import example, quietly, vectors_of
from spanloop.plugin.model.unreported import library

if TYPE_CHECKING:
    from spanloop.plugin.model.pretrained import Pretrained


class OpenVINOBackend(ConvertedBackend):
    """In float32, in bfloat16 where the processor can, and with what the model was quantised to."""

    name, title = "openvino", "OpenVINO"

    def __init__(self, pretrained: Pretrained, precision: Precision = "fp32") -> None:
        super().__init__(pretrained, precision)
        self._requests = threading.local()

    def compile(self) -> Any:
        """Converted in memory."""
        return _compiled(converted(self.model), self.precision)

    def ready_made(self) -> Any | None:
        """What it was quantised to.

        Raises:
            ModelError: where that was made of other weights or labels.
        """
        from spanloop.plugin.model.fingerprint import fingerprint

        if self.precision != "int8":
            return None
        quantised = self.pretrained.quantised
        if quantised is None or quantised.model != fingerprint(self.pretrained):
            raise ModelError(
                "the weights or labels are not those that were quantised: save it with precision = "
                '"fp32" and call spanloop optimise again'
            )
        return _compiled(_core().read_model(quantised.graph, quantised.weights), self.precision)

    def vectors(self, compiled: Any, input_ids: Ints, attention_mask: Ints) -> Any:
        """One request a thread: two threads may not share one."""
        kept = self._requests.__dict__
        if kept.get("of") is not compiled:
            kept["of"], kept["request"] = compiled, compiled.create_infer_request()
        return kept["request"].infer({0: input_ids, 1: attention_mask})[0]


@functools.cache
def _core() -> Any:
    """One a process: it loads OpenVINO's plugin for this processor."""
    return library("openvino").Core()


def converted(model: Any) -> Any:
    """The model without its head, as OpenVINO has it."""
    with quietly():
        return library("openvino").convert_model(vectors_of(model), example_input=example(model))


def _compiled(graph: Any, precision: Precision) -> Any:
    import torch

    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
    }
    return _core().compile_model(graph, "CPU", settings)
