from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from support.tiny_models import build_tiny
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    BertConfig,
    BertForTokenClassification,
)

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.config import Stays, TrainConfig
from spanloop.plugin.training.train import train
from spanloop.plugin.training.trainable import frozen, stays


def trainable(model: torch.nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize(
    ("what", "still"),
    [
        ("embeddings", ("word_embeddings",)),
        ("half", ("embeddings", "layer.0.", "layer.1.")),
        ("none", ()),
        (1, ("embeddings", "layer.0.")),
        (4, ("embeddings", "layer.")),
    ],
)
def test_what_is_frozen_gets_no_gradient_and_all_is_as_before_afterwards(
    what: Stays, still: tuple[str, ...]
) -> None:
    config = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=4, num_attention_heads=1)
    model = BertForTokenClassification(config)
    names = trainable(model)
    with frozen(model, what):
        assert trainable(model) == {name for name in names if not any(part in name for part in still)}
    assert trainable(model) == names


def test_more_layers_than_there_are_cannot_be_frozen() -> None:
    config = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=4, num_attention_heads=1)
    with (
        pytest.raises(ValueError, match="5 layers cannot be frozen: BertForTokenClassification has 4"),
        frozen(BertForTokenClassification(config), 5),
    ):
        pass


@pytest.mark.parametrize(
    ("kind", "layers", "config", "what"),
    [
        ("bert", 12, TrainConfig(), 2),
        ("bert", 6, TrainConfig(fast=True), 1),
        ("bert", 5, TrainConfig(), "none"),
        ("bert", 5, TrainConfig(fast=True), "embeddings"),
        ("albert", 12, TrainConfig(), "none"),  # one layer, twelve times over
        ("bert", 12, TrainConfig(lora=4), "none"),
        ("bert", 12, TrainConfig(freeze="none"), "none"),
        ("bert", 12, TrainConfig(freeze="none", fast=True), "embeddings"),
        ("bert", 12, TrainConfig(freeze="half", fast=True), "half"),
        ("bert", 12, TrainConfig(freeze=0), 0),
    ],
)
def test_a_sixth_of_the_layers_stays_where_nothing_else_is_said(
    kind: str, layers: int, config: TrainConfig, what: Stays
) -> None:
    small = {"vocab_size": 20, "hidden_size": 8, "num_attention_heads": 1, "intermediate_size": 8}
    found = AutoConfig.for_model(kind, num_hidden_layers=layers, **small)
    assert stays(AutoModelForTokenClassification.from_config(found), config) == what


def test_frozen_embeddings_are_those_that_came(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(build_tiny(tmp_path / "tiny"))})
    before = {name: tensor.clone() for name, tensor in pipe.hf_model().state_dict().items()}
    config = replace(TrainConfig(epochs=3, bf16=False), freeze="embeddings")
    gold = Gold(nlp.make_doc("Ann met Bob"), (CharSpan(0, 3, "PER"),))
    train(pipe, [gold], config, folder=tmp_path / "loop")
    after = pipe.hf_model().state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert "bert.embeddings.word_embeddings.weight" not in changed
    assert "classifier.weight" in changed


@pytest.mark.parametrize("settings", [{}, {"lora": 2}])
def test_the_head_takes_larger_steps_than_the_encoder(
    tiny: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """The first step of AdamW is as long as the rate, whatever the gradient."""
    pytest.importorskip("peft") if "lora" in settings else None
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    before = {name: tensor.clone() for name, tensor in pipe.hf_model().state_dict().items()}
    config = TrainConfig(
        epochs=1, learning_rate=1e-4, warmup=0.0, weight_decay=0.0, bf16=False, held_out=0.0, **settings
    )
    golds = [Gold(nlp.make_doc("Ann"), (CharSpan(0, 3, "PER"),))]
    report = train(pipe, golds, config, folder=tmp_path / "l")
    assert (report.steps, report.head_rate, report.learning_rate) == (1, 10, 1e-4)
    moved = {
        name: float((tensor - before[name]).abs().max())
        for name, tensor in pipe.hf_model().state_dict().items()
    }
    assert moved["classifier.bias"] == pytest.approx(1e-3, rel=1e-2)
    assert moved["classifier.weight"] == pytest.approx(1e-3, rel=1e-2)
    assert 0 < max(size for name, size in moved.items() if "encoder.layer" in name) < 1.1e-4
    # a head that has learned goes on as carefully as the rest, unless someone says otherwise
    assert train(pipe, golds, config, folder=tmp_path / "again").head_rate == 1
    asked = replace(config, head_rate=3.0)
    assert train(pipe, golds, asked, folder=tmp_path / "asked").head_rate == 3
