"""The commands of docs/life-of-a-project.md, run as they are printed there, one after another."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from support.commands import done, jsonl_file
from support.places import ROOT
from support.projects import sentences
from support.tiny_models import build_tiny

PAGE = ROOT / "docs" / "life-of-a-project.md"


def printed() -> list[list[str]]:
    """The words of every command of the page, in its order."""
    fenced = re.findall(r"(?s)```bash\n(.*?)```", PAGE.read_text("utf-8"))
    return [shlex.split(line) for block in fenced for line in block.splitlines() if line]


def test_the_commands_of_the_page_run_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    build_tiny(Path("models/first"), head=False)
    build_tiny(Path("models/second"), head=False, seed=1)
    jsonl_file(Path("pool.jsonl"), *sentences(16, "p"))
    jsonl_file(Path("eval.jsonl"), *sentences(6, "e"))
    said = {}
    for program, *words in printed():
        match program:
            case "mkdir":
                for name in words:
                    Path(name).mkdir()
            case "mv":
                shutil.move(*words)
            case "spanloop":
                quick = ["--epochs", "1", "--promote", "yes"] if words[0] == "retrain" else []
                said[" ".join(words)] = done(*words, *quick)
            case _:
                pytest.fail(f"{PAGE} has a command that this test does not know: {program}")
    assert "round 1 is promoted" in said["rounds garden.db rollback"]
    assert "round 1 came out the same, to the bit" in said["rounds garden.db reproduce 1"]
    assert "base model ./models/second, language de" in said["project garden.db set --lang de"]
    assert said["check elsewhere/beds.db"] == "elsewhere/beds.db is sound\n"
    assert Path("monday.html").is_file()
