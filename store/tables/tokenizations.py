"""Token boundaries, stored when first computed, so that the page needs no spaCy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from spanloop.store.records import Document, Range

if TYPE_CHECKING:
    from spanloop.store.store import Store

_LACKING = """
NOT EXISTS (SELECT 1 FROM tokenizations t WHERE t.document_id = q.document_id AND t.tokenizer = :tokenizer)
"""
_OPEN = f"""
SELECT q.document_id FROM queue_order q
WHERE q.generation = (SELECT generation FROM queue_orders WHERE state = 'current')
  AND q.split = '{{}}' AND q.answered_by = '[]' AND {_LACKING}
ORDER BY q.place, q.document_id LIMIT :limit
"""
_BY_ID = f"""
SELECT q.document_id FROM queue q
WHERE q.document_id > :after AND q.document_id NOT IN (SELECT value FROM json_each(:taken)) AND {_LACKING}
ORDER BY q.document_id LIMIT :limit
"""
_REFUSED = "null"


class Tokenizations:
    """``store.tokenizations``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, tokenizer_hash: str, boundaries: Iterable[tuple[int, Sequence[Range] | None]]) -> None:
        """Store the (start, end) of every token of each ``(document_id, boundaries)``, in one transaction.

        None marks a document that this tokenizer refuses.
        """
        # flat, [0,3,4,9] for (0,3),(4,9): half the bytes
        rows = [
            (
                document_id,
                tokenizer_hash,
                _REFUSED
                if pairs is None
                else json.dumps([edge for pair in pairs for edge in pair], separators=(",", ":")),
            )
            for document_id, pairs in boundaries
        ]
        with self._store.write() as db:
            db.conn.executemany("INSERT OR IGNORE INTO tokenizations VALUES (?, ?, ?)", rows)

    def get(self, document_id: int, tokenizer_hash: str | None = None) -> list[Range] | None:
        """The tokens' (start, end), by the project's tokenizer unless another is named; None if unknown or
        refused."""
        row = self._store.row(
            "SELECT boundaries FROM tokenizations WHERE document_id = ? AND tokenizer ="
            " coalesce(?, (SELECT tokenizer FROM project))",
            (document_id, tokenizer_hash),
        )
        if row is None or row[0] == _REFUSED:
            return None
        edges = json.loads(row[0])
        return list(zip(edges[::2], edges[1::2], strict=True))

    def has(self, document_id: int, tokenizer_hash: str) -> bool:
        """Whether this tokenizer has seen the document, and cut or refused it."""
        named = (document_id, tokenizer_hash)
        seen = "SELECT 1 FROM tokenizations WHERE document_id = ? AND tokenizer = ?"
        return self._store.row(seen, named) is not None

    def refused(self) -> list[int]:
        """The documents that the project's tokenizer refuses."""
        rows = self._store.rows(
            "SELECT document_id FROM tokenizations WHERE boundaries = ?"
            " AND tokenizer = (SELECT tokenizer FROM project) ORDER BY 1",
            (_REFUSED,),
        )
        return [row[0] for row in rows]

    def missing(self, tokenizer_hash: str, limit: int, after: int = 0) -> list[Document]:
        """Up to ``limit`` documents without boundaries by this tokenizer, in the order people get them.

        ``after`` leaves out ids up to that one: who has seen them complete need not look through them again.
        """
        ids: list[int] = []
        for query in (_BY_ID,) if after else (_OPEN.format("pool"), _OPEN.format("eval"), _BY_ID):
            named = {"tokenizer": tokenizer_hash, "after": after, "limit": limit, "taken": json.dumps(ids)}
            if len(ids) < limit:
                ids += [row[0] for row in self._store.rows(query, named)]
        return list(self._store.documents.fetch(ids[:limit]))
