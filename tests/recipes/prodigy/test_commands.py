"""Prodigy's recipes without a page are our commands: what is typed, then spanloop.toml, then the defaults."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import jsonl_file

from spanloop.recipes import import_files, init
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.prodigy.commands import run_command


@pytest.fixture
def db(tmp_path: Path) -> Path:
    init(tmp_path / "p.db", labels=["PER", "LOC"], lang="en", eval_fraction=0)
    import_files(tmp_path / "p.db", [jsonl_file(tmp_path / "x.jsonl", {"text": "Ann met Bob in Rome"})])
    return tmp_path / "p.db"


def test_what_is_not_given_is_as_the_settings_file_says(db: Path) -> None:
    jsonl_file(db.with_name("mine.jsonl"), {"label": "PER", "pattern": "Ann"})
    db.with_name("spanloop.toml").write_text('[prelabel]\npatterns = "mine.jsonl"\n')
    report = run_command("prelabel", str(db), {"model": "", "threshold": ""})
    assert (report.documents, report.spans) == (1, 1)
    with pytest.raises(RecipeError, match="one of --model, --pipeline and --patterns"):
        run_command("prelabel", str(db), {"pipeline": "en_core_web_sm"})


def test_what_the_file_or_the_caller_says_wrong_is_one_line_with_its_place(db: Path) -> None:
    with pytest.raises(RecipeError, match="'high' is neither f1 nor a precision") as typed:
        run_command("retrain", str(db), {"thresholds": "high"})
    db.with_name("spanloop.toml").write_text("[retrain]\nepoch = 3\n")
    with pytest.raises(RecipeError, match=r"spanloop\.toml: retrain has no option 'epoch'") as said:
        run_command("retrain", str(db), {"epochs": 2})
    assert "\n" not in f"{typed.value}{said.value}"
