"""The queue: who gets which document next. Found by index, never by a scan, and leased.

A lease runs out by itself, so a person who does not come back blocks nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Literal

from spanloop.store.errors import StoreError
from spanloop.store.queue.fair import Fair
from spanloop.store.queue.order import Order
from spanloop.store.queue.states import States
from spanloop.store.records import Drawn, QueueItem, Split
from spanloop.store.tables.leases import LEASE_SECONDS, RUNS, end_of, moments
from spanloop.store.tables.people import check_annotator

if TYPE_CHECKING:
    from spanloop.store.store import Store

# One set of people after another, the nearly finished first; in each the first that this person may have.
# The further parts of a document that was answered in part are of whoever answered it.
# The distinct sets come by jumping along the index, so a million documents of one set are one step.
_FREE = f"""
WITH RECURSIVE sets(people) AS (
    SELECT max(answered_by) FROM queue WHERE state = 'open' AND split = :split
    UNION ALL
    SELECT (SELECT max(answered_by) FROM queue
            WHERE state = 'open' AND split = :split AND answered_by < people)
    FROM sets WHERE people IS NOT NULL
)
SELECT (
    SELECT q.document_id FROM {{source}} AND q.split = :split AND q.answered_by = sets.people
      AND q.document_id NOT IN (SELECT value FROM json_each(:exclude))
      AND (SELECT count(*) FROM leases l
           WHERE l.document_id = q.document_id AND l.annotator <> :annotator AND {RUNS})
          < (SELECT overlap FROM project) - json_array_length(sets.people)
      AND NOT EXISTS (SELECT 1 FROM leases l
                      WHERE l.document_id = q.document_id AND l.annotator = :annotator AND {RUNS})
      AND (sets.people <> '[]' OR NOT EXISTS (SELECT 1 FROM annotations a
                                              WHERE a.document_id = q.document_id AND a.origin = 'human'
                                                AND a.annotator <> :annotator
                                                AND a.id NOT IN (SELECT annotation_id FROM withdrawn)))
    ORDER BY {{order}}, q.document_id LIMIT 1) AS found
FROM sets
WHERE people IS NOT NULL AND NOT EXISTS (SELECT 1 FROM json_each(people) WHERE value = :annotator)
  AND found IS NOT NULL
ORDER BY json_array_length(people) DESC LIMIT 1
"""
_CURRENT = "(SELECT generation FROM queue_orders WHERE state = 'current')"
_BY_STRATEGY = _FREE.format(source=f"queue_order q WHERE q.generation = {_CURRENT}", order="q.place")
_BY_CHANCE = _FREE.format(source="queue q WHERE q.state = 'open'", order="q.shuffle")


class Queue:
    """``store.queue``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.order = Order(store)
        self.fair = Fair(store)
        self.states = States(store)

    def next(
        self,
        annotator: str,
        *,
        n: int = 1,
        split: Split = "pool",
        strategy: str | None = None,
        exclude: Collection[int] = (),
        lease_seconds: float = LEASE_SECONDS,
        random_share: float = 0.1,
        ignored: Literal["never", "last"] = "never",
    ) -> list[QueueItem]:
        """Lease up to ``n`` documents to an annotator: those they hold already, then the most urgent ones.

        ``random_share`` of the draws is at random, in an order fixed by the project's seed; of the eval split
        all are, whatever is given: a part of it must be a fair sample, not what a model finds hard. With
        ``ignored="last"`` documents set aside by `ignore` come when nothing is open any more. ``exclude`` are
        document ids. A ``strategy`` other than the one the queue stands by re-orders the queue first.
        """
        check_annotator(annotator)
        if split == "eval":
            random_share = 1.0
        if strategy is not None:
            self.order.make(strategy, unless_standing=True)
        with self._store.write(durable=False):
            asked = {"annotator": annotator, "split": split, **moments()}
            taken: list[tuple[int, str]] = self._held(asked, exclude)[:n]
            while len(taken) < n:
                skip = [*exclude, *(document_id for document_id, _ in taken)]
                drawn = self._draw({**asked, "exclude": json.dumps(skip)}, random_share, ignored)
                if drawn is None:
                    break
                taken.append(drawn)
            until = end_of(lease_seconds)
            for document_id, drawn_by in taken:
                self._lease(document_id, annotator, until, drawn_by)
            return [self._item(document_id, until, drawn_by) for document_id, drawn_by in taken]

    def _held(self, asked: dict[str, Any], exclude: Collection[int]) -> list[tuple[int, str]]:
        """What they hold, oldest lease first.

        An answer by someone else meanwhile ends a lease, unless it is on a document they reopened.
        """
        return [
            (document_id, drawn)
            for document_id, drawn in self._store.rows(
                "SELECT l.document_id, l.drawn FROM leases l JOIN queue q ON q.document_id = l.document_id"
                " WHERE l.annotator = :annotator AND q.split = :split"
                f" AND {RUNS}"
                " AND (q.state IN ('open', 'ignored') OR l.drawn = 'reopened') ORDER BY l.until,"
                " l.document_id",
                asked,
            )
            if document_id not in exclude
        ]

    def _draw(
        self, asked: dict[str, Any], random_share: float, ignored: Literal["never", "last"]
    ) -> tuple[int, str] | None:
        row = self._store.row("SELECT draws FROM queue_settings")
        assert row is not None
        draws = int(row[0])
        # exactly every tenth for 0.1, however many ask
        at_random = int((draws + 1) * random_share + 1e-9) > int(draws * random_share + 1e-9)
        found = self._store.rows(_BY_CHANCE if at_random else _BY_STRATEGY, asked)
        if found:
            self._store.run("UPDATE queue_settings SET draws = draws + 1")
            return found[0][0], "random" if at_random or self.standing()[0] == "random" else "strategy"
        if ignored == "last":
            found = self._store.rows(
                "SELECT q.document_id FROM queue q WHERE q.state = 'ignored' AND q.split = :split"
                " AND q.document_id NOT IN (SELECT value FROM json_each(:exclude))"
                f" AND NOT EXISTS (SELECT 1 FROM leases l WHERE l.document_id = q.document_id AND {RUNS})"
                # the one that was set aside longest ago: who skips it again gets another
                " ORDER BY (SELECT max(a.id) FROM annotations a WHERE a.document_id = q.document_id) LIMIT 1",
                asked,
            )
            if found:
                return found[0][0], "strategy"
        return None

    def _lease(self, document_id: int, annotator: str, until: str, drawn: str) -> None:
        self._store.run(
            "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)", (document_id, annotator, until, drawn)
        )

    def _item(self, document_id: int, until: str, drawn: Any) -> QueueItem:
        document = self._store.documents.get(document_id)
        assert document is not None
        prediction = self._store.predictions.get(document_id)
        model = None if prediction is None else self._store.models.get(prediction.model_id)
        return QueueItem(document, prediction, model, until, drawn)

    def release(self, annotator: str, document_id: int | None = None) -> None:
        """Give a lease back, or all that an annotator holds."""
        with self._store.write(durable=False):
            self._store.run(
                "DELETE FROM leases WHERE annotator = ?1 AND (?2 IS NULL OR document_id = ?2)",
                (annotator, document_id),
            )

    def renew(self, annotator: str, document_id: int, lease_seconds: float = LEASE_SECONDS) -> bool:
        """Hold a document longer; False when the lease has gone to someone else meanwhile."""
        with self._store.write(durable=False):
            asked = {"document_id": document_id, "annotator": annotator, **moments()}
            leases = dict(
                self._store.rows(
                    f"SELECT l.annotator, {RUNS} FROM leases l WHERE l.document_id = :document_id", asked
                )
            )
            if annotator not in leases:
                return False
            others = sum(runs for name, runs in leases.items() if name != annotator)
            if not leases[annotator] and others >= self._store.project.overlap:
                return False
            self._store.run(
                "UPDATE leases SET until = ? WHERE document_id = ? AND annotator = ?",
                (end_of(lease_seconds), document_id, annotator),
            )
            return True

    def drawn(self, document_id: int, annotator: str) -> Drawn | None:
        """How somebody came by a document that they hold; None where they do not."""
        row = self._store.row(
            "SELECT drawn FROM leases WHERE document_id = ? AND annotator = ?", (document_id, annotator)
        )
        return None if row is None else row[0]

    def holders(self, document_ids: Collection[int]) -> dict[int, list[str]]:
        """Who holds these documents now, by document; those in nobody's hands are left out."""
        holders: dict[int, list[str]] = {}
        for document_id, annotator in self._store.rows(
            "SELECT l.document_id, l.annotator FROM leases l"
            f" WHERE l.document_id IN (SELECT value FROM json_each(:ids)) AND {RUNS} ORDER BY 1, 2",
            {"ids": json.dumps(sorted(document_ids)), **moments()},
        ):
            holders.setdefault(document_id, []).append(annotator)
        return holders

    def reopen(self, document_id: int, annotator: str, lease_seconds: float = LEASE_SECONDS) -> QueueItem:
        """Lease a document again to someone who wants to change their answer.

        What they said stands until then.
        """
        check_annotator(annotator)
        with self._store.write(durable=False):
            if self._store.documents.get(document_id) is None:
                raise StoreError(f"there is no document {document_id} to reopen")
            until = end_of(lease_seconds)
            self._lease(document_id, annotator, until, "reopened")
            return self._item(document_id, until, "reopened")

    def counts(self, split: Split | None = None) -> dict[str, int]:
        """Documents by state: total, gold, open, skipped, conflict, rejected. By counters, so it costs
        nothing.

        A document that waits for more people (overlap) may be gold and open at once.
        """
        row = self._store.row(
            "SELECT sum(total), sum(gold), sum(open), sum(skipped), sum(conflict), sum(rejected) FROM"
            " progress"
            " WHERE ?1 IS NULL OR split = ?1",
            (split,),
        )
        assert row is not None
        return dict(zip(("total", "gold", "open", "skipped", "conflict", "rejected"), row, strict=True))

    def standing(self) -> tuple[str | None, int | None]:
        """The strategy the queue stands by and the model whose scores it took."""
        return self.order.standing()

    def in_hand(self) -> int:
        """How many documents somebody has on the page now."""
        (row,) = self._store.rows(f"SELECT count(*) FROM leases l WHERE {RUNS}", moments())
        return int(row[0])

    def prioritise(self, strategy: str, model_id: int | None = None) -> None:
        """Order the queue by a strategy's scores: of the model named, else the promoted round's, else the
        newest.

        Runs in short transactions, so others go on working, by the old order until the new one is whole.
        Documents without a score come after those with one. Raises StoreError when no model has stored scores
        of that strategy; ``random`` needs none.
        """
        self.order.make(strategy, model_id)
