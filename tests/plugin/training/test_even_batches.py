"""Models that padding changes are trained on what they are served with: windows without any."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from support.neighbour_models import MODELS, build
from support.tiny_models import SAMPLE

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.train import train

# One optimiser step over all of it, so small that nothing is learned: the loss is that of the weights as they
# are.
NOTHING_LEARNED = TrainConfig(
    epochs=1,
    learning_rate=1e-12,
    warmup=0.0,
    class_weights="none",
    label_strategy="first",
    batch_wordpieces=4096,
    accumulate=64,
    bf16=False,
    held_out=0.0,
)
TEXTS = ["a", "We met", *SAMPLE[:3], " ".join(SAMPLE[:3])]


@pytest.mark.parametrize("kind", MODELS)
def test_the_loss_is_that_of_the_scores_that_are_served(kind: str, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("hf_token_classifier", config={"model": str(build(kind, tmp_path / "model"))})
    golds = [Gold(nlp.make_doc(text), (CharSpan(0, len(text.split()[0]), "PER"),)) for text in TEXTS]
    config = NOTHING_LEARNED
    if (
        kind == "big_bird"
    ):  # which blocks it attends to is drawn by chance while it trains, where texts are long
        golds = golds[:2]
    scores = pipe.predict([gold.doc for gold in golds])
    rows = np.concatenate([one.logprobs for one in scores])
    wanted = [
        pipe.tags.index("B-PER" if start == 0 else "O") for one in scores for start in one.starts.tolist()
    ]
    expected = -rows[np.arange(len(rows)), wanted].mean()
    report = train(pipe, golds, config, folder=tmp_path / "loop")
    assert report.losses == [pytest.approx(expected, rel=1e-4)]
    if kind == "convbert":  # what the frozen layer gives is computed once, beforehand
        frozen = train(pipe, golds, replace(config, freeze=1), folder=tmp_path / "frozen")
        assert frozen.losses == [pytest.approx(expected, rel=1e-4)]


def test_a_model_that_attends_in_blocks_is_trained_on_long_and_short_texts(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe(
        "hf_token_classifier", config={"model": str(build("big_bird", tmp_path / "model"))}
    )
    golds = [Gold(nlp.make_doc(text), ()) for text in TEXTS]
    attends = []
    encoder = pipe.hf_model().base_model
    pipe.hf_model().register_forward_hook(lambda *_: attends.append(encoder.attention_type))
    train(pipe, golds, replace(NOTHING_LEARNED, epochs=2), folder=tmp_path / "loop")
    assert {"block_sparse", "original_full"} <= set(attends)
