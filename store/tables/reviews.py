"""Reviews: documents that somebody should look at again, and why. Who reviews has the last word.

A document waits until the next annotation of origin ``review``; the row then names that annotation, so it can
be read later why it was asked for and what came of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from spanloop.store.clock import now
from spanloop.store.records import Annotation, QueueItem
from spanloop.store.tables.joined import joined
from spanloop.store.tables.leases import LEASE_SECONDS, RUNS, moments

if TYPE_CHECKING:
    from spanloop.store.store import Store


class Reviews:
    """``store.reviews``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def send(self, documents: Iterable[tuple[int, str, float]]) -> int:
        """Let ``(document_id, reason, priority)`` wait for review, the highest priority first.

        Returns how many wait now that did not; one that waits already gets the new reason and priority.
        """
        with self._store.write():
            before = self.waiting()
            for document_id, reason, priority in documents:
                self._store.run(
                    "INSERT INTO reviews(document_id, reason, priority, created_at) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET reason = excluded.reason, priority = excluded.priority,"
                    " created_at = excluded.created_at, annotation_id = NULL",
                    (document_id, reason, priority, now()),
                )
            return self.waiting() - before

    def waiting(self) -> int:
        """How many documents wait for review."""
        row = self._store.row("SELECT count(*) FROM reviews WHERE annotation_id IS NULL")
        assert row is not None
        return int(row[0])

    def reason(self, document_id: int) -> str:
        """Why a document waits for review; empty where it does not."""
        row = self._store.row(
            "SELECT reason FROM reviews WHERE document_id = ? AND annotation_id IS NULL", (document_id,)
        )
        return "" if row is None else str(row[0])

    def open_to(self, annotator: str) -> list[int]:
        """The documents that this person may review: those that wait, and those whose review was theirs."""
        rows = self._store.rows(
            "SELECT r.document_id FROM reviews r LEFT JOIN annotations a ON a.id = r.annotation_id"
            " WHERE a.id IS NULL OR a.annotator = ? ORDER BY 1",
            (annotator,),
        )
        return [row[0] for row in rows]

    def is_open_to(self, annotator: str, document_id: int) -> bool:
        """Whether that is one of them."""
        row = self._store.row(
            "SELECT 1 FROM reviews r LEFT JOIN annotations a ON a.id = r.annotation_id"
            " WHERE r.document_id = ? AND (a.id IS NULL OR a.annotator = ?)",
            (document_id, annotator),
        )
        return row is not None

    def next(
        self,
        annotator: str,
        *,
        n: int = 1,
        exclude: Collection[int] = (),
        lease_seconds: float = LEASE_SECONDS,
    ) -> list[QueueItem]:
        """Lease up to ``n`` waiting documents of either split, those first that they hold already; none that
        somebody else holds."""
        with self._store.write(durable=False):
            rows = self._store.rows(
                "SELECT r.document_id FROM reviews r WHERE r.annotation_id IS NULL AND NOT EXISTS ("
                " SELECT 1 FROM leases l WHERE l.document_id = r.document_id AND l.annotator <> :annotator"
                f" AND {RUNS})"
                " ORDER BY NOT EXISTS (SELECT 1 FROM leases l WHERE l.document_id = r.document_id"
                f" AND l.annotator = :annotator AND {RUNS}), r.priority DESC, r.document_id",
                {"annotator": annotator, **moments()},
            )
            passed = set(exclude)
            free = [row[0] for row in rows if row[0] not in passed][:n]
            return [self._store.queue.reopen(i, annotator, lease_seconds) for i in free]

    def start(self, document_id: int) -> Annotation | None:
        """What a review starts from: what counts as gold now, else what was said last."""
        ids = self._store.column(
            "SELECT j.value FROM verdicts v JOIN json_each(v.annotation_ids) j WHERE v.document_id = ?"
            " ORDER BY j.key",
            (document_id,),
        )
        said = [self._store.annotations.get(annotation_id) for annotation_id in ids]
        found = [annotation for annotation in said if annotation is not None]
        return replace(joined(found, self._store.labels.ids()), comment="", flagged=False) if found else None

    def standing(self, document_id: int) -> int | None:
        """The annotation that decides about a document now, None where nobody has said anything."""
        row = self._store.row("SELECT annotation_id FROM verdicts WHERE document_id = ?", (document_id,))
        return None if row is None else int(row[0])

    def conflicts(self) -> list[tuple[int, str]]:
        """The documents that people answered differently, with their names."""
        return [(row[0], row[1]) for row in self._store.rows("SELECT document_id, annotators FROM conflicts")]
