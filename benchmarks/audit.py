"""Does an audit find errors that were planted in real gold?

    python benchmarks/audit.py ncbi_disease --documents 600 --fast

Of the gold spans of some training documents, drawn at random, 5 % are dropped or get another label, and a few
words get a label that have none. Counted is how many of the first ranks of `spanloop audit` are planted,
against chance. Real gold has errors of its own, which count as wrong here.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path
from typing import Any

from common import arguments, corpus, keep, say

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.quality.audit import audit
from spanloop.recipes.table import table

SHARE = 0.05
Place = tuple[str, int, int]


def main() -> None:
    options = _options()
    rng = random.Random(options.seed)
    lines = (options.corpus / "train.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in rng.sample(lines, options.documents)]
    labels = sorted({span["label"] for record in records for span in record["spans"]})
    planted = [place for record in records for place in _spoil(record, labels, rng)]
    if not planted:
        raise SystemExit(f"no error was planted in {len(records)} documents: take more with --documents")
    with tempfile.TemporaryDirectory() as folder:
        file, db = Path(folder) / "spoilt.jsonl", Path(folder) / "p.db"
        lines = [json.dumps({k: r[k] for k in ("id", "text", "spans", "doc") if k in r}) for r in records]
        file.write_text("\n".join(lines), encoding="utf-8")
        init(db, labels=labels, eval_fraction=0)
        import_files(db, [file])
        say(f"{len(records)} documents, {len(planted)} planted errors: {options.folds} trainings ...")
        report = audit(db, folds=options.folds, config=TrainConfig(fast=options.fast))
    hits = [_hits((d.key, d.start, d.end), planted) for d in report.doubts]
    print(f"{report.documents} documents, {report.spans} gold spans, {len(planted)} planted errors")
    print(report.text())
    tops = sorted({k for k in (20, 50, 100, len(planted), 2 * len(planted)) if k < len(hits)} | {len(hits)})
    words = sum(len(record["text"].split()) for record in records)
    rows = [_row(hits[:k], len(planted), words) for k in tops]
    head = ("first", "precision", "by chance, of the words", "planted errors found", "of all")
    print(table(head, rows, right=range(5)))
    keep(options, [dict(zip(head, row, strict=True)) for row in rows])


def _row(hits: list[set[int]], planted: int, words: int) -> tuple[object, ...]:
    """How many of these places are planted, and how many of the planted errors they are."""
    right, found = sum(map(bool, hits)), len(set().union(*hits))
    return len(hits), f"{right / len(hits):.0%}", f"{planted / words:.1%}", found, f"{found / planted:.0%}"


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("corpus", type=corpus("train.jsonl"), help="its name, or a folder with train.jsonl")
    parser.add_argument("--documents", type=int, default=600, help="so many of train, drawn at random (600)")
    parser.add_argument("--folds", type=int, default=3, help="parts that the audit trains without (3)")
    parser.add_argument("--fast", action="store_true", help="train with --fast")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn and spoilt (0)")
    return parser.parse_args()


def _spoil(record: dict[str, Any], labels: list[str], rng: random.Random) -> list[Place]:
    """Spoil some spans of a record in place; gives where."""
    places: list[Place] = []
    kept = []
    for span in record["spans"]:
        others = [label for label in labels if label != span["label"]]
        if rng.random() >= SHARE:
            kept.append(span)
            continue
        places.append((record["id"], span["start"], span["end"]))
        if others and rng.random() < 0.5:
            kept.append({**span, "label": rng.choice(others)})
    if len(kept) < len(record["spans"]) or rng.random() < SHARE / 2:
        word = rng.choice(record["text"].split())
        start = record["text"].index(word)
        free = all(span["end"] <= start or start + len(word) <= span["start"] for span in record["spans"])
        if free and word.isalpha():
            kept.append({"start": start, "end": start + len(word), "label": rng.choice(labels)})
            places.append((record["id"], start, start + len(word)))
    record["spans"] = sorted(kept, key=lambda span: span["start"])
    return places


def _hits(doubt: Place, planted: list[Place]) -> set[int]:
    """The numbers of the planted errors that a place touches."""
    return {
        number
        for number, (key, start, end) in enumerate(planted)
        if key == doubt[0] and start < doubt[2] and doubt[1] < end
    }


if __name__ == "__main__":
    main()
