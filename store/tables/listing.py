"""The list of documents: those that filters let through, in the order in which they came in.

No index knows every filter, so a look goes through the documents in blocks, each by the rarest thing that an
index knows, and ends when it has enough hits or its time is up. It says how far it has come; the next look
goes on there. What is found does not depend on where looks end.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from spanloop.store.records import Origin, QueueState, Split
from spanloop.store.tables.filters import query
from spanloop.store.tables.search import LEAST_CHARACTERS, as_phrase, is_text

if TYPE_CHECKING:
    from spanloop.store.store import Store

FIRST_BLOCK = 2_000
GROWTH = 8.0  # of a block over the one before, at most
# the search index goes for its next hit beyond the end of a block too: there, small blocks cost what large do
FIRST_BY_TEXT = 250_000
FIRST_BY_TEXT_AND_MORE = 20_000

State = Literal["open", "answered", "ignored", "rejected", "conflict", "review"]
"""What the queue says of a document, or that it waits for review."""
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters; all that are given must fit.

    Attributes:
        text: Characters that stand in a row in the document, case aside.
        state: The state in the queue, or ``review``: waits for one.
        flagged: Only documents on which a flag stands (the view ``flags``).
        annotator: Who has answered.
        origin: What such an answer is; together with ``annotator``, of one and the same answer.
        label_id: A label that a span carries: of the newest accepted answer of somebody, or of what is
            suggested while the document is open.
        labels_by: Whose answers count for that; None: everybody's.
        suggestions: Whether suggestions and answers of machines count for that.
        meta: A key of the document's meta, and a part of its value, case aside.
        least: The least sure suggestion has at least this confidence.
        below: The least sure suggestion has less than this.
        split: The split.
        among: Ids of documents, where no others may be found.
    """

    text: str = ""
    state: State | None = None
    flagged: bool = False
    annotator: str | None = None
    origin: Origin | None = None
    label_id: int | None = None
    labels_by: str | None = None
    suggestions: bool = True
    meta: tuple[str, str] | None = None
    least: float | None = None
    below: float | None = None
    split: Split | None = None
    among: Collection[int] | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found: ids in their order. ``until``: it has seen all up to this one; ``whole``: there are
    none behind it."""

    ids: tuple[int, ...]
    until: int
    whole: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How a document stands: who has answered, on whom a flag stands, and whether it waits for review.

    ``source``: where its gold comes from, None where it has none.
    """

    state: QueueState
    answered_by: tuple[str, ...]
    flagged_by: tuple[str, ...]
    review: bool
    source: Origin | None


@dataclass(frozen=True, slots=True)
class Flag:
    """Somebody flagged a document, with this comment."""

    document_id: int
    annotator: str
    comment: str


class Listing:
    """``store.listing``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def look(
        self,
        wanted: Wanted,
        *,
        after: int = 0,
        most: int = 1_000,
        seconds: float | None = None,
        block: int | None = None,
    ) -> Look:
        """Look for documents behind the one with the id ``after``.

        Args:
            wanted: The filters.
            after: Where the look before ended; 0 at first.
            most: It ends when it has so many hits.
            seconds: It ends about when so much time has passed, after one block at least; None: never.
            block: How many documents every block has at least; None: as many as suit the filters.

        Returns:
            The hits, and how far it looked.
        """
        if not is_text(wanted.text):
            return Look((), after, True)
        self._store.db.conn.create_function("fold", 1, str.casefold, deterministic=True)
        began = time.perf_counter()
        with self._store.reading():
            asked = self._asked(wanted)
            indexed = self._store.search.indexed() if len(wanted.text) >= LEAST_CHARACTERS else 0
            last = self.last()
            found: list[int] = []
            low, size = after, 0
            while low < last:
                by_index = low < indexed
                least = block or _first_block(wanted, by_index)
                size = max(size, least)
                high = min(last, low + size, indexed if by_index else last)
                started = time.perf_counter()
                limits = {"low": low, "high": high, "limit": most - len(found)}
                found += self._store.column(query(wanted, by_index=by_index), {**asked, **limits})
                if len(found) == most:
                    return Look(tuple(found), found[-1], False)
                low = high
                if seconds is None:
                    size = int(size * GROWTH)
                else:
                    now = time.perf_counter()
                    left = seconds - (now - began)
                    if left <= 0:
                        break
                    size = int(size * min(GROWTH, 0.5 * left / max(now - started, 1e-6)))
            return Look(tuple(found), max(low, after), low >= last)

    def standing(self, document_ids: Collection[int]) -> dict[int, Standing]:
        """How each of these documents stands."""
        rows = self._store.rows(
            "SELECT q.document_id, q.state, q.answered_by, q.gold,"
            " (SELECT json_group_array(annotator) FROM ("
            "  SELECT DISTINCT f.annotator FROM flags f WHERE f.document_id = q.document_id ORDER BY 1)),"
            " EXISTS (SELECT 1 FROM reviews r WHERE r.document_id = q.document_id"
            "         AND r.annotation_id IS NULL)"
            " FROM queue q WHERE q.document_id IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(document_ids)),),
        )
        return {
            number: Standing(
                state,
                tuple(json.loads(people)),
                tuple(json.loads(flagged)),
                bool(review),
                self._source(number) if gold else None,
            )
            for number, state, people, gold, flagged, review in rows
        }

    def _source(self, document_id: int) -> Origin | None:
        """Where the gold comes from. One query a document: of many, SQLite would work out all verdicts."""
        row = self._store.row(
            "SELECT a.origin FROM verdicts v JOIN annotations a ON a.id = v.annotation_id"
            " WHERE v.document_id = ?",
            (document_id,),
        )
        return None if row is None else row[0]

    def flags(self) -> list[Flag]:
        """The flags that stand, in the order of the documents."""
        return [
            Flag(*row)
            for row in self._store.rows(
                "SELECT document_id, annotator, comment FROM flags ORDER BY document_id, annotation_id"
            )
        ]

    def last(self) -> int:
        """The id of the last document; 0 when there is none."""
        row = self._store.row("SELECT coalesce(max(document_id), 0) FROM queue")
        assert row is not None
        return int(row[0])

    def people(self, answers: int = 2_000) -> list[str]:
        """Who gave the newest answers."""
        rows = self._store.rows(
            "SELECT DISTINCT annotator FROM (SELECT annotator FROM annotations ORDER BY id DESC LIMIT ?)",
            (answers,),
        )
        return [row[0] for row in rows]

    def meta_keys(
        self, *, split: Split | None, among: Collection[int] | None, documents: int = 500
    ) -> list[str]:
        """The keys of meta that the first documents have, of one split or among those of these ids."""
        rows = self._store.rows(
            "SELECT DISTINCT m.key FROM (SELECT d.meta FROM documents d"
            " WHERE (:split IS NULL OR d.split = :split)"
            " AND (:among IS NULL OR d.id IN (SELECT value FROM json_each(:among)))"
            " ORDER BY d.id LIMIT :documents) AS d, json_each(d.meta) m ORDER BY 1",
            {
                "split": split,
                "among": None if among is None else json.dumps(sorted(among)),
                "documents": documents,
            },
        )
        return [row[0] for row in rows]

    def _asked(self, wanted: Wanted) -> dict[str, Any]:
        """What the queries are told: the filters, the ids that read as the label, the model that counts."""
        promoted = self._store.row("SELECT model_id FROM rounds WHERE promoted = 1")
        labels = self._store.column("SELECT id FROM current_labels WHERE current_id = ?", (wanted.label_id,))
        key, value = wanted.meta or ("", "")
        return {
            "text": wanted.text,
            "phrase": as_phrase(wanted.text),
            "state": wanted.state,
            "annotator": wanted.annotator,
            "origin": wanted.origin,
            "labels": json.dumps(list(labels)),
            "labels_by": wanted.labels_by,
            "key": key,
            "value": value,
            "least": wanted.least,
            "below": wanted.below,
            "split": wanted.split,
            "among": None if wanted.among is None else json.dumps(sorted(wanted.among)),
            "promoted": None if promoted is None else promoted[0],
        }


def _first_block(wanted: Wanted, by_index: bool) -> int:
    if not by_index:
        return FIRST_BLOCK
    text_alone = replace(wanted, text="", split=None, suggestions=True, labels_by=None) == Wanted()
    return FIRST_BY_TEXT if text_alone else FIRST_BY_TEXT_AND_MORE
