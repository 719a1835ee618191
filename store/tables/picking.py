"""What an export picks: documents by who answered and when they came, and everybody's newest answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spanloop.store.records import Annotation, Document, Split

if TYPE_CHECKING:
    from spanloop.store.store import Store

PAGE = 500
"""Answers in memory at a time."""


class Picking:
    """``store.picking``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def answers(
        self, split: Split | None = None, annotator: str | None = None
    ) -> Iterator[tuple[Document, Annotation]]:
        """Everybody's newest answer to each document, a review being one of its own, by document id; not
        those of machines. Which ones is fixed by this call; few are in memory at a time."""
        with self._store.reading():
            found = self._store.column(
                "SELECT a.id FROM annotations a JOIN queue q ON q.document_id = a.document_id"
                " WHERE a.origin <> 'machine' AND q.split = coalesce(:split, q.split)"
                " AND (:annotator IS NULL OR a.annotator = :annotator)"
                " AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = a.document_id"
                " AND b.annotator = a.annotator AND b.precedence = a.precedence AND b.id > a.id)"
                " ORDER BY a.document_id, a.id",
                {"split": split, "annotator": annotator},
            )
            names = self._store.labels.readings()
        for begin in range(0, len(found), PAGE):
            page = self._store.annotations.of(list(found[begin : begin + PAGE]), names)
            documents = {d.id: d for d in self._store.documents.fetch([a.document_id for a in page])}
            yield from ((documents[annotation.document_id], annotation) for annotation in page)

    def answered_by(self, annotator: str) -> set[int]:
        """The ids of the documents that this person, or this file, has answered."""
        return set(
            self._store.column(
                "SELECT DISTINCT document_id FROM annotations WHERE annotator = :annotator",
                {"annotator": annotator},
            )
        )

    def imported_since(self, moment: str) -> set[int]:
        """The ids of the documents that came in at this moment, as `clock.written` spells it, or later."""
        return set(
            self._store.column("SELECT id FROM documents WHERE created_at >= :moment", {"moment": moment})
        )

    def annotators(self) -> list[str]:
        """Everybody who has answered, files too, by name."""
        return [row[0] for row in self._store.rows("SELECT DISTINCT annotator FROM annotations ORDER BY 1")]
