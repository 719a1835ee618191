"""At import, a text that nearly repeats another one joins its group, so that both lie in the same split.

The sketches of the texts stand in the store (see ``sketches``); texts that share a hash are measured exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from spanloop.recipes.near_duplicates.many_shingles import shingles_of_many
from spanloop.recipes.near_duplicates.shingles import LIKE, VERSION, shingles_of
from spanloop.recipes.near_duplicates.similarity import jaccard
from spanloop.recipes.near_duplicates.sketches import (
    BANDS,
    LOOKED_AT,
    SketchIndex,
    Votes,
    shared_by_several,
    sketches_of,
)
from spanloop.recipes.progress import Progress, silent
from spanloop.store.records import Document, NewDocument
from spanloop.store.tables.incoming import key_of

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
            _, sketches = _sketches([document.text for document in block])
            self._store.sketches.put(VERSION, zip((document.id for document in block), sketches, strict=True))
            done += len(block)
            progress(done, None, "sketching what is stored")

    def follow(self, documents: Sequence[NewDocument]) -> tuple[list[NewDocument], list[bool], list[bytes]]:
        """The documents, each that nearly repeats a stored or an earlier one in that one's group; which do;
        and their sketches, for ``keep``. Documents that bring a split of their own are left alone."""
        keys = [document.key or key_of(document.text) for document in documents]
        known = self._store.documents.known(keys)  # what is there already has its place, and its sketch
        new = [number for number, key in enumerate(keys) if key not in known]
        said, found = _sketches([documents[number].text for number in new])
        sketches = [b""] * len(documents)
        for number, sketch in zip(new, found, strict=True):
            sketches[number] = sketch
        numbers = [new[place] for place in said]
        hashes = np.frombuffer(b"".join(found), np.uint32).reshape(-1, BANDS)
        stored = {numbers[place]: ids for place, ids in self._index.owners_of(hashes).items()}
        several = {numbers[place]: values for place, values in shared_by_several(hashes).items()}
        return (*self._place(documents, stored, several), sketches)

    def _place(
        self,
        documents: Sequence[NewDocument],
        stored: Mapping[int, Sequence[int]],
        several: Mapping[int, Sequence[int]],
    ) -> tuple[list[NewDocument], list[bool]]:
        """The documents in their groups, and which follow another one. ``stored``: the documents of the store
        that share a hash with each; ``several``: the hashes that it shares with another of these."""
        placed, follows = list(documents), [False] * len(documents)
        earlier: dict[int, list[int]] = {}
        for number in sorted(stored.keys() | several.keys()):
            document, near = documents[number], Votes()
            shared = several.get(number, ())
            for value in shared:
                holders = earlier.get(value, [])
                near.count(holders[-LOOKED_AT:], len(holders))
            if document.split is None:
                before = [placed[i] for i in near.likest()]
                twin = self._likest(shingles_of(document.text), stored.get(number, ()), before)
                if twin is not None:
                    follows[number] = twin.text != document.text
                    placed[number] = replace(document, group=_group(twin))
            for value in shared:
                earlier.setdefault(value, []).append(number)
        return placed, follows

    def _likest(
        self, own: frozenset[int] | None, stored: Iterable[int], earlier: Sequence[NewDocument]
    ) -> Document | NewDocument | None:
        best, twin = LIKE, None
        if own is None:
            return None
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


def _sketches(texts: Sequence[str]) -> tuple[list[int], list[bytes]]:
    """The numbers of the texts that are not too short; and the sketch of each as the store keeps it, empty
    for one that is."""
    shingles, counts = shingles_of_many(texts)
    said = np.flatnonzero(counts)
    kept, width = sketches_of(shingles, counts[said]).tobytes(), 4 * BANDS
    sketches = [b""] * len(texts)
    for place, number in enumerate(said.tolist()):
        sketches[number] = kept[place * width : (place + 1) * width]
    return said.tolist(), sketches


def _group(document: Document | NewDocument) -> str:
    return document.group or document.key or key_of(document.text)
