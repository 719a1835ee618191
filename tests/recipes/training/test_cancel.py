"""One training a project: who has the lock, how it is cancelled from elsewhere, what a signal leaves."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from support.clock import Clock
from support.commands import done, jsonl_file, refused
from support.processes import ENDLESS, PATIENCE_SECONDS, rounds, training, wait_for, watching
from support.projects import sentences

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import silent
from spanloop.recipes.rounds.cancel import cancel
from spanloop.recipes.training.process_control import Cancelled, Stopped, heed_signal, heeding, stoppable
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store
from spanloop.store.files.training_lock import TrainingLock


@pytest.fixture
def patient_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command waits as long as any other test does: on a busy machine a first step takes minutes."""
    monkeypatch.setitem(cancel.__kwdefaults__, "patience", PATIENCE_SECONDS)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert out == ""
    assert "Traceback" not in err
    return process.returncode, err


@pytest.mark.slow
@pytest.mark.usefixtures("patient_cancel")
def test_the_second_training_says_who_has_the_lock_and_cancel_ends_the_first(db: Path) -> None:
    with training(db) as process:
        message = refused("retrain", db)
        assert f"round 1 of {db} is being trained by process {process.pid} (" in message
        assert f"on {socket.gethostname()}, since " in message
        assert f"spanloop rounds {db} cancel" in message
        assert f"by process {process.pid}" in done("status", db)
        (row,) = done("rounds", db, "--json")["rounds"]
        assert (row["state"], row["trainer"]["process"], row["trainer"]["round"]) == (
            "running",
            process.pid,
            1,
        )

        shown = done("rounds", db, "cancel")
        code, err = ended(process)
        assert "round 1 is cancelled" in shown
        assert code == 130
        assert err.splitlines()[-1].startswith("Error: cancelled by ")
        with Store.open(db) as store:
            assert (store.rounds.get(1).state, (store.rounds.get(1).error or "")[:13]) == (
                "cancelled",
                "cancelled by ",
            )
        assert "nothing to cancel" in refused("rounds", db, "cancel")
        assert {path.name for path in db.with_suffix(".rounds").iterdir()} <= {
            ".lock",
            ".training",
            "project.json",
        }


@pytest.mark.slow
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_cancels_the_round(db: Path, name: str, code: int) -> None:
    with training(db, "--nice", "0") as process:
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == os.getpriority(os.PRIO_PROCESS, 0)
        process.send_signal(signal.Signals[name])
        assert ended(process) == (code, f"stopped by {name}\n")
        (row,) = done("rounds", db, "--json")["rounds"]
        assert row["state"] == "cancelled"
        assert row["error"] == ("cancelled by SIGTERM" if name == "SIGTERM" else "cancelled by hand")


@pytest.mark.slow
def test_a_killed_training_is_shown_as_such_and_its_traces_mean_nothing(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPANLOOP_NICE")
    with training(db) as process:
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == 10
        process.kill()
        process.communicate()
        assert (db.with_suffix(".rounds") / ".holder").exists()
        (row,) = done("status", db, "--json")["rounds"]
        assert row["state"] == "interrupted"
        assert "cut off: its process has ended" in done("status", db)
        assert "nothing to cancel" in refused("rounds", db, "cancel")
        with (
            Store.open(db) as store,
            store.write(),
        ):  # another process has got its number since, on another machine
            store.run("UPDATE rounds SET process = ?, host = 'elsewhere'", (os.getpid(),))
        assert done("status", db, "--json")["rounds"][0]["state"] == "interrupted"
        retrain(db, TrainConfig(epochs=1))
        assert [row["state"] for row in done("status", db, "--json")["rounds"]] == ["failed", "done"]
        assert {path.name for path in db.with_suffix(".rounds").iterdir()} == {
            ".lock",
            "0002",
            "project.json",
        }


@pytest.mark.slow
def test_a_watch_waits_for_something_new_after_a_round_that_failed_or_was_cancelled(
    db: Path, tmp_path: Path
) -> None:
    with Store.open(db) as store:
        encoder = store.project.base_model
        store.set_project(base_model="no/such/model")
    with watching(db, "--every", "20", *ENDLESS) as watch:
        watch.has_looked()
        assert rounds(db, "failed") == 1
        watch.look_again()
        watch.look_again()
        assert (watch.process.poll(), rounds(db, "running"), rounds(db, "failed")) == (None, 0, 1)
        with Store.open(db) as store:
            store.set_project(base_model=encoder)
        done("import", db, jsonl_file(tmp_path / "one.jsonl", *sentences(1, "n")))
        watch.go_on()
        wait_for(lambda: rounds(db, "running") == 1, process=watch.process)
        assert "round 2 is cancelled" in cancel(db, patience=PATIENCE_SECONDS).text()
        watch.has_looked()
        watch.look_again()
        watch.look_again()
        assert (watch.process.poll(), rounds(db, "running"), rounds(db, "cancelled")) == (None, 0, 1)
        log = watch.stop()
    assert "no round: " in log
    assert "the next round is due when something is new" in log


def test_a_request_reaches_the_turn_it_is_meant_for_and_no_other(db: Path, clock: Clock) -> None:
    with Store.open(db) as store:
        lock, elsewhere = store.training_lock, TrainingLock(store)
        report = heeding(store, silent)
        with lock.held():
            first = elsewhere.look().holder
            assert first is not None
        clock.forward(0.001)  # a turn is told by its millisecond
        with lock.held():
            elsewhere.ask_to_stop(first)
            report(0, None, "")
            second = elsewhere.look().holder
            assert second is not None
            elsewhere.ask_to_stop(second)
            with pytest.raises(Cancelled):
                report(0, None, "")
        assert elsewhere.look().holder is None
        assert not elsewhere.look().held


def test_who_does_not_heed_is_named_with_what_to_type(db: Path) -> None:
    with Store.open(db) as store, store.training_lock.held():
        with pytest.raises(RecipeError, match=f"kill {os.getpid()}$"):
            cancel(db, patience=0)
        holder = db.with_suffix(".rounds") / ".holder"
        content = json.loads(holder.read_text("utf-8"))
        holder.write_text(json.dumps({**content, "host": "another"}), "utf-8")
        with pytest.raises(RecipeError, match=f"to end it at once on another: kill {os.getpid()}$"):
            cancel(db, patience=0)
        holder.unlink()
        assert "another process is training" in refused("retrain", db)
        assert "try again in a moment" in refused("rounds", db, "cancel")


class Swallowing:
    """What is raised while Python ends an object goes nowhere."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_comes_where_nothing_can_be_raised_is_heeded_at_the_next_step(db: Path) -> None:
    heed_signal()  # none came yet
    with Store.open(db) as store, store.training_lock.held(), stoppable():
        step = heeding(store, lambda _done, _total, _what: None)
        step(1, 3, "train")
        one = Swallowing()
        del one
        with pytest.raises(Stopped, match="SIGTERM"):
            step(2, 3, "train")
    heed_signal()  # and it is over with the work
