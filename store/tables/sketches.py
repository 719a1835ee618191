"""Sketches of texts, by which near-duplicates are found again: bytes that the store does not read."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from spanloop.store.records import Document

if TYPE_CHECKING:
    from spanloop.store.store import Store


class Sketches:
    """``store.sketches``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, version: int, sketches: Iterable[tuple[int, bytes]]) -> None:
        """Store ``(document_id, bands)``, in one transaction. ``version`` says how they were made: those of
        another version are replaced, those of this one left as they are."""
        with self._store.write(durable=False) as db:
            db.conn.executemany(
                "INSERT INTO sketches (document_id, version, bands) VALUES (?, ?, ?)"
                " ON CONFLICT (document_id) DO UPDATE SET version = excluded.version, bands = excluded.bands"
                " WHERE version <> excluded.version",
                ((document_id, version, bands) for document_id, bands in sketches),
            )

    def read(self, version: int) -> tuple[array[int], bytes]:
        """The ids of all documents whose sketch of this version says something, and these sketches one after
        another."""
        ids, bands = array("q"), bytearray()
        for document_id, found in self._store.db.conn.execute(
            "SELECT document_id, bands FROM sketches WHERE version = ? AND bands <> x'' ORDER BY 1",
            (version,),
        ):
            ids.append(document_id)
            bands += found
        return ids, bytes(bands)

    def missing(self, version: int) -> Iterator[Document]:
        """Documents without a sketch of this version, few in memory; which ones is fixed at the first."""
        return self._store.documents.fetch(
            self._store.column(
                "SELECT document_id FROM queue WHERE document_id NOT IN"
                " (SELECT document_id FROM sketches WHERE version = ?)",
                (version,),
            )
        )
