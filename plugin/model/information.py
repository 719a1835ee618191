"""What a model would learn of itself from a word: how far it disagrees with itself when random parts of what
its head is given are left out (MC dropout, Gal and Ghahramani 2016; BALD, Houlsby et al. 2011).

Each pass leaves out the same parts for every word, as one model drawn from all that dropout makes: so the
figure of a word does not depend on what it was computed together with, and the encoder runs once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.subwords import Ints
from spanloop.plugin.alignment.windows import EncodedDoc
from spanloop.plugin.model.closer import by_torch, of_its_own, untrained
from spanloop.plugin.model.network import HFNetwork, Network, Rows
from spanloop.plugin.model.torch_backend import TorchBackend

if TYPE_CHECKING:
    import torch
    from spacy.tokens import Doc

PASSES = 10
"""How many models are drawn."""
USUAL_DROPOUT = 0.1
"""How much is left out where the model's configuration names no dropout, or none."""
_NAMED = ("classifier_dropout", "hidden_dropout_prob", "hidden_dropout", "dropout", "seq_classif_dropout")


class Informed:
    """A backend whose last column, beside the tags, is what the model would learn from the wordpiece.

    Args:
        backend: What computes.
        seed: Of what is left out.
    """

    def __init__(self, backend: TorchBackend, seed: int = 0) -> None:
        import torch

        self._backend = backend
        share = dropout_of(backend.model)
        drawn = torch.Generator().manual_seed(seed)
        kept = torch.rand((PASSES, backend.head.in_features), generator=drawn) >= share
        self._passes = kept / (1 - share)

    def logits(self, input_ids: Ints, attention_mask: Ints) -> torch.Tensor:
        """The scores, and behind them the information, of shape (windows, wordpieces, tags + 1)."""
        import torch

        logits, given = self._backend.with_head_inputs(input_ids, attention_mask)
        passes = (given * mask for mask in self._passes.to(given))
        head = self._backend.head
        found = information([head(some).float() for some in passes])
        return torch.cat([logits.float(), found[..., None]], dim=-1)


def information(passes: Sequence[torch.Tensor]) -> torch.Tensor:
    """The mutual information of each word's tag and the model's weights, in nats.

    Args:
        passes: The scores of the tags, as the head gives them, of shape (..., tags), one tensor a pass.

    Returns:
        Of shape (...), not below 0.
    """
    import torch

    each = torch.stack([scores.softmax(dim=-1) for scores in passes])
    together = torch.special.entr(each.mean(dim=0)).sum(dim=-1)
    alone = torch.special.entr(each).sum(dim=-1).mean(dim=0)
    found: torch.Tensor = (together - alone).clamp(min=0)
    return found


def information_in(passes: NDArray[np.float32]) -> NDArray[np.float32]:
    """`information` of log probabilities in numpy, of shape (passes, units, tags). Gives (units,)."""
    import torch

    found: NDArray[np.float32] = information([torch.from_numpy(one) for one in passes]).numpy()
    return found


def informs(network: Network) -> bool:
    """Whether `informed_rows` gives what a prediction gives: torch computes, and of each unit the first
    wordpiece counts."""
    return (
        isinstance(network, HFNetwork)
        and not network.undecided
        and isinstance(network.shim.backend, TorchBackend)
        and network.model.attrs["aggregation"] == "first"
    )


def informed_rows(network: Network, docs: Sequence[Doc], *, seed: int = 0) -> list[tuple[EncodedDoc, Rows]]:
    """The scores of each unit, and in a last column what the model would learn from it, in nats.

    Args:
        network: That of a pipe with a model of its own.
        docs: The documents.
        seed: Of what is left out.

    Returns:
        The units of each document, and rows of shape (units, tags + 1).

    Raises:
        ModelError: The pipe runs on an encoder that is not its own.
    """
    import torch

    own = of_its_own(network)
    encoded = own.encode(docs)
    with untrained(own.pretrained.model), torch.inference_mode():
        backend = Informed(by_torch(own), seed)
        rows = own.run(encoded, backend, "first", len(own.pretrained.tags) + 1)()
        return [(one, of_doc.numpy()) for one, of_doc in zip(encoded, rows, strict=True)]


def token_information(network: Network, docs: Sequence[Doc], *, seed: int = 0) -> list[NDArray[np.float32]]:
    """The last column of `informed_rows`: one array of shape (units,) a document."""
    return [rows[:, -1] for _, rows in informed_rows(network, docs, seed=seed)]


def dropout_of(model: Any) -> float:
    """The share of what the head is given that training leaves out."""
    named = (getattr(model.config, name, None) for name in _NAMED)
    return next((float(one) for one in named if isinstance(one, float) and 0 < one < 1), USUAL_DROPOUT)
