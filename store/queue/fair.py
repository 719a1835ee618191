"""The fair sample: answered documents that chance alone chose, whatever strategy stood beside it.

Every document has a place in an order of chance from its import on (``queue.shuffle``). The random draws
beside a strategy go along it from its beginning, those of a queue that stands by ``random`` from its end, and
what a strategy chose stands anywhere in it. So the documents before the last random draw of either end are a
fair sample: those that were drawn at random, and those that a strategy had asked for before chance came by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanloop.store.records import Split

if TYPE_CHECKING:
    from spanloop.store.store import Store

# The open one that comes first: a jump along the index for each set of people, of which there are few. One
# that was answered in part, and is asked about another part, counts as answered.
_FIRST_OPEN = """
WITH RECURSIVE sets(people) AS (
    SELECT max(answered_by) FROM queue WHERE state = 'open' AND split = ?1
    UNION ALL
    SELECT (SELECT max(answered_by) FROM queue
            WHERE state = 'open' AND split = ?1 AND answered_by < people)
    FROM sets WHERE people IS NOT NULL
)
SELECT q.shuffle, q.document_id FROM sets JOIN queue q ON q.document_id = (
    SELECT f.document_id FROM queue f WHERE f.state = 'open' AND f.split = ?1
    AND NOT (f.gold AND f.answered_by = '[]') AND f.answered_by = sets.people
    ORDER BY f.shuffle {way}, f.document_id {way} LIMIT 1)
ORDER BY 1 {way}, 2 {way} LIMIT 1
"""
_BEFORE = """
SELECT q.document_id, q.gold, EXISTS (
    SELECT 1 FROM annotations a WHERE a.document_id = q.document_id AND a.drawn = 'random'
    AND a.id NOT IN (SELECT annotation_id FROM withdrawn))
FROM queue q WHERE q.split = :split AND (q.state <> 'open' OR (q.gold AND q.answered_by = '[]'))
AND (:shuffle IS NULL OR (q.shuffle, q.document_id) {before} (:shuffle, :document_id))
ORDER BY q.shuffle {way}, q.document_id {way}
"""


@dataclass(frozen=True, slots=True)
class FairSample:
    """Documents that chance alone chose.

    ``document_ids``: those with gold. ``without_gold``: how many were set aside, are rejected or in dispute;
    they are no part of it, and where they are many it is no longer fair.
    """

    document_ids: tuple[int, ...]
    without_gold: int


class Fair:
    """``store.queue.fair``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sample(self, split: Split = "pool") -> FairSample:
        """The answered documents of a split that are a fair sample of it; all of them, where none is open.

        It grows with every random draw that is answered. An import makes it smaller for a while, until the
        random draws have come to the new documents before its end.
        """
        with self._store.reading():
            from_begin, from_end = self._end(split, "ASC", "<"), self._end(split, "DESC", ">")
            anything_open = self._store.row(_FIRST_OPEN.format(way="ASC"), (split,)) is not None
        rows = from_begin
        if anything_open:
            rows = _to_the_last_draw(from_begin) + _to_the_last_draw(from_end)
        with_gold = tuple(document_id for document_id, gold, _ in rows if gold)
        return FairSample(with_gold, len(rows) - len(with_gold))

    def _end(self, split: Split, way: str, before: str) -> list[tuple[Any, ...]]:
        """The documents before the first open one from this end: id, whether gold, whether drawn at
        random."""
        first = self._store.row(_FIRST_OPEN.format(way=way), (split,)) or (None, None)
        asked = {"split": split, "shuffle": first[0], "document_id": first[1]}
        return self._store.rows(_BEFORE.format(way=way, before=before), asked)


def _to_the_last_draw(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Behind the last random draw stands only what a strategy chose: that is no sample."""
    last = max((place for place, row in enumerate(rows, 1) if row[2]), default=0)
    return rows[:last]
