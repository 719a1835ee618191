"""Documents: texts as they came in, immutable, each with a key, a group and a split."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from spanloop.store.records import Added, Document, NewDocument, QueueState, Split
from spanloop.store.tables.incoming import Answers, Batch, prepare

if TYPE_CHECKING:
    from spanloop.store.store import Store

PAGE = 500  # documents fetched at a time while iterating
COLUMNS = "d.id, d.key, d.grp, d.split, d.meta, d.text"


class Documents:
    """``store.documents``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self,
        documents: Iterable[NewDocument],
        *,
        on_conflict: Literal["error", "skip"] = "error",
        occurrences: Counter[str] | None = None,
        import_id: int | None = None,
        answers: Answers | None = None,
    ) -> list[Added]:
        """Store documents in one transaction; say, in their order, what became of each.

        Without a key a document gets one from its text; ``occurrences`` is the caller's count over one file,
        so that the k-th repetition of a text is the same document whenever that file is read. The same key
        with the same text is there already; with another text it is a StoreError, or with ``skip`` is left as
        it was and told (``Added.other_text``): nothing said of the one text is about the other. The same text
        under another key joins the stored one's group and, unless a split is given, its split. ``import_id``:
        the row of ``imports`` that brings them. ``answers`` is asked, once their numbers are known, for what
        was said of those that are new, which is stored with them.

        Raises StoreError for an empty text, a NUL or a lone surrogate; then none of this call is stored.
        """
        occurrences = Counter() if occurrences is None else occurrences
        incoming = prepare(documents, occurrences)
        with self._store.write():
            return Batch(self._store, incoming, import_id).run(on_conflict, answers)

    def get(self, document_id: int) -> Document | None:
        """The document of that id."""
        row = self._store.row(f"SELECT {COLUMNS} FROM documents d WHERE d.id = ?", (document_id,))
        return None if row is None else from_row(row)

    def by_key(self, key: str) -> Document | None:
        """The document of that key."""
        row = self._store.row(f"SELECT {COLUMNS} FROM documents d WHERE d.key = ?", (key,))
        return None if row is None else from_row(row)

    def known(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that documents have."""
        rows = self._store.rows(
            "SELECT d.key FROM json_each(?) j JOIN documents d ON d.key = j.value", (json.dumps(list(keys)),)
        )
        return {key for (key,) in rows}

    def count(self, split: Split | None = None) -> int:
        """How many documents there are, by a counter."""
        row = self._store.row(
            "SELECT sum(documents) FROM queue_counts WHERE ?1 IS NULL OR split = ?1", (split,)
        )
        assert row is not None
        return int(row[0])

    def largest_group(self) -> int:
        """How many documents the largest group has; a look through all of them."""
        row = self._store.row("SELECT max(n) FROM (SELECT count(*) AS n FROM documents GROUP BY grp)")
        return int(row[0] or 0) if row else 0

    def iterate(
        self,
        split: Split | None = None,
        state: QueueState | None = None,
        ids: Iterable[int] | None = None,
        order: Literal["id", "queue"] = "id",
    ) -> Iterator[Document]:
        """Documents one after the other, few in memory; safe while others write.

        Which ones is fixed at the first; ``queue`` is the order in which people would get them.
        """
        if ids is None:
            wanted = self.ids(split=split, state=state, order=order)
        else:
            chosen = set(ids)
            wanted = array("q", (i for i in self.ids(split=split, state=state, order=order) if i in chosen))
        return self.fetch(wanted)

    def ids(
        self,
        split: Split | None = None,
        state: QueueState | None = None,
        order: Literal["id", "queue"] = "id",
        where: str = "1",
        parameters: Sequence[Any] = (),
    ) -> array[int]:
        """Ids in order, eight bytes each. ``where`` is for the store's own classes."""
        if order == "id":
            source, ordering = "queue q", "q.document_id"
        else:
            source, ordering = "places q", "NOT q.open, q.place, q.document_id"
            where = f"q.order_state = 'current' AND {where}"
        return self._store.column(
            f"SELECT q.document_id FROM {source} WHERE (?1 IS NULL OR q.split = ?1)"
            f" AND (?2 IS NULL OR q.state = ?2) AND {where} ORDER BY {ordering}",
            (split, state, *parameters),
        )

    def unanswered(self, split: Split) -> array[int]:
        """Ids, in order, of the open documents that nobody has answered."""
        return self.ids(split=split, state="open", where="q.answered_by = '[]'")

    def fetch(self, ids: Sequence[int]) -> Iterator[Document]:
        """The documents of these ids, in this order, a page at a time."""
        for begin in range(0, len(ids), PAGE):
            page = list(ids[begin : begin + PAGE])
            rows = self._store.rows(
                f"SELECT {COLUMNS} FROM json_each(?) j JOIN documents d ON d.id = j.value ORDER BY j.key",
                (json.dumps(page),),
            )
            yield from map(from_row, rows)


def from_row(row: Sequence[Any]) -> Document:
    """A Document from the columns of ``COLUMNS``."""
    document_id, key, group, split, meta, text = row
    decoded: Mapping[str, Any] = {} if meta == "{}" else json.loads(meta)
    return Document(text=text, key=key, meta=decoded, group=group, split=split, id=document_id)
