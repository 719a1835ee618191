"""Whichever way a model comes in, it is data: no command runs its code, and each says why in a line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import spacy
from support.commands import done, refused, run
from support.hostile_models import REFUSED, Trap, build_traps, change
from support.hub_cache import REPOSITORY, commit_of, fill, point, use
from support.processes import PATIENCE_SECONDS
from support.projects import build
from support.tiny_models import build_tiny

from spanloop.plugin.model.errors import ModelError
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.predictor import Predictor
from spanloop.store import Store

KINDS = ("auto_map", "auto_map_of_the_tokenizer", "kernel_internal", "adapter", "pickle")


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trap]:
    return build_traps(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("kind", KINDS)
def test_no_command_takes_it(kind: str, traps: dict[str, Trap], db: Path, tmp_path: Path) -> None:
    model, why = traps[kind].folder, REFUSED[kind][1]
    assert why in refused("predict", "Ann ran", "--model", model)
    assert why in refused("prelabel", db, "--model", model)
    assert why in refused("init", tmp_path / "new.db", "--labels", "PER", "--model", model)
    with Store.open(db) as store:
        store.set_project(base_model=str(model))  # as the file of a stranger has it
    assert why in refused("retrain", db, "--epochs", 1)
    (row,) = done("rounds", db, "--json")["rounds"]
    assert (row["state"], why in row["error"]) == ("failed", True)
    assert not traps[kind].canary.exists()
    assert not (tmp_path / "new.db").exists()


def test_the_backend_of_label_studio_does_not_take_it(traps: dict[str, Trap], db: Path) -> None:
    predictor = Predictor(db, {"model": str(traps["auto_map"].folder)})
    try:
        with pytest.raises(RecipeError, match="'auto_map'"):
            predictor.start().result(PATIENCE_SECONDS)
    finally:
        predictor.close()
    assert not traps["auto_map"].canary.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_the_pipe_does_not_take_it(kind: str, traps: dict[str, Trap]) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_classifier", config={"model": str(traps[kind].folder)})
    with pytest.raises(ModelError, match=REFUSED[kind][1]):
        nlp("Ann met Bob")
    assert not traps[kind].canary.exists()


def test_a_saved_pipeline_whose_model_was_changed_is_refused(
    traps: dict[str, Trap], db: Path, tmp_path: Path
) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_classifier", config={"model": str(build_tiny(tmp_path / "model"))})
    nlp("Ann met Bob")
    nlp.to_disk(tmp_path / "pipeline")
    assert done("predict", "Ann met Bob", "--model", tmp_path / "pipeline")
    inner = tmp_path / "pipeline" / "hf_token_classifier" / "model"
    shutil.copy(traps["auto_map"].folder / "evil.py", inner)
    change(inner, auto_map={"AutoConfig": "evil.C"})
    for command in (("predict", "Ann ran", "--model"), ("prelabel", db, "--pipeline")):
        assert "'auto_map'" in refused(*command, tmp_path / "pipeline")
    assert not traps["auto_map"].canary.exists()


def test_a_name_that_is_none_is_refused_before_there_is_a_project(tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    assert "is no revision of 'org/model'" in refused("init", new, "--labels", "A", "--model", "org/model@..")
    assert "there is no model folder" in refused("init", new, "--labels", "A", "--model", "./nowhere")
    assert not new.exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # spaCy leaves files open
def test_a_round_keeps_the_commit_of_its_base_model_and_is_made_again_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_tiny(tmp_path / "first", head=False)
    second = build_tiny(tmp_path / "second", head=False, seed=1)
    fill(tmp_path / "cache", {1: first, 2: second}, {"main": 1})
    use(tmp_path / "cache", monkeypatch)
    db = build(tmp_path, Path(REPOSITORY))
    done("retrain", db, "--epochs", 1)
    with Store.open(db) as store:
        manifest = store.rounds.get(1).manifest or {}
    assert manifest["base_model"] == {
        "name": REPOSITORY,
        "revision": None,
        "commit": commit_of(1),
        "files_hash": None,
    }
    point(tmp_path / "cache", {"main": 2})
    assert "came out the same, to the bit" in done("rounds", db, "reproduce", 1)
    done("package", db, tmp_path / "packages")
    (card,) = (tmp_path / "packages").glob("*/README.md")
    assert f"Base model: {REPOSITORY}, commit {commit_of(1)}." in card.read_text("utf-8")


@pytest.mark.slow
def test_a_round_keeps_the_hash_of_a_folder_and_says_when_that_has_changed(
    db: Path, tmp_path: Path, encoder: Path
) -> None:
    with Store.open(db) as store:
        copy = shutil.copytree(encoder, tmp_path / "encoder")
        store.set_project(base_model=str(copy))
    done("retrain", db, "--epochs", 1)
    done("retrain", db, "--epochs", 1, "--base", "round", "--promote", "yes")
    with Store.open(db) as store:
        of_model, of_round = ((store.rounds.get(n).manifest or {})["base_model"] for n in (1, 2))
    assert of_model["commit"] is None
    assert len(of_model["files_hash"]) == 64
    assert of_round is None
    shutil.copy(build_tiny(tmp_path / "other", head=False, seed=1) / "model.safetensors", copy)
    told = run("rounds", db, "reproduce", 1)
    assert told.exit_code == 1
    assert f"the base model {str(copy)!r} has other files now" in told.stdout
