"""The order of the queue: one generation after another, so that a new order never blocks the old one.

The places of the open documents stand in ``queue_order``, a table in the order in which it is read. A new
order is written beside the one that counts, from the first place to the last and in short transactions; one
tiny transaction makes it count; the old one is taken down afterwards. A crash in between leaves the old order
in force. Triggers keep every order in step with what is answered, imported and predicted meanwhile.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from spanloop.store.errors import StoreError

if TYPE_CHECKING:
    from spanloop.store.store import Store

BELOW = "@"
"""In the name of a strategy: it asks below the document, about what stands behind it, such as
``mnlp@sentences``."""
CHUNK = 5_000  # places written in one transaction: some hundredths of a second
GAPS = 20_000  # documents looked through for such as have no score
PAUSE_SECONDS = 0.004  # between two of them: whoever waits for the lock gets it
NO_SCORE = 1e300  # the place of a document without a score: behind all others, in the order of import

_SCORED = """
CREATE TEMP TABLE sorted_places AS SELECT -score AS place, document_id FROM acquisition
WHERE model_id = :model_id AND strategy = :strategy ORDER BY 1, 2
"""
_SHUFFLED = """
CREATE TEMP TABLE sorted_places AS SELECT -shuffle * 1.0 AS place, document_id FROM queue
WHERE state = 'open' ORDER BY 1, 2
"""
_TAKE_PLACES = """
INSERT INTO queue_order SELECT :generation, q.split, q.answered_by, s.place, s.document_id
FROM temp.sorted_places s CROSS JOIN queue q ON q.document_id = s.document_id
WHERE s.rowid >= :begin AND s.rowid < :end AND q.state = 'open' ON CONFLICT DO NOTHING
"""
# scores that came after the sorting have brought their documents in already, by a trigger
_TAKE_THE_OTHERS = f"""
INSERT INTO queue_order SELECT p.generation, p.split, p.answered_by, p.place, p.document_id FROM places p
WHERE p.generation = :generation AND p.document_id >= :begin AND p.document_id < :end
  AND p.open AND p.place = {NO_SCORE} ON CONFLICT DO NOTHING
"""
_CHUNK_END = """
SELECT split, answered_by, place, document_id FROM queue_order WHERE generation = ?
ORDER BY split, answered_by, place, document_id LIMIT 1 OFFSET ?
"""
_REMOVE_CHUNK = """
DELETE FROM queue_order WHERE generation = ? AND (split, answered_by, place, document_id) < (?, ?, ?, ?)
"""
_AMISS = """
SELECT count(*) FROM places p WHERE p.order_state = 'current' AND p.open <> EXISTS (
    SELECT 1 FROM queue_order o WHERE o.generation = p.generation AND o.split = p.split
    AND o.answered_by = p.answered_by AND o.place = p.place AND o.document_id = p.document_id)
"""


class Order:
    """``store.queue.order``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._making = threading.Lock()

    def standing(self) -> tuple[str | None, int | None]:
        """The strategy the queue stands by and the model whose scores it took."""
        row = self._store.row("SELECT strategy, model_id FROM queue_orders WHERE state = 'current'")
        assert row is not None
        return row[0], row[1]

    def make(self, strategy: str | None, model_id: int | None = None, unless_standing: bool = False) -> None:
        """Put the queue in a new order; see ``Queue.prioritise``.

        Of two processes that order the queue at once, the one that began later has its way and the other
        returns. ``unless_standing``: nothing where the queue stands by this strategy, of whatever model. One
        that asks about whole documents ends what was asked in parts.
        """
        with self._making:
            below = strategy is not None and BELOW in strategy
            if unless_standing and self.standing()[0] == strategy:
                return
            if unless_standing and below:  # its parts are there only where it was the last one
                raise StoreError(f"run `spanloop prelabel --strategy {strategy}` first: it finds the parts")
            if strategy is None or strategy == "random":
                model_id = None
            else:
                model_id = self._scoring_model(strategy, model_id)
            generation = self._begin(strategy, model_id)
            if self._fill(generation, strategy, model_id):
                self._switch(generation)
                if not below:
                    self._store.parts.clear()
            self.clear()

    def _scoring_model(self, strategy: str, model_id: int | None) -> int:
        row = self._store.row(
            "SELECT m.id FROM models m LEFT JOIN rounds r ON r.model_id = m.id AND r.promoted = 1"
            " WHERE (?1 IS NULL OR m.id = ?1)"
            " AND EXISTS (SELECT 1 FROM acquisition a WHERE a.model_id = m.id AND a.strategy = ?2)"
            " ORDER BY r.number IS NULL, m.id DESC LIMIT 1",
            (model_id, strategy),
        )
        if row is None:
            raise StoreError(
                f"no model has scores of the strategy {strategy!r} yet: run "
                f"`spanloop prelabel --strategy {strategy}` first"
            )
        return int(row[0])

    def _begin(self, strategy: str | None, model_id: int | None) -> int:
        """Open a generation; one that somebody left half-made is given up."""
        with self._store.write(durable=False):
            self._store.run("UPDATE queue_orders SET state = 'leaving' WHERE state = 'making'")
            cursor = self._store.run(
                "INSERT INTO queue_orders(strategy, model_id, state) VALUES (?, ?, 'making')",
                (strategy, model_id),
            )
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def _fill(self, generation: int, strategy: str | None, model_id: int | None) -> bool:
        """Give every open document its place; False when another process began a newer order meanwhile."""
        self._store.run("DROP TABLE IF EXISTS temp.sorted_places")
        if strategy is not None:
            self._store.run(
                _SHUFFLED if strategy == "random" else _SCORED, {"model_id": model_id, "strategy": strategy}
            )
            if not self._in_chunks(
                generation, _TAKE_PLACES, CHUNK, "SELECT max(rowid) FROM temp.sorted_places"
            ):
                return False
            self._store.run("DROP TABLE temp.sorted_places")
            if self._is_whole(generation):
                return True
        return self._in_chunks(generation, _TAKE_THE_OTHERS, GAPS, "SELECT max(document_id) FROM queue")

    def _in_chunks(self, generation: int, statement: str, chunk: int, last: str) -> bool:
        row = self._store.row(last)
        assert row is not None
        for begin in range(1, (row[0] or 0) + 1, chunk):
            with self._store.write(durable=False):
                if not self._is_wanted(generation):
                    return False
                self._store.run(statement, {"generation": generation, "begin": begin, "end": begin + chunk})
            time.sleep(PAUSE_SECONDS)
        return True

    def _is_wanted(self, generation: int) -> bool:
        state = self._store.row("SELECT state FROM queue_orders WHERE generation = ?", (generation,))
        return state == ("making",)

    def _is_whole(self, generation: int) -> bool:
        """Whether every open document has its place already, as where all have a score."""
        row = self._store.row(
            "SELECT (SELECT count(*) FROM queue_order WHERE generation = ?)"
            " = (SELECT sum(documents) FROM queue_counts WHERE state = 'open')",
            (generation,),
        )
        return row == (1,)

    def _switch(self, generation: int) -> None:
        with self._store.write():
            if self._is_wanted(generation):
                self._store.run("UPDATE queue_orders SET state = 'leaving' WHERE state = 'current'")
                self._store.run(
                    "UPDATE queue_orders SET state = 'current' WHERE generation = ?", (generation,)
                )

    def clear(self) -> None:
        """Take down the orders that count no more, in short transactions."""
        for (generation,) in self._store.rows("SELECT generation FROM queue_orders WHERE state = 'leaving'"):
            while end := self._store.row(_CHUNK_END, (generation, CHUNK)):
                with self._store.write(durable=False):
                    self._store.run(_REMOVE_CHUNK, (generation, *end))
                time.sleep(PAUSE_SECONDS)
            with self._store.write(durable=False):
                self._store.run("DELETE FROM queue_order WHERE generation = ?", (generation,))
                self._store.run("DELETE FROM queue_orders WHERE generation = ?", (generation,))

    def amiss(self) -> int:
        """How many documents have no place, or one that is not theirs; 0 unless another program wrote."""
        counted = self._store.row(
            "SELECT (SELECT count(*) FROM queue_order WHERE generation = o.generation)"
            " - (SELECT sum(documents) FROM queue_counts WHERE state = 'open')"
            " FROM queue_orders o WHERE o.state = 'current'"
        )
        missing: tuple[Any, ...] | None = self._store.row(_AMISS)
        assert counted is not None
        assert missing is not None
        return max(abs(int(counted[0])), int(missing[0]))
