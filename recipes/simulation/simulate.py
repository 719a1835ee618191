"""Would active learning pay on this corpus? Play the loop with its gold answers in the person's place."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from csv import writer
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.active_learning import registry
from spanloop.recipes.active_learning.cost import DEFAULT, Pace
from spanloop.recipes.active_learning.outlook import project_pace
from spanloop.recipes.calls.ranges import Budget, FromOne, SeedNumber
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.how_read import HowRead
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report
from spanloop.recipes.simulation.cells import Cell, Cells
from spanloop.recipes.simulation.compared import Area, Height, Reached, areas, heights, reached
from spanloop.recipes.simulation.corpus import Corpus, OfFiles, OfProject
from spanloop.recipes.simulation.picture import picture as draw
from spanloop.recipes.simulation.play import Play
from spanloop.recipes.table import counted, figure, table
from spanloop.store import Store
from spanloop.store.files.atomic import write_whole
from spanloop.store.records import Task

if TYPE_CHECKING:
    from spanloop.plugin.training.config import TrainConfig

BUDGETS = (0.02, 0.05, 0.1, 0.2, 0.4, 1.0)


@dataclass(frozen=True, slots=True)
class Simulated(Report):
    """The loop with the gold in the person's place."""

    corpus: str
    """What the results are called."""
    task: Task
    """Spans, or one tag a token."""
    pace: Pace
    """What the seconds are reckoned by."""
    left_out: Count
    """Gold documents of a project that were answered in part, and cannot play."""
    cells: tuple[Cell, ...]
    """What each strategy came to with each seed and budget."""
    heights: tuple[Height, ...]
    """The means over seeds."""
    areas: tuple[Area, ...]
    """What each curve comes to as one number."""
    reached: tuple[Reached, ...]
    """What it cost to come to a figure."""

    def text(self) -> str:
        headline = "accuracy" if self.task == "tags" else "micro F1"
        rows = [
            (h.strategy, f"{h.budget:g}", h.seeds, f"{h.documents:,.0f}", *_spent(h), *_f1(h))
            for h in self.heights
        ]
        head = (
            "strategy",
            "budget",
            "seeds",
            "documents",
            "tokens",
            "actions",
            "minutes",
            headline,
            "macro F1",
        )
        parts = [table(head, rows, right=range(1, 9)), self._areas_text(headline)]
        if self.reached:
            parts.append(self._reached_text(headline))
        left = f" {counted(self.left_out, 'document')} answered in part left out." if self.left_out else ""
        parts.append(
            f"The gold answered in the person's place (origin simulated); tokens, actions and minutes are "
            f"those of all answers so far.{left} Seconds: {self.pace.text()}."
        )
        return "\n\n".join(parts)

    def _areas_text(self, headline: str) -> str:
        named = {"micro": headline, "macro": "macro F1"}
        rows = [
            (
                a.strategy,
                named[a.figure],
                a.seeds,
                a.area.text(),
                a.less_random.text(sign="+") if a.less_random else "",
            )
            for a in self.areas
        ]
        head = (
            "strategy",
            "mean height",
            "seeds",
            "over log tokens (95 %)",
            "less random, seed by seed (95 %)",
        )
        return table(head, rows, right=(2,))

    def _reached_text(self, headline: str) -> str:
        named = {"micro": headline, "macro": "macro F1"}
        rows = [
            (
                r.strategy,
                named[r.figure],
                r.aim,
                f"{r.reached} of {r.seeds}",
                "-" if r.cost is None else r.cost.text(),
                "" if r.tokens_of_random is None else r.tokens_of_random.text(2),
                "" if r.seconds_of_random is None else r.seconds_of_random.text(2),
            )
            for r in self.reached
        ]
        head = (
            "strategy",
            "figure",
            "aim",
            "seeds there",
            "spent until then",
            "of the tokens of random",
            "of the seconds",
        )
        return table(head, rows)


def simulate(
    files: Sequence[str | Path] = (),
    *,
    from_db: str | Path | None = None,
    eval_files: Sequence[str | Path] = (),
    strategies: Sequence[str] = ("random", "bald_spans"),
    budget_tokens: Sequence[Budget] = BUDGETS,
    seeds: FromOne = 1,
    seed: SeedNumber = 0,
    model: str = "offline",
    lang: str = "en",
    task: Task = "spans",
    reading: HowRead | None = None,
    config: TrainConfig | None = None,
    name: str | None = None,
    results: str | Path | None = None,
    csv: str | Path | None = None,
    picture: str | Path | None = None,
    progress: Progress | None = None,
) -> Simulated:
    """Play the loop with known gold answering in the person's place: would active learning pay?

    All strategies of a seed begin with the same documents, drawn at random; at each budget a round is trained
    and scored, and asks for the next ones.

    Args:
        files: Files with gold.
        from_db: Instead of files a project, whose whole answers play.
        eval_files: Files to score on; none: the fifth of ``files`` that the hash of their groups draws.
        strategies: What to compare.
        budget_tokens: Tokens read by the end of each round, rising: up to 1 shares of the pool's tokens.
        seeds: How many times all is played, with as many seeds.
        seed: The first of them.
        model: The base model; this, ``lang`` and ``task`` are of files.
        lang: Language of the texts.
        task: ``spans``, or ``tags`` with one tag a token.
        reading: How the files are read, where they do not say it themselves.
        config: The settings, as of `retrain`, but for the seed.
        name: What the results are called; None: as the first file, or the project.
        results: A folder with a file for each strategy, seed and budget, by which a stopped run goes on.
        csv: Also write the cells as a table there.
        picture: Also draw the curves there, as SVG.
        progress: Called with how far it is.

    Returns:
        Every cell, and what follows from them.

    Raises:
        RecipeError: A file, strategy or budget is none, or results there were made by something else.
    """
    _check(strategies, budget_tokens)
    corpus, pace = _corpus(files, from_db, eval_files, task, lang, model, reading, name)
    every = range(seed, seed + seeds)
    found = _play(corpus, pace, strategies, budget_tokens, every, config, results, progress or silent)
    _write(found, corpus.task, csv, picture)
    left_out = corpus.left_out if isinstance(corpus, OfProject) else 0
    return simulated(corpus.name, corpus.task, pace, found, left_out)


def _write(cells: Sequence[Cell], task: Task, csv: str | Path | None, picture: str | Path | None) -> None:
    if csv is not None:
        write_whole(csv, as_csv(cells))
    if picture is not None:
        write_whole(picture, draw(cells, tags=task == "tags"))


def _play(
    corpus: Corpus,
    pace: Pace,
    strategies: Sequence[str],
    budgets: Sequence[float],
    seeds: Iterable[int],
    config: TrainConfig | None,
    results: str | Path | None,
    progress: Progress,
) -> list[Cell]:
    from spanloop.plugin.training.config import TrainConfig

    with ExitStack() as stack:
        if results is None:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="spanloop-")))
        else:
            work = Path(results) / ".projects"
        cells = Cells(None if results is None else Path(results))
        settings = replace(config or TrainConfig(), seed=None)
        play = Play(corpus, tuple(budgets), settings, pace, cells, work, progress)
        found = [cell for seed in seeds for strategy in strategies for cell in play.run(strategy, seed)]
        play.clear()
        return found


def simulated(name: str, task: Task, pace: Pace, cells: Sequence[Cell], left_out: int = 0) -> Simulated:
    """What follows from cells of one corpus."""
    return Simulated(name, task, pace, left_out, tuple(cells), heights(cells), areas(cells), reached(cells))


def as_csv(cells: Sequence[Cell]) -> str:
    """One line a cell."""
    file = io.StringIO()
    head = "corpus,strategy,seed,budget,documents,spans,tokens,actions,seconds,pool_tokens,micro,macro"
    lines = writer(file, lineterminator="\n")
    lines.writerow(head.split(","))
    for c in cells:
        spent = (round(c.cost.tokens), round(c.cost.actions), round(c.cost.seconds, 1), round(c.pool.tokens))
        lines.writerow(
            (c.corpus, c.strategy, c.seed, c.budget, c.documents, c.spans, *spent, c.micro, c.macro)
        )
    return file.getvalue()


def _check(strategies: Sequence[str], budgets: Sequence[float]) -> None:
    registry.check(strategies)
    if not budgets or sorted(set(budgets)) != list(budgets):
        raise RecipeError("the budgets must rise, e.g. 0.02,0.05,0.1,0.2,0.4,1 or 2000,5000,10000")
    if budgets[0] <= 1 < budgets[-1]:
        raise RecipeError(
            "the budgets are all shares of the pool's tokens, up to 1, or all numbers of tokens: "
            f"{budgets[0]:g} and {budgets[-1]:g} do not go together"
        )


def _corpus(
    files: Sequence[str | Path],
    from_db: str | Path | None,
    eval_files: Sequence[str | Path],
    task: Task,
    lang: str,
    model: str,
    reading: HowRead | None,
    name: str | None,
) -> tuple[Corpus, Pace]:
    if from_db is None:
        if not files:
            raise RecipeError("give files with gold, or a project: spanloop simulate --from-db DB")
        return OfFiles.read(name, files, eval_files, task, lang, model, reading), DEFAULT
    if files or eval_files or reading not in (None, HowRead()):
        raise RecipeError(
            "--from-db plays on the gold of a project: leave the files out, and how they are read"
        )
    corpus = OfProject.read(name, Path(from_db))
    with Store.open(from_db) as store:
        return corpus, project_pace(store)


def _spent(height: Height) -> tuple[str, str, str]:
    cost = height.cost
    return f"{cost.tokens:,.0f}", f"{cost.actions:,.0f}", f"{cost.seconds / 60:,.0f}"


def _f1(height: Height) -> tuple[str, str]:
    return figure(height.micro), figure(height.macro)
