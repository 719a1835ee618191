"""The parts of documents that the queue asks about, where it asks below the document.

A part is asked once: what an answer has looked at is no part any more. A document that was answered in part
and has another one waiting is open again, for whoever answered it; it stays gold meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from spanloop.store.records import Annotation, Drawn, Range

if TYPE_CHECKING:
    from spanloop.store.store import Store

REVIEW = 1
"""The precedence of a review: it has the last word, so nothing that is answered after it counts."""
CLEARED = 500
"""Documents that are asked as a whole again in one transaction."""


class Parts:
    """``store.parts``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, parts: Mapping[int, Sequence[Range]]) -> None:
        """Ask about these parts of each document from now on, in place of those before.

        Args:
            parts: Half-open characters, in order and apart, by the document's id; none: its whole is asked,
                or nothing more where it was answered in part.
        """
        with self._store.write() as db:
            gone = [(document_id,) for document_id in parts]
            db.conn.executemany("DELETE FROM parts WHERE document_id = ?", gone)
            rows = [(document_id, *one) for document_id, ranges in parts.items() for one in ranges]
            db.conn.executemany("INSERT INTO parts VALUES (?, ?, ?)", rows)
            for document_id in parts:
                self._store.queue.states.refresh(document_id)

    def clear(self) -> None:
        """Ask about whole documents again, in short transactions."""
        while ids := self._store.column("SELECT DISTINCT document_id FROM parts LIMIT ?", (CLEARED,)):
            self.put(dict.fromkeys(ids, ()))

    def asked(self, document_id: int, drawn: Drawn | None) -> tuple[Range, ...] | None:
        """What of a document is asked of whoever has been dealt it; None: all of it.

        Args:
            document_id: The document.
            drawn: How it was drawn. What chance drew is asked as a whole, since it measures the model; what
                was opened out of turn is shown as it was answered.

        Returns:
            Half-open characters, in order and apart.
        """
        if drawn != "strategy" or self._store.project.overlap > 1:
            return None
        return self.waiting(document_id) or None

    def waiting(self, document_id: int) -> tuple[Range, ...]:
        """The parts of a document that no answer has looked at; none where it was answered as a whole, or a
        review has the last word."""
        found = self._store.rows(
            "SELECT start_char, end_char FROM parts WHERE document_id = ? ORDER BY 1", (document_id,)
        )
        if not found:
            return ()
        verdict = self._store.row(
            "SELECT verdict, precedence, annotation_id FROM verdicts WHERE document_id = ?", (document_id,)
        )
        if verdict is None:
            return tuple(found)
        looked_at = self._store.rows(
            "SELECT start_char, end_char FROM annotation_ranges WHERE annotation_id = ?", (verdict[2],)
        )
        if verdict[0] != "accept" or verdict[1] == REVIEW or not looked_at:
            return ()
        return tuple(one for one in found if not any(a <= one[0] and one[1] <= b for a, b in looked_at))

    def has(self, document_ids: Collection[int]) -> set[int]:
        """Those of the documents that have parts."""
        rows = self._store.rows(
            "SELECT DISTINCT p.document_id FROM json_each(?) j JOIN parts p ON p.document_id = j.value",
            (json.dumps(list(document_ids)),),
        )
        return {document_id for (document_id,) in rows}

    def looked_at(self, document_ids: Collection[int]) -> dict[int, tuple[Range, ...]]:
        """What answers that count have looked at, of documents with an accepted one: no range where it was
        all of the document."""
        gold = self._store.rows(
            "SELECT q.document_id FROM json_each(?) j JOIN queue q ON q.document_id = j.value WHERE q.gold",
            (json.dumps(list(document_ids)),),
        )
        return {document_id: self._ranges(document_id) for (document_id,) in gold}

    def _ranges(self, document_id: int) -> tuple[Range, ...]:
        """Those of the answer that counts; the view finds it quickly for one document at a time only."""
        return tuple(
            self._store.rows(
                "SELECT start_char, end_char FROM annotation_ranges"
                " WHERE annotation_id = (SELECT annotation_id FROM verdicts WHERE document_id = ?"
                "  AND verdict = 'accept') ORDER BY 1",
                (document_id,),
            )
        )

    def gold_in_part(self, document_id: int) -> Annotation | None:
        """The answer that counts of a document, where it says something of a part only."""
        verdict = self._store.row(
            "SELECT annotation_id FROM verdicts WHERE document_id = ? AND verdict = 'accept'", (document_id,)
        )
        found = None if verdict is None else self._store.annotations.get(verdict[0])
        return found if found is not None and found.ranges is not None else None

    def answered_in_part(self) -> list[int]:
        """The documents of the pool whose gold says something of a part of them only, by id."""
        return list(
            self._store.column(
                "SELECT d.document_id FROM (SELECT DISTINCT a.document_id FROM annotation_ranges r"
                " JOIN annotations a ON a.id = r.annotation_id) d"
                " JOIN queue q ON q.document_id = d.document_id AND q.split = 'pool' AND q.gold"
                " WHERE EXISTS (SELECT 1 FROM annotation_ranges r WHERE r.annotation_id ="
                "  (SELECT b.id FROM annotations b WHERE b.document_id = d.document_id"
                "   AND b.answer = 'accept' AND b.id NOT IN (SELECT annotation_id FROM withdrawn)"
                "   ORDER BY b.precedence, b.id DESC LIMIT 1)) ORDER BY 1"
            )
        )

    def open(self) -> tuple[int, int]:
        """How many parts wait, and in how many open documents."""
        row = self._store.row(
            "SELECT count(*), count(DISTINCT p.document_id) FROM parts p"
            " JOIN queue q ON q.document_id = p.document_id WHERE q.state = 'open'"
        )
        assert row is not None
        return int(row[0]), int(row[1])
