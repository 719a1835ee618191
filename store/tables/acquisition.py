"""How much each document is worth asking about, by model and strategy, and what such scores are made of.

A score is never changed, but for the places of a strategy that compares what came before with what comes
later. Beside the scores of strategies stand counts that they are made of, under names with
a colon, which no strategy has: ``count:tokens``, ``count:7`` for how many spans of the label with id 7 the
model expects, and ``count:information`` for what it would learn of itself from the document, in nats a token.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from spanloop.store.store import Store

TOKENS = "count:tokens"
INFORMATION = "count:information"
CHUNK = 5_000  # scores written in one transaction: some hundredths of a second
PAUSE_SECONDS = 0.004  # between two of them: whoever waits for the lock gets it
LEAST_SPANS = 0.01
"""A label of which fewer spans than this are expected in a document has no row."""


class Waiting(NamedTuple):
    """An open document of the pool that a model has scored: its score by the strategy that was asked for, its
    group (near-duplicates have one), its place in the order of chance."""

    document_id: int
    score: float
    group: str
    shuffle: int


def counts(tokens: int, spans: Mapping[int, float]) -> dict[str, float]:
    """The counts of one document as `Predictions.add` stores them among its scores.

    Args:
        tokens: How many the model has read.
        spans: How many spans of each label it expects, by the label's id.
    """
    expected = {f"count:{label_id}": n for label_id, n in sorted(spans.items()) if n >= LEAST_SPANS}
    return {TOKENS: float(tokens), **expected}


class Acquisition:
    """``store.acquisition``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def waiting(self, model_id: int, base: str, strategy: str) -> list[Waiting]:
        """The open documents of the pool that this model has scored by ``base`` and not yet by ``strategy``,
        in the order of their ids."""
        rows = self._store.rows(
            "SELECT a.document_id, a.score, d.grp, q.shuffle FROM acquisition a"
            " JOIN queue q ON q.document_id = a.document_id JOIN documents d ON d.id = a.document_id"
            " WHERE a.model_id = ?1 AND a.strategy = ?2 AND q.split = 'pool' AND q.state = 'open'"
            " AND NOT EXISTS (SELECT 1 FROM acquisition b WHERE b.model_id = ?1 AND b.strategy = ?3"
            "                 AND b.document_id = a.document_id)"
            " ORDER BY a.document_id",
            (model_id, base, strategy),
        )
        return [Waiting(*row) for row in rows]

    def to_look_at(
        self, model_id: int, strategy: str, further: Collection[int], *, every: bool
    ) -> Sequence[int]:
        """The documents of the pool that are open, or among ``further``, and that this model has predicted
        and not scored by ``strategy``; ``every``: those that it has scored too; by their ids."""
        return self._store.column(
            "SELECT q.document_id FROM queue q"
            " JOIN predictions p ON p.document_id = q.document_id AND p.model_id = ?1"
            " WHERE q.split = 'pool'"
            " AND (q.state = 'open' OR q.document_id IN (SELECT value FROM json_each(?3)))"
            " AND (?4 OR NOT EXISTS (SELECT 1 FROM acquisition a WHERE a.model_id = ?1 AND a.strategy = ?2"
            "                        AND a.document_id = q.document_id)) ORDER BY 1",
            (model_id, strategy, json.dumps(list(further)), every),
        )

    def counts(self, model_id: int, name: str, among: Sequence[int]) -> dict[int, float]:
        """What stands under that name (`TOKENS`, `INFORMATION`, or ``count:`` with the id of a label), by
        document: of those ``among`` which have one."""
        where, values = "model_id = ? AND strategy = ?", [model_id, name]
        if len(among) <= CHUNK:  # else reading all is faster, and little is left over
            where += " AND document_id IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(list(among)))
        rows = self._store.rows(f"SELECT document_id, score FROM acquisition WHERE {where}", tuple(values))
        return dict(rows)

    def add(self, model_id: int, strategy: str, scores: Iterable[tuple[int, float]]) -> None:
        """Store further scores of one model, in short transactions; what is there already stays as it is."""
        rows = ((document_id, model_id, strategy, score) for document_id, score in scores)
        while chunk := list(islice(rows, CHUNK)):
            with self._store.write() as db:
                db.conn.executemany(
                    "INSERT INTO acquisition(document_id, model_id, strategy, score) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    chunk,
                )
            time.sleep(PAUSE_SECONDS)

    def add_the_others(self, model_id: int, strategy: str, base: str) -> None:
        """Give every document that has a score by ``base`` and none by ``strategy`` one below 1, in the order
        of ``base``, whose scores are not below 0."""
        row = self._store.row("SELECT max(id) FROM documents")
        assert row is not None
        for begin in range(0, (row[0] or 0) + 1, CHUNK):
            with self._store.write():
                self._store.run(
                    "INSERT INTO acquisition(document_id, model_id, strategy, score)"
                    " SELECT document_id, model_id, ?3, score / (1 + score) FROM acquisition"
                    " WHERE model_id = ?1 AND strategy = ?2 AND document_id >= ?4 AND document_id < ?5"
                    " ON CONFLICT DO NOTHING",
                    (model_id, base, strategy, begin, begin + CHUNK),
                )
            time.sleep(PAUSE_SECONDS)

    def forget_the_candidates(self, model_id: int, strategy: str) -> None:
        """Take back what a strategy gave those that it compared, 1 and above, so that they wait again."""
        with self._store.write():
            self._store.run(
                "DELETE FROM acquisition WHERE model_id = ? AND strategy = ? AND score >= 1",
                (model_id, strategy),
            )

    def past_rounds(self, model_id: int, at_most: int) -> list[int]:
        """The models of the newest rounds that have said something, the newest first, without this one."""
        rows = self._store.rows(
            "SELECT m.id FROM models m WHERE m.kind = 'round' AND m.id <> ?1"
            " AND EXISTS (SELECT 1 FROM predictions p WHERE p.model_id = m.id) ORDER BY m.id DESC LIMIT ?2",
            (model_id, at_most),
        )
        return [row[0] for row in rows]

    def said(self, model_id: int, document_ids: Sequence[int]) -> dict[int, frozenset[tuple[int, int, int]]]:
        """The spans that a model predicted, as start, end and label id, by document; a document of which it
        has said nothing is left out."""
        found: dict[int, set[tuple[int, int, int]]] = {}
        for begin in range(0, len(document_ids), CHUNK):
            rows = self._store.rows(
                "SELECT p.document_id, s.start_char, s.end_char, s.label_id FROM predictions p"
                " LEFT JOIN prediction_spans s ON s.prediction_id = p.id"
                " WHERE p.model_id = ? AND p.document_id IN (SELECT value FROM json_each(?))",
                (model_id, json.dumps(list(document_ids[begin : begin + CHUNK]))),
            )
            for document_id, start, *rest in rows:
                spans = found.setdefault(document_id, set())
                if start is not None:
                    spans.add((start, *rest))
        return {document_id: frozenset(spans) for document_id, spans in found.items()}
