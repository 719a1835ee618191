"""Every round on today's gold: the one way to compare figures of rounds that were scored at other times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.finite import NotFinite
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Report, Shape
from spanloop.recipes.scoring.evaluate import Evaluation, eval_gold, score
from spanloop.recipes.scoring.shapes import Scored
from spanloop.recipes.table import counted, figure, interval, table
from spanloop.store import Store, StoreError


@dataclass(frozen=True, slots=True)
class AllScored(Shape):
    """The figures of every round on today's gold of the eval split."""

    rounds: tuple[Scored, ...]
    """Every finished round that could be scored, the oldest first."""
    left_out: dict[str, str]
    """By the number of a finished round, why it could not be scored."""


@dataclass(frozen=True, slots=True)
class EvaluationOfAll(Report):
    """Every finished round on the same gold; ``left_out`` says by number why one could not be scored."""

    rounds: tuple[Evaluation, ...]
    left_out: dict[int, str]

    def shape(self) -> AllScored:
        return AllScored(
            tuple(one.shape() for one in self.rounds),
            {str(number): why for number, why in self.left_out.items()},
        )

    def text(self) -> str:
        lines = []
        if self.rounds:
            newest = self.rounds[-1]
            name = "accuracy" if newest.report.accuracy is not None else "micro F1"
            best = max(one.headline.f1 for one in self.rounds)
            rows = [
                (
                    one.round,
                    figure(one.headline.f1),
                    interval(one.headline),
                    figure(one.report.macro.f1),
                    "best" if one.headline.f1 == best else "",
                )
                for one in self.rounds
            ]
            lines = [
                f"{counted(len(rows), 'round')} on the same {newest.report.documents:,} documents of eval",
                table(("round", name, "95 %", "macro F1", ""), rows, right=(0, 1, 3)),
            ]
            if doubt := newest.doubt():
                lines.append(doubt)
        lines += [f"round {number} is left out: {why}" for number, why in self.left_out.items()]
        return "\n".join(lines)


def evaluate_all(db: str | Path, *, progress: Progress | None = None) -> EvaluationOfAll:
    """Score every finished round on today's gold of the eval split, and keep the figures beside those that
    each had on its day.

    Args:
        db: The project.
        progress: Told of each document and round.

    Returns:
        The figures of each round, and why one could not be scored.

    Raises:
        RecipeError: There is no round yet, or no gold in the eval split.
    """
    from spanloop.recipes.convert import score_rows
    from spanloop.recipes.suggest.pipelines import load_round

    with Store.open(db) as store:
        with store.reading():
            moment, golds, gold = store.moment(), eval_gold(store), store.eval_gold.now()
            done = [row for row in store.rounds.all() if row.state == "done"]
        if not done:
            raise RecipeError(f"no round has been trained yet: spanloop retrain {store.named}")
        found: list[Evaluation] = []
        left_out: dict[int, str] = {}
        for row in done:
            try:
                nlp = load_round(store, row.number)
                one = score(
                    moment, nlp, golds, round=row.number, labels=row.label_ids, progress=progress or silent
                )
            except (RecipeError, StoreError, ModelError, NotFinite) as error:
                left_out[row.number] = str(error)
                continue
            found.append(one)
            store.eval_gold.keep(row.number, gold, score_rows(one.report, "eval"))
        return EvaluationOfAll(tuple(found), left_out)
