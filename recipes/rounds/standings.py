"""How each round stands: its state, who trains it, its overall figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from spanloop.recipes.report import Count, Shape
from spanloop.recipes.scoring.shapes import Figures, figures_of
from spanloop.recipes.table import figure, interval, table
from spanloop.store import Store
from spanloop.store.files.training_lock import Holder
from spanloop.store.records import Round, RoundState, Score
from spanloop.store.tables.eval_gold import AGAIN, GoldKey

if TYPE_CHECKING:
    from spanloop.store.files.training_lock import Look

State = RoundState | Literal["interrupted"]
Pipeline = Literal["here", "pruned", "missing"]
OfGold = Literal["today", "earlier gold", "other labels"]


@dataclass(frozen=True, slots=True)
class RoundRow(Shape):
    """How a round stands."""

    round: Count
    """Its number."""
    state: State
    promoted: bool
    error: str | None
    """Why it failed."""
    trainer: Holder | None
    """Who trains it now."""
    pipeline: Pipeline | None
    """Whether the folder of its pipeline is there, was left out on purpose (`spanloop rounds DB prune`, a
    backup), or is missing; null of a round that has none."""
    micro: Figures | None
    macro: Figures | None
    accuracy: Figures | None
    """Only in a tags project."""
    gold: OfGold | None
    """Whether these figures are of the eval gold of today, of an earlier one, or of other labels; null where
    it has none."""
    today: Figures | None
    """Its micro F1 (in a tags project accuracy) on today's gold; null where it was not scored on it: see
    `spanloop evaluate --all`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One round and its overall figures, None where it has none; ``accuracy`` only in a tags project;
    ``trainer``: who trains it now; ``cut_off``: it was being trained, and nobody does any more. ``gold``:
    what the figures are of; ``today``: the headline on today's gold."""

    round: Round
    micro: Score | None
    macro: Score | None
    accuracy: Score | None = None
    cut_off: bool = False
    trainer: Holder | None = None
    pipeline: Pipeline | None = None
    gold: OfGold | None = None
    today: Score | None = None

    @property
    def state(self) -> State:
        """As the store has it, but for a round that was cut off: the store is told by whoever trains next."""
        return "interrupted" if self.cut_off else self.round.state

    @property
    def headline(self) -> Score | None:
        """The one figure of the round: accuracy of tags, strict micro F1 of spans."""
        return self.accuracy or self.micro

    def shape(self) -> RoundRow:
        """What every command tells of a round."""
        return RoundRow(
            round=self.round.number,
            state=self.state,
            promoted=self.round.promoted,
            error=self.round.error,
            trainer=self.trainer,
            pipeline=self.pipeline,
            micro=figures_of(self.micro),
            macro=figures_of(self.macro),
            accuracy=figures_of(self.accuracy),
            gold=self.gold,
            today=figures_of(self.today),
        )


def standings(store: Store, before: Look | None = None) -> tuple[Standing, ...]:
    """Every round with the figures stored for it. ``before``: as for `Rounds.interrupted`."""
    before = before or store.training_lock.look()
    with store.reading():
        rows = store.rounds.all()
        cut_off = {row.number for row in store.rounds.interrupted(before)}
        trainer = before.holder or store.training_lock.look().holder
        found = [_standing(store, row, row.number in cut_off, trainer) for row in rows]
        if not any(standing.headline for standing in found):
            return tuple(found)
        now = store.eval_gold.now()
        return tuple(_placed(store, standing, now) for standing in found)


def _placed(store: Store, standing: Standing, now: GoldKey) -> Standing:
    """The same with what its figures are of, and with its figure on today's gold where it has one."""
    if standing.headline is None:
        return standing
    row = standing.round
    then = store.eval_gold.of_round(row)
    if then == now:
        return replace(standing, gold="today", today=standing.headline)
    today = _overall(store, row, AGAIN) if store.eval_gold.again(row.number) == now else {}
    return replace(
        standing,
        gold="earlier gold" if then.labels == now.labels else "other labels",
        today=today.get("accuracy") or today.get("micro"),
    )


def _overall(store: Store, row: Round, split: str) -> dict[str, Score]:
    """The figures of a round over all labels, by their average; accuracy by its own name."""
    return {
        score.average or score.metric: score
        for score in store.rounds.scores(row.number, split=split)
        if score.metric != "lenient" and score.label is None
    }


def _standing(store: Store, row: Round, cut_off: bool, trainer: Holder | None) -> Standing:
    overall = _overall(store, row, "eval")
    figures = (overall.get("micro"), overall.get("macro"), overall.get("accuracy"))
    trained = row.state == "running" and not cut_off
    return Standing(
        row, *figures, cut_off=cut_off, trainer=trainer if trained else None, pipeline=_pipeline(store, row)
    )


def _pipeline(store: Store, row: Round) -> Pipeline | None:
    if row.state != "done":
        return None
    if store.rounds.folder(row.number).is_dir():
        return "here"
    return "missing" if row.pruned_at is None else "pruned"


def rounds_table(rounds: tuple[Standing, ...]) -> str:
    """One line a round: state, figures with their interval, promoted or not; and where figures are of
    different gold, what each is of, and what it is on today's."""
    rows, mixed = [], any(standing.gold not in (None, "today") for standing in rounds)
    for standing in rounds:
        row, score = standing.round, standing.headline
        macro = figure(standing.macro.f1 if standing.macro else None)
        f1 = figure(score.f1 if score else None)
        today = [figure(standing.today.f1 if standing.today else None), standing.gold or ""] if mixed else []
        rows.append((row.number, standing.state, f1, interval(score), macro, *today, _note(standing)))
    head = ["round", "state", headline_name(rounds), "95 %", "macro F1"]
    if not mixed:
        return table((*head, ""), rows, right=(0, 2, 4))
    shown = table((*head, "on today's gold", "scored on", ""), rows, right=(0, 2, 4, 5))
    return (
        f"{shown}\nFigures of different gold do not compare: those on today's gold do. `spanloop evaluate DB "
        "--all` scores every round on it."
    )


def _note(standing: Standing) -> str:
    if standing.cut_off:
        return "cut off: its process has ended; the next retrain closes it"
    if standing.trainer is not None:
        return f"by {standing.trainer.text()}"
    gone = {"pruned": "pruned: figures alone", "missing": "its folder is missing"}
    promoted = "promoted" if standing.round.promoted else ""
    return ", ".join(filter(None, [promoted, gone.get(standing.pipeline or ""), standing.round.error]))


def headline_name(rounds: Sequence[Standing]) -> str:
    """What the headline of these rounds is called."""
    return "accuracy" if any(standing.accuracy for standing in rounds) else "micro F1"
