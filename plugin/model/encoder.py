"""A Hugging Face encoder that several pipes share: Docs in, one vector a token out.

``spanloop.HFEncoder.v1`` is a tok2vec as spaCy understands the word: put it into spaCy's ``tok2vec`` pipe,
and the tagger, the parser and our own head listen to it through ``spacy.Tok2VecListener.v1``. It needs
neither spacy-transformers nor a certain version of transformers. Importing this module imports no
transformers.
"""

# No annotations from __future__ here: the confection of spaCy 3.7 takes those of a registered function as
# they stand.

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from spacy.tokens import Doc
from thinc.api import Model
from thinc.shims import Shim
from thinc.types import Floats2d

from spanloop.plugin.alignment.subwords import NO_UNIT, token_at
from spanloop.plugin.alignment.windows import EncodedDoc, encode_docs
from spanloop.plugin.model.shim import HFShim

if TYPE_CHECKING:
    import torch

    from spanloop.plugin.alignment.subwords import Ints

Vectors = list[Floats2d]  # one array a document, one row a token
Backprop = Callable[[Vectors], list[Doc]]
POOLINGS = ("mean", "first")


def hf_encoder(
    name: str,
    width: int,
    revision: str | None = None,
    allow_pickle: bool = False,
    max_wordpieces: int | None = None,
    overlap: int = 128,
    pooling: Literal["mean", "first"] = "mean",
    batch_wordpieces: int = 1024,
) -> Model[list[Doc], Vectors]:
    """Any Hugging Face encoder as a tok2vec. Nothing is read until first use.

    Documents are cut into windows as `hf_token_classifier` cuts them. A token without wordpieces of its own,
    such as whitespace, has a vector of zeros.

    Args:
        name: A folder, a hub id or ``offline``. A token classifier gives its encoder; its head is not used.
        width: How many numbers a vector has: the hidden size of the encoder. It is stated, not read, because
            the pipes that listen need it before the encoder is loaded.
        revision: Of the hub's repository.
        allow_pickle: Also read pytorch_model.bin, which can run code.
        max_wordpieces: The longest window with its special tokens; None: what the model can read, 512 at
            most.
        overlap: Wordpieces that neighbouring windows share.
        pooling: A token's vector is the ``mean`` of those of its wordpieces, or that of the ``first``.
        batch_wordpieces: Windows that run together, padding included; changes speed and memory, no result.

    Returns:
        A thinc model whose weights are learned with those of the pipes that listen.

    Raises:
        ValueError: For a pooling that is unknown, or a number below 1.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"pooling = {pooling!r} is unknown: choose one of {', '.join(POOLINGS)}")
    if width < 1 or batch_wordpieces < 1:
        raise ValueError(f"width = {width} and batch_wordpieces = {batch_wordpieces} must be at least 1")
    source = {
        "name": name,
        "revision": revision,
        "allow_pickle": allow_pickle,
        "max_wordpieces": max_wordpieces,
        "overlap": overlap,
    }
    attrs = {"pooling": pooling, "batch_wordpieces": batch_wordpieces}
    shims: list[Shim] = [HFShim(source)]
    return Model("hf_encoder", _forward, init=_init, dims={"nO": width}, attrs=attrs, shims=shims)


class _HiddenStates:
    """A `Backend` whose rows are what the last layer gives, in place of scores of tags."""

    def __init__(self, encoder: Any) -> None:
        self.encoder = encoder

    def logits(self, input_ids: "Ints", attention_mask: "Ints") -> "torch.Tensor":
        import torch

        device = self.encoder.device
        output = self.encoder(
            input_ids=torch.from_numpy(input_ids).to(device),
            attention_mask=torch.from_numpy(attention_mask).to(device),
        )
        hidden: torch.Tensor = output.last_hidden_state
        return hidden


def _init(model: Model[list[Doc], Vectors], X: Any = None, Y: Any = None) -> None:  # noqa: ARG001 - thinc's
    _encoder(model)


def _forward(model: Model[list[Doc], Vectors], docs: list[Doc], is_train: bool) -> tuple[Vectors, Backprop]:
    import torch

    from spanloop.plugin.model.network import as_numpy

    encoder = _encoder(model)
    encoder.train(is_train)
    with torch.set_grad_enabled(is_train):
        vectors = _vectors(model, encoder, docs)
    encoder.eval()

    def backprop(d_vectors: Vectors) -> list[Doc]:
        pairs = [(y, d) for y, d in zip(vectors, d_vectors, strict=True) if y.requires_grad]
        gradients = [torch.as_tensor(as_numpy(d), dtype=y.dtype) for y, d in pairs]
        torch.autograd.backward([y for y, _ in pairs], gradients)
        return docs

    arrays: list[Any] = [y.detach().numpy() for y in vectors]
    return [model.ops.asarray2f(array) for array in arrays], backprop


def _encoder(model: Model[list[Doc], Vectors]) -> Any:
    """The Hugging Face encoder, loaded now if it was not. ModelError where it is not what was stated."""
    from spanloop.plugin.model.errors import ModelError

    shim: Any = model.shims[0]
    classifier = shim.pretrained.model
    encoder, name = classifier.base_model, shim.cfg["name"]
    if encoder is classifier:
        raise ModelError(f"{type(classifier).__name__} of {name!r} has no encoder that can be shared")
    if (hidden := encoder.config.hidden_size) != model.get_dim("nO"):
        raise ModelError(
            f"the vectors of {name!r} have {hidden} numbers, its settings say width = {model.get_dim('nO')}: "
            f"write width = {hidden} there and in the listeners"
        )
    return encoder


def _vectors(model: Model[list[Doc], Vectors], encoder: Any, docs: Sequence[Doc]) -> "list[torch.Tensor]":
    """One row a token of each document, on the CPU, with gradients where torch keeps them."""
    from spanloop.plugin.model.runtime import begin

    shim: Any = model.shims[0]
    mean = model.attrs["pooling"] == "mean"
    encoded = encode_docs(
        docs, shim.pretrained.tokenizer, max_wordpieces=shim.max_wordpieces, overlap=shim.overlap
    )
    rows = begin(
        _HiddenStates(encoder),
        encoded,
        aggregation="none" if mean else "first",
        budget=model.attrs["batch_wordpieces"],
        enough=None,
        pad_id=shim.pretrained.pad_id,
        n_tags=model.get_dim("nO"),
    )()
    units = [_mean(row, doc) for row, doc in zip(rows, encoded, strict=True)] if mean else rows
    return [_by_token(*row) for row in zip(docs, encoded, units, strict=True)]


def _mean(rows: "torch.Tensor", encoded: EncodedDoc) -> "torch.Tensor":
    """One row a unit from the rows of its wordpieces."""
    import torch

    from spanloop.plugin.model.runtime import wordpiece_units

    units = wordpiece_units(encoded)
    total = torch.zeros((len(encoded.starts), rows.shape[1])).index_add(0, torch.from_numpy(units), rows)
    counts = np.bincount(units, minlength=len(encoded.starts)).astype(np.float32)
    return total / torch.from_numpy(counts).unsqueeze(1)


def _by_token(doc: Doc, encoded: EncodedDoc, units: "torch.Tensor") -> "torch.Tensor":
    """One row a token: that of the unit it lies in, zeros where it lies in none."""
    import torch

    starts = np.array([token.idx for token in doc], dtype=np.int64)
    unit = token_at(starts, encoded.starts, encoded.ends)
    inside = np.flatnonzero(unit != NO_UNIT)
    chosen = units.index_select(0, torch.from_numpy(unit[inside]))
    return torch.zeros((len(doc), units.shape[1])).index_copy(0, torch.from_numpy(inside), chosen)
