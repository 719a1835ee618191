"""Drafts: what a page has not submitted yet, so that a reload or a crash loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanloop.store.clock import now

if TYPE_CHECKING:
    from spanloop.store.store import Store


class Drafts:
    """``store.drafts``. The body is the page's own; ``annotations.add`` drops it with the answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, annotator: str, document_id: int, body: str) -> None:
        """Keep the draft, in place of the one before."""
        with self._store.write():
            self._store.run(
                "INSERT OR REPLACE INTO drafts VALUES (?, ?, ?, ?)", (annotator, document_id, body, now())
            )

    def get(self, annotator: str, document_id: int) -> str | None:
        """The draft, if there is one."""
        row = self._store.row(
            "SELECT body FROM drafts WHERE annotator = ? AND document_id = ?", (annotator, document_id)
        )
        return None if row is None else str(row[0])

    def drop(self, annotator: str, document_id: int) -> None:
        """Forget the draft."""
        with self._store.write():
            self._store.run(
                "DELETE FROM drafts WHERE annotator = ? AND document_id = ?", (annotator, document_id)
            )
