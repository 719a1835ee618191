"""Every real file at hand is known by what is in it, and read with the counts of a plain look at it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spanloop.recipes.formats.entry import ReadOptions
from spanloop.recipes.formats.sources import sources
from spanloop.store.records import Task

pytestmark = pytest.mark.data
Counts = tuple[int, int]
"""Documents, and spans with those that have no place."""


def of_columns(path: Path) -> Counts:
    """Blocks of lines with a token, and where a tag begins a span, whatever scheme of B and I it is in."""
    documents = spans = 0
    before, inside = "O", False
    for line in path.read_text("utf-8").split("\n"):
        tag = "O" if not line.strip() or line.startswith("-DOCSTART-") else line.split()[-1]
        token = bool(line.strip()) and not line.startswith("-DOCSTART-")
        documents += token and not inside
        spans += tag != "O" and (tag.startswith("B") or before[2:] != tag[2:])
        inside, before = token, tag
    return documents, spans


def of_conllu(path: Path) -> Counts:
    lines = path.read_text("utf-8").split("\n")
    return sum(line.startswith("# text = ") for line in lines), sum(
        line.split("\t")[0].isdecimal() for line in lines
    )


def of_lines(key: str) -> Callable[[Path], Counts]:
    def count(path: Path) -> Counts:
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
        return len(records), sum(len(record.get(key) or ()) for record in records)

    return count


def of_labelstudio(path: Path) -> Counts:
    """Tasks, and regions that name characters, of every annotation and of the prediction it began from."""
    tasks: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    regions = [
        region
        for task in tasks
        for annotation in task.get("annotations", task.get("completions", []))
        for region in [*annotation["result"], *(annotation.get("prediction") or {}).get("result", [])]
        if isinstance(region.get("value"), dict) and "start" in region["value"]
    ]
    return len(tasks), sum(len(region["value"].get("labels", [None])) for region in regions)


def of_brat(path: Path) -> Counts:
    files = [file.read_text("utf-8").split("\n") for file in path.glob("*.ann")]
    return len(files), sum(line.startswith("T") for lines in files for line in lines)


FILES: list[tuple[str, str, Task, Callable[[Path], Counts]]] = [
    ("raw/wnut17train.conll", "conll", "spans", of_columns),
    ("raw/wikigold.iob1.conll", "conll", "spans", of_columns),
    ("raw/en_ewt-ud-dev.conllu", "conllu", "tags", of_conllu),
    ("exports/doccano/spanish_boardgames.jsonl", "doccano", "spans", of_lines("label")),
    ("exports/prodigy/rel_component__annotations.jsonl", "prodigy", "spans", of_lines("spans")),
    ("exports/labelstudio/norwegian_police_ner.json", "labelstudio", "spans", of_labelstudio),
    ("exports/labelstudio/norwegian_police_ner_first.json", "labelstudio", "spans", of_labelstudio),
    ("exports/brat/litbank", "brat", "spans", of_brat),
    ("exports/brat/ncbi_devel20", "brat", "spans", of_brat),
]


@pytest.mark.parametrize(("name", "form", "task", "count"), FILES, ids=[file[0] for file in FILES])
def test_a_real_file_is_known_and_read_whole(
    data: Path, name: str, form: str, task: Task, count: Callable[[Path], Counts]
) -> None:
    documents = spans = 0
    for source in sources([data / name]):
        assert source.fmt.name == form
        for entry in source.entries(ReadOptions(task=task)):
            documents += not entry.continues
            spans += len(entry.spans or ()) + len(entry.refused)
    assert (documents, spans) == count(data / name)
    assert spans > 0
