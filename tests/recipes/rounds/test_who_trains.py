"""Who trains: whoever asks gets the same answer, and no process number is taken for a proof."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.commands import done, refused, run
from support.store_making import make_store

from spanloop.store import Store

TRAINING = """
import sys
from spanloop.store import Store
with Store.open(sys.argv[1]) as store, store.training_lock.held():
    row = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[])
    store.training_lock.begin(row.number)
    print("trains", flush=True)
    sys.stdin.read()
"""


@contextmanager
def training(db: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock and has begun a round."""
    with subprocess.Popen(
        [sys.executable, "-c", TRAINING, str(db)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "trains\n"
            yield process
        finally:
            process.kill()


def claim(db: Path, process: int, host: str) -> None:
    """Let the row of the round say that this process trains it."""
    with Store.open(db) as store, store.write():
        store.run("UPDATE rounds SET process = ?, host = ?", (process, host))


def what_is_said(db: Path) -> dict[str, str]:
    """What each command says of the one round there is."""
    status = done("status", db, "--json")
    (standing,) = status["rounds"]
    (row,) = done("rounds", db, "--json")["rounds"]
    assert re.search(rf"^ *1 +{standing['state']}\b", done("status", db), re.MULTILINE)
    problems = run("check", db).output
    cancel = refused("rounds", db, "cancel") if standing["state"] == "interrupted" else ""
    return {
        "status": standing["state"],
        "rounds": row["state"],
        "check": "interrupted" if "its process has ended" in problems else "running",
        "cancel": "interrupted" if "nothing to cancel" in cancel else "running",
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    with make_store(tmp_path, documents=1) as store:
        return store.path


def all_say(state: str) -> dict[str, str]:
    return dict.fromkeys(("status", "rounds", "check", "cancel"), state)


def test_a_killed_training_is_interrupted_even_if_its_number_is_another_process_by_now(project: Path) -> None:
    with training(project) as process:
        process.kill()
        process.wait()
        assert what_is_said(project) == all_say("interrupted")
        claim(project, os.getpid(), socket.gethostname())
        assert what_is_said(project) == all_say("interrupted")
        claim(project, os.getpid(), "another-machine")
        assert what_is_said(project) == all_say("interrupted")
        assert "repaired" in done("check", project, "--repair")
        assert done("check", project) == f"{project} is sound\n"
        assert done("status", project, "--json")["rounds"][0]["state"] == "failed"


def test_a_training_under_way_is_running_even_if_its_number_is_nobodys(project: Path) -> None:
    with training(project) as process:
        assert what_is_said(project) == all_say("running")
        (row,) = done("status", project, "--json")["rounds"]
        assert (row["trainer"]["process"], row["trainer"]["round"]) == (process.pid, 1)
        claim(project, 999_999_999, socket.gethostname())
        assert what_is_said(project) == all_say("running")
        done("check", project, "--repair")
        assert what_is_said(project) == all_say("running")


def test_a_training_that_ended_since_a_moment_was_under_way_then(project: Path) -> None:
    """Who reads the store as of a moment must not take a training for killed that has ended well since."""
    with Store.open(project) as store:
        with training(project):
            before = store.training_lock.look()
        assert [row.number for row in store.rounds.interrupted()] == [1]
        assert store.rounds.interrupted(before) == []


def test_two_that_look_at_once_do_not_take_each_other_for_a_training(project: Path) -> None:
    with Store.open(project) as store:
        with store.training_lock.held():
            pass
        lock = store.rounds_dir / ".lock"
        looking = (
            f"import fcntl, sys; fcntl.flock(open({str(lock)!r}), fcntl.LOCK_SH);"
            " print('looks', flush=True); sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", looking], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "looks\n"
            assert not store.training_lock.look().held
