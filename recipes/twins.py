"""At import, a text that nearly repeats another one joins its group, so that both lie in the same split.

Eight hashes a document, each of four minima of a MinHash (Broder 1997, through datasketch), stand in the
store. Texts that share one of them are measured exactly. Two texts of similarity 0.8 share one with a
probability of 0.985, of 0.9 with 0.9998. In memory a document takes 128 bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spanloop.recipes.near import LIKE, shingles_of
from spanloop.recipes.progress import Progress, silent
from spanloop.store.documents import key_of
from spanloop.store.records import Document

if TYPE_CHECKING:
    from spanloop.store import Store

BANDS, ROWS = 8, 4
LOOKED_AT = 16  # texts measured for one document: in a corpus of form letters thousands share a hash
BLOCK = 1_000
Hashes = NDArray[np.uint64]


class Twins:
    """What the project holds, by its sketches; those that are missing are made first."""

    def __init__(self, store: Store, progress: Progress | None = None) -> None:
        self._store = store
        self._sketch = _Sketcher()
        self._index = _Index()
        self._complete(progress or silent)
        ids, bands = store.sketches.read()
        self._index.add(np.array(ids, np.int64), np.frombuffer(bands, np.uint64).reshape(-1, BANDS))

    def _complete(self, progress: Progress) -> None:
        block: list[tuple[int, bytes]] = []
        for done, document in enumerate(self._store.sketches.missing(), 1):
            block.append((document.id or 0, _stored(self._sketch.of(shingles_of(document.text)))))
            if len(block) == BLOCK:
                self._store.sketches.put(block)
                progress(done, None, "sketching what is stored")
                block = []
        self._store.sketches.put(block)

    def follow(self, documents: Sequence[Document]) -> tuple[list[Document], list[bool], list[bytes]]:
        """The documents, each that nearly repeats a stored or an earlier one in that one's group; which do;
        and their sketches, for ``keep``. Documents that bring a split of their own are left alone."""
        shingles = [shingles_of(document.text) for document in documents]
        sketches = [self._sketch.of(found) for found in shingles]
        stored = self._index.owners_of(sketches)
        earlier: dict[int, list[int]] = {}
        placed: list[Document] = []
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
        self, own: frozenset[int], stored: Iterable[int], earlier: Sequence[Document]
    ) -> Document | None:
        best, twin = LIKE, None
        for other in [*self._store.documents.fetch(list(stored)[:LOOKED_AT]), *earlier[:LOOKED_AT]]:
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


class _Sketcher:
    """Eight hashes of a set of shingles."""

    def __init__(self) -> None:
        from datasketch import MinHash

        self._minhash = MinHash(num_perm=BANDS * ROWS, seed=1, hashfunc=int)  # they are hashes already
        self._odd = np.array([2 * n + 0x9E3779B97F4A7C15 for n in range(ROWS)], np.uint64)
        self._band = np.arange(BANDS, dtype=np.uint64)

    def of(self, shingles: frozenset[int] | None) -> Hashes | None:
        if shingles is None:
            return None
        self._minhash.clear()
        self._minhash.update_batch(shingles)
        minima = self._minhash.hashvalues.astype(np.uint64).reshape(BANDS, ROWS)
        mixed = np.zeros(BANDS, np.uint64)
        for row in range(ROWS):  # multiply and fold, modulo 2**64
            mixed = (mixed ^ minima[:, row]) * self._odd[row]
            mixed ^= mixed >> np.uint64(29)
        return (mixed << np.uint64(3)) | self._band


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
        asked = np.concatenate([sketches[number] for number in numbers])  # type: ignore[misc]
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


def _group(document: Document) -> str:
    return document.group or document.key or key_of(document.text)
