"""No training writes into, removes or uses the rounds of another project, whatever the files are called."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support.commands import done, refused
from support.processes import PATIENCE_SECONDS, training
from support.projects import build

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.rounds.cancel import cancel
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """A folder with a project after its first round; tests only read it."""
    db = build(tmp_path_factory.mktemp("trained"), encoder)
    retrain(db, TrainConfig(epochs=1))
    return db.parent


@pytest.fixture
def first(trained: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    shutil.copytree(trained, tmp_path / "copy")
    return tmp_path / "copy" / "p.db"


def process(*arguments: object) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    command = [sys.executable, "-m", "spanloop.recipes", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def weights(db: Path, number: int = 1) -> bytes:
    (file,) = db.with_suffix(".rounds").glob(f"{number:04d}/**/*.safetensors")
    return file.read_bytes()


@pytest.mark.slow
def test_training_a_copy_of_before_leaves_the_round_of_its_original(db: Path) -> None:
    """Both get a round 1: the copy's used to fail at the last step and take the original's away."""
    copy = Path(shutil.copy(db, db.with_suffix(".bak")))
    retrain(db, TrainConfig(epochs=1))
    before = weights(db)
    ran = process("retrain", copy, "--epochs", 1, "--seed", 5)
    assert ran.returncode == 0, ran.stderr
    assert weights(db) == before
    assert done("prelabel", db, "--json")["model"] == done("prelabel", copy, "--json")["model"] == "round 1"
    assert "is sound" in done("check", db)
    assert "is sound" in done("check", copy)
    with Store.open(copy) as store:
        assert store.rounds.folder(1) == db.parent / "p.bak.rounds" / "0001"


@pytest.mark.slow
def test_a_copy_that_lacks_its_promoted_round_is_refused_before_it_trains(first: Path) -> None:
    copy = Path(shutil.copy(first, first.with_suffix(".bak")))
    message = refused("retrain", copy, "--epochs", 1)
    assert [row["state"] for row in done("rounds", copy, "--json")["rounds"]] == ["done"]
    assert message == refused("prelabel", copy) + "; or train without comparing: --promote yes"
    subprocess.run("cp -r" + message.split(" cp -r", 1)[1].split(", or", 1)[0], shell=True, check=True)
    for db in (copy, first):
        retrain(db, TrainConfig(epochs=1))
        assert "is sound" in done("check", db)


@pytest.mark.slow
def test_another_projects_round_under_the_same_number_is_not_used(first: Path, encoder: Path) -> None:
    (first.parent / "other").mkdir()
    other = build(first.parent / "other", encoder)
    retrain(other, TrainConfig(epochs=1, seed=5))
    shutil.rmtree(first.with_suffix(".rounds") / "0001")
    shutil.copytree(other.with_suffix(".rounds") / "0001", first.with_suffix(".rounds") / "0001")
    for command in (
        ("prelabel", first),
        ("evaluate", first),
        ("retrain", first),
        ("audit", first, "--split", "eval"),
    ):
        assert "p.rounds/0001 is not what round 1 was when it was trained" in refused(*command)
    assert "is not what round 1 was" in refused("predict", "Ann met Bob", "--model", first)
    assert "is not what round 1 was" in refused("package", first, first.parent / "package")
    checked = process("check", first)
    assert checked.returncode == 1
    assert "is not what round 1 was" in checked.stdout
    assert len(done("rounds", first, "--json")["rounds"]) == 1


def of_before(db: Path) -> None:
    """Make the project what it was before schema 14."""
    (db.with_suffix(".rounds") / "project.json").unlink()
    with closing(sqlite3.connect(db)) as conn, conn:
        conn.execute("UPDATE rounds SET files_hash = NULL")


def test_a_round_of_before_is_known_by_its_weights(first: Path) -> None:
    of_before(first)
    assert done("prelabel", first, "--json")["model"] == "round 1"
    with Store.open(first) as store:
        assert store.rounds.get(1).files_hash
        (store.rounds.folder(1) / "meta.json").write_text("{}")
    assert "is not what round 1 was" in refused("prelabel", first)


@pytest.mark.slow
def test_a_strange_round_of_before_is_not_used(first: Path, encoder: Path) -> None:
    (first.parent / "other").mkdir()
    other = build(first.parent / "other", encoder)
    retrain(other, TrainConfig(epochs=1, seed=5))
    of_before(first)
    shutil.rmtree(first.with_suffix(".rounds") / "0001")
    shutil.copytree(other.with_suffix(".rounds") / "0001", first.with_suffix(".rounds") / "0001")
    assert "is not what round 1 was" in refused("prelabel", first)
    with Store.open(first) as store:
        assert store.rounds.get(1).files_hash is None


@pytest.mark.slow
def test_an_older_state_put_back_keeps_the_rounds_that_came_later(first: Path) -> None:
    older = first.read_bytes()
    retrain(first, TrainConfig(epochs=1, seed=5))
    later = weights(first, 2)
    first.write_bytes(older)
    report = retrain(first, TrainConfig(epochs=1, seed=6))
    assert report.json()["round"] == 3
    assert weights(first, 2) == later
    assert done("prelabel", first, "--json")["model"] in ("round 1", "round 3")


DYING = """
import os, sys
from pathlib import Path
from spanloop.store import Store
with Store.open(sys.argv[1]) as store:
    row = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[])
    if sys.argv[2] == "made":
        draft = store.rounds_folder.claim() / ".0002.part"
        draft.mkdir()
        store.rounds_folder.take_in(draft, row)
    os._exit(9)
"""


@pytest.mark.slow
@pytest.mark.parametrize("made", ["made", "not made"])
def test_what_a_killed_training_had_made_is_cleared_away_and_nothing_else(first: Path, made: str) -> None:
    """It ended after its pipeline had its place, before the store knew; or before that, and somebody has put
    a folder there."""
    killed = subprocess.run([sys.executable, "-c", DYING, str(first), made], check=False)
    assert killed.returncode == 9
    folder = first.with_suffix(".rounds") / "0002"
    if made == "not made":
        shutil.copytree(folder.with_name("0001"), folder)
    report = retrain(first, TrainConfig(epochs=1))
    assert report.json()["round"] == 3
    assert folder.exists() == (made == "not made")
    with Store.open(first) as store:
        assert store.rounds.get(2).state == "failed"


@pytest.mark.slow
def test_a_round_that_fails_after_it_was_saved_removes_only_its_own(first: Path) -> None:
    def stop(done: int, total: int | None, what: str) -> None:
        if (first.with_suffix(".rounds") / "0002").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain(first, TrainConfig(epochs=1), progress=stop)
    assert sorted(path.name for path in first.with_suffix(".rounds").glob("0*")) == ["0001"]


@pytest.mark.slow
def test_one_training_at_a_time_by_whatever_name(db: Path, tmp_path: Path) -> None:
    """A link used to have a lock and rounds of its own."""
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "link.db"
    link.symlink_to(db)
    with training(link) as other:
        message = refused("retrain", db)
        assert f"round 1 of {db} is being trained by process {other.pid} (" in message
        assert f"of {link} is being trained" in refused("retrain", link)
        assert f"spanloop rounds {link} cancel" in refused("retrain", link)
        assert "round 1 is cancelled" in cancel(db, patience=PATIENCE_SECONDS).text()
        other.communicate()
    assert [path.name for path in link.parent.iterdir()] == ["link.db"]
    retrain(link, TrainConfig(epochs=1))
    assert (db.with_suffix(".rounds") / "0002" / "config.cfg").is_file()
    assert done("prelabel", db, "--json")["model"] == "round 2"
    with Store.open(link) as store:
        assert store.models.all()[0].path == "p.rounds/0002"


@pytest.mark.slow
def test_a_project_that_was_moved_alone_says_what_to_type(
    first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(first.parent)
    first.rename("garden.db")
    message = refused("prelabel", "garden.db")
    assert f"mv {first.parent}/p.rounds {first.parent}/garden.rounds" in message
    assert "spanloop rounds garden.db promote N" in message
    Path("p.rounds").rename("garden.rounds")
    assert done("prelabel", "garden.db", "--json")["model"] == "round 1"
