"""What answers have cost in a project, and what its open documents will."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from spanloop.recipes.active_learning.actions import actions, expected_actions, in_tokens
from spanloop.recipes.active_learning.cost import ENOUGH, Cost, Pace, Timed, duration, learn_pace
from spanloop.recipes.report import Count, Shape
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.records import Annotation, Origin
from spanloop.store.tables.effort import character_counts, first_answers, open_at_random, token_counts

NEWEST = 300
"""Answers that are looked at: people grow faster, so the newest ones."""
SAMPLE = 300
"""Open documents that are looked at; the others count as their mean."""
CHARACTERS_A_TOKEN = 5.0
"""Of a text that nothing has cut into tokens yet."""


@dataclass(frozen=True, slots=True)
class Outlook(Shape):
    """What an answer costs, and what is open."""

    pace: Pace
    """How many seconds people take."""
    answers: Count
    """The newest answers of people that were looked at."""
    answer: Cost
    """The mean of those answers; all 0 where there are none."""
    open_documents: Count
    """Documents of the pool without an answer."""
    open: Cost
    """What those will cost, worked out from a sample of them."""

    def text(self) -> str:
        """What `status` says."""
        lines = []
        if self.answers:
            mean = self.answer
            lines.append(
                f"an answer costs {mean.tokens:.1f} tokens, {mean.actions:.1f} actions and "
                f"{duration(mean.seconds)} (mean of the last {counted(self.answers, 'answer')} of people)"
            )
        if self.open_documents:
            lines.append(f"open in the pool: about {self.open.text()}")
        if lines:
            lines.append(f"seconds: {self.pace.text()}")
        return "\n".join(lines)


def outlook(store: Store) -> Outlook:
    """The costs of a project: what the newest answers of people took, what the open ones of the pool will.

    Reads a few hundred answers and documents, however many there are.
    """
    answered = answer_costs(store, first_answers(store, NEWEST))
    pace = pace_of(answered)
    number = len(answered)
    tokens, presses = sum(a.tokens for a in answered), sum(a.actions for a in answered)
    spent = pace.cost(tokens, presses, number)
    waiting = store.queue.counts("pool")["open"]
    ahead = _open(store, pace, waiting, presses / tokens if number >= ENOUGH and tokens else None)
    return Outlook(pace, number, spent * (1 / number) if number else Cost(), waiting, ahead)


def project_pace(store: Store) -> Pace:
    """The pace of the people of a project, or the default."""
    return pace_of(answer_costs(store, first_answers(store, NEWEST)))


@dataclass(frozen=True, slots=True)
class AnswerCost:
    """What one answer took; ``seconds`` None: nobody stopped the time."""

    document_id: int
    tokens: int
    actions: int
    seconds: float | None


def pace_of(answered: Iterable[AnswerCost]) -> Pace:
    """The pace of these answers, of those that have a time."""
    return learn_pace(Timed(a.tokens, a.actions, a.seconds) for a in answered if a.seconds is not None)


def answer_costs(store: Store, annotation_ids: Collection[int]) -> list[AnswerCost]:
    """What each of these annotations took, from what was suggested to what was left; those of documents that
    have no tokens yet are left out. The label that is active is the one that the answer before left so."""
    found = sorted(store.annotations.of(list(annotation_ids)), key=lambda annotation: annotation.id)
    lengths = token_counts(store, [annotation.document_id for annotation in found])
    active: dict[tuple[str, Origin], str] = {}
    costs = []
    for annotation in found:
        who = (annotation.annotator, annotation.origin)
        tokens = (
            store.tokenizations.get(annotation.document_id) if annotation.document_id in lengths else None
        )
        if tokens is not None:
            needed = actions(*_both(store, annotation, tokens), active.get(who, ""))
            active[who] = needed.active
            length = lengths[annotation.document_id]
            costs.append(AnswerCost(annotation.document_id, length, needed.number, annotation.seconds))
    return costs


def _both(
    store: Store, annotation: Annotation, tokens: list[tuple[int, int]]
) -> tuple[list[tuple[int, int, str]], list[tuple[int, int, str]]]:
    """What was suggested and what was left, in tokens."""
    said = None if annotation.prediction_id is None else store.predictions.by_id(annotation.prediction_id)
    suggested = [(s.start, s.end, s.label) for s in (said.spans if said else ())]
    left = [(s.start, s.end, s.label) for s in annotation.spans if s.action != "rejected"]
    return in_tokens(suggested, tokens), in_tokens(left, tokens)


def _open(store: Store, pace: Pace, number: int, per_token: float | None) -> Cost:
    """What so many open documents will cost, from a sample; ``per_token``: the actions that answers took a
    token, None: what the confidences of the suggestions make one expect."""
    sample = open_at_random(store, "pool", SAMPLE)
    if not sample or not number:
        return Cost()
    lengths = token_counts(store, sample)
    uncut = character_counts(store, [one for one in sample if one not in lengths])
    tokens = sum(lengths.values()) + sum(uncut.values()) / CHARACTERS_A_TOKEN
    if per_token is not None:
        presses = per_token * tokens
    else:
        said = [store.predictions.get(one) for one in sample]
        presses = sum(expected_actions(s.score for s in (p.spans if p else ())) for p in said)
    return pace.cost(tokens, presses, len(sample)) * (number / len(sample))
