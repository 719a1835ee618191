"""A public model is read right whatever scheme it speaks, and nobody has to name it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from support.pipe_making import found
from support.scheme_models import LABELS, model_of, sentences

from spanloop.plugin.alignment.tokens import token_ranges
from spanloop.plugin.alignment.values import TokenScores
from spanloop.plugin.metrics.score import score_spans
from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
from spanloop.plugin.tagging.schemes import NAMED, Scheme, tags_for

SCHEMES = [scheme for scheme in NAMED if scheme != "plain"]
OF_BOTH: list[Scheme] = ["IOB1", "IOB2"]
TEST = sentences(200, seed=2)
DOCS = [gold.doc for gold in TEST]


def pipe_over(folder: Path, **settings: object) -> tuple[Language, HFTokenClassifierPipe]:
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(folder), **settings})
    assert isinstance(pipe, HFTokenClassifierPipe)
    return nlp, pipe


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[Scheme, Path]:
    """A model of each scheme, its tags listed as the scheme has them."""
    return {
        scheme: model_of(tmp_path_factory.mktemp(scheme), scheme, tags_for(LABELS, scheme))
        for scheme in SCHEMES
    }


def f1(pipe: HFTokenClassifierPipe, scheme: Scheme | None, scores: list[TokenScores]) -> float:
    pipe.cfg["scheme"] = scheme
    told = [pipe.decode(one) for one in scores]
    tokens = [token_ranges(doc) for doc in DOCS]
    return score_spans([gold.spans for gold in TEST], told, tokens, LABELS).micro.f1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_model_of_each_scheme_scores_the_same_named_and_not(
    models: dict[Scheme, Path], scheme: Scheme
) -> None:
    _, pipe = pipe_over(models[scheme])
    scores = pipe.predict(DOCS)
    named, unnamed = f1(pipe, scheme, scores), f1(pipe, None, scores)
    assert unnamed == pytest.approx(named, abs=0.005)
    assert named > 0.8, "it has learned what there is to learn"


@pytest.mark.parametrize(("scheme", "other"), [OF_BOTH, OF_BOTH[::-1]])
def test_the_wrong_one_of_the_two_schemes_costs_points(
    models: dict[Scheme, Path], scheme: Scheme, other: Scheme
) -> None:
    _, pipe = pipe_over(models[scheme])
    scores = pipe.predict(DOCS)
    assert f1(pipe, other, scores) < f1(pipe, None, scores) - 0.02


def test_a_list_of_iob1_that_lacks_a_tag_gives_the_label_without_it(tmp_path: Path) -> None:
    """As xlm-roberta-large-finetuned-conll03-english, whose list has no B-PER."""
    _, pipe = pipe_over(model_of(tmp_path, "IOB1", ["B-LOC", "I-LOC", "I-PER", "O"]))
    assert pipe.scheme == "IOB1"
    scores = pipe.predict(DOCS)
    assert f1(pipe, None, scores) > 0.7
    assert {span.label for one in scores for span in pipe.decode(one)} == set(LABELS)


@pytest.mark.parametrize("scheme", OF_BOTH)
def test_an_open_scheme_is_read_in_one_way_however_documents_come_in(
    models: dict[Scheme, Path], scheme: Scheme
) -> None:
    nlp, pipe = pipe_over(models[scheme])
    assert pipe.scheme == "IOB"
    texts = [doc.text for doc in DOCS[:40]]
    one_by_one = [found(nlp(text)) for text in texts]
    assert any(one_by_one)
    assert [found(doc) for doc in nlp.pipe(texts, batch_size=1)] == one_by_one
    assert [found(doc) for doc in nlp.pipe(texts, batch_size=17)] == one_by_one
    assert [found(doc) for doc in nlp.pipe(texts[::-1])] == one_by_one[::-1]
    other, _ = pipe_over(models[scheme])
    assert found(other(texts[-1])) == one_by_one[-1], "what came before has no say"


def test_an_open_scheme_stays_open_when_the_pipe_is_saved_and_a_named_one_stays_named(
    models: dict[Scheme, Path], tmp_path: Path
) -> None:
    nlp, pipe = pipe_over(models["IOB1"])
    before = [found(nlp(doc.text)) for doc in DOCS[:20]]
    nlp.to_disk(tmp_path / "open")
    again = spacy.load(tmp_path / "open")
    assert [found(again(doc.text)) for doc in DOCS[:20]] == before
    assert again.get_pipe("hf_token_classifier").scheme == "IOB"
    assert again.get_pipe("hf_token_classifier").fingerprint() == pipe.fingerprint()
    pipe.cfg["scheme"] = "IOB1"
    nlp.to_disk(tmp_path / "named")
    assert spacy.load(tmp_path / "named").get_pipe("hf_token_classifier").scheme == "IOB1"


def test_a_pipe_saved_when_b_and_i_meant_iob2_still_means_it(
    models: dict[Scheme, Path], tmp_path: Path
) -> None:
    nlp, pipe = pipe_over(models["IOB2"])
    nlp.to_disk(tmp_path)
    state = tmp_path / "hf_token_classifier" / "spanloop.json"
    state.write_text(json.dumps({**json.loads(state.read_text("utf-8")), "scheme": None}), "utf-8")
    before = spacy.load(tmp_path).get_pipe("hf_token_classifier")
    assert before.scheme == "IOB2"
    assert before.fingerprint() != pipe.fingerprint()
    pipe.cfg["scheme"] = "IOB2"
    assert before.fingerprint() == pipe.fingerprint(), "the hash that its round was stored with"


def test_what_learns_knows_one_scheme(models: dict[Scheme, Path]) -> None:
    _, pipe = pipe_over(models["IOB1"])
    pipe.set_labels([*LABELS, "ORG"])
    assert pipe.scheme == "IOB2"
    _, pipe = pipe_over(models["IOB1"], scheme="IOB1")
    pipe.set_labels([*LABELS, "ORG"])
    assert pipe.scheme == "IOB1"
    _, pipe = pipe_over(models["BIOS"])
    pipe.set_labels(["ORG"])
    assert pipe.tags == ("O", "B-ORG", "I-ORG", "S-ORG")


def test_that_an_open_scheme_is_read_as_iob1_is_told_once(
    models: dict[Scheme, Path], caplog: pytest.LogCaptureFixture
) -> None:
    nlp, _ = pipe_over(models["IOB1"])
    for doc in nlp.pipe([doc.text for doc in DOCS], batch_size=20):
        assert doc.ents is not None
    (line,) = [record.getMessage() for record in caplog.records]
    assert "read as IOB1" in line
    assert 'scheme = "IOB1"' in line
    caplog.clear()
    nlp, _ = pipe_over(models["IOB2"])
    list(nlp.pipe([doc.text for doc in DOCS]))
    assert not caplog.records


def test_spans_that_the_model_hardly_means_are_told_once_with_how_many(
    models: dict[Scheme, Path], caplog: pytest.LogCaptureFixture
) -> None:
    nlp, _ = pipe_over(models["IOB1"], scheme="IOB2")
    list(nlp.pipe([doc.text for doc in DOCS], batch_size=50))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "have a confidence under 0.01" in record.getMessage()
    assert "read as IOB2" in record.getMessage()
