"""The factory, and the pipe among spaCy's own: configs, entry points, shared encoders, the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
from confection import ConfigValidationError
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import load_model_from_config
from support.processes import PATIENCE_SECONDS
from support.tiny_models import SAMPLE
from thinc.api import Config

from spanloop.plugin.pipe.component import HFTokenClassifierPipe

TRAIN = [
    ("Angela Merkel met Obama", [(0, 13, "PER"), (18, 23, "PER")]),
    ("We saw New York City.", [(7, 20, "LOC")]),
    ("nothing here at all", []),
]
TOK2VEC = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 32,
    "depth": 2,
    "embed_size": 200,
    "window_size": 1,
    "maxout_pieces": 3,
    "subword_features": True,
}
TOK2VEC_LISTENER = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "*"}


def found(doc: Doc) -> list[tuple[int, int, str]]:
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def examples(nlp: Language) -> list[Example]:
    return [Example.from_dict(nlp.make_doc(text), {"entities": spans}) for text, spans in TRAIN]


def overfit(nlp: Language, steps: int = 80, rate: float = 0.01) -> None:
    data = examples(nlp)
    optimizer = nlp.initialize(lambda: data)
    optimizer.learn_rate = rate
    for _ in range(steps):
        nlp.update(data, sgd=optimizer)


def run(*command: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        **settings,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


# Making one


@pytest.mark.slow
def test_it_works_after_installation_without_an_import_of_ours(folder: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_classifier", config={"model": str(folder)})
    nlp.to_disk(tmp_path)
    expected = found(nlp(SAMPLE[0]))
    code = (
        "import json, sys, spacy; nlp = spacy.load(sys.argv[1]); doc = nlp(sys.argv[2]);"
        "print(json.dumps([(e.start_char, e.end_char, e.label_) for e in doc.ents]))"
    )
    told = run("-c", code, str(tmp_path), SAMPLE[0]).stdout.splitlines()[-1]
    assert [tuple(ent) for ent in json.loads(told)] == expected


@pytest.mark.slow
def test_making_one_loads_no_weights_and_no_transformers() -> None:
    code = (
        "import sys, spacy; spacy.blank('en'); before = 'transformers' in sys.modules;"
        "from spanloop.plugin.model.architectures import hf_token_classifier;"
        "from spanloop.plugin.pipe.component import HFTokenClassifierPipe;"
        "from spacy.vocab import Vocab;"
        "pipe = HFTokenClassifierPipe(Vocab(), hf_token_classifier('offline'));"
        "assert not pipe.model.shims[0].is_loaded;"
        "assert before or 'transformers' not in sys.modules"
    )
    run("-c", code)


def test_a_string_is_short_for_the_default_block(folder: Path) -> None:
    short = spacy.blank("en")
    short.add_pipe("hf_token_classifier", config={"model": str(folder)})
    long = spacy.blank("en")
    block = {"@architectures": "spanloop.HFTokenClassifier.v1", "name": str(folder), "max_wordpieces": 32}
    pipe = long.add_pipe("hf_token_classifier", config={"model": block})
    assert found(short(SAMPLE[0])) == found(long(SAMPLE[0]))
    assert max(len(w) for e in pipe.encode([long.make_doc(SAMPLE[0] * 4)]) for w in e.windows) <= 32


def test_without_a_model_it_is_the_offline_encoder() -> None:
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier")
    assert isinstance(pipe, HFTokenClassifierPipe)
    assert pipe.model.shims[0].cfg["name"] == "offline"
    assert nlp.config["components"]["hf_token_classifier"]["model"]["name"] == "offline"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"batch_wordpieces": 0}, "must be at least 1"),
        ({"class_weights": "wrong"}, "choose one of none, inverse"),
        (
            {"unit": "wordpiece", "model": {"@architectures": "spanloop.TokenHead.v1", "tok2vec": TOK2VEC}},
            "needs",
        ),
    ],
)
def test_a_wrong_setting_is_a_clear_line(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spacy.blank("en").add_pipe("hf_token_classifier", config=config)


@pytest.mark.parametrize(
    "config", [{key: "wrong"} for key in ("annotate", "alignment", "scheme", "overwrite", "unknown_setting")]
)
def test_spacy_refuses_what_the_factory_does_not_know(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigValidationError, match=next(iter(config))):
        spacy.blank("en").add_pipe("hf_token_classifier", config=config)


@pytest.mark.parametrize("size", [4, 100])
def test_a_window_that_does_not_fit_the_model_is_refused(folder: Path, size: int) -> None:
    nlp = spacy.blank("en")
    block = {"@architectures": "spanloop.HFTokenClassifier.v1", "name": str(folder), "max_wordpieces": size}
    nlp.add_pipe("hf_token_classifier", config={"model": block})
    with pytest.raises(ValueError, match="choose 8 to 64"):
        nlp("text")


# Beside others


def test_it_lives_beside_other_pipes(folder: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "CITY", "pattern": "New York City"}])
    nlp.add_pipe("hf_token_classifier", config={"model": str(folder), "overwrite": False})
    nlp.add_pipe("sentencizer")
    doc = nlp(SAMPLE[0])
    assert ("New York City", "CITY") in [(ent.text, ent.label_) for ent in doc.ents]
    with nlp.select_pipes(disable="hf_token_classifier"):
        assert [ent.label_ for ent in nlp(SAMPLE[0]).ents] == ["CITY"]
    nlp.to_disk(tmp_path)
    excluded = spacy.load(tmp_path, exclude=["hf_token_classifier"])
    assert excluded.pipe_names == ["entity_ruler", "sentencizer"]
    changed = spacy.load(tmp_path, config={"components.hf_token_classifier.overwrite": True})
    assert "CITY" not in [ent.label_ for ent in changed(SAMPLE[0]).ents]


def test_it_can_be_sourced_into_another_pipeline(folder: Path) -> None:
    first = spacy.blank("en")
    first.add_pipe("hf_token_classifier", config={"model": str(folder)})
    second = spacy.blank("en")
    second.add_pipe("hf_token_classifier", source=first)
    assert found(second(SAMPLE[0])) == found(first(SAMPLE[0]))


# A head on a shared encoder


@pytest.mark.parametrize("shared", [False, True])
def test_a_token_head_learns_on_a_tok2vec(tmp_path: Path, shared: bool) -> None:
    nlp = spacy.blank("en")
    if shared:
        nlp.add_pipe("tok2vec", config={"model": TOK2VEC})
    tok2vec = TOK2VEC_LISTENER if shared else TOK2VEC
    block = {"@architectures": "spanloop.TokenHead.v1", "tok2vec": tok2vec}
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": block})
    assert isinstance(pipe, HFTokenClassifierPipe)
    assert pipe.labels == ()
    overfit(nlp)
    expected = [spans for _, spans in TRAIN]
    assert [found(doc) for doc in nlp.pipe(text for text, _ in TRAIN)] == expected
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert [found(loaded(text)) for text, _ in TRAIN] == expected
    assert loaded.get_pipe("hf_token_classifier").fingerprint() == pipe.fingerprint()
    assert pipe.add_label("NEW") == 1
    assert [found(nlp(text)) for text, _ in TRAIN] == expected, "the rows of old labels are kept"
    with pytest.raises(ValueError, match="shared encoder"):
        pipe.hf_model()


def test_a_token_head_without_labels_says_so() -> None:
    nlp = spacy.blank("en")
    block = {"@architectures": "spanloop.TokenHead.v1", "tok2vec": TOK2VEC}
    nlp.add_pipe("hf_token_classifier", config={"model": block})
    nlp.initialize()
    with pytest.raises(ValueError, match="has no labels yet"):
        nlp("hello")


def test_a_token_head_leaves_whitespace_tokens_out() -> None:
    nlp = spacy.blank("en")
    block = {"@architectures": "spanloop.TokenHead.v1", "tok2vec": TOK2VEC}
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": block})
    overfit(nlp, steps=1)
    scores = pipe.predict([nlp.make_doc("a \n\n b"), nlp.make_doc(" "), nlp.make_doc("")])
    assert [len(doc) for doc in scores] == [2, 0, 0]


@pytest.mark.spacy_transformers
def test_one_transformer_serves_a_token_head_and_a_tagger(folder: Path, tmp_path: Path) -> None:
    nlp = load_model_from_config(Config().from_str(_shared_transformer(folder)), auto_fill=True)
    data = []
    for text, spans in TRAIN:
        doc = nlp.make_doc(text)
        tags = ["CAP" if token.is_title else "LOW" for token in doc]
        data.append(Example.from_dict(doc, {"entities": spans, "tags": tags}))
    optimizer = nlp.initialize(lambda: data)
    optimizer.learn_rate = 0.005
    for _ in range(60):
        nlp.update(data, sgd=optimizer)
    doc = nlp(TRAIN[0][0])
    assert found(doc) == TRAIN[0][1]
    assert [token.tag_ for token in doc] == ["CAP", "CAP", "LOW", "CAP"]
    nlp.to_disk(tmp_path)
    assert found(spacy.load(tmp_path)(TRAIN[0][0])) == TRAIN[0][1]


def _shared_transformer(folder: Path) -> str:
    return f"""
    [nlp]
    lang = "en"
    pipeline = ["transformer","tagger","hf_token_classifier"]
    [components]
    [components.transformer]
    factory = "transformer"
    [components.transformer.model]
    @architectures = "spacy-transformers.TransformerModel.v3"
    name = "{folder}"
    [components.transformer.model.get_spans]
    @span_getters = "spacy-transformers.strided_spans.v1"
    window = 24
    stride = 16
    [components.tagger]
    factory = "tagger"
    [components.tagger.model]
    @architectures = "spacy.Tagger.v2"
    [components.tagger.model.tok2vec]
    @architectures = "spacy-transformers.TransformerListener.v1"
    grad_factor = 1.0
    [components.tagger.model.tok2vec.pooling]
    @layers = "reduce_mean.v1"
    [components.hf_token_classifier]
    factory = "hf_token_classifier"
    [components.hf_token_classifier.model]
    @architectures = "spanloop.TokenHead.v1"
    [components.hf_token_classifier.model.tok2vec]
    @architectures = "spacy-transformers.TransformerListener.v1"
    grad_factor = 1.0
    [components.hf_token_classifier.model.tok2vec.pooling]
    @layers = "reduce_mean.v1"
    """


# Several processes


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_two_processes_after_a_forward_pass_do_not_wait_for_ever(folder: Path, threads: int) -> None:
    code = f"""
import os, sys, json
os.environ.pop("TOKENIZERS_PARALLELISM", None)
os.environ.pop("OMP_NUM_THREADS", None)
import torch, spacy
torch.set_num_threads({threads})
nlp = spacy.blank("en")
nlp.add_pipe("hf_token_classifier", config={{"model": sys.argv[1]}})
texts = json.loads(sys.argv[2]) * 20
expected = [[(e.text, e.label_, round(e._.spanloop_confidence, 4)) for e in nlp(text).ents] for text in texts]
docs = list(nlp.pipe(texts, n_process=2, batch_size=16))
assert [[(e.text, e.label_, round(e._.spanloop_confidence, 4)) for e in doc.ents] for doc in docs] == expected
assert all(doc._.spanloop_char_spans for doc in docs if doc.ents)
"""
    run("-c", code, str(folder), json.dumps(SAMPLE))
