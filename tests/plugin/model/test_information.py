"""What a model would learn from a word: by hand, and beside a prediction."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from support.tiny_models import build_tiny

from spanloop.plugin.model.information import USUAL_DROPOUT, dropout_of, information, token_information
from spanloop.plugin.pipe.informed import predict_informed

TEXTS = ("Ann met Bob in Rome.", "", "Ann " * 700, "York", "Bob saw York . " * 20)


@pytest.fixture(scope="module")
def nlp(tmp_path_factory: pytest.TempPathFactory) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_classifier", config={"model": str(build_tiny(tmp_path_factory.mktemp("model")))})
    return nlp


def test_passes_that_agree_teach_nothing_however_unsure_they_are() -> None:
    unsure, one, other = (torch.tensor([row]).log() for row in ([0.5, 0.5], [0.9, 0.1], [0.1, 0.9]))
    certain = torch.tensor([[0.0, -math.inf]])
    by_hand = math.log(2) + 0.9 * math.log(0.9) + 0.1 * math.log(0.1)
    assert information([unsure, unsure]).tolist() == pytest.approx([0], abs=1e-6)
    assert information([one, other]).tolist() == pytest.approx([by_hand], abs=1e-6)
    assert information([certain, certain]).tolist() == [0]


def test_beside_the_scores_of_a_prediction_and_the_same_alone_or_in_company(nlp: Language) -> None:
    pipe = nlp.get_pipe("hf_token_classifier")
    docs = [nlp.make_doc(text) for text in TEXTS]
    scores, told = predict_informed(pipe, docs, seed=1)  # type: ignore[arg-type]
    assert told is not None
    for found, plain in zip(scores, pipe.predict(docs), strict=True):  # type: ignore[attr-defined]
        np.testing.assert_allclose(found.logprobs, plain.logprobs, atol=1e-5)
        assert found.tags == plain.tags
    assert [one.shape for one in told] == [(len(found),) for found in scores]
    assert np.concatenate(told).min() >= 0
    assert told[0].max() > 0  # something was left out
    alone = [token_information(pipe.network, [doc], seed=1)[0] for doc in docs]  # type: ignore[attr-defined]
    for one, other in zip(told, alone, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)
    others = token_information(pipe.network, docs, seed=2)  # type: ignore[attr-defined]
    assert not np.allclose(others[0], told[0], rtol=1e-3)


def test_with_an_encoder_in_bfloat16_the_scores_are_those_of_the_prediction(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    config = {"model": str(build_tiny(tmp_path / "model")), "precision": "bf16"}
    pipe = nlp.add_pipe("hf_token_classifier", config=config)
    docs = [nlp.make_doc(text) for text in TEXTS]
    scores, told = predict_informed(pipe, docs)  # type: ignore[arg-type]
    assert told is not None
    assert np.concatenate(told).max() > 0
    for found, plain in zip(scores, pipe.predict(docs), strict=True):  # type: ignore[attr-defined]
        np.testing.assert_allclose(found.logprobs, plain.logprobs, atol=1e-5)


def test_threads_that_predict_beside_it_are_not_taken_for_it(nlp: Language) -> None:
    pipe = nlp.get_pipe("hf_token_classifier")
    docs = [nlp.make_doc(text) for text in TEXTS]
    _, expected = predict_informed(pipe, docs, seed=1)  # type: ignore[arg-type]
    assert expected is not None
    done = threading.Event()

    def predict() -> None:
        while not done.is_set():
            pipe.predict([nlp.make_doc("Bob saw York in May . " * 9)])  # type: ignore[attr-defined]

    others = [threading.Thread(target=predict) for _ in range(2)]
    for other in others:
        other.start()
    try:
        for _ in range(20):
            _, told = predict_informed(pipe, docs, seed=1)  # type: ignore[arg-type]
            assert told is not None
            for one, same in zip(told, expected, strict=True):
                np.testing.assert_allclose(one, same, rtol=1e-3, atol=1e-6)
    finally:
        done.set()
        for other in others:
            other.join()


def test_where_more_than_the_first_wordpiece_counts_a_prediction_says_nothing_of_it(
    nlp: Language, tmp_path: Path
) -> None:
    pipe = nlp.get_pipe("hf_token_classifier")
    docs = [nlp.make_doc(text) for text in TEXTS]
    pipe.model.attrs["aggregation"] = "mean"  # type: ignore[attr-defined]
    try:
        scores, told = predict_informed(pipe, docs)  # type: ignore[arg-type]
    finally:
        pipe.model.attrs["aggregation"] = "first"  # type: ignore[attr-defined]
    assert told is None
    assert len(scores) == len(docs)


def test_the_share_that_is_left_out_is_that_of_the_configuration(nlp: Language) -> None:
    model = nlp.get_pipe("hf_token_classifier").hf_model()  # type: ignore[attr-defined]
    before = model.config.hidden_dropout_prob
    try:
        model.config.hidden_dropout_prob = 0.25
        assert dropout_of(model) == 0.25
        model.config.hidden_dropout_prob = 0.0
        model.config.classifier_dropout = None
        assert dropout_of(model) in (USUAL_DROPOUT, model.config.__dict__.get("dropout"))
    finally:
        model.config.hidden_dropout_prob = before
