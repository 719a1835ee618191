"""What a training costs and what it reaches, for each of its options: a plain HF Trainer script beside ours.

    OMP_NUM_THREADS=1 python benchmarks/training.py wnut17 --results wnut17.jsonl
    python benchmarks/training.py --results wnut17.jsonl --table

With --stack the row is called after the release of transformers too, so that the runs of two environments
share one file and one table.

Trains on the train split, scores on the test split, on the corpus's tokens. ``plain`` is the script of the
tutorials: batches of 16 in random order, padded to the longest, fp32, AdamW, linear decay, first wordpiece
labelled; at the learning rate that served it best (1e-4). All other rows are ours: ``none`` has no class
weights, the ones below it change what their names say. Nothing is held out (``held_out=0``).

The rows of one seed run one after the other, then those of the next. Every run adds a line to the results,
and one that has its line is not run again: several processes may share the work (``--rows``, ``--seeds``).
Seconds are those of training alone, of the processor: with one thread that is the time it takes on a core of
its own, whatever else the machine does (``wall`` in the results is what the clock said). The table: means of
the seeds, 95 % intervals of a bootstrap over the test documents (the same for every row), and differences to
``none`` in points.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np
from common import arguments, corpus, keep, say
from numpy.typing import NDArray

from spanloop.plugin.metrics.intervals import averages, resample
from spanloop.plugin.training.config import TrainConfig

if TYPE_CHECKING:
    from spanloop.plugin.tagging.gold import Gold

PLAIN = "plain"
STACK = ", transformers "  # between the name of a row and a release, with --stack
ROWS: dict[str, dict[str, Any]] = {
    "none": {},
    "3e-4, batches of 1024": {"learning_rate": 3e-4, "batch_wordpieces": 1024},
    "batches of 1024": {"batch_wordpieces": 1024},
    "sqrt": {"class_weights": "sqrt"},
    "effective": {"class_weights": "effective"},
    "inverse": {"class_weights": "inverse"},
    "focal": {"class_weights": "focal"},
    "oversample": {"oversample": 0.1},
    "undersample": {"undersample": 0.5},
    "mentions": {"augment": 0.5},
    "tokens": {"augment": 0.5, "swap": "tokens"},
    "all wordpieces": {"label_strategy": "all"},
    "nothing frozen": {"freeze": "none"},
    "head as the encoder": {"head_rate": 1.0},
    "as before": {"freeze": "none", "head_rate": 1.0},
    "embeddings frozen": {"freeze": "embeddings"},
    "lowest layer frozen": {"freeze": 1},
    "half frozen": {"freeze": "half"},
    "fast": {"fast": True, "epochs": None},
    "fp32": {"bf16": False},
    "sqrt, oversample": {"class_weights": "sqrt", "oversample": 0.1},
    "sqrt, undersample": {"class_weights": "sqrt", "undersample": 0.5},
    "sqrt, mentions": {"class_weights": "sqrt", "augment": 0.5},
    "mentions, undersample": {"augment": 0.5, "undersample": 0.5},
}


def main() -> None:
    options = _options()
    if options.table:
        head, *rows = _table(_runs(options.results))
        print("\n".join("| " + " | ".join(line) + " |" for line in (head, ("---",) * len(head), *rows)))
        keep(options, [list(head), *map(list, rows)])
        return
    say("loading torch, transformers and the corpus ...")
    import spacy
    import transformers
    from corpora import read

    blank = spacy.blank(options.lang)
    golds = read(blank, options.data / "train.jsonl", options.sentences, own_tokens=True)
    test = read(blank, options.data / "test.jsonl", own_tokens=True)
    for seed in options.seeds:
        for row in options.rows:
            name = f"{row}{STACK}{transformers.__version__}" if options.stack else row
            if (name, seed) not in {(run["row"], run["seed"]) for run in _runs(options.results)}:
                say(f"{name}, seed {seed}: training ...")
                run = _run(row, seed, golds, test, options) | {"row": name}
                with options.results.open("a", encoding="utf-8") as results:
                    results.write(json.dumps(run) + "\n")
                micro, macro = (float(_averages(run)[average][2]) for average in ("micro", "macro"))
                print(f"{name:28} seed {seed} {run['seconds']:6.0f} s {micro:.3f} {macro:.3f}", flush=True)


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument(
        "data",
        nargs="?",
        type=corpus("train.jsonl", "test.jsonl"),
        metavar="CORPUS",
        help="its name, or a folder with train.jsonl and test.jsonl",
    )
    parser.add_argument("--results", type=Path, required=True, help="JSON lines, one a run")
    parser.add_argument("--table", action="store_true", help="only show what the results hold")
    parser.add_argument(
        "--rows", nargs="*", default=[PLAIN, *ROWS], choices=[PLAIN, *ROWS], help="which (all)"
    )
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2], help="(0 1 2)")
    parser.add_argument("--epochs", type=int, default=5, help="of every row without its own; 0: by size (5)")
    parser.add_argument(
        "--stack", action="store_true", help="name the rows after the release of transformers"
    )
    parser.add_argument("--fast", action="store_true", help="every row but plain with fast=True")
    parser.add_argument("--plain-lr", type=float, default=1e-4, help="learning rate of plain (1e-4)")
    parser.add_argument("--lang", default="en", help="language of the corpus (en)")
    parser.add_argument("--model", default="offline", help="base model (offline)")
    parser.add_argument("--sentences", type=int, help="train on the first so many only")
    options = parser.parse_args()
    if options.table and not options.results.is_file():
        parser.error(
            f"there are no results in {options.results}: the same command without --table makes them"
        )
    if options.data is None and not options.table:
        parser.error("name a corpus, for example wnut17, or show results with --table")
    return options


def _runs(results: Path) -> list[dict[str, Any]]:
    if not results.is_file():
        return []
    return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


def _run(
    row: str, seed: int, golds: Sequence[Gold], test: Sequence[Gold], options: argparse.Namespace
) -> dict[str, Any]:
    """Train and predict: the seconds, and for each test document and label the hits, the false alarms and
    the misses."""
    from corpora import labels_of, pipeline

    from spanloop.plugin.training.train import train

    labels = labels_of([*golds, *test])
    pipe: Any = pipeline(options.lang, options.model, labels, seed=seed).get_pipe("hf_token_classifier")
    clock, begin = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        if row == PLAIN:
            _plain(pipe, golds, seed, options, folder)
        else:
            settings = {"class_weights": "none", "held_out": 0.0, "epochs": options.epochs or None}
            settings |= (ROWS["fast"] if options.fast else {}) | ROWS[row]
            train(pipe, golds, TrainConfig(seed=seed, **settings), folder=Path(folder))
    seconds, wall = time.process_time() - begin, time.perf_counter() - clock
    counts = []
    for gold, scores in zip(test, pipe.predict([gold.doc for gold in test]), strict=True):
        true = {(span.start, span.end, span.label) for span in gold.spans}
        found = {(span.start, span.end, span.label) for span in pipe.decode(scores)}
        columns = [
            Counter(label for _, _, label in spans) for spans in (true & found, found - true, true - found)
        ]
        counts.append([[column[label] for column in columns] for label in labels])
    return {
        "row": row,
        "seed": seed,
        "seconds": seconds,
        "wall": wall,
        "labels": labels,
        "counts": counts,
    }


def _plain(pipe: Any, golds: Sequence[Gold], seed: int, options: argparse.Namespace, folder: str) -> None:
    import torch
    from transformers import (
        DataCollatorForTokenClassification,
        PrinterCallback,
        Trainer,
        TrainingArguments,
    )

    from spanloop.plugin.training.training_set import lessons_of, windows_of

    windows = windows_of(lessons_of(pipe, golds), "first")
    items = [{"input_ids": w.input_ids.tolist(), "labels": w.labels.tolist()} for w in windows]
    trainer = Trainer(
        model=pipe.hf_model(),
        args=TrainingArguments(
            output_dir=folder,
            num_train_epochs=options.epochs,
            per_device_train_batch_size=16,
            learning_rate=options.plain_lr,
            weight_decay=0.01,
            seed=seed,
            use_cpu=not torch.cuda.is_available(),
            optim="adamw_torch",
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=items,
        data_collator=DataCollatorForTokenClassification(pipe.tokenizer()),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    pipe.hf_model().eval()


def _table(runs: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The heading and a row a name. Compared are rows of one stack: with its *plain*, and with its *none*."""
    rows = list(dict.fromkeys(run["row"] for run in runs))
    samples = {row: _samples([run for run in runs if run["row"] == row]) for row in rows}
    seconds = {(run["row"], run["seed"]): run["seconds"] for run in runs}
    head = (
        "",
        "seeds",
        "s",
        "faster",
        "P",
        "R",
        "micro F1",
        "95 %",
        "to none",
        "macro F1",
        "95 %",
        "to none",
    )
    lines = [head]
    for row in rows:
        own = [run for run in runs if run["row"] == row]
        stack = "".join(row.partition(STACK)[1:])
        plain = ((seconds.get((PLAIN + stack, run["seed"])), run["seconds"]) for run in own)
        faster = [theirs / ours for theirs, ours in plain if theirs is not None]
        precision, recall, _ = np.mean([_averages(run)["micro"] for run in own], axis=0)
        cells = [row, str(len(own)), f"{mean(run['seconds'] for run in own):.0f}"]
        cells += [f"{mean(faster):.1f}" if faster else "-", f"{precision:.3f}", f"{recall:.3f}"]
        for average in ("micro", "macro"):
            values = samples[row][average]
            none = samples.get("none" + stack)  # without it there is nothing to compare with
            to_none = "-" if none is None else _difference(values - none[average])
            cells += [f"{values[0]:.3f}", _interval(values[1:]), to_none]
        lines.append(tuple(cells))
    return lines


def _samples(runs: Sequence[dict[str, Any]]) -> dict[str, NDArray[np.float64]]:
    """F1, mean of the runs: over the documents as they are (first), then over each resampling of them."""
    drawn = [resample(np.array(run["counts"]), replicates=2000, seed=0) for run in runs]
    whole = [np.array(run["counts"], dtype=np.float64).sum(axis=0)[None] for run in runs]
    each = [averages(np.concatenate(both)) for both in zip(whole, drawn, strict=True)]
    return {name: np.mean([one[name][:, 2] for one in each], axis=0) for name in ("micro", "macro")}


def _averages(run: dict[str, Any]) -> dict[str, NDArray[np.float64]]:
    return averages(np.array(run["counts"], dtype=np.float64).sum(axis=0))


def _interval(values: NDArray[np.float64]) -> str:
    low, high = np.percentile(values, [2.5, 97.5])
    return f"{low:.3f}-{high:.3f}"


def _difference(values: NDArray[np.float64]) -> str:
    """In points, with its 95 % interval."""
    low, high = np.percentile(values[1:] * 100, [2.5, 97.5])
    return f"{values[0] * 100:+.1f} ({low:+.1f} to {high:+.1f})"


if __name__ == "__main__":
    main()
