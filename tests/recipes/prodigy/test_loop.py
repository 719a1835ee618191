"""The whole loop in the stand-in for Prodigy: correct, retrain, new suggestions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.processes import PATIENCE_SECONDS
from support.prodigy_making import (
    TESTS,
    environment,
    host,
)
from support.tiny_models import build_tiny

from spanloop.store import Store
from spanloop.store.records import NewDocument


@pytest.mark.slow
def test_the_loop_in_prodigy_correct_retrain_and_new_suggestions(tmp_path: Path) -> None:
    base = build_tiny(tmp_path / "tiny")
    store = Store.create(tmp_path / "p.db", labels=["PER"], base_model=str(base), lang="en")
    with store:
        names = ["Ann", "Bob", "Eve", "Tom", "Kim", "Max"]
        store.documents.add(
            NewDocument(
                f"{name} met {other} in town", key=f"{name}{other}", split="eval" if name == "Max" else "pool"
            )
            for name in names
            for other in names
        )
    db, dataset = store.path, tmp_path / "ds.jsonl"
    for split, number in (("pool", 20), ("eval", 6)):
        with host(
            dataset, "spanloop.correct", "ds", str(db), "--split", split, "--strategy", "random"
        ) as served:
            tasks = served.next(number)
            people = [token for task in tasks for token in [task["tokens"][0]]]
            spans = [[{"start": p["start"], "end": p["end"], "label": "PER"}] for p in people]
            served.send(*(served.said(t, spans=s) for t, s in zip(tasks, spans, strict=True)))
    db.with_name("spanloop.toml").write_text("[retrain]\nepochs = 9\nbatch-wordpieces = 256\n")
    done = subprocess.run(
        [
            sys.executable,
            str(TESTS / "prodigy_host.py"),
            str(dataset),
            "spanloop.retrain",
            str(db),
            "-n",
            "1",
        ],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert "round 1" in done.stdout
    with Store.open(db) as store:
        row = store.rounds.promoted()
    assert row is not None
    # what is typed counts before the file, and that before the default
    assert (row.parameters["epochs"], row.parameters["batch_wordpieces"]) == (1, 256)
    assert row.parameters["settings_file"]["path"] == "spanloop.toml"
    with host(dataset, "spanloop.correct", "ds", str(db)) as served:
        [task] = served.next(1)
        assert task["spanloop"]["model"] == "round 1"
