"""What does it cost to stop where `spanloop status` says that you may, and what does it save?

    python benchmarks/stopping.py wikigold ncbi_disease wnut17

Replays stored predictions of models of rising size (`stored_predictions.py` makes them). In each replay half
of the test documents, drawn anew, are the eval split whose scores the advice sees, of the models of one seed,
drawn too: a project's rounds learn from one stream of documents. What F1 really is say all test documents, as
the mean over the models of all seeds: on half of them, or by one model, it is not known to the point that
stopping may cost. The advice is asked at each size from
the third on, with all documents up to the largest size waiting; where it first says *you may stop*, F1 there
is compared with F1 at the largest size. *Could be*: what is saved by whoever knows the true F1 of every size
and takes the first that is within a point of the largest. One JSON file a set under
``benchmarks/results/stopping``. Prints a table.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from common import arguments, keep
from numpy.typing import NDArray
from stored_predictions import cells

from spanloop.plugin.metrics.intervals import averages, resample
from spanloop.recipes.active_learning.stopping import LITTLE, Scored, kappa, learning_curve, may_stop
from spanloop.recipes.table import table

RESULTS = Path(__file__).parent / "results" / "stopping"
SEEDS = (0, 1, 2)
Counts = NDArray[np.float64]


def main() -> None:
    options = _options()
    RESULTS.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in options.sets:
        found = replay_set(name, options.replays)
        (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        lost = np.array([one["lost"] for one in found["replays"]])
        saved, could = (
            np.array([one[what] for one in found["replays"]]) for what in ("saved", "could be saved")
        )
        rows.append(
            (
                name, ", ".join(map(str, found["sizes"])), f"{(saved > 0).mean():.0%}", f"{saved.mean():.0%}",
                f"{could.mean():.0%}",
                f"{100 * lost.mean():+.1f}", f"{100 * np.quantile(lost, 0.95):+.1f}",
                f"{(lost <= 0.01).mean():.0%}",
            )
        )  # fmt: skip
    head = (
        "set",
        "documents",
        "stopped early",
        "labels saved",
        "could be",
        "points lost",
        "95 %",
        "lost at most 1",
    )
    print(table(head, rows, right=range(2, 8)))
    keep(options, rows)


def replay_set(name: str, replays: int) -> dict[str, Any]:
    """Every replay of one set: what stopping where it was advised lost of F1, and which share it saved."""
    by_size: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for seed in SEEDS:
        for cell in cells(name, seed):
            by_size[cell["size"]].append(cell)
    sizes = sorted(by_size)
    counts = {size: [_counts(cell) for cell in by_size[size]] for size in sizes}
    agreed = [_agreement(by_size[a][0], by_size[b][0]) for a, b in itertools.pairwise(sizes)]
    rng = np.random.default_rng(0)
    played = [_play(by_size, counts, sizes, rng) for _ in range(replays)]
    return {"set": name, "sizes": sizes, "kappa": agreed, "replays": played}


def _counts(cell: dict[str, Any]) -> Counts:
    """Right, wrong and missed spans: documents x labels x 3."""
    return np.array([np.transpose(row[4:7]) for row in cell["test"]], dtype=np.float64)


def _agreement(first: dict[str, Any], second: dict[str, Any]) -> float | None:
    """Kappa of two models on the same unseen documents; None where they watched others."""
    if len(first["pool"]) != len(second["pool"]):
        return None
    found = kappa("".join(first["watched"]), "".join(second["watched"]))
    return None if found is None else round(found, 4)


def _play(
    by_size: dict[int, list[dict[str, Any]]],
    counts: dict[int, list[Counts]],
    sizes: list[int],
    rng: np.random.Generator,
) -> dict[str, float]:
    seed = rng.choice(sorted({cell["seed"] for cell in by_size[sizes[-1]]}))
    places = {size: [cell["seed"] for cell in by_size[size]] for size in sizes}
    own = {size: seeds.index(seed) for size, seeds in places.items() if seed in seeds}
    documents = len(counts[sizes[0]][0])
    seen = rng.permutation(documents)[: documents // 2]
    tokens = {size: by_size[size][place]["tokens"] for size, place in own.items()}
    rounds: list[Scored] = []
    stopped = sizes[-1]
    for size, place in own.items():
        rounds.append(_scored(tokens[size], counts[size][place][seen]))
        if may_stop(learning_curve(rounds), tokens[sizes[-1]] - tokens[size]):
            stopped = size
            break
    true = {size: float(np.mean([_f1(one) for one in counts[size]])) for size in sizes}
    enough = next(size for size in own if true[size] >= true[sizes[-1]] - LITTLE)
    saved, could = (round(1 - tokens[size] / tokens[sizes[-1]], 4) for size in (stopped, enough))
    lost = round(true[sizes[-1]] - true[stopped], 4)
    return {"stopped": stopped, "lost": lost, "saved": saved, "could be saved": could}


def _scored(tokens: float, counts: Counts) -> Scored:
    drawn = averages(resample(counts, replicates=200, seed=0))["micro"][:, 2]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Scored(tokens, _f1(counts), float(low), float(high))


def _f1(counts: Counts) -> float:
    return float(averages(counts.sum(axis=0))["micro"][2])


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("sets", nargs="+", help="sets with stored predictions")
    parser.add_argument("--replays", type=int, default=200, help="draws of the eval split")
    return parser.parse_args()


if __name__ == "__main__":
    main()
