"""The rounds of a project: list them, promote one, go back to the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from spanloop.recipes.active_learning.registry import rounds_looked_at
from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
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
        StoreError: There is no such round, it is not finished, or its folder is not there or not what it was.
    """
    with Store.open(db) as store:
        row = store.rounds.get(number)
        if row.state == "done":
            store.rounds_folder.sound(row)
        store.rounds.promote(number)
        return _put_to_use(store, number)


def rollback(db: str | Path) -> Rounds:
    """Go back along the history of promotions, to the round that was promoted before the present one.

    A second rollback goes back further. Rounds whose folder is not there any more are passed over, and told.

    Args:
        db: The project.

    Returns:
        Every round as it stands then.

    Raises:
        StoreError: There is nothing to go back to, or the folder of that round is not what it was.
        RecipeError: No round that was promoted before has its folder.
    """
    with Store.open(db) as store:
        behind = [store.rounds.get(number) for number in store.promotions.behind()]
        there = [row for row in behind if store.rounds.folder(row.number).is_dir()]
        if behind and not there:
            raise RecipeError(
                f"of the rounds that were promoted before ({_list(row.number for row in behind)}) none has "
                f"its folder any more: copy one back from a backup, or train: spanloop retrain {store.named}"
            )
        if there:
            store.rounds_folder.sound(there[0])
        number = store.rounds.rollback(there[0].number if there else None).number
        passed = [row.number for row in behind[: behind.index(there[0])]]
        return _put_to_use(store, number, passed)


def _put_to_use(store: Store, number: int, passed: Sequence[int] = ()) -> Rounds:
    """What follows once another round is promoted, and every round as it stands now."""
    store.predictions.prune(rounds_looked_at(store.queue.standing()[0]))
    note = (
        f"round {number} is promoted; let it pre-annotate the open documents with: "
        f"spanloop prelabel {store.named}"
    )
    if passed:
        note = f"passed over, since the folder is not there any more: round {_list(passed)}\n{note}"
    return Rounds(standings(store), note)


def _list(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
