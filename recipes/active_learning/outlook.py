"""What answers have cost in a project, and what its open documents will."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from spanloop.recipes.active_learning.actions import actions, expected_actions, in_tokens
from spanloop.recipes.active_learning.cost import ENOUGH, Cost, Pace, Timed, duration, learn_pace
from spanloop.recipes.active_learning.parts import newly, read, touches
from spanloop.recipes.report import Count, Shape
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.records import Annotation, Origin, Range
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
    open_parts: Count = 0
    """Parts that are asked, where the queue asks below the document; 0 where it asks about whole ones."""
    documents_in_parts: Count = 0
    """The open documents that those are in."""
    answered_in_part: Count = 0
    """Documents of the pool whose gold says something of a part of them only."""

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
        if self.open_parts:
            where = counted(self.documents_in_parts, "open document")
            lines.append(f"asked in parts: {counted(self.open_parts, 'part')} of {where}")
        if self.answered_in_part:
            lines.append(f"answered in part: {counted(self.answered_in_part, 'document')}")
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
    mean = spent * (1 / number) if number else Cost()
    in_part = len(store.parts.answered_in_part())
    return Outlook(pace, number, mean, waiting, ahead, *store.parts.open(), in_part)


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
    have no tokens yet are left out. The label that is active is the one that the answer before left so.

    Of an answer about parts it is the parts that the same person's answer before had not looked at: what is
    read are they and their context, and actions are those in them.
    """
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
            looked_at = looked_at_newly(store, annotation)
            needed = actions(*_both(store, annotation, tokens, looked_at), active.get(who, ""))
            active[who] = needed.active
            length = lengths[annotation.document_id] if looked_at is None else read(tokens, looked_at)
            costs.append(AnswerCost(annotation.document_id, length, needed.number, annotation.seconds))
    return costs


def looked_at_newly(store: Store, annotation: Annotation) -> tuple[Range, ...] | None:
    """What somebody looked at for this answer and not for the one of theirs before; None: all of the
    document."""
    if annotation.ranges is None:
        return None
    before = [
        one
        for one in store.annotations.history(annotation.document_id)
        if one.id < annotation.id and one.annotator == annotation.annotator and one.answer == "accept"
    ]
    return newly(annotation.ranges, (before[-1].ranges or ()) if before else ())


def _both(
    store: Store,
    annotation: Annotation,
    tokens: list[tuple[int, int]],
    looked_at: tuple[Range, ...] | None,
) -> tuple[list[tuple[int, int, str]], list[tuple[int, int, str]]]:
    """What was suggested and what was left, in tokens; where only parts were looked at, in these."""
    said = None if annotation.prediction_id is None else store.predictions.by_id(annotation.prediction_id)
    suggested = [(s.start, s.end, s.label) for s in (said.spans if said else ())]
    left = [(s.start, s.end, s.label) for s in annotation.spans if s.action != "rejected"]
    if looked_at is not None:
        suggested = [span for span in suggested if touches(span[0], span[1], looked_at)]
        left = [span for span in left if touches(span[0], span[1], looked_at)]
    return in_tokens(suggested, tokens), in_tokens(left, tokens)


def _open(store: Store, pace: Pace, number: int, per_token: float | None) -> Cost:
    """What so many open documents will cost, from a sample; ``per_token``: the actions that answers took a
    token, None: what the confidences of the suggestions make one expect."""
    sample = open_at_random(store, "pool", SAMPLE)
    if not sample or not number:
        return Cost()
    lengths = token_counts(store, sample)
    uncut = character_counts(store, [one for one in sample if one not in lengths])
    for one in store.parts.has(list(lengths)):
        if parts := store.parts.asked(one, "strategy"):
            lengths[one] = read(store.tokenizations.get(one) or [], parts)
    tokens = sum(lengths.values()) + sum(uncut.values()) / CHARACTERS_A_TOKEN
    if per_token is not None:
        presses = per_token * tokens
    else:
        said = [store.predictions.get(one) for one in sample]
        presses = sum(expected_actions(s.score for s in (p.spans if p else ())) for p in said)
    return pace.cost(tokens, presses, len(sample)) * (number / len(sample))
