"""What a report is made of: how the rounds stand, and two of them scored on today's eval gold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spanloop.recipes.active_learning.advice import Advice, advice
from spanloop.recipes.active_learning.bias import Bias, bias
from spanloop.recipes.active_learning.outlook import Outlook, outlook
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.near_duplicates.leaks import Leaks, find_leaks
from spanloop.recipes.progress import Progress
from spanloop.recipes.rounds.standings import Standing, standings
from spanloop.recipes.rounds.status import SPLITS
from spanloop.recipes.scoring.changes import Changes, Hard, changes, hardest
from spanloop.recipes.scoring.evaluate import Evaluation, eval_gold, score
from spanloop.store import Store, StoreError
from spanloop.store.records import Gold, Moment, Round, Score, Task
from spanloop.store.tables.unlearned import learned_from


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report is made of. ``older`` and ``changed`` are None where no round before has its folder;
    ``left_out`` are the finished rounds without a sound one, of which only the figures of then are known."""

    project: str
    task: Task
    labels: tuple[str, ...]
    documents: dict[str, dict[str, int]]
    rounds: tuple[Standing, ...]
    trained_on: dict[int, int]
    label_scores: dict[int, dict[str, Score]]
    shown: Evaluation
    older: Evaluation | None
    changed: Changes | None
    hard: tuple[Hard, ...]
    leaks: Leaks
    left_out: tuple[int, ...]
    ledger: dict[str, Any]
    effort: list[dict[str, Any]]
    cost: Outlook
    advice: Advice | None
    bias: Bias | None

    def left_out_text(self) -> str:
        """What the report cannot say, as a sentence; empty where it says everything."""
        if not self.left_out:
            return ""
        which = "Round " if len(self.left_out) == 1 else "Rounds "
        numbers = ", ".join(map(str, self.left_out))
        return f"{which}{numbers}: no sound pipeline here, so the figures are those of the day of training."

    @property
    def balance(self) -> dict[str, Any] | None:
        """How the way of balancing of the round shown was chosen, None where nobody left it to be chosen."""
        return next((balance_of(s.round) for s in self.rounds if s.round.number == self.shown.round), None)


def gather(store: Store, number: int | None, progress: Progress) -> Facts:
    """Score what must be scored and collect the rest."""
    from spanloop.recipes.suggest.pipelines import promoted_round

    with store.reading():
        row, moment, golds = promoted_round(store, number), store.moment(), eval_gold(store)
        done = [standing for standing in standings(store) if standing.round.state == "done"]
        documents = {str(split): store.queue.counts(split) for split in SPLITS}
        trained_on = {s.round.number: learned_from(store, s.round.number) for s in done}
        label_scores = {s.round.number: _label_scores(store, s.round) for s in done}
        pool = list(store.annotations.gold(split="pool"))
        ledger, effort, cost = store.ledger.counts(), store.effort(), outlook(store)
        told, led = advice(store, cost), bias(store)
    left_out = {s.round.number for s in done if s.pipeline != "here"}
    if number is None and row.number in left_out:
        row = _another(store, row, done, left_out)
    before = _before(store, row, done, left_out)
    shown = _score(store, moment, row, golds, progress)
    older = None if before is None else _score(store, moment, before, golds, progress)
    return Facts(
        project=store.named.name,
        task=moment.project.task,
        labels=tuple(moment.names),
        documents=documents,
        rounds=tuple(done),
        trained_on=trained_on,
        label_scores=label_scores,
        shown=shown,
        older=older,
        changed=None if older is None else changes(golds, shown.predicted, older.predicted),
        hard=hardest(golds, shown.predicted),
        leaks=find_leaks(pool, golds),
        left_out=tuple(sorted(left_out)),
        ledger=ledger,
        effort=effort,
        cost=cost,
        advice=told,
        bias=led,
    )


def _another(store: Store, promoted: Round, done: Sequence[Standing], left_out: set[int]) -> Round:
    """The newest round that can be scored, in the place of the promoted one, whose pipeline is not here.
    RecipeError where there is none."""
    for standing in reversed(done):
        if standing.pipeline == "here":
            try:
                store.rounds_folder.sound(standing.round)
            except StoreError:
                left_out.add(standing.round.number)
            else:
                return standing.round
    raise RecipeError(
        f"no round has its pipeline here, so none can be scored: spanloop rounds {store.named} shows the "
        f"figures of their days, spanloop check {store.named} says where to put round {promoted.number}"
    )


def _before(store: Store, row: Round, done: Sequence[Standing], left_out: set[int]) -> Round | None:
    """The newest round before this one that can be scored; those that cannot are put to what is left out."""
    for older in reversed([s.round for s in done if s.round.number < row.number]):
        if older.number in left_out:
            continue
        try:
            store.rounds_folder.sound(older)
        except StoreError:
            left_out.add(older.number)
        else:
            return older
    return None


def _score(store: Store, moment: Moment, row: Round, golds: Sequence[Gold], progress: Progress) -> Evaluation:
    from spanloop.recipes.suggest.pipelines import load_round

    nlp = load_round(store, row.number)
    return score(moment, nlp, golds, round=row.number, labels=row.label_ids, progress=progress)


def _label_scores(store: Store, row: Round) -> dict[str, Score]:
    rows = store.rounds.scores(row.number, split="eval")
    return {score.label: score for score in rows if score.metric == "strict" and score.label is not None}


def balance_of(row: Round) -> dict[str, Any] | None:
    """What ``--balance auto`` tried and chose for the round."""
    return (row.manifest or {}).get("balance")


def calibration(facts: Facts) -> dict[str, Any]:
    """The bins of the reliability diagram and the expected calibration error, in points; no bins without
    predictions."""
    from spanloop.plugin.tagging.calibrate import calibration_error, judge, reliability

    confidence, correct = judge(facts.shown.predicted, facts.shown.truth)
    bins = reliability(confidence, correct) if len(confidence) else []
    return {"error": calibration_error(confidence, correct), "bins": bins}
