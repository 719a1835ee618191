"""May a new round be used? It is held to the round in use and to the best one so far, all on equal gold."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.finite import NotFinite
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.scoring.evaluate import FEW_DOCUMENTS, WIDE_POINTS, Evaluation
from spanloop.recipes.scoring.gate import Comparison, compare
from spanloop.recipes.table import counted
from spanloop.store import Store, StoreError
from spanloop.store.records import Round


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a round may be used, the sentence that says why, and which round is the best now."""

    good: bool
    reason: str
    best: int


def best_so_far(store: Store, before: Round, number: int) -> Round:
    """The best of the rounds before ``number``, as the last gate found it.

    Where none has said so (rounds of an earlier release) it is the one with the highest figure of its own
    day; the gate scores it again.
    """
    done = [row for row in store.rounds.all() if row.state == "done" and row.number != number]
    said = [row.best for row in done if row.best is not None]
    if said:
        return store.rounds.get(said[-1])

    def figure(row: Round) -> float:
        rows = store.rounds.scores(row.number, split="eval")
        wanted = [
            s.f1 for s in rows if s.metric != "lenient" and s.average in ("micro", None) and not s.label
        ]
        return max((f1 for f1 in wanted if f1 is not None), default=0.0)

    return max([before, *done], key=figure)  # of equals the one in use


def held_to_earlier(
    store: Store, scores: Evaluation, before: Round, *, seed: int, score_again: Callable[[Round], Evaluation]
) -> Verdict:
    """Compare a round with the promoted one, and with the best one so far: losses that are each too small to
    be seen must not add up.

    Args:
        store: The project.
        scores: The figures of the new round, on today's gold.
        before: The promoted round.
        seed: Of the intervals.
        score_again: Gives the figures of an earlier round on the same gold.

    Returns:
        What is to be done, and why.
    """
    best = best_so_far(store, before, scores.round)
    rivals: list[tuple[Round, str]] = [(before, f"round {before.number}")]
    if best.number != before.number:
        rivals.append((best, f"round {best.number}, the best so far"))
    found: list[tuple[str, Comparison]] = []
    figures = {scores.round: scores.headline.f1}
    notes: list[str] = []
    for row, name in rivals:
        try:
            older = score_again(row)
        except NotFinite:
            notes.append(f"{name}, whose model gives scores that are no numbers")
            continue
        except (RecipeError, StoreError, ModelError) as error:
            if row is before:
                raise
            notes.append(f"not compared with {name}: {error}")
            continue
        figures[row.number] = older.headline.f1
        comparison = compare(scores.report, older.report, seed=seed)
        found.append((f"{name}{_thresholds_told(scores, older)}", comparison))
    winner = max(figures, key=lambda number: (figures[number], number == scores.round))
    good = all(comparison.acceptable for _, comparison in found)
    said = [f"{name}: {comparison.text()}" for name, comparison in found] or notes
    if found:
        said += notes
    verb = "promoted over" if good else "not promoted over"
    reason = f"{verb} {'; against '.join(said)}"
    sight = _sight(store, scores, [comparison for _, comparison in found])
    return Verdict(good, f"{reason}; {sight}" if sight else reason, winner)


def _thresholds_told(new: Evaluation, old: Evaluation) -> str:
    """With which thresholds two rounds were compared, where one of them has any."""
    if not new.used.thresholds and not old.used.thresholds:
        return ""
    ours, theirs = (one.used.text() or "no threshold" for one in (new, old))
    return f" (each with its own thresholds, {ours} against {theirs})"


def _sight(store: Store, scores: Evaluation, comparisons: list[Comparison]) -> str:
    """What so few eval documents cannot show, and what to do about it; empty where they show 3 points."""
    documents = scores.report.documents
    points = max((50 * (c.overall.high - c.overall.low) for c in comparisons), default=0.0)
    if documents >= FEW_DOCUMENTS and points <= WIDE_POINTS:
        return ""
    more = f"spanloop correct {store.named} --split eval"
    if points <= WIDE_POINTS:
        return (
            f"{counted(documents, 'eval document')} can hardly show a difference: annotate more with {more}"
        )
    needed = math.ceil(documents * (points / WIDE_POINTS) ** 2 / 10) * 10
    return (
        f"{counted(documents, 'eval document')} cannot show a difference below {points:.0f} points: "
        f"about {needed:,} would show {WIDE_POINTS:.0f}; annotate more with {more}"
    )
