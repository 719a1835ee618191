"""What the component says of itself to spaCy follows its settings: what it assigns, what a training is scored
by."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

from spanloop.plugin.pipe.meta import assigned, score_weights

MAIN = {
    "ents": "ents_f",
    "spans": "spans_sc_f",
    "chunks": "spans_chunks_f",
    "tag": "tag_acc",
    "pos": "pos_acc",
}


def weights(nlp: Language) -> dict[str, float | None]:
    found: dict[str, float | None] = nlp.config["training"]["score_weights"]
    return found


def added(*settings: dict[str, Any]) -> Language:
    nlp = spacy.blank("en")
    for number, one in enumerate(settings):
        nlp.add_pipe("hf_token_classifier", name=f"pipe{number}", config={"model": "nowhere", **one})
    return nlp


@pytest.mark.parametrize("annotate", MAIN)
def test_the_score_is_that_of_what_is_annotated(annotate: str) -> None:
    nlp = added({"annotate": annotate})
    weighed = {name: weight for name, weight in weights(nlp).items() if weight}
    assert weighed == {MAIN[annotate]: 1.0}
    assert all(name.startswith(("ents_", "strict_")) for name in weights(nlp)) == (annotate == "ents")


@pytest.mark.parametrize("annotate", MAIN)
def test_the_weighed_scores_are_among_those_of_the_scorer(annotate: str) -> None:
    nlp = added({"annotate": annotate})
    [pipe] = (pipe for _, pipe in nlp.pipeline)
    doc = nlp.make_doc("Ann met Bob")
    doc.set_ents([doc[0:1]], default="outside")
    for token in doc:
        token.tag_, token.pos_ = "NNP", "PROPN"
    doc.spans["sc"], doc.spans["chunks"] = [], []
    scores = pipe.score([Example(doc.copy(), doc)])  # type: ignore[attr-defined]
    assert set(weights(nlp)) <= set(scores)


def test_each_of_two_pipes_has_its_own_figures() -> None:
    nlp = added({}, {"annotate": "spans", "spans_key": "parts"}, {"annotate": "pos"})
    weighed = {name: weight for name, weight in weights(nlp).items() if weight}
    assert weighed == {"ents_f": 0.33, "spans_parts_f": 0.33, "pos_acc": 0.33}
    assert {"strict_f", "strict_spans_parts_f"} <= set(weights(nlp))


def test_what_a_component_assigns_is_true_of_it() -> None:
    nlp = added({}, {"annotate": "tag"}, {"annotate": "spans"})
    told = nlp.analyze_pipes()["summary"]
    assert [told[name]["assigns"] for name in nlp.pipe_names] == [
        assigned("ents"),
        assigned("tag"),
        assigned("spans"),
    ]
    assert "token.tag" in told["pipe1"]["assigns"]
    assert not {"doc.ents", "token.ent_iob"} & set(told["pipe1"]["assigns"] + told["pipe2"]["assigns"])


def test_the_factory_itself_and_other_pipelines_stay_as_they_are(folder: Path) -> None:
    nlp = spacy.blank("en")
    nlp.create_pipe("hf_token_classifier", config={"model": "nowhere", "annotate": "pos"})  # added to nothing
    nlp.add_pipe("sentencizer")
    assert pickle.loads(pickle.dumps(nlp)).pipe_names == ["sentencizer"]
    nlp.add_pipe("hf_token_classifier", config={"model": str(folder), "annotate": "tag"})
    assert [name for name, weight in weights(nlp).items() if weight == weights(nlp)["tag_acc"]][
        -1
    ] == "tag_acc"
    assert "get_factory_meta" not in nlp.__dict__
    usual = Language.get_factory_meta("hf_token_classifier")
    assert usual.default_score_weights == score_weights("ents", "")
    assert weights(added({}))["ents_f"] == 1.0


def test_weights_that_the_configuration_states_stay() -> None:
    nlp = spacy.blank("en", config={"training": {"score_weights": {"tag_acc": 0.25, "speed": 0.75}}})
    nlp.add_pipe("hf_token_classifier", config={"model": "nowhere", "annotate": "tag"})
    assert weights(nlp) == {"tag_acc": 0.25, "speed": 0.75}


def test_a_saved_pipeline_keeps_them(folder: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_classifier", config={"model": str(folder), "annotate": "spans"})
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert weights(loaded) == weights(nlp)
    assert loaded.analyze_pipes()["summary"]["hf_token_classifier"]["assigns"] == assigned("spans")
