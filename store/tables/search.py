"""Finding text in documents: any characters in a row, case aside, in any script, with or without spaces.

A trigram index (FTS5) is built in a pass of its own that can be stopped and taken up again; what it does not
hold yet, and what is shorter than three characters, is found by looking through the texts. Documents never
change, so the index never goes stale; it can be dropped at any time.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING

from spanloop.store.records import Document, Split
from spanloop.store.tables.documents import COLUMNS, from_row

if TYPE_CHECKING:
    from spanloop.store.store import Store

BATCH = 1_000
LEAST_CHARACTERS = 3  # what a trigram index can find
_OF_THESE = (
    "AND (:split IS NULL OR d.split = :split)"
    " AND (:among IS NULL OR d.id IN (SELECT value FROM json_each(:among)))"
)


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

    def indexed(self) -> int:
        """The id of the last document in the index; 0 when there is none."""
        if not self._store.row("SELECT 1 FROM sqlite_master WHERE name = 'documents_fts'"):
            return 0
        row = self._store.row("SELECT coalesce(max(id), 0) FROM documents_fts_docsize")
        assert row is not None
        return int(row[0])

    def find(
        self, text: str, limit: int = 20, *, split: Split | None = None, among: Collection[int] | None = None
    ) -> list[Document]:
        """The first documents, as they came in, that contain these characters in a row, case aside; of one
        split, or among those of these ids, where that is asked for."""
        if not text or not _is_text(text):
            return []
        asked = {"split": split, "among": None if among is None else json.dumps(sorted(among))}
        indexed = self.indexed() if len(text) >= LEAST_CHARACTERS else 0
        found = []
        if indexed:
            phrase = '"' + text.replace('"', '""') + '"'
            found = self._store.rows(
                f"SELECT {COLUMNS} FROM documents_fts f JOIN documents d ON d.id = f.rowid"
                f" WHERE documents_fts MATCH :phrase {_OF_THESE} ORDER BY f.rowid LIMIT :limit",
                {**asked, "phrase": phrase, "limit": limit},
            )
        if len(found) < limit:
            self._store.db.conn.create_function("fold", 1, str.casefold, deterministic=True)
            found += self._store.rows(
                f"SELECT {COLUMNS} FROM documents d"
                " WHERE d.id > :indexed AND instr(fold(d.text), fold(:text))"
                f" {_OF_THESE} ORDER BY d.id LIMIT :limit",
                {**asked, "indexed": indexed, "text": text, "limit": limit - len(found)},
            )
        return [from_row(row) for row in found]

    def waiting_with(
        self, text: str, annotator: str, *, split: Split = "pool", limit: int = 100
    ) -> list[Document]:
        """The first documents, as they came in, that hold exactly these characters and wait for this person.

        Open ones, that is, which they have not answered. Upper and lower case differ here.
        """
        if not text or not _is_text(text):
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
            phrase = '"' + text.replace('"', '""') + '"'
            found = self._store.rows(
                f"SELECT {COLUMNS} FROM documents_fts f CROSS JOIN documents d ON d.id = f.rowid"
                " CROSS JOIN queue q ON q.document_id = d.id WHERE documents_fts MATCH :phrase"
                + waiting.format(order="f.rowid"),
                {**asked, "phrase": phrase, "limit": limit},
            )
        if len(found) < limit:
            found += self._store.rows(
                f"SELECT {COLUMNS} FROM documents d CROSS JOIN queue q ON q.document_id = d.id"
                " WHERE d.id > :indexed" + waiting.format(order="d.id"),
                {**asked, "indexed": indexed, "limit": limit - len(found)},
            )
        return [from_row(row) for row in found]


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
