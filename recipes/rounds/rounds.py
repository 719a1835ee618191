"""The rounds of a project: list them, promote one, go back to the one before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.rounds.standings import Standing, rounds_table, standings
from spanloop.store import Store


@dataclass(frozen=True, slots=True)
class Rounds:
    """Every round; ``note`` says what was just done."""

    rounds: tuple[Standing, ...]
    note: str = ""

    def json(self) -> dict[str, object]:
        return {
            "schema": 1,
            "rounds": [
                {
                    **standing.json(),
                    "parent": standing.round.parent,
                    "parameters": dict(standing.round.parameters),
                    "class_weights": standing.round.class_weights and dict(standing.round.class_weights),
                    "balance": (standing.round.manifest or {}).get("balance"),
                    "started_at": standing.round.started_at,
                    "finished_at": standing.round.finished_at,
                }
                for standing in self.rounds
            ],
        }

    def text(self) -> str:
        shown = rounds_table(self.rounds) if self.rounds else "no round yet"
        return f"{shown}\n{self.note}" if self.note else shown


def rounds(db: str | Path) -> Rounds:
    """Every round with its figures."""
    with Store.open(db) as store:
        return Rounds(standings(store))


def promote(db: str | Path, number: int) -> Rounds:
    """Make a finished round the one that prelabel, the page and the backend use."""
    with Store.open(db) as store:
        store.rounds.promote(number)
        store.predictions.prune()
        return Rounds(standings(store), _note(db, number))


def rollback(db: str | Path) -> Rounds:
    """Promote again the round that was promoted before the present one."""
    with Store.open(db) as store:
        return Rounds(standings(store), _note(db, store.rounds.rollback().number))


def _note(db: str | Path, number: int) -> str:
    return f"round {number} is promoted; let it pre-annotate the open documents with: spanloop prelabel {db}"
