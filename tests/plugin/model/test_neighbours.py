"""What a model says of a text does not depend on the texts that it reads beside it, whatever the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from support.tiny_models import SAMPLE, TAGS, fast_tokenizer
from transformers import (
    BigBirdConfig,
    BigBirdForTokenClassification,
    ConvBertConfig,
    ConvBertForTokenClassification,
    FunnelConfig,
    FunnelForTokenClassification,
)

from spanloop.plugin.model.runtime import batches

LABELS = {"id2label": dict(enumerate(TAGS)), "label2id": {tag: row for row, tag in enumerate(TAGS)}}
SIZES = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
MODELS = {
    "convbert": lambda words: ConvBertForTokenClassification(
        ConvBertConfig(vocab_size=words, embedding_size=32, **SIZES, **LABELS)
    ),
    "funnel": lambda words: FunnelForTokenClassification(
        FunnelConfig(
            vocab_size=words, block_sizes=[1, 1], d_model=32, n_head=2, d_head=16, d_inner=48, **LABELS
        )
    ),
    "big_bird": lambda words: BigBirdForTokenClassification(
        BigBirdConfig(
            vocab_size=words,
            block_size=4,
            num_random_blocks=1,
            max_position_embeddings=256,
            **SIZES,
            **LABELS,
        )
    ),
}
TEXTS = [*SAMPLE, "a", "Angela Merkel", " ".join(SAMPLE), "It is so."]


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")  # Funnel of transformers 4
@pytest.mark.parametrize("kind", MODELS)
def test_neighbours_and_what_was_read_before_change_nothing(kind: str, tmp_path: Path) -> None:
    tokenizer = fast_tokenizer("wordpiece")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = MODELS[kind](len(tokenizer))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(10)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("hf_token_classifier", config={"model": str(tmp_path)})
    pipe.network.shim.pretrained.model.double()  # so that what differs is the neighbours, not the rounding
    docs = [nlp.make_doc(text) for text in TEXTS]
    together = [scores.logprobs for scores in pipe.predict(docs)]
    backwards = [scores.logprobs for scores in pipe.predict(docs[::-1])][::-1]
    alone = [pipe.predict([doc])[0].logprobs for doc in docs]
    for rows, other, own in zip(together, backwards, alone, strict=True):
        np.testing.assert_allclose(rows, own, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(other, own, rtol=1e-6, atol=1e-6)
    assert pipe.network.shim.even_windows


def test_a_model_that_masks_padding_shares_its_batches(folder: Path) -> None:
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("hf_token_classifier", config={"model": str(folder)})
    assert not pipe.network.shim.even_windows


def test_an_even_batch_has_windows_of_one_length() -> None:
    lengths = [3, 9, 3, 9, 9, 5]
    assert batches(lengths, 20, even=True) == [[1, 3], [4], [5], [0, 2]]
    assert batches(lengths, 20) == [[1, 3], [4, 5], [0, 2]]
