"""The inbox: what other tools told us, stored before it is answered, worked on afterwards in its order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanloop.store.clock import now

if TYPE_CHECKING:
    from spanloop.store.store import Store


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was told. ``stored``: what was told, as the table has it; ``error``: why it could not be
    worked on, None while it waits."""

    source: str
    action: str
    stored: str
    id: int
    received_at: str
    error: str | None = None

    @property
    def body(self) -> Mapping[str, Any]:
        """What was told; read when it is asked for, so that one that cannot be read can be told apart."""
        told = json.loads(self.stored)
        body: Mapping[str, Any] = json.loads(told) if isinstance(told, str) else told
        return body


class Inbox:
    """``store.inbox``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, source: str, action: str, body: Mapping[str, Any], error: str | None = None) -> int:
        """Keep an event until it is worked on; returns its id. When this returns it survives a power cut.

        ``error``: it is set aside at once, with this reason. RecursionError for a body that is nested too
        deeply.
        """
        told = json.dumps(body)  # plain ASCII: half a surrogate pair is no UTF-8
        with self._store.write():
            cursor = self._store.run(
                # what Python takes for JSON and SQLite does not (NaN, 1,001 levels) is kept as a string
                "INSERT INTO inbox(source, action, body, received_at, error)"
                " VALUES (?1, ?2, CASE WHEN json_valid(?3) THEN ?3 ELSE json_quote(?3) END, ?4, ?5)",
                (source, action, told, now(), _storable(error)),
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def next(self) -> Event | None:
        """The oldest event that waits."""
        row = self._store.row(f"SELECT {_COLUMNS} FROM inbox WHERE error IS NULL ORDER BY id LIMIT 1")
        return None if row is None else Event(*row)

    def done(self, event_id: int) -> None:
        """Forget an event that was worked on; call it in the transaction that did the work."""
        with self._store.write():
            self._store.run("DELETE FROM inbox WHERE id = ?", (event_id,))

    def fail(self, event_id: int, error: str) -> None:
        """Set an event aside with what was wrong with it."""
        with self._store.write():
            self._store.run("UPDATE inbox SET error = ? WHERE id = ?", (_storable(error), event_id))

    def waiting(self) -> int:
        """How many events wait."""
        return self._count("error IS NULL")

    def set_aside(self) -> int:
        """How many events could not be worked on."""
        return self._count("error IS NOT NULL")

    def _count(self, which: str) -> int:
        row = self._store.row(f"SELECT count(*) FROM inbox WHERE {which}")
        assert row is not None
        return int(row[0])

    def failed(self) -> list[Event]:
        """Events that could not be worked on, oldest first."""
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM inbox WHERE error IS NOT NULL ORDER BY id")
        return [Event(*row) for row in rows]


_COLUMNS = "source, action, body, id, received_at, error"


def _storable(error: str | None) -> str | None:
    """The reason as text that a file can hold: it may quote half a surrogate pair."""
    return None if error is None else error.encode("utf-8", "backslashreplace").decode("utf-8")
