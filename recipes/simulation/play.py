"""One strategy with one seed, from budget to budget: the live loop, the gold in the person's place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.recipes.active_learning.cost import Cost, Pace
from spanloop.recipes.active_learning.outlook import AnswerCost, answer_costs
from spanloop.recipes.active_learning.parts import base_of
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress
from spanloop.recipes.report import plain
from spanloop.recipes.simulation.answers import simulate_reading
from spanloop.recipes.simulation.cells import Cell, Cells, MadeBy, made_by
from spanloop.recipes.simulation.corpus import Corpus, Truth, begin, pool_lengths, truth_of
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.training.report import RoundReport
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store
from spanloop.store.records import Score
from spanloop.store.tables.unlearned import unlearned

if TYPE_CHECKING:
    from spanloop.plugin.training.config import TrainConfig

FILE = "p.db"
MARK = "made_by.json"


@dataclass(frozen=True, slots=True)
class Play:
    """What all strategies and seeds of a simulation share."""

    corpus: Corpus
    budgets: Sequence[float]
    config: TrainConfig
    pace: Pace
    cells: Cells
    work: Path
    """A folder for the projects."""
    progress: Progress

    def run(self, strategy: str, seed: int) -> list[Cell]:
        """The cells of a strategy and a seed, those that are there already as they are."""
        found = [self._known(strategy, seed, place) for place in range(len(self.budgets))]
        if None in found:
            db = self._project(strategy, seed)
            truth = truth_of(self.corpus, db)
            for place, cell in enumerate(found):
                if cell is None or not self._stands(db, place):
                    found[place] = self._cell(db, truth, strategy, seed, place)
            shutil.rmtree(db.parent)
        return [cell for cell in found if cell is not None]

    def clear(self) -> None:
        """Throw the projects away: everything was played."""
        shutil.rmtree(self.work, ignore_errors=True)

    def _known(self, strategy: str, seed: int, place: int) -> Cell | None:
        decided = self._made_by(place)
        return self.cells.get(self.corpus.name, strategy, seed, self.budgets[place], decided)

    def _stands(self, db: Path, place: int) -> bool:
        """Whether the project has answered as much: one that was made anew has to begin before."""
        with Store.open(db) as store:
            lengths = pool_lengths(store)
            return _read(store) >= target_tokens(self.budgets[place], sum(lengths.values()))

    def _made_by(self, place: int) -> MadeBy:
        return made_by(self.corpus.digest, settings_of(self.config), self.budgets[:place])

    def _project(self, strategy: str, seed: int) -> Path:
        """The project of a strategy: a copy of the first round, which is drawn at random and the same for all
        strategies of a seed; or as a run that was stopped has left it."""
        folder = self.work / f"{self.corpus.name}-{strategy}-{seed}"
        mark, first_mark = (json.dumps(plain(self._made_by(n))) for n in (len(self.budgets), 1))
        if _left_by(folder) != mark:
            shutil.rmtree(folder, ignore_errors=True)
            first = self.work / f"{self.corpus.name}-first-{seed}"
            if _left_by(first) != first_mark:
                shutil.rmtree(first, ignore_errors=True)
                first.mkdir(parents=True)
                self._first_round(first / FILE, seed)
                (first / MARK).write_text(first_mark, "utf-8")
            part = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(first, part)
            (part / MARK).write_text(mark, "utf-8")
            part.rename(folder)
        return folder / FILE

    def _first_round(self, db: Path, seed: int) -> None:
        truth = begin(self.corpus, db, seed)
        with Store.open(db) as store:
            lengths = pool_lengths(store)
            target = target_tokens(self.budgets[0], sum(lengths.values()))
            simulate_reading(store, truth, lengths, target, strategy="random")
        self._train(db)

    def _cell(self, db: Path, truth: Truth, strategy: str, seed: int, place: int) -> Cell:
        """Ask and answer up to the budget, train, and keep what came of it."""
        with Store.open(db) as store:
            lengths = pool_lengths(store)
            pool = sum(lengths.values())
            read = _read(store)
        target = target_tokens(self.budgets[place], pool)
        if read < target:
            prelabel(db, strategy=strategy, open_only=True, progress=self.progress)
            with Store.open(db) as store:
                read += simulate_reading(store, truth, lengths, target - read)
        decided = self._made_by(place)
        whole = base_of(strategy)[1] == "documents" and read >= pool
        same = self.cells.whole(self.corpus.name, seed, decided) if whole else None
        seconds = 0.0 if same else self._train(db)
        with Store.open(db) as store:
            cell = self._written(store, strategy, seed, place, float(pool), seconds, same)
        self.cells.add(cell)
        return cell

    def _train(self, db: Path) -> float:
        """The next round, unless the last one has learned all; how long it took."""
        with Store.open(db) as store:
            done = [row.number for row in store.rounds.all() if row.state == "done"]
            if done and not unlearned(store, done[-1]):
                return 0.0
        report = retrain(db, self.config, promote="yes", progress=self.progress)
        if not isinstance(report, RoundReport):
            raise RecipeError(report.reason)
        with Store.open(db) as store:  # a pipeline is as large as its encoder, and nobody asks the old ones
            for row in store.rounds.all():
                if row.state == "done" and not row.promoted and store.rounds_folder.holds(row):
                    store.rounds.prune(row.number, scores=True)
                    store.rounds_folder.remove(row)
        return report.seconds

    def _written(
        self,
        store: Store,
        strategy: str,
        seed: int,
        place: int,
        pool: float,
        seconds: float,
        same: Cell | None,
    ) -> Cell:
        golds = list(store.annotations.gold(split="pool"))
        answered = _costs(store)
        tokens, presses = sum(a.tokens for a in answered), sum(a.actions for a in answered)
        micro, macro, labels = (same.micro, same.macro, same.labels) if same else scores_of(store)
        return Cell(
            corpus=self.corpus.name,
            strategy=strategy,
            seed=seed,
            budget=self.budgets[place],
            documents=len(golds),
            spans=sum(len(gold.spans) for gold in golds),
            cost=self.pace.cost(tokens, presses, len(answered)),
            pool=Cost(tokens=pool),
            micro=micro,
            macro=macro,
            labels=labels,
            training_seconds=round(seconds, 1),
            made_by=self._made_by(place),
        )


def target_tokens(budget: float, pool: int) -> int:
    """How many tokens a budget is: up to 1 a share of those of the pool."""
    return min(round(budget * pool) if budget <= 1 else round(budget), pool)


def settings_of(config: TrainConfig) -> dict[str, Any]:
    """The settings that are not as they are by default."""
    usual = type(config)()
    return {
        field.name: getattr(config, field.name)
        for field in fields(config)
        if getattr(config, field.name) != getattr(usual, field.name)
    }


def scores_of(store: Store) -> tuple[float, float, dict[str, float]]:
    """The headline of the last round (micro F1, of tags accuracy), macro F1, and F1 by label."""
    last = [row.number for row in store.rounds.all() if row.state == "done"][-1]
    scores = store.rounds.scores(last, "eval")

    def f1(wanted: tuple[str, str | None]) -> float:
        found = (s for s in scores if (s.metric, s.average) == wanted and s.label is None)
        return next((s.f1 or 0.0 for s in found), 0.0)

    headline = ("accuracy", None) if store.project.task == "tags" else ("strict", "micro")
    labels = {s.label: s.f1 or 0.0 for s in scores if _of_label(s)}
    return f1(headline), f1(("strict", "macro")), {str(label): value for label, value in labels.items()}


def _of_label(score: Score) -> bool:
    return score.metric == "strict" and score.label is not None and score.support > 0


def _read(store: Store) -> int:
    """The tokens that have been read for all answers."""
    return sum(one.tokens for one in _costs(store))


def _costs(store: Store) -> list[AnswerCost]:
    """What each answer to the pool took; a document that was asked in parts may have several."""
    return answer_costs(
        store,
        [
            annotation.id
            for gold in store.annotations.gold(split="pool")
            for annotation in store.annotations.history(gold.document.id)
        ],
    )


def _left_by(folder: Path) -> str | None:
    """What decided the project that lies there, None where there is none."""
    mark = folder / MARK
    return mark.read_text("utf-8") if mark.is_file() and (folder / FILE).is_file() else None
