"""``torchrun -m spanloop.recipes retrain``: several processes make the round that one would make."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from safetensors.torch import load_file
from support.commands import done, jsonl_file
from support.processes import PATIENCE_SECONDS, rounds, wait_for
from support.projects import build, sentences
from support.tiny_models import build_tiny

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.training.retrain import RoundReport, retrain
from spanloop.store import Store

pytestmark = [
    pytest.mark.long,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="torchrun's processes talk by gloo"),
]
COMMAND = ("-m", "spanloop.recipes", "retrain")


@pytest.fixture(scope="module")
def calm_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without dropout, whose draws depend on the number of processes."""
    folder = build_tiny(tmp_path_factory.mktemp("calm"), head=False)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps({**config, **none}), "utf-8")
    return folder


def project(folder: Path, encoder: Path) -> Path:
    """Gold enough for an inner slice, and a few open documents."""
    folder.mkdir()
    db = build(folder, encoder)
    done("import", db, jsonl_file(folder / "more.jsonl", *sentences(40, "m")))
    waiting = [{"id": one["id"], "text": one["text"]} for one in sentences(6, "w")]
    done("import", db, jsonl_file(folder / "waiting.jsonl", *waiting))
    return db


@contextmanager
def two(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*launcher, *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)  # it ends the others


def process_of_rank(launcher: int, rank: int) -> int | None:
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text("ascii").split()
    for child in children:
        if f"RANK={rank}" in Path(f"/proc/{child}/environ").read_text("utf-8").split("\0"):
            return int(child)
    return None


def test_two_processes_make_the_round_of_one(tmp_path: Path, calm_encoder: Path) -> None:
    alone, shared = project(tmp_path / "alone", calm_encoder), project(tmp_path / "shared", calm_encoder)
    report = retrain(alone, TrainConfig(epochs=4, batch_wordpieces=256, patience=2, bf16=False, unlabelled=5))
    assert isinstance(report, RoundReport)
    # the second process is told of a file that is not there: it knows only what the first one gives it
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        "from spanloop.recipes.cli.main import main\n"
        "arguments = sys.argv[1:]\n"
        "if os.environ['RANK'] == '1':\n"
        "    arguments[1] = 'nowhere.db'\n"
        "main(arguments)\n"
    )
    settings = [
        "--epochs",
        "4",
        "--batch-wordpieces",
        "256",
        "--patience",
        "2",
        "--bf16",
        "no",
        "--unlabelled",
        "5",
    ]
    with two([str(script), "retrain", str(shared), *settings]) as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, err) == (0, "")
    assert out.count("round 1: trained on 64 documents") == 1

    with Store.open(alone) as one, Store.open(shared) as other:
        (row,), (twin,) = one.rounds.all(), other.rounds.all()
        assert one.rounds.annotation_ids(1) == other.rounds.annotation_ids(1)
    assert (twin.state, twin.promoted, twin.parameters["checkpoint_seconds"]) == ("done", True, None)
    assert row.manifest is not None
    assert twin.manifest is not None
    assert (row.manifest["processes"], twin.manifest["processes"]) == (1, 2)
    assert row.manifest["documents_held_out"] > 0
    assert row.manifest["documents_unlabelled"] == 5
    same = ("steps", "epochs", "tokens_trained", "tokens_held_out", "documents_held_out", "tokens_unlabelled")
    assert {name: row.manifest[name] for name in same} == {name: twin.manifest[name] for name in same}
    assert twin.manifest["losses"] == pytest.approx(row.manifest["losses"], rel=1e-3)
    assert twin.manifest["held_out_f1"] == pytest.approx(row.manifest["held_out_f1"], abs=0.05)
    assert done("evaluate", shared, "--json")["micro"]["f1"] == pytest.approx(
        done("evaluate", alone, "--json")["micro"]["f1"], abs=0.05
    )
    weights, others = (
        load_file(next((db.with_suffix(".rounds") / "0001").rglob("model.safetensors")))
        for db in (alone, shared)
    )
    assert max(float((weights[name] - others[name]).abs().max()) for name in weights) < 1e-3


def test_what_the_user_can_mend_is_one_line(tmp_path: Path, calm_encoder: Path) -> None:
    db = project(tmp_path / "p", calm_encoder)
    with two([*COMMAND, str(db), "--balance", "auto"]) as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert out == ""
    assert [line[:60] for line in err.splitlines() if line.startswith("Error: ")] == [
        "Error: --balance auto chooses in one process: run it without"
    ]
    assert done("status", db, "--json")["rounds"] == []


def test_processes_that_leave_the_range_of_numbers_end_together_and_say_why(
    tmp_path: Path, encoder: Path
) -> None:
    db = project(tmp_path / "p", encoder)
    with two([*COMMAND, str(db), "--epochs", "5", "--lr", "1e30", "--batch-wordpieces", "64"]) as process:
        out, err = process.communicate(timeout=2 * PATIENCE_SECONDS)
    assert (process.returncode, out) == (1, "")
    (row,) = done("rounds", db, "--json")["rounds"]
    assert row["state"] == "failed"
    assert row["error"].startswith("the loss is no finite number after step ")
    assert row["error"].endswith("the learning rate of 1e+30 is too high for it, try 0.0001")
    assert f"Error: {row['error']}" in err.splitlines()
    assert not list(db.with_suffix(".rounds").glob("0*"))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds the second process in /proc")
def test_the_death_of_one_process_ends_the_round(tmp_path: Path, calm_encoder: Path) -> None:
    db = project(tmp_path / "p", calm_encoder)
    with two([*COMMAND, str(db), "--epochs", "5000"]) as process:
        wait_for(lambda: rounds(db, "running") == 1, process=process)
        second = process_of_rank(process.pid, 1)
        assert second is not None
        os.kill(second, signal.SIGKILL)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode != 0
    assert out == ""
    assert err.count("Traceback") <= 1  # torchrun's own
    (row,) = done("rounds", db, "--json")["rounds"]
    assert row["state"] == "failed"
    assert "another" in row["error"]
    assert not list(db.with_suffix(".rounds").glob("0*"))
