"""Does active learning pay? `spanloop simulate` over real corpora, and the table of what came of it.

    OMP_NUM_THREADS=1 python benchmarks/active.py --results cells --sets wnut17 --strategies random,mnlp
    python benchmarks/active.py --table

Every cell (set, strategy, seed, budget) is a JSON file under ``benchmarks/results/active``; a run that was
stopped goes on, and cells that another code has made are never mixed (``--results`` names another folder).
``--join`` makes one text of the sentences of each document, for strategies that ask below the document, such
as ``mnlp@sentences``; its cells lie in a folder of their own. ``--table`` plays nothing: it writes
``benchmarks/active.md`` of all cells that are there, each set by itself.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from common import arguments, corpus, keep

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.active_learning.cost import DEFAULT
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.simulation.cells import Cell, differing, read_cell
from spanloop.recipes.simulation.compared import (
    CHANCE,
    Area,
    Height,
    Interval,
    Reached,
    areas,
    heights,
    reached,
)
from spanloop.recipes.simulation.simulate import simulate
from spanloop.recipes.table import markdown_table
from spanloop.store.records import Task

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "active"
PAGE = HERE / "active.md"
SETS: dict[str, Task] = {
    "wnut17": "spans",
    "ncbi_disease": "spans",
    "wikigold": "spans",
    "ud_en_chunks": "spans",
    "ud_en_ewt": "tags",
}
BUDGETS = "0.02,0.05,0.1,0.2,0.4,1"
SETTINGS = TrainConfig(fast=True)


def main() -> None:
    options = _options()
    if options.table:
        PAGE.write_text(page(options.results), encoding="utf-8")
        print(f"{PAGE} written")
        return
    try:
        keep(options, played(options))
    except (RecipeError, argparse.ArgumentTypeError) as error:
        raise SystemExit(f"active.py: {error}") from None


def played(options: argparse.Namespace) -> list[Any]:
    """The report of every set, printed as soon as it is there."""
    rows = []
    for name in options.sets.split(","):
        folder = corpus("train.jsonl")(name)
        files = [folder / part for part in ("train.jsonl", "test.jsonl") if (folder / part).exists()]
        if options.join:
            name = f"{name}_joined"
            files = [joined(file, options.results / f"{name}_files" / file.name) for file in files]
        report = simulate(
            files[:1],
            eval_files=files[1:],
            strategies=options.strategies.split(","),
            budget_tokens=[float(budget) for budget in options.budgets.split(",")],
            seeds=options.seeds,
            seed=options.seed,
            task=SETS[name.removesuffix("_joined")],
            config=SETTINGS,
            name=name,
            results=options.results / name,
        )
        print(f"== {name}\n{report.text()}\n", flush=True)
        rows.append(report.json())
    return rows


def joined(source: Path, target: Path) -> Path:
    """A file of the same sentences, those of one document as one text with a blank between them."""
    documents: dict[str, dict[str, Any]] = {}
    for line in source.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        whole = documents.setdefault(row["doc"], {"id": row["doc"], "text": "", "spans": []})
        offset = len(whole["text"]) + bool(whole["text"])
        whole["text"] = f"{whole['text']} {row['text']}".lstrip()
        whole["spans"] += [
            {**span, "start": span["start"] + offset, "end": span["end"] + offset} for span in row["spans"]
        ]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(json.dumps(one) + "\n" for one in documents.values()), encoding="utf-8")
    return target


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--sets", default=",".join(SETS), help="parted by commas (all)")
    parser.add_argument("--strategies", default="random,mnlp", help="parted by commas (random,mnlp)")
    parser.add_argument("--budgets", default=BUDGETS, help=f"shares of the pool's tokens ({BUDGETS})")
    parser.add_argument("--seeds", type=int, default=3, help="how many (3)")
    parser.add_argument("--seed", type=int, default=0, help="the first (0)")
    parser.add_argument("--join", action="store_true", help="one text of the sentences of a document")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the cells")
    parser.add_argument("--table", action="store_true", help="write benchmarks/active.md and play nothing")
    options = parser.parse_args()
    unknown = [name for name in options.sets.split(",") if name not in SETS]
    if unknown:
        parser.error(f"there is no set {unknown[0]!r}; there are {', '.join(SETS)}")
    return options


def page(results: Path) -> str:
    """The page of all cells that lie there."""
    parts = [HEAD]
    for name in SETS:
        for folder in (name, f"{name}/rechecked", f"{name}_joined", f"{name}/screened"):
            cells = [read_cell(path) for path in sorted((results / folder).glob("*.json"))]
            parts += [section(folder, group) for group in sorted(alike(cells), key=_seeds, reverse=True)]
    if len(parts) == 1:
        parts.append("No cell lies there yet: nothing is claimed here.")
    return "\n\n".join(parts) + "\n"


def alike(cells: Sequence[Cell]) -> Iterator[list[Cell]]:
    """The cells that were made by the same code, in the order of strategies, seeds and budgets."""
    left = sorted(cells, key=lambda c: (c.strategy != "random", c.strategy, c.seed, c.budget))
    while left:
        first = left[0]
        same = [cell for cell in left if not differing(cell.made_by, first.made_by, ("earlier",))]
        left = [cell for cell in left if cell not in same]
        yield same


def _seeds(cells: Sequence[Cell]) -> int:
    """How many seeds the strategy has that has fewest."""
    return min(Counter(strategy for strategy, _ in {(c.strategy, c.seed) for c in cells}).values())


def section(folder: str, cells: Sequence[Cell]) -> str:
    """What the cells of one folder and one code say."""
    made_by = cells[0].made_by
    libraries = ", ".join(f"{library} {version}" for library, version in made_by.libraries.items())
    name = folder.partition("/")[0].removesuffix("_joined")
    micro = "accuracy" if SETS[name] == "tags" else "micro F1"
    told = folder.replace("_joined", ", one text of the sentences of a document").replace("/", ", ")
    found = reached(cells)
    return "\n\n".join(
        (
            f"## {told}",
            f"A pool of {cells[0].pool.tokens:,.0f} tokens. Code `{made_by.code}`, settings "
            f"`{json.dumps(made_by.settings)}`, on {made_by.device}, {libraries}.",
            _areas(areas(cells), micro),
            f"Tokens read until {micro} was what random came to at a budget, as a share of those of random:",
            _shares([one for one in found if one.figure == "micro"], lambda one: one.tokens_of_random),
            "The same for macro F1:",
            _shares([one for one in found if one.figure == "macro"], lambda one: one.tokens_of_random),
            f"A person's seconds until {micro} was there, as a share of those that random took:",
            _shares([one for one in found if one.figure == "micro"], lambda one: one.seconds_of_random),
            f"{micro} / macro F1 at each budget:",
            _by_budget(heights(cells), lambda h: f"{h.micro:.3f} / {h.macro:.3f}"),
            "Actions, and hours at the default pace:",
            _by_budget(heights(cells), lambda h: f"{h.cost.actions:,.0f}, {h.cost.seconds / 3600:.1f} h"),
        )
    )


def _areas(found: Sequence[Area], micro: str) -> str:
    """How high the curves lie, against random."""
    named = {"micro": micro, "macro": "macro F1"}
    head = ["strategy", "seeds", *(f"{name}: points above random (95 %)" for name in named.values())]
    rows = []
    for strategy in dict.fromkeys(a.strategy for a in found):
        by_figure = {a.figure: a for a in found if a.strategy == strategy}
        rows.append(
            (
                strategy,
                by_figure["micro"].seeds,
                *(
                    _points(a.less_random) or f"(itself: {a.area.text()})"
                    for a in (by_figure[figure] for figure in named)
                ),
            )
        )
    return markdown_table(head, rows)


def _shares(found: Sequence[Reached], share: Callable[[Reached], Interval | None]) -> str:
    """A row a strategy, a column an aim."""
    aims = list(dict.fromkeys(one.aim for one in found))
    rows = []
    for strategy in dict.fromkeys(one.strategy for one in found if one.strategy != CHANCE):
        by_aim = {one.aim: one for one in found if one.strategy == strategy}
        rows.append((strategy, *(_share(by_aim.get(aim), share) for aim in aims)))
    return markdown_table(["strategy", *aims], rows)


def _share(one: Reached | None, share: Callable[[Reached], Interval | None]) -> str:
    """The share and how many seeds came there."""
    if one is None:
        return ""
    told = share(one)
    if told is None:
        return f"{one.reached} of {one.seeds} came there"
    missing = "" if one.reached == one.seeds else f", {one.reached} of {one.seeds}"
    return told.text(2) + missing


def _by_budget(found: Sequence[Height], told: Callable[[Height], str]) -> str:
    """A row a strategy, a column a budget."""
    budgets = sorted({height.budget for height in found})
    rows = []
    for strategy in dict.fromkeys(height.strategy for height in found):
        by_budget = {height.budget: height for height in found if height.strategy == strategy}
        cells = (by_budget.get(budget) for budget in budgets)
        rows.append((strategy, *("" if height is None else told(height) for height in cells)))
    return markdown_table(["strategy", *(f"{budget:g}" for budget in budgets)], rows)


def _points(interval: Interval | None) -> str:
    if interval is None:
        return ""
    low, high = (None if end is None else 100 * end for end in (interval.low, interval.high))
    return Interval(100 * interval.mean, low, high).text(1, "+")


HEAD = f"""# Does active learning pay? Measured

```
OMP_NUM_THREADS=1 python benchmarks/active.py --results cells
python benchmarks/active.py --table
```

Made by the second command of the cells in `benchmarks/results/active`: `spanloop simulate` with `--fast`,
the gold in the person's place, scored on the test split (wikigold has none: on a fifth of it). What the
columns mean: [docs/active-learning.md](../docs/active-learning.md). Seconds are reckoned by the default
pace ({DEFAULT.text().partition(" (")[0]}).

*Points above random*: the mean height of the curve over the logarithm of the tokens, less that of random,
seed by seed. Intervals are Student's t over seeds: with one seed there is none, and a difference of one seed
is a draw. Between two budgets a straight line stands for what was not played. Budgets are shares of the
pool's tokens. *Screened*: by older code, to choose what all seeds were played with. *Rechecked*: the default,
whose dropout has changed since, by the code of today."""


if __name__ == "__main__":
    main()
