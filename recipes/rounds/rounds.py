"""The rounds of a project: list them, promote one, go back to the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.report import Report, Shape
from spanloop.recipes.rounds.standings import RoundRow, Standing, rounds_table, standings
from spanloop.recipes.training.balance import Balance
from spanloop.store import Store


@dataclass(frozen=True, slots=True)
class RoundDetails(RoundRow):
    """A round, how it stands and what went into it."""

    parent: int | None
    """The round that was promoted when it was trained."""
    parameters: Mapping[str, Any]
    """The settings of its training."""
    class_weights: Mapping[str, float] | None
    """The weight of each class in the loss."""
    balance: Balance | None
    """What `--balance auto` tried and chose."""
    started_at: str
    """UTC, ISO 8601, as `finished_at`."""
    finished_at: str | None

    @classmethod
    def of(cls, standing: Standing) -> RoundDetails:
        """All that is told of a round."""
        row, kept = standing.shape(), standing.round
        return cls(
            **{field.name: getattr(row, field.name) for field in fields(row)},
            parent=kept.parent,
            parameters=kept.parameters,
            class_weights=kept.class_weights,
            balance=Balance.kept(kept.manifest),
            started_at=kept.started_at,
            finished_at=kept.finished_at,
        )


@dataclass(frozen=True, slots=True)
class RoundList(Shape):
    """The rounds of the project."""

    rounds: tuple[RoundDetails, ...]
    """Every round, the oldest first."""


@dataclass(frozen=True, slots=True)
class Rounds(Report):
    """Every round; ``note`` says what was just done."""

    rounds: tuple[Standing, ...]
    note: str = ""

    def shape(self) -> RoundList:
        return RoundList(tuple(map(RoundDetails.of, self.rounds)))

    def text(self) -> str:
        shown = rounds_table(self.rounds) if self.rounds else "no round yet"
        return f"{shown}\n{self.note}" if self.note else shown


def list_rounds(db: str | Path) -> Rounds:
    """Every round with its figures.

    Args:
        db: The project file.

    Returns:
        The rounds, the oldest first.

    Raises:
        StoreError: There is no such project.
    """
    with Store.open(db) as store:
        return Rounds(standings(store))


def promote(db: str | Path, number: FromOne) -> Rounds:
    """Make a finished round the one that prelabel, the page and the backend use.

    Args:
        db: The project file.
        number: The round.

    Returns:
        Every round, as they stand now.

    Raises:
        StoreError: There is no such round, or it is not finished.
    """
    with Store.open(db) as store:
        store.rounds.promote(number)
        store.predictions.prune()
        return Rounds(standings(store), _note(db, number))


def rollback(db: str | Path) -> Rounds:
    """Promote again the round that was promoted before the present one.

    Args:
        db: The project file.

    Returns:
        Every round, and which one is promoted now.

    Raises:
        StoreError: No other round was promoted before.
    """
    with Store.open(db) as store:
        return Rounds(standings(store), _note(db, store.rounds.rollback().number))


def _note(db: str | Path, number: int) -> str:
    return f"round {number} is promoted; let it pre-annotate the open documents with: spanloop prelabel {db}"
