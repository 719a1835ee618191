"""Finding text in documents: any characters in a row, case aside, in any script, with or without spaces.

A trigram index (FTS5) is built in a pass of its own that can be stopped and taken up again; what it does not
hold yet, and what is shorter than three characters, is found by looking through the texts. Documents never
change, so the index never goes stale; it can be dropped at any time. ``listing`` looks with it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from spanloop.store.records import Document, Split
from spanloop.store.tables.documents import COLUMNS, from_row

if TYPE_CHECKING:
    from spanloop.store.store import Store

BATCH = 1_000
LEAST_CHARACTERS = 3  # what a trigram index can find


class Search:
    """``store.search``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def index(self, limit: int | None = None) -> int:
        """Take up to ``limit`` more documents into the index; 0 = it holds them all."""
        self._store.run(
            "CREATE VIRTUAL TABLE IF NOT EXISTS documents_fts"
            " USING fts5(text, content='documents', content_rowid='id', tokenize='trigram')"
        )
        done = 0
        while limit is None or done < limit:
            size = BATCH if limit is None else min(BATCH, limit - done)
            with self._store.write():
                added = self._store.run(
                    "INSERT INTO documents_fts(rowid, text) SELECT id, text FROM documents WHERE id > ?"
                    " ORDER BY id LIMIT ?",
                    (self.indexed(), size),
                ).rowcount
            if not added:
                break
            done += added
        return done

    def forget(self, document_ids: Sequence[int]) -> None:
        """Take documents out of the index; inside of the transaction that takes them out of the project."""
        last = self.indexed()
        if not last:
            return
        self._store.db.conn.executemany(
            "INSERT INTO documents_fts(documents_fts, rowid, text) SELECT 'delete', id, text FROM documents"
            " WHERE id = ?",
            [(number,) for number in document_ids if number <= last],
        )

    def indexed(self) -> int:
        """The id of the last document in the index; 0 when there is none."""
        if not self._store.row("SELECT 1 FROM sqlite_master WHERE name = 'documents_fts'"):
            return 0
        row = self._store.row("SELECT coalesce(max(id), 0) FROM documents_fts_docsize")
        assert row is not None
        return int(row[0])

    def waiting_with(
        self, text: str, annotator: str, *, split: Split = "pool", limit: int = 100
    ) -> list[Document]:
        """The first documents, as they came in, that hold exactly these characters and wait for this person.

        Open ones, that is, which they have not answered. Upper and lower case differ here.
        """
        if not text or not is_text(text):
            return []
        asked = {"text": text, "annotator": annotator, "split": split}
        waiting = (
            " AND instr(d.text, :text) AND q.state = 'open' AND q.split = :split"
            " AND NOT EXISTS (SELECT 1 FROM json_each(q.answered_by) WHERE value = :annotator)"
            " ORDER BY {order} LIMIT :limit"
        )  # CROSS JOIN keeps SQLite from sorting the whole queue before it looks for the first hit
        indexed = self.indexed() if len(text) >= LEAST_CHARACTERS else 0
        found = []
        if indexed:
            found = self._store.rows(
                f"SELECT {COLUMNS} FROM documents_fts f CROSS JOIN documents d ON d.id = f.rowid"
                " CROSS JOIN queue q ON q.document_id = d.id WHERE documents_fts MATCH :phrase"
                + waiting.format(order="f.rowid"),
                {**asked, "phrase": as_phrase(text), "limit": limit},
            )
        if len(found) < limit:
            found += self._store.rows(
                f"SELECT {COLUMNS} FROM documents d CROSS JOIN queue q ON q.document_id = d.id"
                " WHERE d.id > :indexed" + waiting.format(order="d.id"),
                {**asked, "indexed": indexed, "limit": limit - len(found)},
            )
        return [from_row(row) for row in found]


def as_phrase(text: str) -> str:
    """The text as the search index is asked for it: all of it, in a row."""
    return '"' + text.replace('"', '""') + '"'


def is_text(text: str) -> bool:
    """Whether a document could hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
