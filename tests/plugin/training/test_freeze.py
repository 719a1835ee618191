from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import spacy
import torch
from support.tiny_models import build_tiny
from transformers import BertConfig, BertForTokenClassification

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.config import Freeze, TrainConfig
from spanloop.plugin.training.train import train
from spanloop.plugin.training.trainable import frozen


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
    what: Freeze, still: tuple[str, ...]
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


def test_in_a_hurry_the_embeddings_stay() -> None:
    assert TrainConfig(fast=True).frozen == "embeddings"
    assert TrainConfig(fast=True, freeze="half").frozen == "half"
    assert TrainConfig().frozen == "none"


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
