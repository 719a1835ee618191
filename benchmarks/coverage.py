"""Do the 95 % intervals hold the truth 95 times in 100? Asked of real documents.

    python benchmarks/coverage.py PROJECT.db

The eval documents of a project, scored by its promoted round and the one before, stand for the whole world:
their F1 is the truth. Samples of 20 to 200 documents are drawn from them with replacement, 1,000 times each,
and the intervals that `retrain` would print for the sample are compared with that truth.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from common import arguments, keep, say

from spanloop.plugin.metrics.intervals import figures
from spanloop.plugin.metrics.score import ScoreReport
from spanloop.recipes.scoring.evaluate import evaluate
from spanloop.recipes.scoring.gate import compare
from spanloop.recipes.table import table
from spanloop.store import Store

SIZES = (20, 40, 80, 200)
EXPERIMENTS = 1000


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("db", type=Path, metavar="PROJECT.db", help="a project with at least two rounds")
    options = parser.parse_args()
    db: Path = options.db
    if not db.is_file():
        parser.error(f"there is no project {db}: rounds.py makes one")
    with Store.open(db) as store:
        done = [row.number for row in store.rounds.all() if row.state == "done"]
    if len(done) < 2:
        parser.error(f"{db} has {len(done)} finished rounds: two are compared")
    say(f"scoring the rounds {done[-2]} and {done[-1]} ...")
    new, old = (evaluate(db, round=number).report for number in (done[-1], done[-2]))
    truth, gain = new.micro.f1, compare(new, old).overall.gain
    print(f"{new.documents} documents, micro F1 {truth:.4f}, {gain:+.4f} against the round before")
    rows = []
    for size in SIZES:
        rng = np.random.default_rng(size)
        draws = [rng.integers(0, new.documents, size) for _ in range(EXPERIMENTS)]
        held = np.array([_holds(new, old, draw, truth, gain) for draw in draws])
        rows.append((size, *(f"{share:.1%}" for share in held.mean(axis=0))))
    head = ("documents", "F1", "difference")
    print(table(head, rows, right=(0, 1, 2)))
    keep(options, [dict(zip(head, row, strict=True)) for row in rows])


def _holds(
    new: ScoreReport, old: ScoreReport, draw: np.ndarray, truth: float, gain: float
) -> tuple[bool, bool]:
    """Whether the intervals over these documents hold the F1 and the difference over all."""
    names = tuple(new.labels)
    average, _ = figures(new.counts[draw], names, replicates=1000, seed=0)
    low, high = average["micro"].f1_low, average["micro"].f1_high
    parts = (replace(r, documents=len(draw), counts=r.counts[draw]) for r in (new, old))
    overall = compare(*parts).overall
    return low is not None and low <= truth <= (high or 0), overall.low <= gain <= overall.high


if __name__ == "__main__":
    main()
