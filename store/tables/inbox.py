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
    """Something that was told. ``error``: why it could not be worked on; None while it waits."""

    source: str
    action: str
    body: Mapping[str, Any]
    id: int
    received_at: str
    error: str | None = None


class Inbox:
    """``store.inbox``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, source: str, action: str, body: Mapping[str, Any]) -> int:
        """Keep an event until it is worked on; returns its id. When this returns it survives a power cut."""
        with self._store.write():
            cursor = self._store.run(
                "INSERT INTO inbox(source, action, body, received_at) VALUES (?, ?, ?, ?)",
                (source, action, json.dumps(body), now()),  # plain ASCII: half a surrogate pair is no UTF-8
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def next(self) -> Event | None:
        """The oldest event that waits."""
        row = self._store.row(f"SELECT {_COLUMNS} FROM inbox WHERE error IS NULL ORDER BY id LIMIT 1")
        return None if row is None else _event(row)

    def done(self, event_id: int) -> None:
        """Forget an event that was worked on; call it in the transaction that did the work."""
        with self._store.write():
            self._store.run("DELETE FROM inbox WHERE id = ?", (event_id,))

    def fail(self, event_id: int, error: str) -> None:
        """Set an event aside with what was wrong with it."""
        with self._store.write():
            self._store.run("UPDATE inbox SET error = ? WHERE id = ?", (error, event_id))

    def waiting(self) -> int:
        """How many events wait."""
        row = self._store.row("SELECT count(*) FROM inbox WHERE error IS NULL")
        assert row is not None
        return int(row[0])

    def failed(self) -> list[Event]:
        """Events that could not be worked on, oldest first."""
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM inbox WHERE error IS NOT NULL ORDER BY id")
        return [_event(row) for row in rows]


_COLUMNS = "source, action, body, id, received_at, error"


def _event(row: tuple[Any, ...]) -> Event:
    source, action, body, event_id, received_at, error = row
    return Event(source, action, json.loads(body), event_id, received_at, error)
