"""Replay the loop on a corpus whose gold is known: the same recipes, the gold in the person's place.

    python benchmarks/replay.py wnut17

Reads ``train.jsonl`` (the pool) and ``test.jsonl`` (the eval split) of the folder. Each round the queue gives
documents until 400, then 800, then 1,600 are answered (the first batch at random, the rest by the query
strategy), then comes retrain, then prelabel over everything. Prints the figures; ``--json FILE`` keeps them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from common import arguments, corpus, keep, say

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.demo.demo import file_gold
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.scoring.evaluate import seqeval_table
from spanloop.recipes.simulation.answers import simulate_answers
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.table import table
from spanloop.recipes.training.retrain import RoundReport, retrain
from spanloop.store import Store
from spanloop.store.records import Span

Result = TypeVar("Result")
Gold = dict[str, tuple[Span, ...]]


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        rounds = replay(options, Path(folder) / "replay.db")
    print(summary(rounds))
    keep(options, rounds)


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument(
        "folder",
        type=corpus("train.jsonl", "test.jsonl"),
        metavar="CORPUS",
        help="its name, or a folder with train.jsonl and test.jsonl",
    )
    parser.add_argument(
        "--rounds", default="400,800,1600", help="documents answered by the end of each round"
    )
    parser.add_argument(
        "--strategy", default=None, help="query strategy after the first round (prelabel's default)"
    )
    parser.add_argument("--class-weights", default=None, help="default: that of retrain")
    parser.add_argument("--model", default="offline", help="base model (offline)")
    parser.add_argument("--epochs", type=int, default=None, help="default: those of retrain")
    parser.add_argument("--learning-rate", type=float, default=None, help="default: by the size of the gold")
    parser.add_argument("--batch-wordpieces", type=int, default=None, help="default: by the size of the gold")
    parser.add_argument("--seed", type=int, default=0, help="of the project and of every training (0)")
    return parser.parse_args()


def replay(options: argparse.Namespace, db: Path) -> list[dict[str, Any]]:
    """Play every round; gives its figures and the seconds of its steps."""
    train, test = options.folder / "train.jsonl", options.folder / "test.jsonl"
    gold = file_gold(train)
    labels = sorted({span.label for spans in [*gold.values(), *file_gold(test).values()] for span in spans})
    init(db, labels=labels, model=options.model, seed=options.seed)
    _, seconds = _timed(lambda: import_files(db, [train], as_="documents", split="pool"))
    print(f"import {train}: {seconds:.1f} s")
    _, seconds = _timed(lambda: import_files(db, [test], as_="annotations", split="eval"))
    print(f"import {test}: {seconds:.1f} s")
    return [
        _play(db, number, target, gold, options)
        for number, target in enumerate([int(part) for part in options.rounds.split(",")], start=1)
    ]


def _play(db: Path, number: int, target: int, gold: Gold, options: argparse.Namespace) -> dict[str, Any]:
    with Store.open(db) as store:
        missing = target - store.queue.counts("pool")["gold"]
        strategy = "random" if number == 1 else None  # None: as prelabel has put the queue
        answered, answering = _timed(lambda: simulate_answers(store, gold, missing, strategy=strategy))
    say(f"round {number}: {answered} more answers, training and scoring ...")
    trained, _ = _timed(lambda: _retrain(db, options))
    say(f"round {number}: suggestions ...")
    labelled = prelabel(db, strategy=options.strategy)
    print(f"\n== round {number}: {trained.train_documents} documents, {trained.train_spans} spans ==")
    print(seqeval_table(trained.scores.report))
    speed = labelled.documents_per_second
    print(
        f"{answered} answers {answering:.1f} s; retrain with its scoring {trained.seconds:.1f} s; "
        f"prelabel {labelled.documents} documents {labelled.seconds:.1f} s"
        + ("" if speed is None else f" ({speed:.0f} documents/s)"),
        flush=True,
    )
    return {
        "round": number,
        "documents": trained.train_documents,
        "spans": trained.train_spans,
        "promoted": trained.promoted,
        "micro": asdict(trained.scores.report.micro),
        "macro": asdict(trained.scores.report.macro),
        "labels": {label: asdict(figure) for label, figure in trained.scores.report.labels.items()},
        "class_weights": dict(trained.class_weights),
        "seconds": {"answers": answering, "retrain": trained.seconds, "prelabel": labelled.seconds},
        "documents_per_second": speed,
    }


def _retrain(db: Path, options: argparse.Namespace) -> RoundReport:
    report = retrain(
        db,
        TrainConfig(
            class_weights=options.class_weights,
            epochs=options.epochs,
            learning_rate=options.learning_rate,
            batch_wordpieces=options.batch_wordpieces,
            seed=options.seed,
        ),
    )
    if not isinstance(report, RoundReport):
        raise SystemExit(report.reason)
    return report


def _timed(step: Callable[[], Result]) -> tuple[Result, float]:
    begin = time.monotonic()
    return step(), time.monotonic() - begin


def summary(rounds: list[dict[str, Any]]) -> str:
    """One line a round."""
    head = (
        "round",
        "documents",
        "spans",
        "micro P",
        "micro R",
        "micro F1",
        "95 %",
        "macro F1",
        "retrain s",
        "docs/s",
    )
    rows = [
        (
            row["round"],
            row["documents"],
            row["spans"],
            *(f"{row['micro'][name]:.3f}" for name in ("precision", "recall", "f1")),
            f"{row['micro']['f1_low']:.3f}-{row['micro']['f1_high']:.3f}",
            f"{row['macro']['f1']:.3f}",
            f"{row['seconds']['retrain']:.0f}",
            "-" if row["documents_per_second"] is None else f"{row['documents_per_second']:.0f}",
        )
        for row in rounds
    ]
    return "\n" + table(head, rows, right=range(10))


if __name__ == "__main__":
    main()
