"""At import, a text that nearly repeats another one joins its group, so that both lie in the same split.

Eight hashes a document, each of four minima of a MinHash (Broder 1997), stand in the store. They are made
here and not by datasketch, which the audit uses, because its permutations change from version to version.
Texts that share a hash are measured exactly. Two texts of similarity 0.8 share one with a probability of
0.985, of 0.9 with 0.9998. In memory a document takes 128 bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spanloop.recipes.near_duplicates.shingles import LIKE, shingles_of
from spanloop.recipes.progress import Progress, silent
from spanloop.store.records import Document, NewDocument
from spanloop.store.tables.documents import key_of

if TYPE_CHECKING:
    from spanloop.store import Store

BANDS, ROWS = 8, 4
LOOKED_AT = 16  # texts measured for one document: in a corpus of form letters thousands share a hash
BLOCK = 1_000
Hashes = NDArray[np.uint64]
_FACTORS, _SUMMANDS = np.random.RandomState(1).randint(0, 2**63, (2, BANDS * ROWS), np.uint64)
_FACTORS |= np.uint64(1)


class Twins:
    """What the project holds, by its sketches; those that are missing are made first."""

    def __init__(self, store: Store, progress: Progress | None = None) -> None:
        self._store = store
        self._index = _Index()
        self._complete(progress or silent)
        ids, bands = store.sketches.read()
        self._index.add(np.array(ids, np.int64), np.frombuffer(bands, np.uint64).reshape(-1, BANDS))

    def _complete(self, progress: Progress) -> None:
        documents, done = self._store.sketches.missing(), 0
        while block := list(islice(documents, BLOCK)):
            sketches = sketches_of([shingles_of(document.text) for document in block])
            self._store.sketches.put(
                (document.id, _stored(sketch)) for document, sketch in zip(block, sketches, strict=True)
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
        earlier: dict[int, list[int]] = {}
        placed: list[NewDocument] = []
        follows: list[bool] = []
        for number, document in enumerate(documents):
            own, sketch = shingles[number], sketches[number]
            twin = None
            if own is not None and sketch is not None:
                near = Counter(i for value in sketch.tolist() for i in earlier.get(value, ())[-LOOKED_AT:])
                if document.split is None:
                    twin = self._likest(
                        own, stored.get(number, ()), [placed[i] for i, _ in near.most_common()]
                    )
                for value in sketch.tolist():
                    earlier.setdefault(value, []).append(number)
            follows.append(twin is not None and twin.text != document.text)
            placed.append(document if twin is None else replace(document, group=_group(twin)))
        return placed, follows, [_stored(sketch) for sketch in sketches]

    def _likest(
        self, own: frozenset[int], stored: Iterable[int], earlier: Sequence[NewDocument]
    ) -> Document | NewDocument | None:
        best, twin = LIKE, None
        of_store = self._store.documents.fetch(list(stored)[:LOOKED_AT])
        others: list[Document | NewDocument] = [*of_store, *earlier[:LOOKED_AT]]
        for other in others:
            shingles = shingles_of(other.text)
            if shingles is None:
                continue
            like = len(own & shingles) / len(own | shingles)
            if like > best or (like == best and twin is None):
                best, twin = like, other
        return twin

    def keep(self, sketches: Sequence[tuple[int, bytes]]) -> None:
        """Take new documents in, by their ids."""
        self._store.sketches.put(sketches)
        said = [(document_id, bands) for document_id, bands in sketches if bands]
        values = np.frombuffer(b"".join(bands for _, bands in said), np.uint64).reshape(-1, BANDS)
        self._index.add(np.array([document_id for document_id, _ in said], np.int64), values)


def sketches_of(texts: Sequence[frozenset[int] | None]) -> list[Hashes | None]:
    """Eight hashes of each set of shingles. What they are is fixed for good: the store keeps them.

    A minimum over ``a * mixed(shingle) + b`` modulo 2**64 for each of 32 pairs of an odd ``a`` and a ``b``;
    four minima folded into one number, whose last three bits are that of the band.
    """
    sets = [found for found in texts if found is not None]
    if not sets:
        return [None] * len(texts)
    shingles = _mixed(np.fromiter(chain.from_iterable(sets), np.uint64))
    begins = np.cumsum([0, *(len(found) for found in sets[:-1])])
    minima = np.minimum.reduceat(shingles[:, None] * _FACTORS + _SUMMANDS, begins, axis=0)
    folded = np.zeros((len(sets), BANDS), np.uint64)
    for row in range(ROWS):
        folded = _mixed(folded ^ minima[:, row * BANDS : (row + 1) * BANDS])
    bands = iter((folded << np.uint64(3)) | np.arange(BANDS, dtype=np.uint64))
    return [None if found is None else next(bands) for found in texts]


def _mixed(values: Hashes) -> Hashes:
    """Each value spread over 64 bits, one to one (the finaliser of splitmix64; Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = values ^ (values >> np.uint64(31))
    return mixed


class _Index:
    """Which document has which hash: sorted pieces, each at least twice as long as the next."""

    def __init__(self) -> None:
        self._pieces: list[tuple[Hashes, NDArray[np.int64]]] = []

    def add(self, ids: NDArray[np.int64], bands: Hashes) -> None:
        """Documents with their eight hashes each."""
        if not len(ids):
            return
        self._pieces.append(_sorted(bands.ravel(), np.repeat(ids, BANDS)))
        while len(self._pieces) > 1 and len(self._pieces[-2][0]) < 2 * len(self._pieces[-1][0]):
            (values, owners), (more, theirs) = self._pieces.pop(), self._pieces.pop()
            self._pieces.append(_sorted(np.concatenate([values, more]), np.concatenate([owners, theirs])))

    def owners_of(self, sketches: Sequence[Hashes | None]) -> dict[int, list[int]]:
        """For the number of each sketch that shares a hash with documents: these, most shared first."""
        numbers = [number for number, sketch in enumerate(sketches) if sketch is not None]
        if not numbers:
            return {}
        asked = np.concatenate([sketches[number] for number in numbers])
        found: dict[int, Counter[int]] = {}
        for values, owners in self._pieces:
            begin = np.searchsorted(values, asked, "left")
            end = np.minimum(np.searchsorted(values, asked, "right"), begin + LOOKED_AT)
            for place in np.flatnonzero(end > begin).tolist():
                shared = found.setdefault(numbers[place // BANDS], Counter())
                shared.update(owners[begin[place] : end[place]].tolist())
        return {number: [i for i, _ in shared.most_common()] for number, shared in found.items()}


def _sorted(values: Hashes, owners: NDArray[np.int64]) -> tuple[Hashes, NDArray[np.int64]]:
    order = np.argsort(values, kind="stable")
    return values[order], owners[order]


def _stored(sketch: Hashes | None) -> bytes:
    return b"" if sketch is None else sketch.tobytes()


def _group(document: Document | NewDocument) -> str:
    return document.group or document.key or key_of(document.text)
