"""What a round was made of stands in the round: the project can be given another base model, language or
pipeline, moved and packaged, and every round stays what it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import spacy
from support.commands import done, jsonl_file, refused
from support.projects import sentences
from support.tiny_models import build_tiny

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.rounds.package import package
from spanloop.recipes.rounds.reproduce import reproduce
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store

QUICK = TrainConfig(epochs=1)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in whose folder its models and its pipeline lie: round 1 is of ``models/first`` and
    English, round 2 of ``models/second`` and a pipeline; round 3 goes on from round 2 after both were changed
    again."""
    folder = tmp_path_factory.mktemp("lived")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        build_tiny(Path("models/first"), head=False)
        build_tiny(Path("models/second"), head=False, seed=1)
        nlp = spacy.blank("en")
        nlp.tokenizer.add_special_case("York", [{"ORTH": "Yo"}, {"ORTH": "rk"}])  # type: ignore[union-attr]
        nlp.meta.update(name="yorker", version="1.2.3")
        nlp.to_disk("yorker")
        done("init", "p.db", "--labels", "PER,LOC", "--model", "models/first", "--eval-fraction", 0)
        jsonl_file(Path("pool.jsonl"), *sentences(16, "p"))
        jsonl_file(Path("eval.jsonl"), *sentences(6, "e"))
        done("import", "p.db", "pool.jsonl")
        done("import", "p.db", "eval.jsonl", "--split", "eval")
        retrain("p.db", QUICK)
        done("project", "p.db", "set", "--model", "./models/second", "--nlp", "yorker")
        retrain("p.db", QUICK, promote="yes")
        done("project", "p.db", "set", "--model", "models/first", "--lang", "de")
        retrain("p.db", QUICK, base="round", promote="no")
    return folder


@pytest.fixture
def db(lived: Path, tmp_path: Path) -> Path:
    """A copy of all of it in another folder, under another name: every command is typed elsewhere."""
    shutil.copytree(lived, tmp_path / "moved")
    (tmp_path / "moved" / "p.db").rename(tmp_path / "moved" / "later.db")
    (tmp_path / "moved" / "p.rounds").rename(tmp_path / "moved" / "later.rounds")
    return tmp_path / "moved" / "later.db"


def made_of(db: Path) -> list[dict[str, str | None]]:
    with Store.open(db) as store:
        return [row.parameters["made_of"] for row in store.rounds.all()]


FIRST = {"base_model": "./models/first", "lang": "en", "nlp": None, "unit": "token"}
SECOND = {"base_model": "./models/second", "lang": None, "nlp": "./yorker", "unit": "token"}


def test_each_round_says_what_it_was_made_of(db: Path) -> None:
    assert made_of(db) == [FIRST, SECOND, SECOND]
    with Store.open(db) as store:
        first, second, third = (row.manifest or {} for row in store.rounds.all())
        assert store.project.base_model == str(db.parent / "models" / "first")
    assert first["base_model"]["name"] == "./models/first"
    assert first["base_model"]["files_hash"] != second["base_model"]["files_hash"]
    assert third["base_model"] is None
    assert (first["pipeline"]["lang"], first["pipeline"]["name"]) == ("en", None)
    assert (second["pipeline"]["name"], second["pipeline"]["version"]) == ("./yorker", "1.2.3")
    assert third["pipeline"] == second["pipeline"]
    assert first["pipeline"]["tokenizer"] != second["pipeline"]["tokenizer"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_round_comes_out_the_same_after_the_project_has_moved_and_changed(
    db: Path, number: int
) -> None:
    again = reproduce(db, number)
    assert again.same, again.text()


def test_a_round_of_before_this_was_kept_is_trained_from_the_model_that_its_manifest_names(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(db) as store, store.write():
        store.run("UPDATE rounds SET parameters = json_remove(parameters, '$.made_of')")
    monkeypatch.chdir(db.parent)
    done("project", db, "set", "--model", "models/second", "--lang", "en")
    assert reproduce(db, 1).same


def test_a_round_whose_pipeline_is_another_now_says_so(db: Path) -> None:
    spacy.blank("en").to_disk(db.parent / "yorker")
    told = reproduce(db, 2)
    assert not told.same
    assert "the pipeline './yorker' 1.2.3 then, 0.0.0 now" in told.text()


def test_a_round_says_which_library_computed_and_another_one_is_named(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(db) as store:
        assert {(row.manifest or {})["backend"] for row in store.rounds.all()} == {"torch"}
    monkeypatch.setenv("SPANLOOP_BACKEND", "onnx")
    told = reproduce(db, 1)
    assert not told.same
    assert "computed by torch then, by onnx now (SPANLOOP_BACKEND)" in told.text()
    monkeypatch.setenv("SPANLOOP_BACKEND", "auto")
    assert reproduce(db, 1).same, "which trains and scores by torch"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # spaCy leaves files open
def test_rounds_of_before_still_score_and_package(db: Path, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        assert done("evaluate", db, "--round", number, "--json")["round"] == number
    done("rounds", db, "promote", 1)
    assert done("prelabel", db, "--json")["model"] == "round 1"
    cards = {}
    for number in (1, 2, 3):
        written = package(db, tmp_path / "packages", round=number, name="garden")
        card = next(written.folder.rglob("README.md")).read_text(encoding="utf-8")
        assert str(tmp_path) not in card
        cards[number] = card
    assert "Base model: first, files " in cards[1]
    assert "Language: en." in cards[1]
    assert "Base model: second, files " in cards[2]
    assert "Language: en. Pipeline: yorker 1.2.3." in cards[2]
    assert "Base model: second, through round 2, from which it went on." in cards[3]
    meta = json.loads(next((tmp_path / "packages").rglob("en_garden-0.0.2/meta.json")).read_text())
    assert meta["lang"] == "en"


def test_a_round_that_cannot_be_built_on_is_refused_before_it_is_trained(db: Path) -> None:
    shutil.rmtree(db.parent / "yorker")
    assert "yorker' cannot be loaded" in refused("retrain", db, "--base", "round")
    assert len(made_of(db)) == 3
