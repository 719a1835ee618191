"""Watching with real processes: it trains when enough came, ends cleanly, and a killed one leaves no harm.

A watch here looks again when the test says so (`watching`), so that "nothing happened" is seen after a look.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.commands import done, jsonl_file
from support.processes import rounds, wait_for, watching
from support.projects import sentences

from spanloop.recipes.rounds.watch import News, _due, look
from spanloop.store import Store

pytestmark = pytest.mark.long


def last_round_ended_long_ago(db: Path) -> None:
    with Store.open(db) as store, store.write():
        store.run("UPDATE rounds SET finished_at = '2026-01-01T00:00:00.000Z'")


def test_look_counts_what_the_last_round_has_not_seen(db: Path, tmp_path: Path) -> None:
    assert look(db).annotations == 24
    done("retrain", db, "--epochs", 1)
    assert (look(db).annotations, look(db).last_round) == (0, 1)
    done("import", db, jsonl_file(tmp_path / "more.jsonl", *sentences(3, "m")))
    assert look(db).annotations == 3
    assert 0 <= look(db).seconds < 3600


@pytest.mark.slow
def test_a_clock_that_was_set_back_keeps_no_round_waiting() -> None:
    """The last round ended, it seems, an hour from now: nobody knows how long ago that is."""
    assert not _due(News(1, 59, 1), every=100, interval=60)
    assert _due(News(1, 60, 1), every=100, interval=60)
    assert _due(News(1, -3_600, 1), every=100, interval=60)
    assert not _due(News(0, -3_600, 1), every=100, interval=60)


def test_nobody_waits_for_a_watch(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPANLOOP_NICE")
    for options, nice in (((), 10), (("--nice", "0"), os.getpriority(os.PRIO_PROCESS, 0))):
        with watching(db, "--every", "1000", *options) as watch:
            watch.has_looked()
            assert os.getpriority(os.PRIO_PROCESS, watch.process.pid) == nice
            watch.stop()


@pytest.mark.slow
def test_watch_trains_by_count_suggests_prunes_and_ends_at_sigterm(db: Path, tmp_path: Path) -> None:
    with watching(db, "--every", "20", "--keep-rounds", "last=1") as watch:
        watch.has_looked()
        assert rounds(db, "done") == 1
        with Store.open(db) as store:
            assert store.predictions.count(store.rounds.get(1).model_id or 0) == 33
        done("import", db, jsonl_file(tmp_path / "few.jsonl", *sentences(5, "f")))
        watch.look_again()
        assert rounds(db, "done") == 1
        done("import", db, jsonl_file(tmp_path / "more.jsonl", *sentences(15, "m")))
        watch.look_again()
        assert rounds(db, "done") == 2
        with Store.open(db) as store:
            promoted = store.rounds.promoted()
            assert promoted is not None
            assert store.rounds_folder.numbers() == sorted({promoted.number, 2})
        log = watch.stop()
    assert "24 new annotations: training" in log
    assert "nothing to remove; kept: 1 (promoted)" in log
    assert "stopped, as asked" in log


@pytest.mark.slow
def test_watch_killed_while_training_trains_again_when_restarted(db: Path) -> None:
    with watching(db, "--every", "20", "--epochs", "5000") as watch:
        wait_for(lambda: rounds(db, "running") == 1, process=watch.process)
        watch.process.kill()
    with watching(db, "--every", "20") as again:
        again.has_looked()
        assert rounds(db, "done") == 1
        again.stop()
    assert rounds(db, "failed") == 1
    assert rounds(db, "running") == 0
    assert {path.name for path in db.with_suffix(".rounds").iterdir()} == {".lock", "0002", "project.json"}


@pytest.mark.slow
def test_watch_stopped_while_training_marks_the_round_and_ends_well(db: Path) -> None:
    with watching(db, "--every", "20", "--epochs", "5000") as watch:
        wait_for(lambda: rounds(db, "running") == 1, process=watch.process)
        log = watch.stop()
    assert "stopped, as asked" in log
    assert (rounds(db, "cancelled"), rounds(db, "running")) == (1, 0)
    assert look(db).annotations == 24  # nothing is lost: they are as new as before


@pytest.mark.slow
def test_watch_trains_by_time_if_anything_came(db: Path, tmp_path: Path) -> None:
    done("retrain", db, "--epochs", 1)
    done("import", db, jsonl_file(tmp_path / "few.jsonl", *sentences(2, "f")))
    with watching(db, "--every", "1000", "--interval", "1h") as watch:
        watch.has_looked()
        assert rounds(db, "done") == 1  # it is not an hour yet
        last_round_ended_long_ago(db)
        watch.look_again()
        assert rounds(db, "done") == 2
        last_round_ended_long_ago(db)
        watch.look_again()
        assert rounds(db, "done") == 2  # nothing new, no round
        watch.stop()
