"""Documents that the promoted round was let answer unseen, and what such a decision stands on."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import TYPE_CHECKING, Any

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import AnnotatedSpan, NewAnnotation, Span
from spanloop.store.tables.leases import RUNS, moments
from spanloop.store.tables.ledger import ACCEPTED

if TYPE_CHECKING:
    from spanloop.store.store import Store

ANNOTATOR = "triage"
"""Whose answers these are; the origin is `machine`."""
BATCH = 500
# the mean doubt that the token scores leave: the sum would be 1 of every long document
_SURE = (
    " JOIN predictions p ON p.document_id = q.document_id AND p.model_id = :model"
    " JOIN acquisition s ON s.document_id = q.document_id AND s.model_id = :model"
    " AND s.strategy = 'mnlp'"
)
# a triage's answer that counts
_STANDING = (
    "JOIN queue q ON q.document_id = a.document_id AND q.gold = 1"
    " WHERE x.annotation_id NOT IN (SELECT annotation_id FROM withdrawn)"
    " AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = a.document_id"
    "  AND b.precedence < a.precedence AND b.answer = 'accept'"
    "  AND b.id NOT IN (SELECT annotation_id FROM withdrawn))"
)
# the first answer of a person to a document that chance had drawn
_DRAWN = (
    "SELECT q.document_id, q.gold, a.created_at, d.import FROM annotations a"
    " JOIN queue q ON q.document_id = a.document_id JOIN documents d ON d.id = a.document_id"
    " WHERE a.drawn = 'random' AND a.origin IN ('human', 'simulated')"
    " AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = a.document_id AND b.id < a.id"
    "  AND b.origin IN ('human', 'simulated', 'review', 'import'))"
    # of eval those alone that chance put there: a file of their own may be of another kind
    " AND (q.split = 'pool' OR EXISTS (SELECT 1 FROM imports i WHERE i.id = d.import"
    "  AND coalesce(json_extract(i.options, '$.split'), 'auto') = 'auto'))"
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A document that chance drew and somebody answered: is what the model says of it what it is?

    ``confidence``: 0 to 1, the probability of a tag in the geometric mean of its tokens; ``labels``: those
    that the model suggests."""

    document_id: int
    confidence: float
    labels: frozenset[str]
    right: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that nobody has answered, with what the model says of it; fields as in ``Drawn``.
    ``waiting``: it is open; else a triage has accepted it already."""

    document_id: int
    prediction_id: int
    confidence: float
    labels: frozenset[str]
    waiting: bool = True


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


@dataclass(frozen=True, slots=True)
class Sample:
    """The answers that a bound can stand on, and how many others were drawn by chance that it cannot:
    ``learned`` by the round or one before it, ``early``, before the last documents came, and ``unseen`` by
    the model."""

    drawn: tuple[Drawn, ...]
    learned: int
    early: int
    unseen: int


class Triages:
    """``store.triages``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sample(self, model_id: int, number: int) -> Sample:
        """What people said of documents that chance drew and that this round never learned from.

        What they set aside, refused, dispute or saw a part of counts as wrong: nothing says that the model
        would be right.

        Args:
            model_id: The model of the round.
            number: The round.
        """
        newest = self._store.row("SELECT max(created_at) FROM documents WHERE split = 'pool'")
        learned = set(
            self._store.column(
                "SELECT DISTINCT a.document_id FROM round_annotations r JOIN annotations a"
                " ON a.id = r.annotation_id WHERE r.round <= ? AND r.role = 'train'",
                (number,),
            )
        )
        rows = self._store.rows(_DRAWN)
        fresh = [row for row in rows if row[0] not in learned]
        late = [row for row in fresh if newest is None or newest[0] is None or row[2] >= newest[0]]
        gold = {row[0]: bool(row[1]) for row in late}
        said = {one.document_id: one for one in self._said(model_id, list(gold))}
        # who looked at a part, or did not know a label, says nothing of the rest
        truth = {
            g.document.id: _places(g.spans)
            for g in self._store.annotations.gold(ids=[i for i in said if gold[i]])
            if g.ranges is None and not g.unknown
        }
        found = []
        for i, one in said.items():
            right = gold[i] and self._places_said(one.prediction_id) == truth.get(i)
            found.append(Drawn(i, one.confidence, one.labels, right))
        return Sample(tuple(found), len(rows) - len(fresh), len(fresh) - len(late), len(late) - len(said))

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
        found = self._said(model_id, list(waiting))
        accepted = self._store.column(
            f"SELECT a.document_id FROM triaged x JOIN annotations a ON a.id = x.annotation_id {_STANDING}"
        )
        return found + [replace(one, waiting=False) for one in self._said(model_id, list(accepted))]

    def _said(self, model_id: int, ids: Sequence[int]) -> list[Candidate]:
        rows = self._store.rows(
            "SELECT q.document_id, p.id, s.score, (SELECT json_group_array(DISTINCT l.name)"
            "  FROM prediction_spans t JOIN current_labels l ON l.id = t.label_id"
            "  WHERE t.prediction_id = p.id AND NOT l.retired)"
            f" FROM json_each(:ids) j JOIN queue q ON q.document_id = j.value{_SURE} ORDER BY 1",
            {"ids": json.dumps(list(ids)), "model": model_id},
        )
        return [Candidate(i, p, exp(-doubt), frozenset(json.loads(labels))) for i, p, doubt, labels in rows]

    def _places_said(self, prediction_id: int) -> frozenset[tuple[int, int, str]]:
        found = self._store.predictions.by_id(prediction_id)
        return frozenset() if found is None else _places(found.spans)

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


def _places(spans: Sequence[Any]) -> frozenset[tuple[int, int, str]]:
    return frozenset((span.start, span.end, span.label) for span in spans)
