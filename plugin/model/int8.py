"""A model in integers of eight bits: quantised once on texts of its kind, and kept beside its weights.

The encoder is what is quantised (post-training quantisation of OpenVINO's nncf, with smoothed activations and
corrected biases); the head computes in float32.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.plugin.alignment.subwords import Ints
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.unreported import library

if TYPE_CHECKING:
    from spanloop.plugin.model.pretrained import Pretrained

_GRAPH, _WEIGHTS, _ABOUT = "openvino_int8.xml", "openvino_int8.bin", "openvino_int8.json"


@dataclass(frozen=True, slots=True)
class Quantised:
    """What `quantise` made of a model.

    Attributes:
        graph: OpenVINO's XML.
        weights: the numbers that it names.
        model: the fingerprint of the weights, tags and tokenizer that it was made of.
    """

    graph: bytes
    weights: bytes
    model: str

    def fingerprint(self) -> str:
        """A hash of it: other texts to measure the ranges on give other predictions."""
        return hashlib.sha256(self.graph + self.weights).hexdigest()


def quantise(pretrained: Pretrained, batches: Sequence[tuple[Ints, Ints]]) -> Quantised:
    """The model's encoder in eight bits.

    Args:
        pretrained: a token classifier on the CPU. It stays as it is.
        batches: ``input_ids`` and ``attention_mask`` of texts like those that it will read, each of shape
            (windows, wordpieces). The ranges of numbers within the model are measured on them.

    Raises:
        ModelError: where nncf is not installed, or cannot quantise this model.
    """
    from spanloop.plugin.model.converted import UNCONVERTED
    from spanloop.plugin.model.fingerprint import fingerprint
    from spanloop.plugin.model.openvino_backend import converted

    openvino, nncf = library("openvino"), _nncf()
    texts = [{"input_ids": ids, "attention_mask": mask} for ids, mask in batches]
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it draws bars of its own
            small = nncf.quantize(
                converted(pretrained.model),
                nncf.Dataset(texts),
                model_type=nncf.ModelType.TRANSFORMER,
                subset_size=len(texts),
            )
    except UNCONVERTED as error:
        kind = pretrained.model.config.model_type
        raise ModelError(f"{kind} cannot be quantised: {error}") from error
    with tempfile.TemporaryDirectory(prefix="spanloop-") as name:
        path = Path(name) / _GRAPH
        openvino.save_model(small, str(path))
        graph, weights = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    return Quantised(graph, weights, fingerprint(pretrained))


def write(quantised: Quantised, folder: Path) -> None:
    """Put it into the model's folder, which is there."""
    (folder / _GRAPH).write_bytes(quantised.graph)
    (folder / _WEIGHTS).write_bytes(quantised.weights)
    (folder / _ABOUT).write_text(json.dumps({"model": quantised.model}), encoding="utf-8")


def read(folder: Path) -> Quantised | None:
    """What `write` put there; None where there is none."""
    if not (folder / _ABOUT).is_file():
        return None
    model = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))["model"]
    return Quantised((folder / _GRAPH).read_bytes(), (folder / _WEIGHTS).read_bytes(), model)


def _nncf() -> Any:
    try:
        nncf = library("nncf")
    except ImportError as error:
        raise ModelError("int8 needs the extra: pip install 'spanloop[int8]'") from error
    nncf.set_log_level(logging.ERROR)
    return nncf
