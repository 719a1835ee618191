"""Watching with real processes: it trains when enough came, ends cleanly, and a killed one leaves no harm."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from support.commands import done, jsonl_file
from support.processes import rounds, start_watch, stop_watch, wait_for
from support.projects import build, sentences
from support.tiny_models import build_tiny

from spanloop.recipes.rounds.watch import look
from spanloop.store import Store


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return build(tmp_path, build_tiny(tmp_path / "encoder", head=False))


def test_look_counts_what_the_last_round_has_not_seen(db: Path, tmp_path: Path) -> None:
    assert look(db).annotations == 24
    assert look(db, at_least=1000).annotations == 0
    done("retrain", db, "--epochs", 1)
    assert (look(db).annotations, look(db).last_round) == (0, 1)
    done("import", db, jsonl_file(tmp_path / "more.jsonl", *sentences(3, "m")))
    assert look(db).annotations == 3
    assert 0 <= look(db).seconds < 3600


@pytest.mark.slow
def test_watch_trains_by_count_suggests_and_ends_at_sigterm(db: Path, tmp_path: Path) -> None:
    process = start_watch(db, "--every", "20")
    try:
        wait_for(lambda: rounds(db, "done") == 1)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 10  # nobody waits for a training
        with Store.open(db) as store:
            model_id = store.rounds.get(1).model_id or 0
            wait_for(lambda: store.predictions.count(model_id) == 33)
        done("import", db, jsonl_file(tmp_path / "few.jsonl", *sentences(5, "f")))
        time.sleep(1)
        assert rounds(db, "done") == 1
        done("import", db, jsonl_file(tmp_path / "more.jsonl", *sentences(15, "m")))
        wait_for(lambda: rounds(db, "done") == 2)
    finally:
        log = stop_watch(process)
    assert "24 new annotations: training" in log
    assert "stopped, as asked" in log


@pytest.mark.slow
def test_watch_killed_while_training_trains_again_when_restarted(db: Path) -> None:
    process = start_watch(db, "--every", "20")
    wait_for(lambda: rounds(db, "running") == 1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    again = start_watch(db, "--every", "20")
    try:
        wait_for(lambda: rounds(db, "done") == 1)
    finally:
        stop_watch(again)
    assert rounds(db, "failed") == 1
    assert rounds(db, "running") == 0
    assert {path.name for path in db.with_suffix(".rounds").iterdir()} == {".lock", "0002"}


@pytest.mark.slow
def test_watch_stopped_while_training_marks_the_round_and_ends_well(db: Path) -> None:
    process = start_watch(db, "--every", "20", "--epochs", "500")
    try:
        wait_for(lambda: rounds(db, "running") == 1)
    finally:
        log = stop_watch(process)
    assert "stopped, as asked" in log
    assert (rounds(db, "cancelled"), rounds(db, "running")) == (1, 0)
    assert look(db).annotations == 24  # nothing is lost: they are as new as before


@pytest.mark.slow
def test_watch_trains_by_time_if_anything_came(db: Path, tmp_path: Path) -> None:
    done("retrain", db, "--epochs", 1)
    done("import", db, jsonl_file(tmp_path / "few.jsonl", *sentences(2, "f")))
    process = start_watch(db, "--every", "1000", "--interval", "1s")
    try:
        wait_for(lambda: rounds(db, "done") == 2)
        time.sleep(3)
        assert rounds(db, "done") == 2  # nothing new, no round
    finally:
        stop_watch(process)
