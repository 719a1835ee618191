"""The scripts of benchmarks/ that train run to their end on a few sentences; their JSON holds their rows."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from support.places import ROOT
from support.projects import sentences

# what is typed behind the corpus, and how many rows come of it
RUNS: dict[str, tuple[list[str], int]] = {
    "macro": (["--variants", "1epoch,1epoch+soft", "--sentences", "16"], 3),
    "replay": (["--rounds", "8,16", "--epochs", "1"], 2),
    "schemes": (["--epochs", "1", "--schemes", "IOB1", "IOB2"], 2),
    "tasks": (["--set", "epochs=1", "held_out=0"], 1),
    "training": (["--rows", "plain", "none", "--seeds", "0", "--epochs", "1"], 2),
}


@pytest.fixture
def corpora(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus called wnut17, where SPANLOOP_DATA points."""
    folder = tmp_path / "data" / "wnut17"
    folder.mkdir(parents=True)
    for split, count in (("train", 24), ("test", 8)):
        lines = []
        for record in sentences(count, split):
            text, spans = str(record["text"]), record["spans"]
            named = [{"start": start, "end": end, "label": label} for start, end, label in spans]  # type: ignore[attr-defined]
            lines.append(json.dumps({**record, "tokens": text.split(), "spans": named}))
        (folder / f"{split}.jsonl").write_text("\n".join(lines), "utf-8")
    monkeypatch.setenv("SPANLOOP_DATA", str(folder.parent))
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return folder.parent


@pytest.mark.parametrize("name", RUNS)
def test_a_script_that_trains_runs_to_its_end(
    name: str, corpora: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    options, rows = RUNS[name]
    results = ["--results", str(tmp_path / "runs.jsonl")] if name in ("macro", "training") else []
    kept = tmp_path / "kept.json"
    typed = [f"{name}.py", "wnut17", "--model", str(encoder), *results, *options, "--json", str(kept)]
    monkeypatch.setattr(sys, "argv", typed)
    script = importlib.import_module(name)
    script.main()
    if name == "training":
        monkeypatch.setattr(sys, "argv", [*typed, "--table"])
        script.main()
        rows += 1  # the heading
    told = json.loads(kept.read_text("utf-8"))
    assert (told["script"], len(told["rows"])) == (f"{name}.py", rows)
    assert told["settings"]["model"] == str(encoder)
    assert capsys.readouterr().err.count(" ...\n") >= rows - (name == "training")


def test_a_corpus_that_is_not_there_is_one_line(
    corpora: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name in ("replay", "tasks"):
        monkeypatch.setattr(sys, "argv", [f"{name}.py", "ncbi_disease"])
        with pytest.raises(SystemExit) as ended:
            importlib.import_module(name).main()
        assert ended.value.code == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert str(corpora / "ncbi_disease") in line
        assert "python benchmarks/data.py ncbi_disease" in line
