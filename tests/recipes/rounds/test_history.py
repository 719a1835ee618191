"""Rounds put to use and taken back, trained and kept: with one real training that several tests copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused
from support.projects import build, sentences

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.training.report import RoundReport
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store

QUICK = TrainConfig(epochs=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    db = build(tmp_path_factory.mktemp("trained"), encoder)
    retrain(db, QUICK)
    return db.parent


@pytest.fixture
def db(trained: Path, tmp_path: Path) -> Path:
    """A project of its own with one promoted round."""
    shutil.copytree(trained, tmp_path / "copy")
    return tmp_path / "copy" / "p.db"


def test_a_round_is_kept_whatever_the_gate_meets(db: Path) -> None:
    """The folder of the promoted round goes away while the next one is trained."""

    def disturb(_done: int, _total: int | None, what: str) -> None:
        if what.startswith("save round 2"):
            shutil.rmtree(db.with_suffix(".rounds") / "0001")

    report = retrain(db, QUICK, progress=disturb)
    assert isinstance(report, RoundReport)
    assert not report.promoted
    assert report.reason.startswith(
        "not promoted, as it could not be compared: round 1 (promoted) has no folder"
    )
    assert report.reason.endswith(f"to use it: spanloop rounds {db} promote 2")
    with Store.open(db) as store:
        row = store.rounds.get(2)
        assert (row.state, row.promoted) == ("done", False)
        assert store.rounds.scores(2)
        assert store.rounds_folder.sound(row) == report.folder
    assert "its folder is missing" in done("rounds", db)
    assert "Beware: the folder of round 1, the promoted one, is not there" in done("status", db)
    done("rounds", db, "promote", 2)
    assert "Beware" not in done("status", db)
    assert done("prelabel", db, "--json")["model"] == "round 2"


def test_a_round_is_kept_by_whoever_stops_the_comparison(db: Path) -> None:
    def ctrl_c(_done: int, _total: int | None, what: str) -> None:
        if what == "evaluate round 1":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain(db, QUICK, progress=ctrl_c)
    with Store.open(db) as store:
        assert [(row.state, row.promoted) for row in store.rounds.all()] == [("done", True), ("done", False)]
        assert store.rounds_folder.sound(store.rounds.get(2)).is_dir()
    done("rounds", db, "promote", 2)


def test_what_is_needed_at_the_end_is_looked_at_first(db: Path) -> None:
    """A promoted round that is there and whole, but cannot be loaded: nothing is trained."""
    folder = db.with_suffix(".rounds") / "0001"
    (folder / "config.cfg").write_text("[nlp]\nlang = ")
    with Store.open(db) as store:
        store.run("UPDATE rounds SET files_hash = NULL")
    line = refused("retrain", db)
    assert "there is no spaCy pipeline" in line
    assert line.endswith("or train without comparing: --promote yes")
    assert "leave out --base round" in refused("retrain", db, "--base", "round")
    with Store.open(db) as store:
        assert [row.number for row in store.rounds.all()] == [1]
    assert isinstance(retrain(db, QUICK, promote="yes"), RoundReport)


def test_while_a_round_trains_status_counts_what_it_learns_and_asks_for_no_other(
    db: Path, tmp_path: Path
) -> None:
    done("import", db, jsonl_file(tmp_path / "more.jsonl", *sentences(5, "m")))
    standing = done("status", db, "--json")
    assert (standing["new_annotations"], standing["training_on"]) == (5, None)
    assert standing["next_step"].startswith(f"spanloop retrain {db}")
    with Store.open(db) as store, store.training_lock.held():
        golds = [gold.annotation_id for gold in store.annotations.gold(split="pool")]
        row = store.rounds.start(parameters={}, seed=0, train_ids=golds, eval_ids=[])
        store.training_lock.begin(row.number)
        standing = done("status", db, "--json")
        assert (standing["new_annotations"], standing["training_on"]) == (0, 29)
        assert standing["next_step"] == f"spanloop correct {db}, while round 2 is being trained"
    assert done("status", db, "--json")["new_annotations"] == 5  # its process has ended


def test_a_rollback_prints_the_rounds_as_they_are_afterwards(db: Path) -> None:
    shutil.copytree(db.with_suffix(".rounds") / "0001", db.with_suffix(".rounds") / "0002")
    with Store.open(db) as store:
        first = store.rounds.get(1)
        store.run(
            "INSERT INTO rounds(number, state, parameters, seed, model_id, started_at, files_hash)"
            " SELECT 2, state, parameters, seed, model_id, started_at, files_hash FROM rounds"
        )
    assert promoted(done("rounds", db, "promote", 2, "--json")) == [2]
    assert promoted(done("rounds", db, "rollback", "--json")) == [1]
    assert promoted(done("rounds", db, "--json")) == [first.number]
    assert "nothing to go back to" in refused("rounds", db, "rollback")


def promoted(told: dict[str, list[dict[str, object]]]) -> list[object]:
    return [row["round"] for row in told["rounds"] if row["promoted"]]


def test_a_report_is_about_the_newest_round_that_is_here(db: Path, tmp_path: Path) -> None:
    """Where the promoted one is not, as in a project that came in as lines."""
    with Store.open(db) as store:
        store.run(
            "INSERT INTO rounds(number, state, parameters, seed, model_id, started_at, files_hash, promoted)"
            " SELECT 2, state, parameters, seed, model_id, started_at, files_hash, 0 FROM rounds"
        )
        store.run("UPDATE rounds SET promoted = number = 2")
    done("report", db, "-o", tmp_path / "report.md")
    said = (tmp_path / "report.md").read_text()
    assert "Round 2: no sound pipeline here" in said
    assert "## Round 1, 8 documents of eval" in said
    assert "round 2 (promoted) has no folder" in refused("report", db, "--round", 2, "-o", tmp_path / "x.md")


def test_a_restored_backup_makes_its_report(db: Path, tmp_path: Path) -> None:
    """The backup has the promoted round alone; the report says which it could not score again."""
    retrain(db, QUICK, promote="yes")
    done("backup", db, tmp_path / "kept.db")
    shutil.rmtree(db.parent)
    copy = tmp_path / "kept.db"
    out = tmp_path / "report.json"
    done("report", copy, "-o", out)
    assert '"left_out": [\n  1\n ]' in out.read_text()
    done("report", copy, "-o", tmp_path / "report.html")
    assert "Round 1: no sound pipeline here" in (tmp_path / "report.html").read_text()
    done("report", copy, "-o", tmp_path / "report.md")
    assert "Round 1: no sound pipeline here" in (tmp_path / "report.md").read_text()
    assert "came out the same" in done("rounds", copy, "reproduce", 1)
    assert isinstance(retrain(copy, QUICK), RoundReport)
    assert done("check", copy) == f"{copy} is sound\n"
