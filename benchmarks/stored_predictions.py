"""Models of rising size, and what each says of documents that it never saw: what replays draw from.

    OMP_NUM_THREADS=1 python benchmarks/stored_predictions.py wnut17 ncbi_disease wikigold

Each set has its train documents in a random order (``--seeds``). The first of them are annotated, and a model
is trained on the first 100, 200, ... of these with the defaults of `retrain`; the others and the test split
are never trained on (``--sizes`` beyond 1,600 leave fewer others). Every model of one set, seed and size is a
cell, kept as one JSON file under
``benchmarks/results/stored_predictions``; a cell that has its file is not trained again, so this can be cut
short and started again, and several processes may share the work.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import arguments, corpus, keep, say

from spanloop.plugin.training.config import TrainConfig

if TYPE_CHECKING:
    from spanloop.plugin.tagging.gold import Gold

RESULTS = Path(__file__).parent / "results" / "stored_predictions"
SIZES = (100, 200, 300, 400, 600, 800, 1000, 1300, 1600)
UNSEEN = 2_000
"""Documents of the pool that no model of a set learns from, at most."""
WATCHED = 300
"""Of these, the ones whose tags are kept, to see how far the models of two sizes agree."""


@dataclass(frozen=True)
class Corpus:
    """One set: the train documents in the order of the seed, and those of the test."""

    name: str
    seed: int
    train: list[Gold]
    test: list[Gold]

    def pool(self, size: int) -> list[Gold]:
        """What no model of this size has learned from; the same for all up to the last of `SIZES`."""
        return self.train[max(size, min(SIZES[-1], len(self.train) - WATCHED)) :][:UNSEEN]

    @classmethod
    def read(cls, folder: Path, seed: int) -> Corpus:
        """The train split in the order of the seed. A set without a test split has one made of its last 500
        documents, the same for every seed."""
        import spacy
        from corpora import read

        blank = spacy.blank("en")
        golds = read(blank, folder / "train.jsonl", own_tokens=True)
        if (folder / "test.jsonl").is_file():
            test = read(blank, folder / "test.jsonl", own_tokens=True)
        else:
            random.Random(0).shuffle(golds)
            golds, test = golds[:-500], golds[-500:]
        random.Random(seed).shuffle(golds)
        return cls(folder.name, seed, golds, test)


def main() -> None:
    options = _options()
    RESULTS.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in options.seeds:
        for folder in options.sets:
            waiting = [size for size in options.sizes if not _file(folder.name, seed, size).exists()]
            found = Corpus.read(folder, seed) if waiting else None
            for size in waiting:
                if (
                    found is None
                    or size > len(found.train) - WATCHED
                    or _file(folder.name, seed, size).exists()
                ):
                    continue
                made = cell(found, size)
                text = json.dumps(made, separators=(",", ":"))
                _file(folder.name, seed, size).write_text(text + "\n", encoding="utf-8")
                rows.append({name: made[name] for name in ("set", "seed", "size", "f1", "seconds")})
                say(str(rows[-1]))
    keep(options, rows)


def _file(name: str, seed: int, size: int) -> Path:
    return RESULTS / f"{name}-{seed}-{size:04}.json"


def cells(name: str, seed: int) -> list[dict[str, Any]]:
    """The cells of one set and seed that are there, by rising size."""
    return [json.loads(path.read_text()) for path in sorted(RESULTS.glob(f"{name}-{seed}-*.json"))]


def cell(found: Corpus, size: int) -> dict[str, Any]:
    """Train on the first ``size`` documents and look at all that are unseen."""
    from corpora import labels_of, pipeline

    from spanloop.plugin.training.train import train

    labels = labels_of([*found.train, *found.test])
    pipe: Any = pipeline("en", "offline", labels, seed=found.seed).get_pipe("hf_token_classifier")
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        train(pipe, found.train[:size], TrainConfig(seed=found.seed), folder=Path(folder))
    seconds = time.process_time() - begin
    pool, tags = _look(pipe, found.pool(size), labels)
    test, _ = _look(pipe, found.test, labels)
    right, wrong, missed = (sum(sum(row[k]) for row in test) for k in (4, 5, 6))
    return {
        "set": found.name,
        "seed": found.seed,
        "size": size,
        "tokens": sum(len(gold.doc) for gold in found.train[:size]),
        "labels": labels,
        "seconds": round(seconds, 1),
        "f1": round(2 * right / max(2 * right + wrong + missed, 1), 4),
        "columns": ["tokens", "doubt", "doubt at the fitted temperature", "least sure span", *_COUNTS],
        "pool": pool,
        "test": test,
        "watched": tags[:WATCHED],
    }


_COUNTS = ("right by label", "wrong by label", "missed by label")


def _look(pipe: Any, golds: Sequence[Gold], labels: Sequence[str]) -> tuple[list[list[Any]], list[str]]:
    """One row a document, and its tags as a text of one character a token.

    The doubt is minus the logarithm of the probability that the most likely tag of every token is right."""
    rows, tags = [], []
    for gold, scores in zip(golds, pipe.predict([gold.doc for gold in golds]), strict=True):
        said = pipe.decode(scores)
        found = {span.key for span in said}
        truth = {span.key for span in gold.spans}
        counts = [
            [sum(label == key[2] for key in some) for label in labels]
            for some in (truth & found, found - truth, truth - found)
        ]
        doubts = [_doubt(scores.logprobs), _doubt(scores.calibrated(pipe.temperature))]
        least = min((span.score for span in said if span.score is not None), default=1.0)
        rows.append([len(scores), *doubts, round(float(least), 4), *counts])
        tags.append(
            "".join(chr(48 + int(tag)) for tag in scores.logprobs.argmax(axis=1)) if len(scores) else ""
        )
    return rows, tags


def _doubt(logprobs: Any) -> float:
    if not len(logprobs):
        return 0.0
    return float(f"{-logprobs.astype('float64').max(axis=1).sum():.4g}")


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("sets", nargs="+", type=corpus("train.jsonl"), help="corpora, by name or folder")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1], help="orders of the documents")
    parser.add_argument("--sizes", nargs="*", type=int, default=list(SIZES), help="documents learned from")
    return parser.parse_args()


if __name__ == "__main__":
    main()
