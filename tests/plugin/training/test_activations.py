"""Frozen layers are computed once: what the layers above are given, and what they learn, stays the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from support.tiny_models import build_tiny
from transformers import AutoConfig, AutoModelForTokenClassification

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.activations import Activations, record
from spanloop.plugin.training.collate import Collator, TrainWindow
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.train import train
from spanloop.plugin.training.trainable import frozen

# Two of the families still compile parts of theirs in a way that torch deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

WIDTH = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 60}


def windows(n: int = 9) -> list[TrainWindow]:
    rng = np.random.default_rng(n)
    return [
        TrainWindow(rng.integers(5, 60, size), np.zeros(size, dtype=np.int64)) for size in range(2, n + 2)
    ]


def model_of(kind: str, **settings: Any) -> Any:
    torch.manual_seed(1)
    config = AutoConfig.for_model(kind, **{**WIDTH, "num_hidden_layers": 4, "pad_token_id": 0, **settings})
    return AutoModelForTokenClassification.from_config(config)


def recorded(model: Any, folder: Path, given: list[TrainWindow], *, bf16: bool = False) -> Activations | None:
    with frozen(model, "half") as lower:
        return record(model, lower, given, bf16=bf16, collate=Collator(0), even=False, folder=folder)


FAMILIES = {
    "bert": {},
    "roberta": {"max_position_embeddings": 64, "pad_token_id": 1},
    "electra": {"embedding_size": 16},
    "distilbert": {"dim": 16, "hidden_dim": 32, "n_heads": 2, "n_layers": 4},
    "modernbert": {"global_attn_every_n_layers": 2, "local_attention": 4, "reference_compile": False},
}


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("kind", FAMILIES)
def test_a_model_with_its_lower_half_passed_over_scores_as_the_whole_one(
    kind: str, bf16: bool, tmp_path: Path
) -> None:
    model = model_of(kind, **FAMILIES[kind])
    given = windows()
    known = recorded(model, tmp_path, given, bf16=bf16)
    assert known is not None
    collate = Collator(pad_id=0)
    for places in ([0, 3, 8], [5], list(range(9))):
        batch = collate([known[place] for place in places])
        lower = batch.pop("lower")
        batch.pop("labels")
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            whole = model(**batch).logits
            with known.replayed(lower):
                passed_over = model(**batch).logits
        real = batch["attention_mask"].bool()
        # Another padding adds in another order: the last bits may differ, of bfloat16 or of float32.
        torch.testing.assert_close(
            passed_over[real], whole[real], rtol=0.03 if bf16 else 1e-4, atol=0.02 if bf16 else 1e-5
        )


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_layers_above_get_the_gradient_that_they_would_get(kind: str, tmp_path: Path) -> None:
    model = model_of(kind, **FAMILIES[kind])
    given = windows(6)
    known = recorded(model, tmp_path, given)
    assert known is not None
    batch = Collator(pad_id=0)([known[place] for place in range(6)])
    lower = batch.pop("lower")
    gradients = []
    for passed_over in (False, True):
        model.zero_grad()
        with frozen(model, "half"):
            if passed_over:
                with known.replayed(lower):
                    loss = model(**batch).loss
            else:
                loss = model(**batch).loss
            loss.backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
    whole, above = gradients
    assert whole.keys() == above.keys()
    assert any("3" in name for name in whole)  # the last layer
    for name in whole:
        torch.testing.assert_close(above[name], whole[name], rtol=1e-3, atol=1e-6, msg=name)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        # All layers share the embeddings of relative positions, which go on learning.
        (
            "deberta-v2",
            {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "max_relative_positions": 8},
        ),
        # Two streams a layer, and sequences run along the first axis.
        ("xlnet", {"d_model": 16, "n_layer": 4, "n_head": 2, "d_inner": 32}),
    ],
)
def test_layers_that_cannot_be_passed_over_are_not(
    kind: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    assert recorded(model_of(kind, **settings), tmp_path, windows()) is None


def test_a_lower_half_that_learns_is_not_passed_over(tmp_path: Path) -> None:
    model = model_of("bert")
    layers = list(model.bert.encoder.layer[:2])
    assert (
        record(model, layers, windows(), bf16=False, collate=Collator(0), even=False, folder=tmp_path) is None
    )


def test_the_model_is_whole_again_afterwards_and_no_file_is_left(tmp_path: Path) -> None:
    model = model_of("bert")
    given = windows()
    known = recorded(model, tmp_path, given)
    assert known is not None
    batch = Collator(pad_id=0)([known[0]])
    batch["lower"] = torch.zeros_like(batch["lower"])
    plain = {name: batch[name] for name in ("input_ids", "attention_mask")}
    before = model(**plain).logits
    with known.replayed(batch["lower"]):
        assert not torch.allclose(model(**plain).logits, before)
    assert torch.equal(model(**plain).logits, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_training_leaves_the_lower_half_as_it_came_and_learns_above(
    accumulate: int, tmp_path: Path
) -> None:
    nlp = spacy.blank("en")
    names = ["Ann", "Bob", "Angela Merkel"]
    texts = [f"{names[k % 3]} met no one" + " in Rome" * (k % 4) for k in range(9)]
    golds = [
        Gold(nlp.make_doc(text), (CharSpan(0, len(names[k % 3]), "PER"),)) for k, text in enumerate(texts)
    ]
    tiny = build_tiny(tmp_path / "tiny", layers=2)
    pipe: Any = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    before = {name: tensor.clone() for name, tensor in pipe.hf_model().state_dict().items()}
    config = TrainConfig(
        epochs=12, freeze="half", learning_rate=1e-2, batch_wordpieces=64, held_out=0.0, accumulate=accumulate
    )
    report = train(pipe, golds, config, folder=tmp_path / "loop")
    after = pipe.hf_model().state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert not any(".embeddings." in name or ".layer.0." in name for name in changed)
    assert any(".layer.1." in name for name in changed)
    assert report.losses[-1] < report.losses[0] / 2
    assert list((tmp_path / "loop").iterdir()) == []
