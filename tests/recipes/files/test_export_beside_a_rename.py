"""A file that is written while another process renames a label is whole and has one set of names."""

from __future__ import annotations

import json
from pathlib import Path

from support.renaming import renaming
from support.store_making import add_model, make_store, say

from spanloop.recipes.files.export import What, export
from spanloop.store.records import Span
from spanloop.store.tables.annotations import PAGE

DOCUMENTS = PAGE + 20  # two pages
SPANS = "0-3:PER 8-11:PER 15-19:LOC"
EXPORTS: tuple[tuple[What, int], ...] = (("gold", 100), ("all", 5), ("predictions", 5))


def filled(folder: Path) -> Path:
    with make_store(folder, documents=DOCUMENTS) as store, store.write():
        for number in range(1, DOCUMENTS + 1):
            store.annotations.add(say(number, spans=SPANS))
        spans = [Span(0, 3, "PER"), Span(8, 11, "PER"), Span(15, 19, "LOC")]
        store.predictions.add(add_model(store), [(i, spans, {}) for i in store.documents.ids()])
        return store.path


def test_every_export_beside_a_process_that_renames_is_whole(tmp_path: Path) -> None:
    db, file = filled(tmp_path), tmp_path / "out.jsonl"
    seen = set()
    with renaming(db, "PER", "PERSON"):
        for what, times in EXPORTS:
            for _ in range(times):
                assert export(db, file, what=what, overwrite=True).spans == 3 * DOCUMENTS
                lines = file.read_text().splitlines()
                found = {tuple(span["label"] for span in json.loads(line)["spans"]) for line in lines}
                assert len(lines) == DOCUMENTS
                assert len(found) == 1, f"two sets of names in one file of {what}"
                seen |= found
    assert seen == {("PER", "PER", "LOC"), ("PERSON", "PERSON", "LOC")}
