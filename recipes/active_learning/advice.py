"""Advice on stopping, from what a project knows: one shape for `status`, the report and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spanloop.recipes.active_learning.cost import Cost, duration
from spanloop.recipes.active_learning.outlook import CHARACTERS_A_TOKEN, NEWEST, Outlook
from spanloop.recipes.active_learning.stopping import (
    Curve,
    Gained,
    Scored,
    change_at_most,
    kappa,
    learning_curve,
    may_stop,
    within_reach,
)
from spanloop.recipes.report import Count, Shape, Share
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.records import Round, Score
from spanloop.store.tables.effort import character_counts, first_answers, open_at_random, token_counts
from spanloop.store.tables.eval_gold import AGAIN
from spanloop.store.tables.stability import fates, learned_characters, said_by_both

STEP = 1_000
"""Tokens that the advice is about."""
WATCHED = 300
"""Documents of the pool on which rounds are compared."""
LEAST_SPANS = 30
"""Gold spans of eval under which nothing is said of a label."""


@dataclass(frozen=True, slots=True)
class Advice(Shape):
    """Whether to annotate on, and what it stands on. Figures are of rounds scored on today's eval gold."""

    rounds: Count
    """Rounds that could be compared."""
    f1: Share | None
    """Micro F1 (in a tags project accuracy) of the newest of them."""
    f1_low: Share | None
    f1_high: Share | None
    kappa: float | None
    """How far the two newest rounds agree on the same documents of the pool, 1 in all, 0 as by chance; null
    without two rounds that have said something."""
    watched: Count
    """Documents that it is of."""
    change_at_most: Share | None
    """The bound on the change of F1 that follows from it; null where it says nothing."""
    suggestions: Count
    """Suggestions that the newest answers of people began from."""
    unchanged: Share | None
    """The share of these that was left as it was."""
    more: Cost
    """What the next 1,000 tokens cost."""
    gain: Gained | None
    """What they are expected to add to F1; null with fewer than three comparable rounds."""
    waiting: Cost
    """What all open documents of the pool cost, at most three times the tokens that were learned from."""
    gain_of_waiting: Gained | None
    label: str | None
    """The label that would gain most, where one is known to gain at all."""
    stop: bool
    """Whether even all that waits is expected to add no more than one point."""

    def verdict(self) -> str:
        """What to do, in one sentence."""
        if self.gain_of_waiting is None:
            return (
                "When to stop cannot be told yet: it takes three rounds of different sizes with figures on "
                f"today's eval gold (there are {self.rounds}; `spanloop evaluate DB --all` scores the others)"
            )
        ahead = f"{self.waiting.tokens:,.0f} more tokens, about {duration(self.waiting.seconds)}"
        promise = f"{ahead}, would add {self.gain_of_waiting.text()}"
        return f"You may stop: {promise}" if self.stop else f"Going on still pays: {promise}"

    def lines(self) -> list[str]:
        """Everything that is known, a sentence each, the verdict first."""
        lines = [self.verdict()]
        if self.gain is not None:
            most = f"; {self.label} would gain most" if self.label else ""
            lines.append(
                f"{self.more.tokens:,.0f} more tokens, about {duration(self.more.seconds)}: "
                f"{self.gain.text()} of F1 (nine times in ten){most}"
            )
        if self.f1 is not None:
            ends = "" if self.f1_low is None else f" (95 % {self.f1_low:.3f} to {self.f1_high:.3f})"
            lines.append(f"F1 of the newest round {self.f1:.3f}{ends}")
        if self.kappa is not None:
            bound = self.change_at_most
            so = "" if bound is None else f", so their F1 differs by at most {100 * bound:.1f} points"
            lines.append(
                f"the two newest rounds agree with kappa {self.kappa:.3f} on "
                f"{counted(self.watched, 'document')} of the pool{so}"
            )
        if self.unchanged is not None:
            lines.append(
                f"{self.unchanged:.0%} of the last {counted(self.suggestions, 'suggestion')} were left as "
                "they were"
            )
        return lines

    def text(self) -> str:
        return "\n".join(self.lines())


def advice(store: Store, costs: Outlook) -> Advice | None:
    """What is known of whether more annotations pay; None before the first round.

    Args:
        store: The project.
        costs: What its answers cost.
    """
    done = [row for row in store.rounds.all() if row.state == "done"]
    if not done:
        return None
    scores = _comparable(store, done)
    sizes = _sizes(store, [row for row in done if row.number in scores])
    curve = learning_curve([_scored(sizes[n], _overall(found)) for n, found in scores.items()])
    seconds = costs.open.seconds / costs.open.tokens if costs.open.tokens else costs.pace.per_token
    actions = costs.open.actions / costs.open.tokens if costs.open.tokens else 0.0
    ahead = costs.open.tokens if curve is None else within_reach(curve, costs.open.tokens)
    newest = _overall(scores[max(scores)]) if scores else None
    agreement, watched = _agreement(store, done)
    answered = fates(store, first_answers(store, NEWEST))
    suggested = sum(answered.get(fate, 0) for fate in ("taken", "changed", "rejected"))
    return Advice(
        rounds=len(scores),
        f1=None if newest is None else newest.f1,
        f1_low=None if newest is None else newest.f1_low,
        f1_high=None if newest is None else newest.f1_high,
        kappa=agreement,
        watched=watched,
        change_at_most=None if agreement is None else change_at_most(agreement),
        suggestions=suggested,
        unchanged=answered.get("taken", 0) / suggested if suggested else None,
        more=Cost(STEP, STEP * actions, STEP * seconds),
        gain=None if curve is None else curve.gain(STEP),
        waiting=Cost(ahead, ahead * actions, ahead * seconds),
        gain_of_waiting=None if curve is None else curve.gain(ahead),
        label=_neediest(scores, sizes),
        stop=may_stop(curve, costs.open.tokens),
    )


def _comparable(store: Store, done: Sequence[Round]) -> dict[int, list[Score]]:
    """The figures of the rounds that were scored on today's eval gold, by round."""
    now = store.eval_gold.now()
    found: dict[int, list[Score]] = {}
    for row in done:
        split = "eval" if store.eval_gold.of_round(row) == now else AGAIN
        if split == "eval" or store.eval_gold.again(row.number) == now:
            scores = [s for s in store.rounds.scores(row.number, split=split) if s.metric != "lenient"]
            if any(s.label is None and s.f1 is not None for s in scores):
                found[row.number] = scores
    return found


def _overall(scores: Sequence[Score]) -> Score:
    """Accuracy of tags, strict micro F1 of spans."""
    headlines = [s for s in scores if s.label is None and (s.metric == "accuracy" or s.average == "micro")]
    return min(headlines, key=lambda score: score.metric != "accuracy")


def _scored(tokens: float, score: Score) -> Scored:
    return Scored(tokens, score.f1 or 0.0, score.f1_low, score.f1_high)


def _sizes(store: Store, rows: Sequence[Round]) -> dict[int, float]:
    """About how many tokens each round learned from: its characters, and the tokens of a sample."""
    sample = open_at_random(store, "pool", WATCHED)
    tokens = token_counts(store, sample)
    characters = character_counts(store, tokens)
    each = sum(characters.values()) / sum(tokens.values()) if sum(tokens.values()) else CHARACTERS_A_TOKEN
    return {row.number: learned_characters(store, row.number) / each for row in rows}


def _neediest(scores: Mapping[int, Sequence[Score]], sizes: Mapping[int, float]) -> str | None:
    """The label of which the curve promises most, among those that surely gain."""
    rounds: dict[str, list[Scored]] = {}
    for number, found in scores.items():
        for score in found:
            if score.label is not None and score.support >= LEAST_SPANS:
                rounds.setdefault(score.label, []).append(_scored(sizes[number], score))
    curves: dict[str, Curve | None] = {label: learning_curve(points) for label, points in rounds.items()}
    gains = {label: curve.gain(STEP) for label, curve in curves.items() if curve is not None}
    sure = {label: gain for label, gain in gains.items() if gain.low > 0}
    return max(sure, key=lambda label: sure[label].expected, default=None) if len(rounds) > 1 else None


def _agreement(store: Store, done: Sequence[Round]) -> tuple[float | None, int]:
    """How far the two newest rounds that have said something of the pool agree, token by token."""
    models = [
        row.model_id for row in done if row.model_id is not None and store.predictions.count(row.model_id)
    ]
    if len(models) < 2:
        return None, 0
    both = said_by_both(store, (models[-2], models[-1]), WATCHED)
    older: list[object] = []
    newer: list[object] = []
    watched = 0
    for document_id, before, now in both:
        tokens = store.tokenizations.get(document_id)
        if tokens:
            older += _tags(store, before, tokens)
            newer += _tags(store, now, tokens)
            watched += 1
    return kappa(older, newer), watched


def _tags(store: Store, prediction_id: int, tokens: Sequence[tuple[int, int]]) -> list[object]:
    """What is said of each token: nothing, or which span by its label, and whether it begins there."""
    said = store.predictions.by_id(prediction_id)
    spans = () if said is None else said.spans
    found: list[object] = []
    for start, end in tokens:
        covering = next((s for s in spans if s.start < end and start < s.end), None)
        found.append(None if covering is None else (covering.label, start <= covering.start < end))
    return found
