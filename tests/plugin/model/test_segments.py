"""A special token with a segment of its own is read with it, as Hugging Face's pipeline reads it."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import spacy
import torch
from support.conformance.making import Kind, make
from support.tiny_models import SAMPLE, build_tiny
from transformers import AutoModelForTokenClassification, AutoTokenizer

from spanloop.plugin.model import pretrained
from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

KIND = Kind("xlnet", "wordpiece", "IOB2")


def test_scores_are_those_of_the_model_with_its_segments(tmp_path: Path) -> None:
    make(tmp_path, KIND)
    model = AutoModelForTokenClassification.from_pretrained(tmp_path)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("seg_embed", "r_s_bias")):  # so that it shows
                weight.mul_(30)
    model.save_pretrained(tmp_path)
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tmp_path), "unit": "wordpiece"})
    assert isinstance(pipe, HFTokenClassifierPipe)
    inputs = AutoTokenizer.from_pretrained(tmp_path)(SAMPLE[0], return_tensors="pt")
    assert inputs["token_type_ids"].tolist()[0] == [0] * (inputs["input_ids"].shape[1] - 1) + [2]
    with torch.no_grad():
        told = model(**inputs).logits[0, :-1].log_softmax(dim=1).numpy()
        untold = model(**{**inputs, "token_type_ids": None}).logits[0, :-1].log_softmax(dim=1).numpy()
    [scores] = pipe.predict([nlp.make_doc(SAMPLE[0])])
    np.testing.assert_allclose(scores.logprobs, told, atol=1e-4)
    assert np.abs(told - untold).max() > 0.01, "segments change nothing: the model shows nothing"


def test_they_stay_with_a_model_that_is_saved_copied_or_pickled(tmp_path: Path) -> None:
    make(tmp_path / "made", KIND)
    loaded = pretrained.load(str(tmp_path / "made"))
    pretrained.save(loaded, tmp_path / "saved")
    ids = torch.tensor([loaded.tokenizer(SAMPLE[0])["input_ids"]])
    others = [
        pretrained.load(str(tmp_path / "saved"), saved=True).model,
        copy.deepcopy(loaded.model),
        pickle.loads(pickle.dumps(loaded.model)),
    ]
    with torch.no_grad():
        expected = loaded.model(input_ids=ids).logits
        for model in others:
            torch.testing.assert_close(model(input_ids=ids).logits, expected)


def test_a_model_without_such_segments_is_left_alone(tmp_path: Path) -> None:
    loaded = pretrained.load(str(build_tiny(tmp_path)))
    assert not loaded.model.base_model._forward_pre_hooks
