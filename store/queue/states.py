"""The states in the queue: a copy of what the annotations say of each document, so that drawing is quick.

The view ``verdicts`` is the truth; whatever may change it refreshes the copy in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from spanloop.store.records import NewAnnotation

if TYPE_CHECKING:
    from spanloop.store.store import Store


class States:
    """``store.queue.states``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def refresh(self, document_id: int) -> None:
        """Copy what the view ``verdicts`` says of a document into its queue row."""
        people = [
            row[0]
            for row in self._store.rows(
                "SELECT DISTINCT annotator FROM annotations WHERE document_id = ? AND origin = 'human'"
                " AND id NOT IN (SELECT annotation_id FROM withdrawn) ORDER BY 1",
                (document_id,),
            )
        ]
        verdict = self._store.row(
            "SELECT verdict, precedence FROM verdicts WHERE document_id = ?", (document_id,)
        )
        ignored = verdict is None and self._was_ignored(document_id)
        state, gold = _state(verdict, len(people), self._store.project.overlap, ignored)
        if self._asks_on(document_id, state):
            state, people = "open", []  # nobody's answer stands in the way of the next one
        self._store.run(
            "UPDATE queue SET state = ?, gold = ?, answered_by = ? WHERE document_id = ?",
            (state, gold, json.dumps(people, ensure_ascii=False), document_id),
        )

    def after_first(self, answers: Iterable[NewAnnotation]) -> dict[int, tuple[str, int, str]]:
        """State, gold and ``answered_by`` of documents that have one answer each, which is no machine's: what
        the view ``verdicts`` says then is known without asking it."""
        overlap, found = self._store.project.overlap, {}
        for said in answers:
            people = [said.annotator] if said.origin == "human" else []
            ignored = said.answer == "ignore"
            verdict = None if ignored else (said.answer, 2 if people else 0)
            state, gold = _state(verdict, len(people), overlap, ignored)
            told = json.dumps(people, ensure_ascii=False) if people else "[]"
            found[said.document_id] = (state, gold, told)
        return found

    def refresh_answered(self, at_least: int) -> None:
        """Refresh what so many people have answered: labels end or begin disputes, overlap asks for more; and
        what is asked in parts, where the row names nobody."""
        for (document_id,) in self._store.rows(
            "SELECT document_id FROM queue WHERE json_array_length(answered_by) >= ?"
            " OR document_id IN (SELECT document_id FROM parts)",
            (at_least,),
        ):
            self.refresh(document_id)

    def stale(self) -> list[int]:
        """Documents whose row does not say what their annotations say; none unless another program wrote."""
        verdicts = {
            document_id: (verdict, precedence)
            for document_id, verdict, precedence in self._store.rows(
                "SELECT document_id, verdict, precedence FROM verdicts"
            )
        }
        rows = self._store.rows(
            "SELECT q.document_id, q.state, q.gold, q.answered_by,"
            " (SELECT json_group_array(annotator) FROM (SELECT DISTINCT a.annotator FROM annotations a"
            "  WHERE a.document_id = q.document_id AND a.origin = 'human'"
            "  AND a.id NOT IN (SELECT annotation_id FROM withdrawn) ORDER BY 1)),"
            " EXISTS (SELECT 1 FROM annotations a"
            "         WHERE a.document_id = q.document_id AND a.answer = 'ignore'"
            "         AND a.id NOT IN (SELECT annotation_id FROM withdrawn))"
            " FROM queue q WHERE q.state <> 'open' OR q.answered_by <> '[]' OR q.gold"
            " OR EXISTS (SELECT 1 FROM annotations a WHERE a.document_id = q.document_id)"
        )
        overlap = self._store.project.overlap
        found = []
        for document_id, state, gold, stored, people, ignored in rows:
            names = json.loads(people)
            said = _state(verdicts.get(document_id), len(names), overlap, ignored)
            if self._asks_on(document_id, said[0]):
                said, names = ("open", said[1]), []
            if (state, gold, json.loads(stored)) != (*said, names):
                found.append(document_id)
        return found

    def _asks_on(self, document_id: int, state: str) -> bool:
        """Whether a part of what was answered in part waits: where one person is asked."""
        if state != "answered" or self._store.project.overlap > 1:
            return False
        return bool(self._store.parts.waiting(document_id))

    def _was_ignored(self, document_id: int) -> bool:
        """Whether anyone has set it aside."""
        row = self._store.row(
            "SELECT 1 FROM annotations WHERE document_id = ? AND answer = 'ignore'"
            " AND id NOT IN (SELECT annotation_id FROM withdrawn) LIMIT 1",
            (document_id,),
        )
        return row is not None


def _state(verdict: tuple[Any, ...] | None, people: int, overlap: int, ignored: bool) -> tuple[str, int]:
    """A document's state and whether it is gold.

    ``people`` have answered, ``overlap`` are wanted; ``ignored``: one answer at least was to set it aside.
    """
    if verdict is None:
        # what one of several people sets aside the others still get
        return ("ignored" if people >= overlap or (ignored and not people) else "open"), 0
    said, precedence = verdict
    if said == "conflict":
        return "conflict", 0
    if said == "reject":
        return "rejected", 0
    wanting = precedence == 2 and people < overlap
    return ("open" if wanting else "answered"), 1
