"""What documents came in as, in formats that say more of a document than the project keeps of it: it goes out
again as it was, with today's annotations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanloop.store.store import Store


class Originals:
    """``store.originals``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, format: str, bodies: Iterable[tuple[int, str]]) -> None:
        """Keep ``(document_id, body)`` in a format; what is there already stays."""
        with self._store.write() as db:
            db.conn.executemany(
                "INSERT INTO originals VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(document_id, format, body) for document_id, body in bodies],
            )

    def get(self, document_id: int, format: str) -> str | None:
        """What the document came in as, None where it came in otherwise."""
        row = self._store.row(
            "SELECT body FROM originals WHERE document_id = ? AND format = ?", (document_id, format)
        )
        return None if row is None else str(row[0])
