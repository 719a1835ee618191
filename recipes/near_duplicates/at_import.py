"""At import, a text that nearly repeats another one joins its group, so that both lie in the same split.

The sketches of the texts stand in the store (see ``sketches``); texts that share a hash are measured exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from spanloop.recipes.near_duplicates.shingles import LIKE, VERSION, shingles_of
from spanloop.recipes.near_duplicates.similarity import jaccard
from spanloop.recipes.near_duplicates.sketches import (
    BANDS,
    LOOKED_AT,
    Hashes,
    SketchIndex,
    Votes,
    shared_by_several,
    sketches_of,
)
from spanloop.recipes.progress import Progress, silent
from spanloop.store.records import Document, NewDocument
from spanloop.store.tables.documents import key_of

if TYPE_CHECKING:
    from spanloop.store import Store

BLOCK = 1_000


class Twins:
    """What the project holds, by its sketches; those that are missing, or of another version, are made
    first."""

    def __init__(self, store: Store, progress: Progress | None = None) -> None:
        self._store = store
        self._index = SketchIndex()
        self._complete(progress or silent)
        ids, bands = store.sketches.read(VERSION)
        self._index.add(np.array(ids, np.uint32), np.frombuffer(bands, np.uint32).reshape(-1, BANDS))

    def _complete(self, progress: Progress) -> None:
        documents, done = self._store.sketches.missing(VERSION), 0
        while block := list(islice(documents, BLOCK)):
            sketches = sketches_of([shingles_of(document.text) for document in block])
            self._store.sketches.put(
                VERSION,
                ((document.id, _stored(sketch)) for document, sketch in zip(block, sketches, strict=True)),
            )
            done += len(block)
            progress(done, None, "sketching what is stored")

    def follow(self, documents: Sequence[NewDocument]) -> tuple[list[NewDocument], list[bool], list[bytes]]:
        """The documents, each that nearly repeats a stored or an earlier one in that one's group; which do;
        and their sketches, for ``keep``. Documents that bring a split of their own are left alone."""
        keys = [document.key or key_of(document.text) for document in documents]
        known = self._store.documents.known(keys)  # what is there already has its place, and its sketch
        shingles = [
            None if key in known else shingles_of(document.text)
            for key, document in zip(keys, documents, strict=True)
        ]
        sketches = sketches_of(shingles)
        stored = self._index.owners_of(sketches)
        several = shared_by_several(sketches)
        earlier: dict[int, list[int]] = {}
        placed: list[NewDocument] = []
        follows: list[bool] = []
        for number, document in enumerate(documents):
            own, sketch = shingles[number], sketches[number]
            twin = None
            if own is not None and sketch is not None:
                shared = [value for value in sketch.tolist() if value in several]
                near = Votes()
                for value in shared:
                    holders = earlier.get(value, [])
                    near.count(holders[-LOOKED_AT:], len(holders))
                if document.split is None:
                    twin = self._likest(own, stored.get(number, ()), [placed[i] for i in near.likest()])
                for value in shared:
                    earlier.setdefault(value, []).append(number)
            follows.append(twin is not None and twin.text != document.text)
            placed.append(document if twin is None else replace(document, group=_group(twin)))
        return placed, follows, [_stored(sketch) for sketch in sketches]

    def _likest(
        self, own: frozenset[int], stored: Iterable[int], earlier: Sequence[NewDocument]
    ) -> Document | NewDocument | None:
        best, twin = LIKE, None
        others: list[Document | NewDocument] = [*self._store.documents.fetch(list(stored)), *earlier]
        for other in others:
            shingles = shingles_of(other.text)
            if shingles is None:
                continue
            like = jaccard(own, shingles)
            if like > best or (like == best and twin is None):
                best, twin = like, other
        return twin

    def keep(self, sketches: Sequence[tuple[int, bytes]]) -> None:
        """Take new documents in, by their ids."""
        self._store.sketches.put(VERSION, sketches)
        said = [(document_id, bands) for document_id, bands in sketches if bands]
        values = np.frombuffer(b"".join(bands for _, bands in said), np.uint32).reshape(-1, BANDS)
        self._index.add(np.array([document_id for document_id, _ in said], np.uint32), values)


def _stored(sketch: Hashes | None) -> bytes:
    return b"" if sketch is None else sketch.tobytes()


def _group(document: Document | NewDocument) -> str:
    return document.group or document.key or key_of(document.text)
