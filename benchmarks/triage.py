"""Does the bound of `spanloop triage` hold, and what does it free?

    python benchmarks/triage.py wnut17 ncbi_disease wikigold

Replays the stored predictions of one trained model a set (`stored_predictions.py` makes them): of all
documents that it never learned from, some are drawn by chance and count as answered, the others wait. What
would be accepted is compared with the truth. A document is wrong when any span of it is. One JSON file a set
and number of answers under ``benchmarks/results/triage``; one that is there is not replayed again. Prints a
table.
"""

from __future__ import annotations

import argparse
import json
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
from common import arguments, keep
from numpy.typing import NDArray
from stored_predictions import cells

from spanloop.recipes.active_learning.bound import certify
from spanloop.recipes.table import table

RESULTS = Path(__file__).parent / "results" / "triage"
ERRORS = (0.02, 0.05, 0.1, 0.15)
ANSWERS = (200, 400, 800)
CONFIDENCE = 0.95
MODELS = {"wnut17": 1000, "ncbi_disease": 800, "wikigold": 600}
"""Documents that the model of each set learned from."""


def main() -> None:
    options = _options()
    RESULTS.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in options.sets:
        [cell] = [one for one in cells(name, 0) if one["size"] == MODELS[name]]
        sure, wrong = documents(cell)
        for answers in ANSWERS:
            if answers > len(sure) / 2:
                continue
            path = RESULTS / f"{name}-{answers}.json"
            if not path.exists():
                found = {str(most): replay(sure, wrong, answers, most, options.replays) for most in ERRORS}
                told = {"set": name, "f1": cell["f1"], "documents": len(sure), "wrong": float(wrong.mean())}
                kept = told | {"answers": answers, "confidence": CONFIDENCE, "found": found}
                path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            rows += _rows(json.loads(path.read_text(encoding="utf-8")))
    head = (
        "set",
        "F1",
        "documents wrong",
        "random answers",
        "max error",
        "bound held",
        "freed: mean",
        "10 %",
        "90 %",
    )
    print(table(head, rows, right=range(1, 9)))
    keep(options, rows)


def documents(cell: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of each unseen document how sure the model is, as `spanloop triage` has it, and whether it is wrong."""
    rows = cell["pool"] + cell["test"]
    sure = np.array([exp(-row[1] / max(row[0], 1)) for row in rows])
    return sure, np.array([sum(row[5]) + sum(row[6]) > 0 for row in rows])


def replay(
    sure: NDArray[np.float64], wrong: NDArray[np.bool_], answers: int, max_error: float, replays: int
) -> dict[str, Any]:
    """So many draws: in how many the accepted documents hold the bound, and which share was accepted."""
    rng = np.random.default_rng(0)
    freed, held = [], 0
    for _ in range(replays):
        order = rng.permutation(len(sure))
        drawn, rest = order[:answers], order[answers:]
        sample = list(zip(sure[drawn].tolist(), (~wrong[drawn]).tolist(), strict=True))
        found = certify(sample, sure[rest].tolist(), max_error, CONFIDENCE)
        accepted = rest[sure[rest] >= found.threshold] if found.threshold is not None else rest[:0]
        held += not len(accepted) or bool(wrong[accepted].mean() <= max_error)
        freed.append(round(len(accepted) / len(rest), 4))
    return {"replays": replays, "held": held, "freed": freed}


def _rows(kept: dict[str, Any]) -> list[tuple[object, ...]]:
    return [
        (
            kept["set"], f"{kept['f1']:.3f}", f"{kept['wrong']:.0%}", kept["answers"], f"{float(most):.0%}",
            f"{found['held']} of {found['replays']}", f"{np.mean(found['freed']):.1%}",
            *(f"{np.quantile(found['freed'], q):.0%}" for q in (0.1, 0.9)),
        )
        for most, found in kept["found"].items()
    ]  # fmt: skip


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("sets", nargs="+", choices=list(MODELS), help="sets with stored predictions")
    parser.add_argument("--replays", type=int, default=200, help="draws of the answers")
    return parser.parse_args()


if __name__ == "__main__":
    main()
