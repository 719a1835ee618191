"""How fast a round trains, and at what F1: our loop beside a plain HF Trainer script, interleaved.

    python benchmarks/training.py ../shared/data [--seeds 3] [--corpora wnut17 ncbi_disease:500]

``plain`` is the script of the tutorials: batches of 16 in random order, padded to the longest, fp32, AdamW,
5e-5 or what ``--plain-lr`` says, linear decay, first wordpiece labelled. The rows after it change one thing
at a time. Every row trains on the same documents and is scored by the same strict seqeval; seconds are
those of training alone. Run it on a machine that does nothing else, or compare the pairs of one seed only.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import spacy
import torch
from corpora import evaluate, labels_of, pipeline, read
from transformers import (
    DataCollatorForTokenClassification,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from spanloop.plugin.gold import Gold
from spanloop.plugin.lessons import lessons_of, windows_of
from spanloop.plugin.train import TrainConfig, train

OURS = {
    "spanloop": {},
    "spanloop, no weights": {"class_weights": "none"},
    "spanloop, embeddings frozen": {"freeze": "embeddings"},
    "spanloop, half frozen": {"freeze": "half"},
    "spanloop, fp32": {"bf16": False},
}


@dataclass(frozen=True)
class Run:
    """One training: seconds of it, and the strict scores after it."""

    seconds: float
    micro: float
    macro: float


def main() -> None:
    options = _options()
    for corpus in options.corpora:
        name, _, limit = corpus.partition(":")
        blank = spacy.blank("en")
        golds = read(blank, options.data / name / "train.jsonl", int(limit) if limit else None)
        test = read(blank, options.data / name / "test.jsonl")
        runs: dict[str, list[Run]] = {}
        for seed in range(options.seeds):
            for row in ("plain", *options.rows):
                run = _run(row, golds, test, seed, options)
                runs.setdefault(row, []).append(run)
                print(
                    f"{corpus:18} seed {seed} {row:28} {run.seconds:7.1f} s {run.micro:.3f} {run.macro:.3f}",
                    flush=True,
                )
        print(_table(corpus, runs), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="the folder of the corpora")
    parser.add_argument("--corpora", nargs="*", default=["wnut17", "ncbi_disease:500"])
    parser.add_argument("--rows", nargs="*", default=list(OURS), choices=list(OURS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--plain-lr", type=float, default=1e-4)
    return parser.parse_args()


def _run(
    row: str, golds: Sequence[Gold], test: Sequence[Gold], seed: int, options: argparse.Namespace
) -> Run:
    pipe: Any = pipeline("en", "offline", labels_of(golds), seed=seed).get_pipe("hf_token_classifier")
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        if row == "plain":
            _plain(pipe, golds, seed, options, folder)
        else:
            config = TrainConfig(epochs=options.epochs, seed=seed, held_out=0.0, **OURS[row])
            train(pipe, golds, config, folder=Path(folder))
    seconds = time.perf_counter() - begin
    scores = evaluate(pipe, test)
    return Run(seconds, scores.micro.f1, scores.macro.f1)


def _plain(pipe: Any, golds: Sequence[Gold], seed: int, options: argparse.Namespace, folder: str) -> None:
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


def _table(corpus: str, runs: dict[str, list[Run]]) -> str:
    plain = runs["plain"]
    lines = [
        f"\n{corpus}: mean of {len(plain)} seeds",
        f"{'':28} {'seconds':>8} {'faster':>7} {'micro F1':>14} {'macro F1':>14}",
    ]
    for row, found in runs.items():
        faster = mean(p.seconds / run.seconds for p, run in zip(plain, found, strict=True))
        lines.append(
            f"{row:28} {mean(run.seconds for run in found):8.1f} {faster:6.1f}x "
            f"{_spread([run.micro for run in found])} {_spread([run.macro for run in found])}"
        )
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.3f} ±{stdev(values) if len(values) > 1 else 0:.3f}".rjust(14)


if __name__ == "__main__":
    main()
