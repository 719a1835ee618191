"""The two networks the component can hold, as thinc models: Docs in, one array of tag scores a document out.

``spanloop.HFTokenClassifier.v1`` owns a whole Hugging Face model; ``spanloop.TokenHead.v1`` is a linear layer
on an encoder that other pipes may share. Importing this module imports no transformers.
"""

# No annotations from __future__ here: the confection of spaCy 3.7 takes those of a registered function as
# they stand.

from collections.abc import Callable
from typing import Any

import numpy as np
from spacy.tokens import Doc
from thinc.api import Linear, Model, chain, glorot_uniform_init, with_array
from thinc.types import Floats2d
from thinc.util import torch2xp

from spanloop.plugin.alignment.tokens import visible_tokens
from spanloop.plugin.model.shim import HFShim

Scores = list[Any]  # one array a document
Backprop = Callable[[Scores], list[Doc]]


def hf_token_classifier(
    name: str,
    revision: str | None = None,
    allow_pickle: bool = False,
    max_wordpieces: int | None = None,
    overlap: int = 128,
) -> Model[list[Doc], Scores]:
    """Any Hugging Face token classifier, or an encoder that gets a head. Nothing is read until first use.

    ``name``: a folder, a hub id (``org/name``, or ``org/name@revision``) or ``offline``; ``revision``: of the
    hub's repository, where the name has none; ``allow_pickle``: read pytorch_model.bin, which can run code,
    where there are no safetensors; ``max_wordpieces``: the longest window with its special tokens
    (None: what the model can read, 512 at most); ``overlap``: wordpieces that neighbouring windows share.
    """
    source = {
        "name": name,
        "revision": revision,
        "allow_pickle": allow_pickle,
        "max_wordpieces": max_wordpieces,
        "overlap": overlap,
    }
    attrs = {"unit": "token", "aggregation": "first", "batch_wordpieces": None, "label_strategy": "first"}
    return Model("hf_token_classifier", _hf_forward, attrs=attrs, shims=[HFShim(source)])


def token_head(tok2vec: Model[list[Doc], list[Floats2d]]) -> Model[list[Doc], Scores]:
    """A linear layer that scores tags on the token vectors of ``tok2vec``: a listener to a shared transformer
    or tok2vec, or an encoder of its own. One row a token that is no whitespace."""
    width = tok2vec.get_dim("nO") if tok2vec.has_dim("nO") else None
    output: Model[Floats2d, Floats2d] = Linear(None, width, init_W=glorot_uniform_init)
    network: Model[list[Doc], Scores] = Model(
        "token_head",
        _head_forward,
        init=_init_head,
        layers=[chain(tok2vec, with_array(output))],
        attrs={"tags": []},
        refs={"tok2vec": tok2vec, "output_layer": output},
    )
    return network


def _hf_forward(model: Model[list[Doc], Scores], docs: list[Doc], is_train: bool) -> tuple[Scores, Backprop]:
    import torch

    from spanloop.plugin.model.network import HFNetwork, as_numpy

    network = HFNetwork(model)
    module = network.pretrained.model
    module.train(is_train)
    with torch.set_grad_enabled(is_train):
        by_wordpiece = is_train and model.attrs["label_strategy"] == "all"
        scores = network.tensors(network.encode(docs), by_wordpiece=by_wordpiece)
    module.eval()

    def backprop(d_scores: Scores) -> list[Doc]:
        pairs = [(y, d) for y, d in zip(scores, d_scores, strict=True) if y.requires_grad]
        gradients = [torch.as_tensor(as_numpy(d), dtype=y.dtype) for y, d in pairs]
        torch.autograd.backward([y for y, _ in pairs], gradients)
        return docs

    return [torch2xp(y.detach()) for y in scores], backprop


def _head_forward(
    model: Model[list[Doc], Scores], docs: list[Doc], is_train: bool
) -> tuple[Scores, Backprop]:
    rows, backprop_rows = model.layers[0](docs, is_train)
    visible = [np.array([token.i for token in visible_tokens(doc)], dtype=np.int64) for doc in docs]

    def backprop(d_scores: Scores) -> list[Doc]:
        d_rows = []
        for row, kept, d_score in zip(rows, visible, d_scores, strict=True):
            d_row: Any = model.ops.alloc2f(*row.shape)
            d_row[kept] = model.ops.asarray2f(d_score)
            d_rows.append(d_row)
        docs_again: list[Doc] = backprop_rows(d_rows)
        return docs_again

    return [row[kept] for row, kept in zip(rows, visible, strict=True)], backprop


def _init_head(model: Model[list[Doc], Scores], X: Any = None, Y: Any = None) -> None:  # noqa: ARG001 - thinc's
    model.layers[0].initialize(X=X)
