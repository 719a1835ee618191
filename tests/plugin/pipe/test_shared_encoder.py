"""Our own encoder behind spaCy's listeners: one for a tagger, a parser and named entities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import load_model_from_config
from support.tiny_models import SAMPLE, build_tiny

from spanloop.plugin.model.encoder import hf_encoder
from spanloop.plugin.model.errors import ModelError

WIDTH = 32
TRAIN: list[tuple[str, dict[str, Any]]] = [
    (
        "Angela Merkel met Obama",
        {
            "entities": [(0, 13, "PER"), (18, 23, "PER")],
            "tags": ["NNP", "NNP", "VBD", "NNP"],
            "heads": [1, 2, 2, 2],
            "deps": ["compound", "nsubj", "ROOT", "dobj"],
        },
    ),
    (
        "We saw New York",
        {
            "entities": [(7, 15, "LOC")],
            "tags": ["PRP", "VBD", "NNP", "NNP"],
            "heads": [1, 1, 3, 1],
            "deps": ["nsubj", "ROOT", "compound", "dobj"],
        },
    ),
    (
        "nothing happened here",
        {
            "entities": [],
            "tags": ["NN", "VBD", "RB"],
            "heads": [1, 1, 1],
            "deps": ["nsubj", "ROOT", "advmod"],
        },
    ),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("shared"), head=False, layers=2)


LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": WIDTH, "upstream": "*"}
PIPES: dict[str, dict[str, Any]] = {
    "tagger": {"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": LISTENER}},
    "parser": {
        "model": {
            "@architectures": "spacy.TransitionBasedParser.v2",
            "state_type": "parser",
            "extra_state_tokens": False,
            "hidden_width": 32,
            "maxout_pieces": 2,
            "use_upper": True,
            "tok2vec": LISTENER,
        },
        "min_action_freq": 1,
    },
    "hf_token_classifier": {"model": {"@architectures": "spanloop.TokenHead.v1", "tok2vec": LISTENER}},
}


def pipeline(model: Path, pipes: Sequence[str] = tuple(PIPES)) -> Language:
    nlp = spacy.blank("en")
    block = {"@architectures": "spanloop.HFEncoder.v1", "name": str(model), "width": WIDTH}
    nlp.add_pipe("tok2vec", config={"model": block})
    for pipe in pipes:
        nlp.add_pipe(pipe, config=PIPES[pipe])
    return nlp


def said(doc: Doc) -> dict[str, Any]:
    return {
        "entities": [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents],
        "tags": [token.tag_ for token in doc],
        "heads": [token.head.i for token in doc],
        "deps": [token.dep_ for token in doc],
    }


def weights(nlp: Language) -> dict[str, np.ndarray[Any, Any]]:
    model = nlp.get_pipe("tok2vec").model.shims[0].pretrained.model
    return {name: tensor.detach().numpy().copy() for name, tensor in model.named_parameters()}


def trained(nlp: Language, steps: int) -> list[Example]:
    data = [Example.from_dict(nlp.make_doc(text), gold) for text, gold in TRAIN]
    optimizer = nlp.initialize(lambda: data)
    optimizer.learn_rate = 0.005
    for _ in range(steps):
        nlp.update(data, sgd=optimizer)
    return data


def test_one_encoder_serves_tagger_parser_and_entities(shared: Path, tmp_path: Path) -> None:
    nlp = pipeline(shared)
    trained(nlp, steps=80)
    for text, gold in TRAIN:
        assert said(nlp(text)) == gold
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert not again.get_pipe("hf_token_classifier").model.shims, "the encoder is saved once, in tok2vec"
    assert [said(doc) for doc in again.pipe([*SAMPLE, "", " \n "])] == [
        said(doc) for doc in nlp.pipe([*SAMPLE, "", " \n "])
    ]
    assert np.array_equal(again(TRAIN[0][0]).tensor, nlp(TRAIN[0][0]).tensor)


@pytest.mark.parametrize("teacher", PIPES)
def test_each_pipe_that_listens_teaches_the_encoder(shared: Path, teacher: str) -> None:
    nlp = pipeline(shared, [teacher])
    before = weights(nlp)
    trained(nlp, steps=3)  # spaCy's tagger begins with zeros, and nlp.update moves the encoder a step later
    after = weights(nlp)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert {name for name in changed if "layer.0" in name}, "the gradient reaches the lowest layer"
    assert not {name for name in changed if name.startswith("classifier")}, "the head is nobody's"


def test_what_is_frozen_stays_and_the_heads_still_learn(shared: Path) -> None:
    nlp = pipeline(shared)
    data = trained(nlp, steps=0)
    before = weights(nlp)
    optimizer = nlp.resume_training()
    optimizer.learn_rate = 0.02
    for _ in range(60):
        nlp.update(data, sgd=optimizer, exclude=["tok2vec"], annotates=["tok2vec"])
    after = weights(nlp)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert said(nlp(TRAIN[0][0]))["entities"] == TRAIN[0][1]["entities"]


def test_a_head_on_our_vectors_scores_as_the_token_classifier_does(folder: Path) -> None:
    """The vectors of first wordpieces, through the weights of its own head, are the scores of the pipe."""
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(folder), "viterbi": False})
    head = pipe.hf_model().classifier
    encoder = hf_encoder(str(folder), WIDTH, pooling="first", max_wordpieces=32, overlap=8)
    own = spacy.blank("en").add_pipe(
        "hf_token_classifier",
        config={
            "model": {
                "@architectures": "spanloop.HFTokenClassifier.v1",
                "name": str(folder),
                "max_wordpieces": 32,
                "overlap": 8,
            }
        },
    )
    docs = [nlp.make_doc(text) for text in [*SAMPLE, " ".join(SAMPLE), "", " "]]
    for doc, vectors, scores in zip(docs, encoder.predict(docs), own.predict(docs), strict=True):
        assert vectors.shape == (len(doc), WIDTH)
        told = vectors @ head.weight.detach().numpy().T + head.bias.detach().numpy()
        logprobs = told - np.log(np.exp(told).sum(axis=1, keepdims=True))
        seen = [token.i for token in doc if token.idx in set(scores.starts.tolist())]
        assert logprobs[seen] == pytest.approx(scores.logprobs, abs=1e-4)
        assert not vectors[[token.i for token in doc if token.is_space]].any()


def test_the_mean_is_that_of_the_wordpieces(folder: Path) -> None:
    nlp = spacy.blank("en")
    doc = nlp.make_doc("Contoso-Corp(NYC) sold cable")
    encoders = {pooling: hf_encoder(str(folder), WIDTH, pooling=pooling) for pooling in ("mean", "first")}
    vectors = {pooling: encoder.predict([doc])[0] for pooling, encoder in encoders.items()}
    tokenizer = encoders["mean"].shims[0].pretrained.tokenizer
    alone = [len(tokenizer.backend_tokenizer.encode(token.text, add_special_tokens=False)) for token in doc]
    same = [np.allclose(a, b, atol=1e-6) for a, b in zip(vectors["mean"], vectors["first"], strict=True)]
    assert same == [pieces == 1 for pieces in alone]
    assert max(alone) > 1


def test_another_width_than_the_encoders_is_one_line_that_says_which(shared: Path) -> None:
    encoder = hf_encoder(str(shared), 768)
    with pytest.raises(ModelError, match=r"have 32 numbers, its settings say width = 768: write width = 32"):
        encoder.initialize()
    with pytest.raises(ValueError, match="pooling = 'sum' is unknown: choose one of mean, first"):
        hf_encoder(str(shared), WIDTH, pooling="sum")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must be at least 1"):
        hf_encoder(str(shared), 0)


def test_the_encoder_is_no_token_classifier(shared: Path) -> None:
    nlp = spacy.blank("en")
    block = {"@architectures": "spanloop.HFEncoder.v1", "name": str(shared), "width": WIDTH}
    with pytest.raises(ValueError, match="is none of ours: use @architectures"):
        nlp.add_pipe("hf_token_classifier", config={"model": block})


def test_copies_have_the_same_vectors(shared: Path) -> None:
    nlp = pipeline(shared)
    trained(nlp, steps=2)
    docs = list(nlp.pipe(SAMPLE))
    again = load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())
    for doc, copied in zip(docs, again.pipe(SAMPLE), strict=True):
        assert np.array_equal(doc.tensor, copied.tensor)
    nlp.replace_listeners("tok2vec", "hf_token_classifier", ["model.tok2vec"])
    assert [said(doc)["entities"] for doc in nlp.pipe(SAMPLE)] == [said(doc)["entities"] for doc in docs]
