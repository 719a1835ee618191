"""The benchmark of inference: its documents keep their gold, and each way says what it finds and how."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from support.places import ROOT
from support.projects import sentences
from support.tiny_models import build_tiny


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("inference")


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """Thirty sentences of nine documents."""
    lines = []
    for number, record in enumerate(sentences(30, "s")):
        spans = [{"start": start, "end": end, "label": label} for start, end, label in record["spans"]]  # type: ignore[attr-defined]
        lines.append(
            json.dumps({"text": record["text"], "spans": spans, "doc": f"d{number * number // 100}"})
        )
    file = tmp_path / "test.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.mark.parametrize("by", ["sentence", "doc", "mixed"])
def test_no_sentence_and_no_span_is_lost_or_moved_where_sentences_are_joined(
    script: Any, split: Path, by: str
) -> None:
    rows = list(script.joined(split, by))
    alone = [json.loads(line) for line in split.read_text("utf-8").splitlines()]
    assert "\n".join(row["text"] for row in rows) == "\n".join(row["text"] for row in alone)
    said = [(row["text"][start:end], label) for row in rows for start, end, label in row["spans"]]
    assert said == [(row["text"][s["start"] : s["end"]], s["label"]) for row in alone for s in row["spans"]]
    assert {"sentence": 30, "doc": 9}.get(by, 0) in (0, len(rows))
    if by == "mixed":
        assert len({row["text"].count("\n") for row in rows}) > 2, "of all lengths"
    words = [len(row["text"].split()) for row in script.drawn(rows, 60)]
    assert 0 < sum(words) <= 60
    assert [row["text"] for row in script.drawn(rows, 1)], "one at least"
    everything = list(script.drawn(rows, 10**9))
    assert sorted(row["text"] for row in everything) == sorted(row["text"] for row in rows)
    assert {row["part"] for row in script.drawn(rows, 150)} == {row["part"] for row in rows}


def test_ours_and_transformers_find_the_same_by_the_same_questions(script: Any, tmp_path: Path) -> None:
    peer = importlib.import_module("peer")
    texts = ["Ann in York", "Bob"]
    folder = script.pipeline_in(str(build_tiny(tmp_path / "tiny")), tmp_path / "made")
    asked = {"texts": texts, "folder": str(folder), "way": "ours torch fp32"}
    ours = peer.serve(iter([asked, {}, {"tell": True}]))
    about, took, told = ours
    assert {"torch", "transformers", "first"} <= set(about)
    assert took["seconds"] > 0
    assert told["peak_mb"] > 0
    docs = list(spacy.load(folder).pipe(texts))
    assert [[entity[:3] for entity in doc] for doc in told["entities"]] == [
        [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in docs
    ]
    model = {**asked, "folder": str(folder / script.PIPE / "model")}
    for batch in (1, 8):
        *_, theirs = peer.serve(iter([{**model, "way": f"pipeline {batch}"}, {"tell": True}]))
        assert len(theirs["entities"]) == len(texts)
        assert all(0 <= score <= 1 for doc in theirs["entities"] for *_, score in doc)
