"""Every real export comes in with as many spans as an independent count finds in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from spanloop.recipes.errors import FormatError
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init


def of_labelstudio(file: Path) -> list[str]:
    """The label of each region, of annotations and of the predictions that they began from."""
    labels: list[str] = []
    for task in json.loads(file.read_text("utf-8")):
        for annotation in task["annotations"]:
            for said in (annotation, annotation.get("prediction") or {}):
                for region in said.get("result", []):
                    labels += region["value"].get("labels", [])
    return labels


def of_objects(file: Path) -> list[str]:
    """The label of each span in lines of JSON, as objects or as triples."""
    labels: list[str] = []
    for line in file.read_text("utf-8").splitlines():
        record = json.loads(line)
        found = record.get("spans", record.get("label", record.get("labels")))
        labels += [one["label"] if isinstance(one, dict) else one[2] for one in found or []]
    return labels


def of_brat(folder: Path) -> list[str]:
    rows = "".join(file.read_text("utf-8") for file in sorted(folder.rglob("*.ann")))
    return re.findall(r"^T\d+\t(\S+) ", rows, re.MULTILINE)


EXPORTS: dict[str, Callable[[Path], list[str]]] = {
    "labelstudio/norwegian_police_ner.json": of_labelstudio,
    "labelstudio/norwegian_police_ner_first.json": of_labelstudio,
    "doccano/spanish_boardgames.jsonl": of_objects,
    "prodigy/rel_component__annotations.jsonl": of_objects,
    "brat/litbank": of_brat,
    "brat/ncbi_devel20": of_brat,
}
WITHOUT_SPANS = {
    "labelstudio/sdk_test_export_csv_csv_test_history.json": None,
    "labelstudio/sdk_test_export_json_min_data.json": "polygonlabels",
    "prodigy/ner_drugs__drugs_patterns.jsonl": "--patterns FILE",
    "prodigy/ner_fashion_brands__fashion_brands_patterns.jsonl": "--patterns FILE",
    "prodigy/ner_food_ingredients__food_patterns.jsonl": "--patterns FILE",
}
"""What is refused in them, None: nothing, they are about whole texts."""


@pytest.mark.data
def test_every_file_of_the_exports_is_here(data: Path) -> None:
    folder = data / "exports"
    there = {
        path.relative_to(folder).as_posix()
        for tool in folder.iterdir()
        for path in tool.iterdir()
        if "LICENSE" not in path.name
    }
    assert there == {*EXPORTS, *WITHOUT_SPANS}


@pytest.mark.data
@pytest.mark.parametrize("name", list(EXPORTS))
def test_as_many_spans_as_the_file_has(name: str, data: Path, tmp_path: Path) -> None:
    labels = EXPORTS[name](data / "exports" / name)
    assert labels
    init(tmp_path / "p.db", labels=sorted(set(labels)), eval_fraction=0.0)
    report = import_files(tmp_path / "p.db", [data / "exports" / name], near_duplicates=False)
    assert report.spans == len(labels)
    told = report.kept + report.moved + report.ledger + report.set_aside + report.negatives
    assert (told, report.refused) == (len(labels), 0)


@pytest.mark.data
@pytest.mark.parametrize("name", list(WITHOUT_SPANS))
def test_what_has_no_spans_of_a_text_says_so(name: str, data: Path, tmp_path: Path) -> None:
    init(tmp_path / "p.db", labels=["X"], eval_fraction=0.0)
    why = WITHOUT_SPANS[name]
    if why is None:
        assert import_files(tmp_path / "p.db", [data / "exports" / name]).spans == 0
        return
    with pytest.raises(FormatError, match=why):
        import_files(tmp_path / "p.db", [data / "exports" / name])
