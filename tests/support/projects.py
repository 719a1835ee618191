"""A small project that a tiny model can be trained on."""

from __future__ import annotations

from pathlib import Path

from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from support.commands import jsonl_file

NAMES = ["Ann", "Bob", "Merkel", "Obama", "O'Neil"]


PLACES = ["York", "Zürich", "Berlin", "Tokyo"]


def sentences(n: int, prefix: str) -> list[dict[str, object]]:
    """Short annotated documents, each different."""
    records = []
    for i in range(n):
        name, place = NAMES[i % len(NAMES)], PLACES[i % len(PLACES)]
        text = f"{name} met number {prefix}{i} in {place} 😀."
        start = text.index(" in ") + 4
        spans = [[0, len(name), "PER"], [start, start + len(place), "LOC"]]
        records.append({"id": f"{prefix}{i}", "text": text, "spans": spans})
    return records


def build(folder: Path, encoder: Path) -> Path:
    db = folder / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    import_files(db, [jsonl_file(folder / "pool.jsonl", *sentences(24, "p"))])
    import_files(db, [jsonl_file(folder / "eval.jsonl", *sentences(8, "e"))], split="eval")
    import_files(db, [jsonl_file(folder / "open.jsonl", {"text": "Ann is open", "id": "open"})])
    return db
