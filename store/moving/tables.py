"""Which tables of a project move, with all of their columns as the schema has them: a new column moves by
itself, and a new table unless it is named here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanloop.store.files.connection import Connection

STAYS = {
    "_sqlite_migrations": "the file says its schema by number",
    "annotators": "hashes of the links that let people in: who may come in is for each place to say",
    "leases": "who has which document on the screen at this moment",
    "queue_counts": "counted anew by triggers",
    "queue_order": "put in order anew by triggers",
    "sketches": "made anew by the next import",
}
"""The tables that do not move, each with the reason."""
LAST = ("queue",)
"""What is filled last, so that its triggers find everything else."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that moves: its columns (those that SQLite computes are none), those of its primary key, of
    each column that points elsewhere the table that it points to, and the columns that may be empty."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    points_to: dict[str, str]
    may_be_empty: frozenset[str]

    @property
    def numbered(self) -> str | None:
        """The column that is a number of the table's own, None where there is none."""
        own = len(self.key) == 1 and self.key[0] not in self.points_to
        return self.key[0] if own and self.key[0] == "id" else None

    def insert(self) -> str:
        """The statement that takes one row, its values in the order of the columns."""
        names = ", ".join(self.columns)
        return f"INSERT INTO {self.name}({names}) VALUES ({', '.join('?' * len(self.columns))})"


def moving_tables(store: Connection) -> list[Table]:
    """The tables that move, as the file has them, in an order in which they can be filled."""
    rows = store.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    )
    names = [name for (name,) in rows if name not in STAYS]
    ordered = sorted(names, key=lambda name: name in LAST)  # which keeps the order otherwise
    return [_table(store, name) for name in ordered]


def _table(store: Connection, name: str) -> Table:
    info = store.rows(f"PRAGMA table_info({name})")
    points = store.rows(f"PRAGMA foreign_key_list({name})")
    return Table(
        name,
        tuple(column[1] for column in info),
        tuple(column[1] for column in sorted(info, key=lambda column: column[5]) if column[5]),
        {column[3]: column[2] for column in points},
        frozenset(column[1] for column in info if not column[3] and not column[5]),
    )
