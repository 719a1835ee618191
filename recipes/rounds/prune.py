"""Old rounds give their disk back: the folders of their pipelines go, what is known of them stays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.report import Count, Report, Shape
from spanloop.recipes.rounds.standings import Standing, standings
from spanloop.recipes.table import counted
from spanloop.store import Store

KEEP = ("promoted", "best", "last=3")
"""What is kept where nothing else is said."""
_LAST = re.compile(r"last=([0-9]{1,9})")
_RULES = "promoted, previous, best, last=N, or the number of a round"


@dataclass(frozen=True, slots=True)
class KeptRound(Shape):
    """A round whose pipeline stays."""

    round: Count
    why: str
    """By which of the rules."""


@dataclass(frozen=True, slots=True)
class Pruned(Report):
    """The pipelines that were removed, and those that stay."""

    removed: tuple[int, ...]
    """Rounds whose folder was removed."""
    kept: tuple[KeptRound, ...]
    """Rounds whose folder stays."""
    left_alone: tuple[int, ...]
    """Rounds whose folder holds something else than the store knows of: `spanloop check` says what to do."""
    freed_bytes: Count
    """How much the removed folders held; 0 where nothing was done."""
    scores: bool
    """Whether the figures of the removed rounds stay."""
    dry_run: bool
    """Whether nothing was done."""

    def text(self) -> str:
        kept = ", ".join(f"{one.round} ({one.why})" for one in self.kept) or "none"
        lines = [f"nothing to remove; kept: {kept}"]
        if self.removed:
            what = f"the pipeline of {counted(len(self.removed), 'round')} ({_list(self.removed)})"
            figures = "" if self.scores else " and its figures"
            done = f"{what}{figures} removed, {self.freed_bytes / 1e6:,.1f} MB"
            lines = [f"{what}{figures} would be removed" if self.dry_run else done, f"kept: {kept}"]
        if self.left_alone:
            lines.append(
                f"left alone, since the folder holds something else: {_list(self.left_alone)} "
                "(spanloop check says what to do)"
            )
        return "\n".join(lines)


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def check_keep(keep: Sequence[str]) -> tuple[str, ...]:
    """The rules of what is kept, as they are understood.

    Args:
        keep: ``promoted``, ``previous``, ``best``, ``last=N`` or numbers of rounds.

    Returns:
        The same without blanks.

    Raises:
        RecipeError: A rule is none of these.
    """
    rules = tuple(rule.strip() for rule in keep)
    for rule in rules:
        if (
            rule not in ("promoted", "previous", "best")
            and not rule.isdecimal()
            and not _LAST.fullmatch(rule)
        ):
            raise RecipeError(f"{rule!r} says of no round that it is kept: type {_RULES}, parted by commas")
    return rules


def prune(
    db: str | Path, *, keep: Sequence[str] = KEEP, keep_scores: bool = True, dry_run: bool = False
) -> Pruned:
    """Remove the folders of the finished rounds that no rule keeps. What is known of a round stays: its
    settings, its annotations, what it was made of and, unless told otherwise, its figures.

    Args:
        db: The project.
        keep: ``promoted``: the round in use, which stays in any case; ``previous``: the one that a rollback
            goes to; ``best``: the one with the highest headline figure, on today's gold where every round has
            such a figure (`evaluate_all`), else by the figures of their days; ``last=N``: the N newest; a
            number: that round.
        keep_scores: Keep the figures of the rounds that go.
        dry_run: Only tell what would go.

    Returns:
        What went and what stayed.

    Raises:
        RecipeError: A rule is none.
        OSError: A folder cannot be removed.
    """
    rules = check_keep(keep)
    with Store.open(db) as store:
        rows = [standing for standing in standings(store) if standing.pipeline is not None]
        reasons = _reasons(store, rows, rules)
        there = [standing.round for standing in rows if standing.pipeline == "here"]
        spent = [row for row in there if row.number not in reasons]
        gone = [row for row in spent if store.rounds_folder.holds(row)]
        lost = [s.round for s in rows if s.pipeline == "missing" and s.round.number not in reasons]
        freed = 0
        for row in () if dry_run else (*gone, *lost):
            store.rounds.prune(row.number, scores=keep_scores)
            freed += store.rounds_folder.remove(row) if row in gone else 0
        return Pruned(
            removed=tuple(row.number for row in gone),
            kept=tuple(KeptRound(row.number, reasons[row.number]) for row in there if row.number in reasons),
            left_alone=tuple(row.number for row in spent if row not in gone),
            freed_bytes=freed,
            scores=keep_scores,
            dry_run=dry_run,
        )


def _reasons(store: Store, rows: Sequence[Standing], rules: Sequence[str]) -> dict[int, str]:
    """By the number of each round that stays, why it does."""
    found: dict[int, str] = {}
    for standing in rows:
        if standing.round.promoted:
            found[standing.round.number] = "promoted"
    for running in store.rounds.all():
        if running.state == "running" and running.parent is not None:
            found.setdefault(running.parent, f"round {running.number} is being trained on from it")
    for rule in rules:
        for number in _kept_by(rule, store, rows):
            found.setdefault(number, f"best {_best(rows)[1]}" if rule == "best" else rule)
    return found


def _kept_by(rule: str, store: Store, rows: Sequence[Standing]) -> list[int]:
    if rule == "promoted":
        return []
    if rule == "previous":
        return store.promotions.behind()[:1]
    if rule == "best":
        return _best(rows)[0]
    if last := _LAST.fullmatch(rule):
        return [s.round.number for s in rows if _is_here(s)][-int(last[1]) :] if int(last[1]) else []
    return [int(rule)]


def _best(rows: Sequence[Standing]) -> tuple[list[int], str]:
    """The round with the highest figure of those that are here, none where none has one; and what was
    compared. Today's gold counts only where all were scored on it: figures of different gold do not compare.
    """
    scored = [standing for standing in rows if standing.headline is not None and _is_here(standing)]
    todays = all(standing.today is not None for standing in scored)

    def order(standing: Standing) -> tuple[float, int]:
        score = standing.today if todays else standing.headline
        return (score and score.f1) or 0.0, standing.round.number

    best = [max(scored, key=order).round.number] if scored else []
    return best, "on today's gold" if todays else "by the figure of its day"


def _is_here(standing: Standing) -> bool:
    return standing.pipeline == "here"
