"""Figures of different gold: said to be so wherever they stand, and made to compare by `evaluate --all`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused
from support.projects import build, sentences

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store

FAST = TrainConfig(epochs=1)


@pytest.fixture(scope="module")
def two_rounds(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """Two rounds, and eval gold that came in between."""
    folder = tmp_path_factory.mktemp("two")
    db = build(folder, encoder)
    retrain(db, FAST)
    done("import", db, jsonl_file(folder / "more.jsonl", *sentences(6, "m")), "--split", "eval")
    retrain(db, FAST, promote="no")
    return db


@pytest.fixture
def db(two_rounds: Path, tmp_path: Path) -> Path:
    shutil.copytree(two_rounds.parent, tmp_path / "copy")
    return tmp_path / "copy" / two_rounds.name


def golds(db: Path) -> list[tuple[str | None, bool]]:
    """What the figures of each round are of, and whether it has one on today's gold."""
    rows = done("rounds", db, "--json")["rounds"]
    return [(row["gold"], row["today"] is not None) for row in rows]


def test_rounds_of_another_gold_are_marked_until_all_are_scored_on_todays(db: Path) -> None:
    assert golds(db) == [("earlier gold", False), ("today", True)]
    table = done("rounds", db)
    assert "earlier gold" in table
    assert "Figures of different gold do not compare" in table
    found = done("evaluate", db, "--all", "--json")
    assert [one["round"] for one in found["rounds"]] == [1, 2]
    assert {one["documents"] for one in found["rounds"]} == {14}
    assert golds(db) == [("earlier gold", True), ("today", True)]
    rows = done("status", db, "--json")["rounds"]
    assert [row["today"]["f1"] for row in rows] == [one["micro"]["f1"] for one in found["rounds"]]
    assert rows[0]["micro"]["support"] == 16 < rows[0]["today"]["support"] == 28
    assert done("evaluate", db, "--json")["micro"] == rows[0]["today"]


def test_a_retired_label_is_another_gold(db: Path) -> None:
    done("evaluate", db, "--all")
    done("labels", db, "retire", "LOC")
    assert golds(db) == [("other labels", False)] * 2
    done("evaluate", db, "--all")
    assert golds(db) == [("other labels", True)] * 2
    done("labels", db, "add", "LOC")
    assert golds(db) == [("earlier gold", False), ("today", True)]


def test_new_eval_gold_makes_what_was_scored_again_old(db: Path, tmp_path: Path) -> None:
    done("evaluate", db, "--all")
    done("import", db, jsonl_file(tmp_path / "late.jsonl", *sentences(1, "late")), "--split", "eval")
    assert golds(db) == [("earlier gold", False)] * 2


def test_a_round_that_is_gone_is_left_out_and_said(db: Path) -> None:
    with Store.open(db) as store:
        shutil.rmtree(store.rounds.folder(1))
    found = done("evaluate", db, "--all", "--json")
    assert [one["round"] for one in found["rounds"]] == [2]
    assert "1" in found["left_out"]
    assert "round 1 is left out" in done("evaluate", db, "--all")
    assert "leave --round out" in refused("evaluate", db, "--all", "--round", 2)
