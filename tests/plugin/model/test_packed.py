"""Linear layers that are packed say what plain ones say, of the weights of now, and leave training alone."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny_models import TAGS
from transformers import (
    AlbertConfig,
    AlbertForTokenClassification,
    BertConfig,
    BertForTokenClassification,
    DistilBertConfig,
    DistilBertForTokenClassification,
    ElectraConfig,
    ElectraForTokenClassification,
    PreTrainedModel,
)

from spanloop.plugin.model.packed import agrees, can_pack, packed
from spanloop.plugin.model.torch_backend import TorchBackend

pytestmark = pytest.mark.skipif(not can_pack(), reason="this torch or this processor has no oneDNN")

LABELS = {"id2label": dict(enumerate(TAGS)), "label2id": {tag: row for row, tag in enumerate(TAGS)}}
SIZES = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 80}
KINDS = {
    "bert": lambda: BertForTokenClassification(BertConfig(vocab_size=90, **SIZES, **LABELS)),
    "albert": lambda: AlbertForTokenClassification(
        AlbertConfig(vocab_size=90, embedding_size=32, **SIZES, **LABELS)
    ),
    "electra": lambda: ElectraForTokenClassification(
        ElectraConfig(vocab_size=90, embedding_size=32, **SIZES, **LABELS)
    ),
    "distilbert": lambda: DistilBertForTokenClassification(
        DistilBertConfig(vocab_size=90, dim=48, n_layers=2, n_heads=3, hidden_dim=80, **LABELS)
    ),
}
IDS = np.array([[3, 4, 5, 6, 7, 8, 9], [10, 11, 12, 0, 0, 0, 0]])
MASK = (IDS > 0).astype(np.int64)


def made(kind: str) -> PreTrainedModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: PreTrainedModel = KINDS[kind]().eval()
    return model


def packed_layers(model: Any) -> int:
    return sum(type(layer).__name__ == "PackedLinear" for layer in model.modules())


def plain(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(
            input_ids=torch.from_numpy(IDS), attention_mask=torch.from_numpy(MASK)
        ).logits
    return logits


def by_backend(backend: TorchBackend) -> torch.Tensor:
    with torch.inference_mode():
        return backend.logits(IDS, MASK)


@pytest.mark.parametrize("kind", KINDS)
def test_packed_layers_say_what_plain_ones_say_and_share_their_weights(kind: str) -> None:
    model = made(kind)
    twin = packed(model)
    linear = sum(type(layer) is torch.nn.Linear for layer in model.modules())
    assert packed_layers(twin) == linear > 0
    assert packed_layers(model) == 0
    torch.testing.assert_close(plain(twin), plain(model), rtol=0, atol=1e-5)
    own = {weight.data_ptr() for weight in model.parameters()}
    assert {weight.data_ptr() for weight in twin.parameters()} == own, "no second copy of the embeddings"


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_backend_computes_with_the_weights_of_now(precision: Any) -> None:
    model = made("bert")
    backend = TorchBackend(model, precision)
    before = by_backend(backend)
    assert packed_layers(backend._copy) > 0
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.5)
    after = by_backend(backend)
    near = {"rtol": 0.0, "atol": 1e-5} if precision == "fp32" else {"rtol": 0.1, "atol": 0.1}
    torch.testing.assert_close(after, plain(model), **near)
    assert not torch.allclose(before, after, atol=0.02)


def test_a_gradient_is_kept_where_it_is_wanted() -> None:
    model = made("bert")
    backend = TorchBackend(model)
    by_backend(backend)
    backend.logits(IDS, MASK).sum().backward()
    assert all(weight.grad is not None for name, weight in model.named_parameters() if "layer.0" in name)


def test_where_torch_chooses_the_precision_it_does() -> None:
    model = made("bert")
    backend = TorchBackend(model)
    exact = by_backend(backend)
    with torch.autocast("cpu", torch.bfloat16):
        low = by_backend(backend)
        assert torch.equal(low, plain(model))
        torch.testing.assert_close(plain(packed(model)).float(), exact, rtol=0.1, atol=0.1)
    assert not torch.equal(low.float(), exact)


def test_a_layer_with_a_hook_is_left_as_it_is() -> None:
    model = made("bert")
    model.classifier.register_forward_hook(lambda _layer, _given, found: found + 7)
    twin = packed(model)
    assert type(twin.classifier) is torch.nn.Linear
    torch.testing.assert_close(plain(twin), plain(model), rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_wrong_layout_would_be_seen(dtype: torch.dtype) -> None:
    model = made("bert").to(dtype)
    twin = packed(model)
    assert agrees(twin, model)
    other = copy.deepcopy(model)
    layer: Any = other.bert.encoder.layer[0].output.dense
    with torch.no_grad():
        layer.weight.copy_(layer.weight.reshape(layer.weight.shape[::-1]).T * 40)
    assert not agrees(packed(other), model)
