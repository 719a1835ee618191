"""Documents that the promoted round was let answer unseen, and what such a decision stands on."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import AnnotatedSpan, NewAnnotation, Span
from spanloop.store.tables.drawn import Candidate, Sample, said_of, sample
from spanloop.store.tables.leases import RUNS, moments
from spanloop.store.tables.ledger import ACCEPTED

if TYPE_CHECKING:
    from spanloop.store.store import Store

ANNOTATOR = "triage"
"""Whose answers these are; the origin is `machine`."""
BATCH = 500
# a triage's answer that counts
_STANDING = (
    "JOIN queue q ON q.document_id = a.document_id AND q.gold = 1"
    " WHERE x.annotation_id NOT IN (SELECT annotation_id FROM withdrawn)"
    " AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = a.document_id"
    "  AND b.precedence < a.precedence AND b.answer = 'accept'"
    "  AND b.id NOT IN (SELECT annotation_id FROM withdrawn))"
)


@dataclass(frozen=True, slots=True)
class Triage:
    """One triage: ``documents`` were accepted unseen; ``basis`` as it was given. Moments are ISO 8601,
    UTC."""

    id: int
    model_id: int
    round: int | None
    max_error: float
    confidence: float
    basis: Mapping[str, Any]
    created_at: str
    undone_at: str | None
    documents: int


class Triages:
    """``store.triages``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sample(self, model_id: int, number: int) -> Sample:
        """What people said of documents that chance drew and that round ``number`` never learned from."""
        return sample(self._store, model_id, number)

    def candidates(self, model_id: int) -> list[Candidate]:
        """The documents of the pool that nobody has answered or is working on, with what this model says: the
        open ones, and those that a triage has accepted, since the sample speaks of both together."""
        waiting = self._store.column(
            "SELECT q.document_id FROM queue q WHERE q.split = 'pool' AND q.state = 'open'"
            " AND q.answered_by = '[]' AND NOT q.gold"
            " AND NOT EXISTS (SELECT 1 FROM drafts f WHERE f.document_id = q.document_id)"
            f" AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.document_id = q.document_id AND {RUNS})",
            moments(),
        )
        found = said_of(self._store, model_id, list(waiting))
        accepted = self._store.column(
            f"SELECT a.document_id FROM triaged x JOIN annotations a ON a.id = x.annotation_id {_STANDING}"
        )
        return found + [replace(one, waiting=False) for one in said_of(self._store, model_id, list(accepted))]

    def add(
        self,
        model_id: int,
        accepted: Sequence[Candidate],
        settle: Callable[[Sequence[Span]], tuple[AnnotatedSpan, ...]],
        *,
        max_error: float,
        confidence: float,
        basis: Mapping[str, Any],
    ) -> Triage:
        """Let the machine accept these documents, in short transactions; who answers one meanwhile keeps it.

        Args:
            model_id: The model whose suggestions become answers.
            accepted: What `candidates` gave.
            settle: What suggestions are as an answer that takes all of them.
            max_error: The share of wrong documents that was allowed.
            confidence: How sure the bound is.
            basis: What it stands on.

        Returns:
            The triage, with the documents that were really accepted.
        """
        with self._store.write():
            number = self._store.run(
                "INSERT INTO triages(model_id, max_error, confidence, basis, created_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (model_id, max_error, confidence, json.dumps(basis, ensure_ascii=False), now()),
            ).lastrowid
        assert number is not None
        for begin in range(0, len(accepted), BATCH):
            with self._store.write():
                for one in accepted[begin : begin + BATCH]:
                    self._accept(number, one, settle)
        return self.get(number)

    def _accept(
        self, number: int, one: Candidate, settle: Callable[[Sequence[Span]], tuple[AnnotatedSpan, ...]]
    ) -> None:
        untouched = self._store.row(
            "SELECT 1 FROM queue WHERE document_id = ? AND split = 'pool' AND state = 'open'"
            " AND answered_by = '[]'",
            (one.document_id,),
        )
        said = self._store.predictions.by_id(one.prediction_id)
        if untouched is None or said is None:
            return
        answer = NewAnnotation(
            str(uuid.uuid4()), one.document_id, ANNOTATOR, "machine", "accept", settle(said.spans),
            prediction_id=one.prediction_id,
        )  # fmt: skip
        added = self._store.annotations.add(answer)
        self._store.run("INSERT INTO triaged VALUES (?, ?)", (added.annotation_id, number))
        document = self._store.documents.get(one.document_id)
        assert document is not None
        event = AlignmentEvent(
            one.document_id, 0, len(document.text), "", ACCEPTED, f"triage {number}",
            model_id=said.model_id, annotation_id=added.annotation_id,
        )  # fmt: skip
        self._store.ledger.add([event])

    def accepted(self) -> frozenset[int]:
        """The annotations of all triages that have not been taken back."""
        rows = self._store.column(
            "SELECT annotation_id FROM triaged"
            " WHERE annotation_id NOT IN (SELECT annotation_id FROM withdrawn)"
        )
        return frozenset(rows)

    def standing(self) -> int:
        """How many documents are gold by the word of a triage alone: nobody has accepted them since."""
        row = self._store.row(
            f"SELECT count(*) FROM triaged x JOIN annotations a ON a.id = x.annotation_id {_STANDING}"
        )
        assert row is not None
        return int(row[0])

    def undo(self, number: int) -> int:
        """Withdraw the answers of a triage: they stay in the file and say nothing any more. Documents that
        nobody else has answered are open again. Gives how many answers were withdrawn."""
        self.get(number)
        ids = list(self._store.column("SELECT annotation_id FROM triaged WHERE triage_id = ?", (number,)))
        withdrawn = 0
        for begin in range(0, len(ids), BATCH):
            some = json.dumps(ids[begin : begin + BATCH])
            with self._store.write():
                withdrawn += self._store.run(
                    "INSERT INTO withdrawn SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
                    (some,),
                ).rowcount
                touched = "SELECT document_id FROM annotations WHERE id IN (SELECT value FROM json_each(?))"
                for document_id in list(self._store.column(touched, (some,))):
                    self._store.queue.states.refresh(document_id)
        with self._store.write():
            self._store.run(
                "UPDATE triages SET undone_at = coalesce(undone_at, ?) WHERE id = ?", (now(), number)
            )
        return withdrawn

    def get(self, number: int) -> Triage:
        """The triage of that number. StoreError says which there are."""
        found = {one.id: one for one in self.all()}
        if number not in found:
            there = ", ".join(map(str, found)) or "none yet"
            raise StoreError(f"{self._store.named} has no triage {number}; there are: {there}")
        return found[number]

    def all(self) -> list[Triage]:
        """Every triage, the oldest first."""
        rows = self._store.rows(
            "SELECT t.id, t.model_id, m.round, t.max_error, t.confidence, t.basis, t.created_at, t.undone_at,"
            " (SELECT count(*) FROM triaged x WHERE x.triage_id = t.id)"
            " FROM triages t JOIN models m ON m.id = t.model_id ORDER BY t.id"
        )
        return [
            Triage(number, model_id, round_, most, sure, json.loads(basis), begun, undone, documents)
            for number, model_id, round_, most, sure, basis, begun, undone, documents in rows
        ]
