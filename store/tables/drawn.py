"""Answers to documents that chance drew: the fair sample that a bound may stand on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING, Any

from spanloop.store.tables.incoming import fraction

if TYPE_CHECKING:
    from spanloop.store.store import Store

# the mean doubt that the token scores leave: the sum would be 1 of every long document
_SURE = (
    " JOIN predictions p ON p.document_id = q.document_id AND p.model_id = :model"
    " JOIN acquisition s ON s.document_id = q.document_id AND s.model_id = :model"
    " AND s.strategy = 'mnlp'"
)
# the first answer of a person to a document that chance had drawn
_DRAWN = """
SELECT q.document_id, q.gold, a.created_at, q.split FROM annotations a
JOIN queue q ON q.document_id = a.document_id
WHERE a.drawn = 'random' AND a.origin IN ('human', 'simulated')
AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = a.document_id AND b.id < a.id
                AND b.origin IN ('human', 'simulated', 'review', 'import'))
"""


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
class Sample:
    """The answers that a bound can stand on, and how many others were drawn by chance that it cannot:
    ``learned`` by the round or one before it, ``early``, before the last documents came, ``apart``, of an
    eval split that chance did not draw from the same documents, ``closed`` to a round that learned from open
    documents as well, and ``unseen`` by the model."""

    drawn: tuple[Drawn, ...]
    learned: int
    early: int
    apart: int
    closed: int
    unseen: int


def sample(store: Store, model_id: int, number: int) -> Sample:
    """What people said of documents that chance drew and that a round never learned from.

    What they set aside, refused, dispute or saw a part of counts as wrong: nothing says that the model would
    be right.

    Args:
        store: The project.
        model_id: The model of the round.
        number: The round.
    """
    newest = store.row("SELECT coalesce(max(created_at), '') FROM documents WHERE split = 'pool'")
    learned = set(
        store.column(
            "SELECT DISTINCT a.document_id FROM round_annotations r JOIN annotations a"
            " ON a.id = r.annotation_id WHERE r.round <= ? AND r.role = 'train'",
            (number,),
        )
    )
    rows = store.rows(_DRAWN)
    fresh = [row for row in rows if row[0] not in learned]
    late = [row for row in fresh if newest is None or row[2] > newest[0]]
    alike = not any(row[3] == "eval" for row in late) or _split_by_chance(store)
    whole = [row for row in late if row[3] == "pool" or alike]
    begun = _read_open_ones(store, number)
    # it may be surer of what it has read than of what it could not read, without being more often right
    fair = [row for row in whole if begun is None or (row[3] == "pool" and row[2] > begun)]
    gold = {row[0]: bool(row[1]) for row in fair}
    said = said_of(store, model_id, list(gold))
    # who looked at a part, or did not know a label, says nothing of the rest
    truth = {
        g.document.id: _places(g.spans)
        for g in store.annotations.gold(ids=[one.document_id for one in said if gold[one.document_id]])
        if g.ranges is None and not g.unknown
    }
    found = [
        Drawn(
            one.document_id,
            one.confidence,
            one.labels,
            one.document_id in truth and _said_places(store, one) == truth[one.document_id],
        )
        for one in said
    ]
    return Sample(
        tuple(found),
        learned=len(rows) - len(fresh),
        early=len(fresh) - len(late),
        apart=len(late) - len(whole),
        closed=len(whole) - len(fair),
        unseen=len(fair) - len(said),
    )


def said_of(store: Store, model_id: int, ids: Sequence[int]) -> list[Candidate]:
    """What a model says of these documents, of which it has said something."""
    rows = store.rows(
        "SELECT q.document_id, p.id, s.score, (SELECT json_group_array(DISTINCT l.name)"
        "  FROM prediction_spans t JOIN current_labels l ON l.id = t.label_id"
        "  WHERE t.prediction_id = p.id AND NOT l.retired)"
        f" FROM json_each(:ids) j JOIN queue q ON q.document_id = j.value{_SURE} ORDER BY 1",
        {"ids": json.dumps(list(ids)), "model": model_id},
    )
    return [Candidate(i, p, exp(-doubt), frozenset(json.loads(labels))) for i, p, doubt, labels in rows]


def _read_open_ones(store: Store, number: int) -> str | None:
    """When a round began that learned from open documents of the pool too (``retrain --unlabelled``), or that
    goes on from one that did; None for any other."""
    first = row = store.rounds.get(number)
    while not (row.manifest or {}).get("documents_unlabelled"):
        if row.parent is None or row.parameters.get("base") != "round":
            return None
        row = store.rounds.get(row.parent)
    return first.started_at


def _split_by_chance(store: Store) -> bool:
    """Whether every document stands in the split that the hash of its group gives: where files or options
    said otherwise, eval may be of another kind than the pool."""
    project = store.project
    limit = project.eval_fraction * 2**63
    rows = store.db.conn.execute("SELECT grp, split FROM documents")
    return all((fraction(project.seed, group) < limit) == (split == "eval") for group, split in rows)


def _said_places(store: Store, one: Candidate) -> frozenset[tuple[int, int, str]]:
    found = store.predictions.by_id(one.prediction_id)
    return frozenset() if found is None else _places(found.spans)


def _places(spans: Sequence[Any]) -> frozenset[tuple[int, int, str]]:
    return frozenset((span.start, span.end, span.label) for span in spans)
