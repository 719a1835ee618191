"""A closer look at some documents: what the encoder makes of their units, and what the model says of them
with parts of its last layer left out at random (MC dropout, Gal and Ghahramani 2016).

It takes the model as torch has it, whatever else computes the predictions: for some thousand documents, not
for a million.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.subwords import Ints
from spanloop.plugin.model.device import gpus_in_use
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.finite import log_probabilities
from spanloop.plugin.model.network import HFNetwork, Network
from spanloop.plugin.model.shim import HFShim
from spanloop.plugin.model.torch_backend import TorchBackend

if TYPE_CHECKING:
    import torch
    from spacy.tokens import Doc


def unit_vectors(network: Network, docs: Sequence[Doc]) -> list[NDArray[np.float32]]:
    """What the head of the model is given for each unit, its first wordpiece's: one array of shape (units,
    width) a document.

    Raises:
        ModelError: The pipe runs on an encoder that is not its own.
    """
    import torch

    own = of_its_own(network)
    backend = by_torch(own)
    with untrained(own.pretrained.model), torch.inference_mode():
        found = own.run(own.encode(docs), _HeadInputs(backend), "first", backend.head.in_features)()
        return [rows.numpy() for rows in found]


def layer_passes(
    network: Network, docs: Sequence[Doc], *, passes: int = 10, seed: int = 0
) -> list[NDArray[np.float32]]:
    """What the model says of each unit when the dropout of the last layer of its encoder is at work as in
    training, several times over. The encoder runs each time.

    Args:
        network: That of a pipe with a model of its own.
        docs: The documents.
        passes: How often it is asked.
        seed: Of what is left out.

    Returns:
        Log probabilities of shape (passes, units, tags), one array a document.

    Raises:
        ModelError: The pipe runs on an encoder that is not its own, or its layers are not found.
    """
    import torch

    own = of_its_own(network)
    model = own.pretrained.model
    with untrained(model), torch.inference_mode(), torch.random.fork_rng(devices=gpus_in_use()):
        torch.manual_seed(seed)
        with _at_work(_last_layer(model)):
            runs = [
                [rows.numpy() for rows in own.run(own.encode(docs), _Plain(model), "first")()]
                for _ in range(passes)
            ]
    said = [log_probabilities(rows, f"{type(model).__name__} under dropout") for rows in runs]
    return [np.stack(of_doc) for of_doc in zip(*said, strict=True)]


def of_its_own(network: Network) -> HFNetwork:
    """The network, if its model is its own. ModelError else."""
    if not isinstance(network, HFNetwork):
        raise ModelError("the pipe runs on a shared encoder: a closer look needs a model of its own")
    _ = network.even_windows  # found out once by running the model, which ends whatever is at work in it
    return network


_beside: WeakKeyDictionary[HFShim, TorchBackend] = WeakKeyDictionary()


def by_torch(network: HFNetwork) -> TorchBackend:
    """What computes with torch: the backend that is set, or else one beside it, which is kept with its copy
    of the model for as long as the model is there."""
    shim, model = network.shim, network.pretrained.model
    if isinstance(shim.backend, TorchBackend):
        return shim.backend
    kept = _beside.get(shim)
    if kept is None or kept.model is not model:
        kept = _beside[shim] = TorchBackend(model)
    return kept


@contextmanager
def untrained(model: Any) -> Iterator[None]:
    """Within it the model works as in prediction."""
    before = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(before)


def _last_layer(model: Any) -> Any:
    """The last of the layers of the encoder: of the longest list of modules in it."""
    import torch

    lists = [one for one in model.base_model.modules() if isinstance(one, torch.nn.ModuleList) and len(one)]
    if not lists:
        raise ModelError(f"{type(model).__name__} keeps its layers in no list: the last one is not found")
    return max(lists, key=len)[-1]


@contextmanager
def _at_work(layer: Any) -> Iterator[None]:
    """Within it the dropout of this layer is at work."""
    layer.train()
    try:
        yield
    finally:
        layer.eval()


class _Plain(TorchBackend):
    """The model itself, and not the copy that is packed for speed: it has other modules."""

    def _chosen(self) -> Any:
        return self.model


class _HeadInputs:
    """Gives what the head of the model is given, in place of its scores."""

    def __init__(self, backend: TorchBackend) -> None:
        self._backend = backend

    def logits(self, input_ids: Ints, attention_mask: Ints) -> torch.Tensor:
        return self._backend.with_head_inputs(input_ids, attention_mask)[1]
