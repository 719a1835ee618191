"""The recipes keep Prodigy's documented contract, and the stand-in for it refuses whatever does not.

Prodigy itself is sold and was never run here: tests/support/prodigy_host.py checks the documented contract.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.places import ROOT
from support.processes import PATIENCE_SECONDS
from support.prodigy_host import check_components, check_task
from support.prodigy_making import (
    TESTS,
    environment,
    host,
    project,
)

from spanloop.recipes.prodigy import contract, recipes


@pytest.mark.parametrize(
    ("name", "view"),
    [("correct", "ner_manual"), ("teach", "ner"), ("review", "review")],
)
def test_a_recipe_gives_the_documented_components(tmp_path: Path, name: str, view: str) -> None:
    db = project(tmp_path)
    with host(tmp_path / "ds.jsonl", f"spanloop.{name}", "ds", str(db), "--exclude", "a, b") as served:
        assert (served.parts["view_id"], served.parts["dataset"]) == (view, "ds")
        assert served.parts["exclude"] == ["a", "b"]
        assert served.parts["config"]["labels"] == ["PER", "LOC"]
        assert {"update", "before_db", "validate_answer", "progress", "on_exit"} <= set(
            served.parts["components"]
        )


def test_without_prodigy_a_recipe_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "prodigy" not in sys.modules
    for function in (recipes.correct, recipes.teach, recipes.review, recipes.retrain, recipes.prelabel):
        with pytest.raises(SystemExit) as stopped:
            function("ds", "p.db")
        assert stopped.value.code == contract.MISSING
        assert "\n" not in contract.MISSING


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("spanloop.correct", "ds", "{db}", "--strategy", "guess"), "there is no strategy 'guess'"),
        (("spanloop.teach", "ds", "{db}", "--label", "ORG"), "the project has no label ORG"),
        (("spanloop.correct", "ds", "gone.db"), "there is no gone.db"),
        (("spanloop.retrain", "{db}"), "gold"),
        (("spanloop.retrain", "{db}", "--thresholds", "high"), "'high' is neither f1 nor a precision"),
        (("spanloop.prelabel", "{db}", "--map", "PER"), "'PER' is no LABEL=NAME"),
        (("spanloop.prelabel", "{db}", "--threshold", "2"), "give 0 to 1"),
    ],
)
def test_what_a_user_can_mend_is_one_line(tmp_path: Path, command: tuple[str, ...], message: str) -> None:
    db = project(tmp_path, 1)
    done = subprocess.run(
        [sys.executable, str(TESTS / "prodigy_host.py"), str(tmp_path / "ds.jsonl")]
        + [part.format(db=db) for part in command],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=tmp_path,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


HASHES = {"_input_hash": 1, "_task_hash": 2}
WORDS = [
    {"text": "Ann", "start": 0, "end": 3, "id": 0, "ws": True},
    {"text": "ran", "start": 4, "end": 7, "id": 1, "ws": False},
]
ASKED = {
    "text": "Ann ran",
    "tokens": WORDS,
    "spans": [{"start": 0, "end": 3, "label": "PER", "token_start": 0, "token_end": 0}],
    **HASHES,
}
SERVED: dict[str, Any] = {
    "dataset": "ds",
    "view_id": "ner_manual",
    "stream": [],
    "config": {"labels": ["PER"]},
}


@pytest.mark.parametrize(
    "changed",
    [
        {"view_id": "ner-manual"},
        {"strem": []},
        {"stream": "ds.jsonl"},
        {"update": lambda: None},
        {"progress": lambda done: done},
        {"exclude": "ds"},
        {"config": {"label": ["PER"]}},
        {"config": {"exclude_by": "text"}},
        {"config": {"feed_overlap": False, "annotations_per_task": 2.0}},
    ],
)
def test_the_host_refuses_components_outside_the_contract(changed: dict[str, Any]) -> None:
    check_components(SERVED)
    with pytest.raises((AssertionError, TypeError)):
        check_components({**SERVED, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"answer": "accept"},
        {"_input_hash": "1"},
        {"text": "Ann  ran"},
        {"tokens": WORDS[:1]},
        {"spans": [{**ASKED["spans"][0], "token_end": 1}]},  # the end as if it were excluded
        {"spans": []},
    ],
)
def test_the_host_refuses_questions_outside_the_contract(changed: dict[str, Any]) -> None:
    check_task(ASKED, "ner")
    with pytest.raises(AssertionError):
        check_task({**ASKED, **changed}, "ner")


@pytest.mark.parametrize("name", ["correct", "teach", "review", "retrain"])
def test_every_prodigy_line_of_the_page_is_understood(tmp_path: Path, name: str) -> None:
    page = (ROOT / "docs" / "prodigy.md").read_text("utf-8")
    lines = [line.split() for line in page.splitlines() if line.startswith(f"prodigy spanloop.{name}")]
    assert lines or f"`spanloop.{name}`" in page or f"**`spanloop.{name}`**" in page
    done = subprocess.run(
        [sys.executable, str(TESTS / "prodigy_host.py"), str(tmp_path / "a"), f"spanloop.{name}", "--help"],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    options = {word for line in lines for word in line if word.startswith("--")}
    assert options <= set(done.stdout.replace(",", " ").split())
