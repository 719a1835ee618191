"""Tiny models whose scores padding, or the length of the batch, would change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import (
    BigBirdConfig,
    BigBirdForTokenClassification,
    ConvBertConfig,
    ConvBertForTokenClassification,
    FunnelConfig,
    FunnelForTokenClassification,
)

from support.tiny_models import TAGS, fast_tokenizer

_LABELS = {"id2label": dict(enumerate(TAGS)), "label2id": {tag: row for row, tag in enumerate(TAGS)}}
_SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
_NO_CHANCE = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
_FUNNEL = {"block_sizes": [1, 1], "d_model": 32, "n_head": 2, "d_head": 16, "d_inner": 48}
_FUNNEL_NO_CHANCE = {"hidden_dropout": 0.0, "attention_dropout": 0.0, "activation_dropout": 0.0}


def _convbert(words: int) -> Any:
    config = ConvBertConfig(vocab_size=words, embedding_size=32, **_SIZES, **_NO_CHANCE, **_LABELS)
    return ConvBertForTokenClassification(config)


def _funnel(words: int) -> Any:
    config = FunnelConfig(vocab_size=words, **_FUNNEL, **_FUNNEL_NO_CHANCE, **_LABELS)
    return FunnelForTokenClassification(config)


def _big_bird(words: int) -> Any:
    sparse = {"block_size": 4, "num_random_blocks": 1, "max_position_embeddings": 256}
    config = BigBirdConfig(vocab_size=words, **sparse, **_SIZES, **_NO_CHANCE, **_LABELS)
    return BigBirdForTokenClassification(config)


MODELS: dict[str, Callable[[int], Any]] = {"convbert": _convbert, "funnel": _funnel, "big_bird": _big_bird}


def build(kind: str, folder: Path) -> Path:
    """Save such a model, with weights so large that what its neighbours change shows, and a tokenizer."""
    tokenizer = fast_tokenizer("wordpiece")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MODELS[kind](len(tokenizer))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
