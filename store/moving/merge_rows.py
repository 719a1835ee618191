"""Rows of one project copied into another: every column that points to a row there points to its copy
here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spanloop.store.moving.tables import Table, moving_tables

if TYPE_CHECKING:
    from spanloop.store.store import Store

Row = dict[str, Any]


@dataclass(slots=True)
class Copies:
    """What became of the rows of ``other`` in ``store``: of each table, the number here by the number
    there."""

    store: Store
    other: Store
    of: dict[str, dict[int, int]] = field(default_factory=dict)
    tables: dict[str, Table] = field(init=False)

    def __post_init__(self) -> None:
        self.tables = {table.name: table for table in moving_tables(self.other)}

    def note(self, table: str, there: int, here: int) -> None:
        """The row of that number there is the one of this number here."""
        self.of.setdefault(table, {})[there] = here

    def rows(self, table: str) -> Iterable[Row]:
        """All rows of a table there, in the order of their key."""
        columns, order = self.tables[table].columns, ", ".join(self.tables[table].key)
        for row in self.other.db.conn.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"):
            yield dict(zip(columns, row, strict=True))

    def put(self, table: str, row: Row, *, known: Mapping[str, Any] | None = None) -> int | None:
        """Copy a row.

        Args:
            table: Its table.
            row: The row as it is there.
            known: Columns that have another value here.

        Returns:
            Its number here where the table numbers its rows. None too where such a row is here already, or
            what it must point to has not come along.
        """
        described = self.tables[table]
        values = self._pointed(described, row)
        if values is None:
            return None
        values |= known or {}
        if described.numbered is not None:
            del values[described.numbered]
        names = ", ".join(values)
        found = self.store.run(
            f"INSERT INTO {table}({names}) VALUES ({', '.join('?' * len(values))})"
            f" ON CONFLICT DO NOTHING RETURNING {described.numbered or '1'}",
            list(values.values()),
        ).fetchone()
        if found is None:
            return None
        if described.numbered is not None:
            self.note(table, row[described.numbered], found[0])
        return int(found[0])

    def put_all(self, table: str, of: str, column: str) -> int:
        """Copy the rows whose ``column`` points to a row of the table ``of`` that was copied; how many came
        in."""
        copied = self.of.get(of, {})
        return sum(self.put(table, row) is not None for row in self.rows(table) if row[column] in copied)

    def _pointed(self, table: Table, row: Row) -> Row | None:
        """The row with what it points to here; None where it cannot do without what has not come along."""
        values = dict(row)
        for column, target in table.points_to.items():
            if values[column] is not None:
                values[column] = self.of.get(target, {}).get(values[column])
                if values[column] is None and column not in table.may_be_empty:
                    return None
        return values
