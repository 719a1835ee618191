"""kill -9 at any moment, a full disk: what was acknowledged is there, nothing is half-written.

The short run kills each step a few times; ``SPANLOOP_KILLS=1000`` makes it the long one.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from faults_worker import BATCH, BATCHES, STEPS
from store_making import make_store

from spanloop.store import Store

WORKER = Path(__file__).with_name("faults_worker.py")
KILLS = int(os.environ.get("SPANLOOP_KILLS", "12")) // len(STEPS)
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="kill -9 and RLIMIT_FSIZE are of POSIX systems"
)


def run(
    step: str,
    path: Path,
    kill_after: float | None = None,
    limit: int | None = None,
    times: list[float] | None = None,
) -> list[str]:
    """The lines a worker got out, killed so many seconds after it was ready; ``times`` gets its duration."""
    command = [sys.executable, str(WORKER), step, str(path), *([str(limit)] if limit else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        begin = time.monotonic()
        if kill_after is not None:
            time.sleep(kill_after)
            worker.kill()
        lines = worker.stdout.read().splitlines()
        if times is not None:
            times.append(time.monotonic() - begin)
        return lines


def finished_and_sound(step: str, path: Path) -> None:
    """Running the step again completes it, and the file is as if nothing had happened."""
    assert run(step, path)[-1] == "done"
    # opened without the worker's extra step the migrated file is too new, so that one is read by itself
    if step == "migrate":
        assert run(step, path) == ["(60000,)", "done"]
        return
    with Store.open(path) as store:
        assert store.check() == []
        assert store.annotations.count() == (BATCHES if step == "submit" else 0)
        assert store.documents.count() == BATCHES + (BATCHES * BATCH if step == "import" else 0)
        assert store.row("SELECT count(*) FROM predictions") == (BATCHES if step == "predict" else 0,)
        assert store.row("SELECT count(*) FROM prediction_spans") == (BATCHES if step == "predict" else 0,)


def acknowledged_is_there(step: str, path: Path, said: list[str]) -> None:
    """Sound right after the fault, before anything is repaired or run again."""
    if step == "migrate":  # either not begun or done: the copy from before opens too
        return
    with Store.open(path) as store:
        assert store.check() == []
        for line in said:
            if step == "submit":
                (annotation,) = store.annotations.history(int(line))
                assert len(annotation.spans) == 2
            elif step == "import":
                assert all(store.documents.by_key(f"{line}-{n}") for n in range(BATCH))
            else:
                prediction = store.predictions.get(int(line))
                assert prediction is not None
                assert len(prediction.spans) == 1


@pytest.mark.slow
@pytest.mark.timeout(0 if KILLS > 10 else 120)
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_step_loses_nothing_that_was_acknowledged(tmp_path: Path, step: str) -> None:
    make_store(tmp_path, documents=BATCHES).close()
    fresh, path = tmp_path / "project.db", tmp_path / "work.db"
    shutil.copy(fresh, path)
    times: list[float] = []
    run(step, path, times=times)
    choice = random.Random(os.environ.get("SPANLOOP_KILLS_SEED", "1") + step)
    cut_short = 0
    for _ in range(KILLS):
        for leftover in tmp_path.glob("*work.db*"):
            leftover.unlink()
        shutil.copy(fresh, path)
        said = run(step, path, kill_after=choice.uniform(0, times[0]))
        cut_short += "done" not in said
        acknowledged_is_there(step, path, [line for line in said if line != "done"])
        finished_and_sound(step, path)
    sys.stdout.write(f"{step}: {KILLS} kills, {cut_short} before the end\n")


@pytest.mark.parametrize("step", ["submit", "import", "predict"])
def test_a_full_disk_stops_with_a_clear_line_and_loses_nothing(tmp_path: Path, step: str) -> None:
    make_store(tmp_path, documents=BATCHES).close()
    path = tmp_path / "project.db"
    said = run(step, path, limit=120_000)  # the write-ahead log gets that far and no further
    assert said[-1].startswith("error: ")
    assert "disk" in said[-1]
    assert 0 < len(said) - 1 < BATCHES
    acknowledged_is_there(step, path, said[:-1])
    finished_and_sound(step, path)
