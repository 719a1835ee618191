"""Would active learning pay on this corpus? Play the loop with its gold answers in the person's place."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.active_learning import registry
from spanloop.recipes.calls.ranges import FromOne, SeedNumber
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.formats.entry import ReadOptions
from spanloop.recipes.formats.sources import sources
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.project.init import init
from spanloop.recipes.report import Count, Report, Shape
from spanloop.recipes.scoring.shapes import Figures
from spanloop.recipes.simulation.answers import simulate_answers
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.table import figure, interval, table
from spanloop.recipes.training.report import RoundReport
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store
from spanloop.store.records import Span, Task

if TYPE_CHECKING:
    from spanloop.plugin.training.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Step(Shape):
    """One round of one strategy."""

    strategy: str
    documents: Count
    """Documents that were annotated."""
    spans: Count
    """Spans in them: what the person would have had to look at."""
    micro: Figures
    macro: Figures


@dataclass(frozen=True, slots=True)
class Simulated(Report):
    """The loop with the gold in the person's place."""

    steps: tuple[Step, ...]
    """Every round of every strategy, in order."""

    def text(self) -> str:
        rows = [
            (s.strategy, s.documents, s.spans, figure(s.micro.f1), interval(s.micro), figure(s.macro.f1))
            for s in self.steps
        ]
        head = ("strategy", "documents", "spans", "micro F1", "95 %", "macro F1")
        note = "The gold of the files answered in the person's place (origin simulated)."
        return f"{table(head, rows, right=(1, 2, 3, 5))}\n\n{note}"


def simulate(
    files: Sequence[str | Path],
    *,
    eval_files: Sequence[str | Path] = (),
    strategies: Sequence[str] = ("random", "mnlp"),
    documents: Sequence[FromOne] = (50, 100, 200),
    model: str = "offline",
    lang: str = "en",
    task: Task = "spans",
    config: TrainConfig | None = None,
    seed: SeedNumber = 0,
    keep: str | Path | None = None,
    progress: Progress | None = None,
) -> Simulated:
    """Play the loop with the gold of files answering in the person's place: would active learning pay?

    For each strategy a project of its own: the first documents are drawn at random, the next ones asked for
    by the model trained on those, and so on; after each step a round, scored.

    Args:
        files: Files with gold.
        eval_files: Files to score on; none: the fifth of ``files`` that the hash of their groups draws.
        strategies: What to compare.
        documents: Annotated documents at each round, rising.
        model: The base model.
        lang: Language of the texts.
        task: ``spans``, or ``tags`` with one tag a token.
        config: The settings, as of `retrain`.
        seed: Of everything that is drawn.
        keep: A folder for the projects; None: they are thrown away.
        progress: Called with how far it is.

    Returns:
        The scores of each strategy at each step.

    Raises:
        RecipeError: A file cannot be read, a strategy is unknown, or the numbers of documents do not rise.
    """
    registry.check(strategies)
    if sorted(set(documents)) != list(documents):
        raise RecipeError("the numbers of documents must rise, e.g. 50,100,200")
    gold, labels = _read_gold([*files, *eval_files], task)
    steps: list[Step] = []
    with ExitStack() as stack:
        folder = (
            Path(keep) if keep else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="spanloop-")))
        )
        folder.mkdir(parents=True, exist_ok=True)
        for strategy in strategies:
            db = folder / f"{strategy}.db"
            fraction = 0.0 if eval_files else 0.2
            init(db, labels=labels, task=task, lang=lang, model=model, eval_fraction=fraction, seed=seed)
            import_files(db, files, as_="documents", split="pool" if eval_files else "auto")
            if eval_files:
                import_files(db, eval_files, as_="documents", split="eval")
            steps += _play(db, gold, strategy, documents, config, progress or silent)
    return Simulated(tuple(steps))


def _read_gold(files: Sequence[str | Path], task: Task) -> tuple[dict[str, tuple[Span, ...]], list[str]]:
    """The spans of every text, and their labels by frequency. RecipeError for an entry without spans."""
    gold: dict[str, tuple[Span, ...]] = {}
    counts: dict[str, int] = {}
    for source in sources(files):
        for entry in source.entries(ReadOptions(task=task)):
            if entry.spans is None:
                raise RecipeError(f"{source.shown}:{entry.line}: no gold spans, and a simulation needs them")
            gold[entry.text] = entry.spans
            for span in entry.spans:
                counts[span.label] = counts.get(span.label, 0) + 1
    if not counts:
        raise RecipeError("there is not one span in these files")
    return gold, sorted(counts, key=counts.__getitem__, reverse=True)


def _play(
    db: Path,
    by_text: dict[str, tuple[Span, ...]],
    strategy: str,
    documents: Sequence[int],
    config: TrainConfig | None,
    progress: Progress,
) -> list[Step]:
    steps = []
    with Store.open(db) as store:
        gold = {document.key: by_text[document.text] for document in store.documents.iterate()}
        simulate_answers(store, gold, len(gold), split="eval", strategy="random")
    for number, target in enumerate(documents):
        with Store.open(db) as store:
            missing = target - store.queue.counts("pool")["gold"]
            simulate_answers(store, gold, missing, strategy=strategy if number else "random")
        report = retrain(db, config, progress=progress)
        if not isinstance(report, RoundReport):
            raise RecipeError(report.reason)
        prelabel(db, strategy=strategy, progress=progress)
        scores = report.scores.report
        with Store.open(db) as store:
            answered = list(store.annotations.gold(split="pool"))
        steps.append(
            Step(
                strategy,
                len(answered),
                sum(len(g.spans) for g in answered),
                Figures.of(scores.micro),
                Figures.of(scores.macro),
            )
        )
    return steps
