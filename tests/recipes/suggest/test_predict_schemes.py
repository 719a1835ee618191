"""What ``predict`` and ``prelabel`` print and store of models of every scheme, and the options that say
how to read them."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from support.commands import done, jsonl_file, refused, run
from support.scheme_models import LABELS, fitted, model_of, sentences
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

from spanloop.plugin.tagging.schemes import tags_for
from spanloop.recipes.labelstudio.predictor_process import Predicting
from spanloop.recipes.suggest.our_component import classifier
from spanloop.store import Store

SENTENCE = "Hugging Face Inc. is a company based in New York."
PIECES = "Hu ##gging Face Inc . is a company based in New York ."
LINES = [
    "Word: Hugging, Label: B-ORG",
    "Word: Face, Label: I-ORG",
    "Word: Inc., Label: I-ORG",
    "Word: New, Label: B-LOC",
    "Word: York, Label: I-LOC",
]
DBMDZ = ("O", "B-MISC", "I-MISC", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
"""The list of dbmdz/bert-large-cased-finetuned-conll03-english, which was trained on IOB1."""

IN_SCHEMES = {
    "IOB1": (DBMDZ, "I-ORG I-ORG I-ORG I-ORG O O O O O O I-LOC I-LOC O"),
    "IOB2": (DBMDZ, "B-ORG B-ORG I-ORG I-ORG O O O O O O B-LOC I-LOC O"),
    "BIOES": (
        tuple(tags_for(["ORG", "LOC"], "BIOES")),
        "B-ORG B-ORG I-ORG E-ORG O O O O O O B-LOC E-LOC O",
    ),
    "suffix": (
        ("O", "ORG-B", "ORG-I", "LOC-B", "LOC-I", "X"),
        "ORG-B X ORG-I ORG-I O O O O O O LOC-B LOC-I O",
    ),
    "small": (("o", "b-ORG", "i-ORG", "b-LOC", "i-LOC"), "b-ORG i-ORG i-ORG i-ORG o o o o o o b-LOC i-LOC o"),
    "IO": (("O", "I-ORG", "I-LOC"), "I-ORG I-ORG I-ORG I-ORG O O O O O O I-LOC I-LOC O"),
}


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model that says of the sentence what is right, in each scheme."""
    return {
        name: fitted(tmp_path_factory.mktemp(name), [(PIECES, tags.split())], listed)
        for name, (listed, tags) in IN_SCHEMES.items()
    }


@pytest.mark.parametrize("scheme", IN_SCHEMES)
def test_the_words_of_the_sentence_with_their_labels_whatever_the_model_speaks(
    speaking: dict[str, Path], scheme: str
) -> None:
    printed = done("predict", "--tags", "--model", speaking[scheme], SENTENCE)
    assert printed.split("\n") == [*LINES, "", ""]


def test_the_task_of_the_tutorial(speaking: dict[str, Path]) -> None:
    """The model that the tutorial loads, through Hugging Face's pipeline and through ours."""
    folder = speaking["IOB1"]
    model = AutoModelForTokenClassification.from_pretrained(folder)
    theirs = pipeline("ner", model=model, tokenizer=AutoTokenizer.from_pretrained(folder))(SENTENCE)
    assert [(one["word"], one["entity"]) for one in theirs] == [
        ("Hu", "I-ORG"),
        ("##gging", "I-ORG"),
        ("Face", "I-ORG"),
        ("Inc", "I-ORG"),
        ("New", "I-LOC"),
        ("York", "I-LOC"),
    ]
    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_classifier", config={"model": str(folder)})
    doc = nlp(SENTENCE)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Hugging Face Inc.", "ORG"), ("New York", "LOC")]
    labelled = {token.idx: token.ent_type_ for token in doc if token.ent_type_}
    words = {one["start"]: one["entity"].removeprefix("I-") for one in theirs if "##" not in one["word"]}
    assert labelled == words


def test_plain_tags_stay_plain(tmp_path: Path) -> None:
    words = fitted(tmp_path / "pos", [("we saw oslo", ["PRON", "VERB", "PROPN"])], ["PRON", "VERB", "PROPN"])
    assert done("predict", "--tags", "--model", words, "we saw oslo").split("\n") == [
        "Word: we, Label: PRON",
        "Word: saw, Label: VERB",
        "Word: oslo, Label: PROPN",
        "",
        "",
    ]
    mixed = fitted(
        tmp_path / "mixed",
        [("anna jones in may", ["B-PER", "I-PER", "O", "DATE"])],
        ["O", "B-PER", "I-PER", "DATE"],
    )
    assert done("predict", "--tags", "--model", mixed, "anna jones in may").split("\n") == [
        "Word: anna, Label: B-PER",
        "Word: jones, Label: I-PER",
        "Word: may, Label: DATE",
        "",
        "",
    ]


@pytest.fixture(scope="module")
def iob1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_of(tmp_path_factory.mktemp("iob1"), "IOB1", tags_for(LABELS, "IOB1"))


def spans_of(model: Path, *options: str) -> list[list[tuple[int, int, str]]]:
    texts = [gold.doc.text for gold in sentences(20, seed=3)]
    documents = done("predict", *texts, "--model", model, "--json", *options)["documents"]
    return [[(one["start"], one["end"], one["label"]) for one in found["spans"]] for found in documents]


def test_a_scheme_that_is_named_is_the_one_that_is_read(iob1: Path) -> None:
    assert spans_of(iob1, "--scheme", "IOB1") == spans_of(iob1)
    assert spans_of(iob1, "--scheme", "IOB2") != spans_of(iob1)
    assert "'--scheme'" in run("predict", "we", "--model", iob1, "--scheme", "IOB3").stderr


def test_the_strategy_of_aggregation_is_that_of_hugging_face(tmp_path: Path) -> None:
    """The first piece of the word says PER, the others LOC, and the last one is the surest."""
    rows = [("an ##na ##na", ["I-PER", "I-LOC", "I-LOC"])]
    folder = fitted(tmp_path, rows, ["O", "I-PER", "I-LOC"])
    found = {
        strategy: done("predict", "annana", "--tags", "--model", folder, "--aggregation-strategy", strategy)
        for strategy in ("first", "average", "max")
    }
    model = AutoModelForTokenClassification.from_pretrained(folder)
    made = AutoTokenizer.from_pretrained(folder)
    for strategy, printed in found.items():
        [theirs] = pipeline("ner", model=model, tokenizer=made, aggregation_strategy=strategy)("annana")
        assert printed.startswith(f"Word: annana, Label: B-{theirs['entity_group']}")
    assert found["first"] != found["average"]


def test_prelabel_reads_as_it_is_told_and_what_it_said_before_stays(iob1: Path, tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    texts = jsonl_file(tmp_path / "t.jsonl", *({"text": gold.doc.text} for gold in sentences(12, seed=4)))
    done("init", db, "--labels", "PER,LOC", "--eval-fraction", "0")
    done("import", db, texts)
    spans = {
        scheme: done("prelabel", db, "--model", iob1, "--scheme", scheme, "--json")["spans"]
        for scheme in ("IOB1", "IOB2")
    }
    assert spans["IOB1"] != spans["IOB2"]
    assert done("prelabel", db, "--model", iob1, "--scheme", "IOB1", "--json")["documents"] == 0
    assert "goes with the promoted round or with --model" in refused(
        "prelabel", db, "--pipeline", "nowhere", "--scheme", "IOB1"
    )


def test_a_scheme_for_a_model_of_single_tags_is_refused_with_the_reason(tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    done("init", db, "--labels", "NOUN,VERB", "--task", "tags")
    done("import", db, jsonl_file(tmp_path / "t.jsonl", {"text": "we saw"}))
    model = fitted(tmp_path / "pos", [("we saw", ["NOUN", "VERB"])], ["NOUN", "VERB"])
    assert "this model gives each token a tag" in refused(
        "prelabel", db, "--model", model, "--scheme", "IOB1"
    )


def test_the_backend_of_label_studio_reads_as_it_is_told(iob1: Path, tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    done("init", db, "--labels", "PER,LOC")
    with Store.open(db) as store:
        source = Predicting(store, {"model": str(iob1), "scheme": "IOB1"}).current()
        assert source is not None
        found = classifier(source.nlp)
        assert found is not None
        assert found[1].scheme == "IOB1"
    alone = run("backend", db, "--scheme", "IOB1")
    assert alone.exit_code == 2
    assert "go with --model" in alone.stderr
