"""A closer look at some documents: what the encoder makes of their units, and what the model says of them
with parts of itself left out at random (MC dropout, Gal and Ghahramani 2016).

It takes the model as torch has it, whatever else computes the predictions: for some thousand documents, not
for a million.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.subwords import Ints
from spanloop.plugin.model.device import gpus_in_use
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.finite import log_probabilities
from spanloop.plugin.model.network import HFNetwork, Network
from spanloop.plugin.model.pretrained import head_name
from spanloop.plugin.model.torch_backend import TorchBackend

if TYPE_CHECKING:
    import torch
    from spacy.tokens import Doc

    from spanloop.plugin.model.runtime import Backend

Where = Literal["head", "last layer"]
USUAL_DROPOUT = 0.1
"""How much is left out where the model's configuration names no dropout, or none."""
_NAMED = ("classifier_dropout", "hidden_dropout_prob", "hidden_dropout", "dropout", "seq_classif_dropout")


def unit_vectors(network: Network, docs: Sequence[Doc]) -> list[NDArray[np.float32]]:
    """What the head of the model is given for each unit, its first wordpiece's: one array of shape (units,
    width) a document.

    Raises:
        ModelError: The pipe runs on an encoder that is not its own.
    """
    import torch

    own = _own(network)
    with _untrained(own.pretrained.model), torch.inference_mode():
        return [rows.numpy() for rows in _vectors(own, docs)]


def dropout_passes(
    network: Network, docs: Sequence[Doc], *, passes: int = 10, where: Where = "head", seed: int = 0
) -> list[NDArray[np.float32]]:
    """What the model says of each unit when a random part of it is left out, several times over.

    Args:
        network: That of a pipe with a model of its own.
        docs: The documents.
        passes: How often it is asked. With ``head`` the encoder runs once, with ``last layer`` each time.
        where: ``head``: what the head is given loses some of its numbers; ``last layer``: the dropout of the
            last layer of the encoder is at work as in training.
        seed: Of what is left out.

    Returns:
        Log probabilities of shape (passes, units, tags), one array a document.

    Raises:
        ModelError: The pipe runs on an encoder that is not its own, or its layers are not found.
    """
    import torch

    own = _own(network)
    model = own.pretrained.model
    with _untrained(model), torch.inference_mode(), torch.random.fork_rng(devices=gpus_in_use()):
        torch.manual_seed(seed)
        if where == "head":
            vectors = _vectors(own, docs)
            runs = [_through_the_head(model, vectors) for _ in range(passes)]
        else:
            with _at_work(_last_layer(model)):
                runs = [[rows.numpy() for rows in _rows(own, _Plain(model), docs)] for _ in range(passes)]
    said = [log_probabilities(rows, f"{type(model).__name__} under dropout") for rows in runs]
    return [np.stack(of_doc) for of_doc in zip(*said, strict=True)]


def _through_the_head(model: Any, vectors: Sequence[torch.Tensor]) -> list[NDArray[np.float32]]:
    """The scores of one pass, whose head gets a part of each vector. All documents at once: one by one a GPU
    would wait for each."""
    import torch
    from torch.nn.functional import dropout

    if not vectors:
        return []
    head, share = model.get_submodule(head_name(model)), _dropout_of(model)
    together = dropout(torch.cat(list(vectors)).to(model.device), share, training=True)
    scores = head(together).float().cpu().numpy()
    return np.split(scores, np.cumsum([len(rows) for rows in vectors])[:-1])


def _dropout_of(model: Any) -> float:
    named = (getattr(model.config, name, None) for name in _NAMED)
    return next((float(one) for one in named if isinstance(one, float) and 0 < one < 1), USUAL_DROPOUT)


def _last_layer(model: Any) -> Any:
    """The last of the layers of the encoder: of the longest list of modules in it."""
    import torch

    lists = [one for one in model.base_model.modules() if isinstance(one, torch.nn.ModuleList) and len(one)]
    if not lists:
        raise ModelError(f"{type(model).__name__} keeps its layers in no list: the last one is not found")
    return max(lists, key=len)[-1]


@contextmanager
def _untrained(model: Any) -> Iterator[None]:
    before = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(before)


@contextmanager
def _at_work(layer: Any) -> Iterator[None]:
    """Within it the dropout of this layer is at work."""
    layer.train()
    try:
        yield
    finally:
        layer.eval()


def _own(network: Network) -> HFNetwork:
    if not isinstance(network, HFNetwork):
        raise ModelError("the pipe runs on a shared encoder: a closer look needs a model of its own")
    _ = network.even_windows  # found out once by running the model, which ends whatever is at work in it
    return network


def _vectors(network: HFNetwork, docs: Sequence[Doc]) -> list[torch.Tensor]:
    backend = _HeadInputs(network.pretrained.model)
    return _rows(network, backend, docs, backend.head.in_features)


def _rows(
    network: HFNetwork, backend: Backend, docs: Sequence[Doc], columns: int | None = None
) -> list[torch.Tensor]:
    return network.run(network.encode(docs), backend, "first", columns)()


class _Plain(TorchBackend):
    """The model itself, and not the copy that is packed for speed: it has other modules."""

    def _chosen(self) -> Any:
        return self.model


class _HeadInputs(_Plain):
    """Gives what the head of the model is given, in place of its scores."""

    @property
    def head(self) -> Any:
        return self.model.get_submodule(head_name(self.model))

    def logits(self, input_ids: Ints, attention_mask: Ints) -> torch.Tensor:
        kept: list[torch.Tensor] = []
        handle = self.head.register_forward_pre_hook(lambda _, given: kept.append(given[0]))
        try:
            super().logits(input_ids, attention_mask)
        finally:
            handle.remove()
        return kept[-1][:, : input_ids.shape[1]]
