"""A watch outlives what it cannot do, says so, and works again when the cause is gone."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import pytest
from support.commands import done, jsonl_file
from support.processes import free_watch, rounds, wait_for
from support.projects import build, sentences
from support.tiny_models import build_tiny

from spanloop.plugin.model.pretrained import load, save
from spanloop.recipes.rounds.patience import LONGEST_PAUSE, Patience
from spanloop.store import Store
from spanloop.store.records import Round

SMALL = 8192
"""Bytes of a file: less than a store or a model takes."""


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return build(tmp_path, build_tiny(tmp_path / "encoder", head=False))


def suggested(db: Path, number: int) -> int:
    with Store.open(db) as store:
        return store.predictions.count(store.rounds.get(number).model_id or 0)


@pytest.mark.slow
def test_a_promoted_round_that_cannot_suggest_keeps_no_training_from_going_on(
    db: Path, tmp_path: Path
) -> None:
    done("retrain", db, "--epochs", 1)
    folder = db.with_suffix(".rounds") / "0001"
    folder.rename(tmp_path / "away")
    watch = free_watch(db, "--every", "20")
    process = watch.process
    try:
        told = process.stderr
        assert told is not None
        lines = [told.readline() for _ in range(4)]
        assert "watching" in lines[0]
        waits = [float(line.rsplit("in ", 1)[1].removesuffix(" s\n")) for line in lines[1:]]
        assert all("suggesting failed: " in line and "0001" in line for line in lines[1:])
        assert waits == [0.2, 0.4, 0.8]
        assert process.poll() is None
        (tmp_path / "away").rename(folder)
        wait_for(lambda: suggested(db, 1) == 33)
        done("import", db, jsonl_file(tmp_path / "more.jsonl", *sentences(20, "m")))
        wait_for(lambda: rounds(db, "done") == 2)
    finally:
        log = watch.stop()
    assert "stopped, as asked" in log


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit of another process is changed")
def test_a_watch_outlives_a_full_disk(db: Path) -> None:
    """A limit on the size of files stands for the disk: it can be put on a process and taken off again."""
    watch = free_watch(db, "--every", "20")
    process = watch.process
    told = process.stderr
    assert told is not None
    try:
        assert "watching" in told.readline()
        _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (SMALL, resource.RLIM_INFINITY))
        lines = []
        while not any("tried again in" in line for line in lines):
            lines.append(told.readline())
            assert lines[-1], lines
        assert process.poll() is None
        assert rounds(db, "done") == 0
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
        wait_for(lambda: rounds(db, "done") == 1)
        number = next(row.number for row in done_rounds(db))
        wait_for(lambda: suggested(db, number) == 33)
    finally:
        log = watch.stop()
    assert "stopped, as asked" in log
    assert rounds(db, "running") == 0


def done_rounds(db: Path) -> list[Round]:
    with Store.open(db) as store:
        return [row for row in store.rounds.all() if row.state == "done"]


@pytest.mark.parametrize("size", [0, 100, 8192])
def test_a_model_that_finds_no_room_says_so(tmp_path: Path, size: int) -> None:
    pretrained = load(str(build_tiny(tmp_path / "model")))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            save(pretrained, tmp_path / "copy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_pauses_grow_to_a_limit_and_a_success_forgets_them() -> None:
    told: list[str] = []
    patience = Patience("work", 5, told.append)
    assert patience.over
    for _ in range(9):
        with patience.bearing():
            raise OSError("no room\nmore of it")
    assert not patience.over
    assert told[0] == "work failed: no room; tried again in 5 s"
    waits = [line.rsplit("in ", 1)[1] for line in told]
    assert waits == ["5 s", "10 s", "20 s", "40 s", "80 s", "160 s", "320 s", "600 s", "600 s"]
    assert LONGEST_PAUSE == 600
    with patience.bearing():
        pass
    assert patience.over
    with pytest.raises(KeyboardInterrupt), patience.bearing():
        raise KeyboardInterrupt
