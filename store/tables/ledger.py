"""The ledger: every span that could not stay where it was meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from spanloop.store.clock import now
from spanloop.store.events import AlignmentEvent

if TYPE_CHECKING:
    from spanloop.store.store import Store

COLUMNS = (
    "document_id, start_char, end_char, label, action, reason, placed_start, placed_end, model_id,"
    " annotation_id, source, line, import"
)
REFUSED = "refused"
"""The action of an event about a whole document, which a model's pipeline could not read."""
ACCEPTED = "accepted unseen"
"""The action of an event about a whole document, which a triage let the model answer."""


class Ledger:
    """``store.ledger``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, events: Iterable[AlignmentEvent]) -> int:
        """Store events in one transaction and return how many are new: the same one twice is one row."""
        moment = now()
        rows = [
            (
                event.document_id, event.start, event.end, event.label, event.action, event.reason,
                event.placed_start, event.placed_end, event.model_id, event.annotation_id, event.source,
                event.line, event.import_id, moment,
            )
            for event in events
        ]  # fmt: skip
        if not rows:
            return 0
        with self._store.write() as db:
            before = db.conn.total_changes
            db.conn.executemany(
                f"INSERT INTO alignment_events({COLUMNS}, created_at) VALUES ({', '.join('?' * 14)})"
                " ON CONFLICT DO NOTHING",
                rows,
            )
            return db.conn.total_changes - before

    def all(self, document_id: int | None = None, reason: str | None = None) -> list[AlignmentEvent]:
        """Events, oldest first, of one document or one reason if asked."""
        rows = self._store.rows(
            f"SELECT {COLUMNS} FROM alignment_events WHERE (?1 IS NULL OR document_id = ?1)"
            " AND (?2 IS NULL OR reason = ?2) ORDER BY id",
            (document_id, reason),
        )
        return [AlignmentEvent(*row) for row in rows]

    def counts(self) -> dict[str, Any]:
        """``{"total": n, "by_reason": {reason: n}}`` of the spans; what is said of
        whole documents, refused or accepted unseen, is none."""
        by_reason = dict(
            self._store.rows(
                "SELECT reason, count(*) FROM alignment_events WHERE action NOT IN (?, ?) GROUP BY reason",
                (REFUSED, ACCEPTED),
            )
        )
        return {"total": sum(by_reason.values()), "by_reason": by_reason}

    def refused(self, model_id: int) -> dict[int, str]:
        """The documents that the pipeline of this model refuses, with the reason; those of which it has said
        something since are none."""
        return dict(
            self._store.rows(
                "SELECT e.document_id, e.reason FROM alignment_events e WHERE e.model_id = ? AND e.action = ?"
                " AND NOT EXISTS (SELECT 1 FROM predictions p"
                "  WHERE p.document_id = e.document_id AND p.model_id = e.model_id) ORDER BY e.id",
                (model_id, REFUSED),
            )
        )
