"""Rounds and models that give no numbers: they fail in one line, and what was promoted stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.commands import done, jsonl_file, refused
from support.projects import build
from support.tiny_models import build_tiny

from spanloop.store import Store
from spanloop.store.files.folder_hash import folder_hash


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    db = build(folder, build_tiny(folder / "encoder", head=False))
    done("retrain", db, "--epochs", 1)
    return folder


@pytest.fixture
def db(first: Path, tmp_path: Path) -> Path:
    shutil.copytree(first, tmp_path / "copy")
    return tmp_path / "copy" / "p.db"


def break_weights(folder: Path) -> None:
    [file] = folder.rglob("model.safetensors")
    weights = {name: tensor * torch.nan for name, tensor in load_file(file).items()}
    save_file(weights, file, {"format": "pt"})


def taken_as_it_is(db: Path, number: int) -> None:
    """The round's folder was so when it was trained."""
    with Store.open(db) as store:
        folder = store.rounds.folder(number)
        store.run("UPDATE rounds SET files_hash = ? WHERE number = ?", (folder_hash(folder), number))


@pytest.mark.parametrize("options", [(), ("--balance", "auto"), ("--base", "round")])
def test_a_round_that_left_the_range_of_numbers_fails_and_the_one_before_stays(
    db: Path, options: tuple[str, ...]
) -> None:
    told = refused("retrain", db, "--lr", "1e30", "--epochs", 3, "--batch-wordpieces", 64, *options)
    assert told.endswith("the learning rate of 1e+30 is too high for it, try 0.0001")
    with Store.open(db) as store:
        failed = store.rounds.get(2)
        assert (failed.state, failed.error) == ("failed", told)
        assert store.rounds.promoted() == store.rounds.get(1)
    assert {path.name for path in db.with_suffix(".rounds").iterdir()} == {".lock", "0001", "project.json"}
    done("prelabel", db)


def test_a_promoted_round_that_gives_no_numbers_is_named_and_can_be_replaced(db: Path) -> None:
    break_weights(db.with_suffix(".rounds") / "0001")
    taken_as_it_is(db, 1)
    for command in (("prelabel", db), ("evaluate", db)):
        told = refused(*command)
        assert told.startswith(
            "round 1: the model of the pipe 'hf_token_classifier' gives scores that are no"
        )
        assert told.endswith(f"use another model, or another round: spanloop rounds {db} promote NUMBER")
    assert "no numbers (NaN)" in refused("predict", "Ann met Bob", "--model", db)
    assert "its weights are broken" in refused("audit", db, "--split", "eval")
    assert "before anything was learned" in refused("retrain", db, "--base", "round", "--epochs", 1)
    told = done("retrain", db, "--epochs", 1)
    assert "promoted over round 1, whose model gives scores that are no numbers" in told
    assert done("prelabel", db, "--json")["model"] == "round 3"


def test_a_model_with_broken_weights_suggests_nothing(db: Path, tmp_path: Path) -> None:
    model = build_tiny(tmp_path / "broken")
    break_weights(model)
    told = refused("prelabel", db, "--model", model)
    assert told.startswith(f"{model}: ")
    assert "no numbers" in told
    file = jsonl_file(tmp_path / "texts.jsonl", {"text": "Ann met Bob"})
    assert "no numbers" in refused("predict", file, "--model", model)
    with Store.open(db) as store:
        others = [row for row in store.models.all() if row.kind != "round"]
        assert sum(store.predictions.count(row.id) for row in others) == 0
