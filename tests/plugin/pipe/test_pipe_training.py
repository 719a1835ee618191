"""The pipe in spaCy's training loop: what it learns, from which rows, and what it goes on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.training import Example
from support.pipe_making import ANNOTATED, examples, found, make
from support.tiny_models import FAMILIES
from thinc.api import Adam

from spanloop.plugin.pipe.learning import unit_targets
from spanloop.plugin.training.collate import training_windows


@pytest.mark.parametrize("label_strategy", ["first", "all"])
@pytest.mark.parametrize("class_weights", ["none", "effective", "focal", {"LOC": 3.0}])
def test_overfitting_then_saving(
    folder: Path, tmp_path: Path, class_weights: Any, label_strategy: str
) -> None:
    nlp, pipe = make(folder, class_weights=class_weights, label_strategy=label_strategy)
    data = examples(nlp)
    optimizer = nlp.initialize(lambda: data)
    assert pipe.labels == ("LOC", "PER")
    optimizer.learn_rate = 0.01
    losses: dict[str, float] = {}
    for _ in range(60):
        losses = nlp.update(data, sgd=optimizer, losses={})
    assert losses["hf_token_classifier"] < 0.1
    expected = [spans for _, spans in ANNOTATED]
    assert [found(doc) for doc in nlp.pipe(text for text, _ in ANNOTATED)] == expected
    scores = nlp.evaluate(data)
    assert scores["ents_f"] == scores["strict_f"] == 1.0
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert [found(loaded(text)) for text, _ in ANNOTATED] == expected
    assert loaded.get_pipe("hf_token_classifier").cfg["label_weights"] == pipe.cfg["label_weights"]


def test_class_weights_scale_the_gradient_of_their_label(folder: Path) -> None:
    nlp, plain = make(folder)
    data = examples(nlp)
    _, weighted = make(folder, class_weights={"O": 0.0})
    for pipe in (plain, weighted):
        pipe.initialize(lambda: data)
    scores, _ = plain.model.begin_update([example.predicted for example in data])
    loss, gradient = plain.get_loss(data, scores)
    weighted_loss, weighted_gradient = weighted.get_loss(data, scores)
    assert 0 < weighted_loss != loss
    assert np.abs(gradient[2]).sum() > 0
    assert np.abs(weighted_gradient[2]).sum() == 0, "a document of nothing but O"


def test_the_gradient_is_that_of_the_loss(folder: Path) -> None:
    nlp, pipe = make(folder, class_weights="effective")
    data = examples(nlp)
    pipe.initialize(lambda: data)
    scores, _ = pipe.model.begin_update([example.predicted for example in data])
    loss, gradient = pipe.get_loss(data, scores)
    step = 1e-2
    scores[0][1, 2] += step
    moved, _ = pipe.get_loss(data, scores)
    assert (moved - loss) / step == pytest.approx(gradient[0][1, 2], abs=2e-3)


def test_missing_annotation_gives_no_gradient(folder: Path) -> None:
    nlp, pipe = make(folder)
    pipe.initialize(lambda: examples(nlp))
    doc = nlp.make_doc("Angela Merkel met Obama")
    data = [Example(doc, nlp.make_doc(doc.text))]
    scores, _ = pipe.model.begin_update([doc])
    loss, gradient = pipe.get_loss(data, scores)
    assert loss == 0
    assert not gradient[0].any()


def test_initialize_takes_the_labels_it_is_given(folder: Path) -> None:
    nlp, pipe = make(folder)
    pipe.initialize(lambda: examples(nlp), nlp=nlp, labels=["LOC", "PER", "MISC"])
    assert pipe.labels == ("LOC", "PER", "MISC")
    assert pipe.label_data == pipe.labels


def test_training_resumes_where_it_was_saved(folder: Path, tmp_path: Path) -> None:
    nlp, _ = make(folder)
    data = examples(nlp)
    optimizer = nlp.initialize(lambda: data)
    optimizer.learn_rate = 0.01
    losses = [nlp.update(data, sgd=optimizer, losses={})["hf_token_classifier"] for _ in range(15)]
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    again = loaded.resume_training()
    again.learn_rate = 0.01
    data = examples(loaded)
    resumed = [loaded.update(data, sgd=again, losses={})["hf_token_classifier"] for _ in range(15)]
    # With dropout, and near 0, two losses differ by chance: what must hold is that it neither begins anew
    # nor stands still.
    assert resumed[0] < losses[0] / 2
    assert min(resumed) < min(losses)


def test_averaged_weights_are_used_and_put_back(folder: Path) -> None:
    nlp, pipe = make(folder)
    data = examples(nlp)
    nlp.initialize(lambda: data)
    optimizer = Adam(0.01, use_averages=True)
    for _ in range(3):
        nlp.update(data, sgd=optimizer)
    before = pipe.fingerprint()
    with nlp.use_params(optimizer.averages):
        assert pipe.fingerprint() != before
    assert pipe.fingerprint() == before


@pytest.mark.parametrize("strategy", ["first", "all"])
@pytest.mark.parametrize("family", FAMILIES)
def test_update_learns_from_the_wordpieces_that_a_round_learns_from(
    folders: dict[str, Path], family: str, strategy: Any
) -> None:
    nlp, pipe = make(folders[family], label_strategy=strategy)
    data = examples(nlp)
    pipe.initialize(lambda: data)
    docs = [example.predicted for example in data]
    windows = [
        window
        for encoded, tags in zip(pipe.encode(docs), unit_targets(pipe, data), strict=True)
        for window in training_windows(encoded, tags, strategy)
    ]
    labels = torch.cat([torch.from_numpy(window.labels) for window in windows])
    for module in pipe.hf_model().modules():  # with dropout two passes differ
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout_prob"):
            module.dropout_prob = 0.0
    with torch.no_grad():
        logits = [pipe.hf_model()(torch.from_numpy(window.input_ids)[None]).logits[0] for window in windows]
    expected = torch.nn.functional.cross_entropy(torch.cat(logits), labels)

    scores, backprop = pipe.model.begin_update(docs)
    loss, gradient = pipe.get_loss(data, scores)
    assert loss == pytest.approx(float(expected), abs=1e-5)
    assert sum(map(len, scores)) == int((labels != -100).sum())
    backprop(gradient)
    assert any(parameter.grad.abs().sum() > 0 for parameter in pipe.hf_model().parameters())


def test_the_two_strategies_differ_where_tokens_have_several_wordpieces(folder: Path) -> None:
    rows = {}
    docs = [example.predicted for example in examples(spacy.blank("en"))]
    for strategy in ("first", "all"):
        _, pipe = make(folder, label_strategy=strategy)
        rows[strategy] = sum(map(len, pipe.model.begin_update(docs)[0]))
        assert [len(scores.starts) for scores in pipe.predict(docs)] == [len(doc) for doc in docs]
    assert rows["first"] == sum(map(len, docs)) < rows["all"]
