"""Sixteen hashes of a text, by which one of millions that is nearly the same is found again.

Each is made of three minima of a MinHash (Broder 1997; Indyk and Motwani 1998). Two texts of similarity 0.8
share one with a probability of 0.99999, of 0.5 with 0.88, of 0.2 with 0.12. They stand in the store, so they
are made here and by no library, whose permutations may change. In memory a text takes 128 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from itertools import chain

import numpy as np
from numpy.typing import NDArray

BANDS, ROWS = 16, 3
LOOKED_AT = 16
"""Texts measured for one document: in a corpus of form letters thousands share a hash."""
Hashes = NDArray[np.uint32]
Owners = NDArray[np.uint32]
_Wide = NDArray[np.uint64]
_FACTORS, _SUMMANDS = np.random.RandomState(1).randint(0, 2**63, (2, BANDS * ROWS), np.uint64)
_FACTORS |= np.uint64(1)


def sketches_of(texts: Sequence[frozenset[int] | None]) -> list[Hashes | None]:
    """Sixteen hashes of each set of shingles, none for None. The store keeps them: whoever changes what they
    are raises ``shingles.VERSION``.

    A minimum over ``a * mixed(shingle) + b`` modulo 2**64 for each of 48 pairs of an odd ``a`` and a ``b``;
    three minima folded into one number of 28 bits, before the four of the band.
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
    placed = (folded >> np.uint64(36) << np.uint64(4)) | np.arange(BANDS, dtype=np.uint64)
    bands = iter(placed.astype(np.uint32))
    return [None if found is None else next(bands) for found in texts]


def shared_by_several(sketches: Sequence[Hashes | None]) -> set[int]:
    """The hashes that more than one of these sketches has."""
    said = [sketch for sketch in sketches if sketch is not None]
    if not said:
        return set()
    values, times = np.unique(np.concatenate(said), return_counts=True)
    return set(values[times > 1].tolist())


def _mixed(values: _Wide) -> _Wide:
    """Each value spread over 64 bits, one to one (the finaliser of splitmix64; Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: _Wide = values ^ (values >> np.uint64(31))
    return mixed


class SketchIndex:
    """Which document has which hash: sorted pieces, each at least twice as long as the next."""

    def __init__(self) -> None:
        self._pieces: list[tuple[Hashes, Owners]] = []

    def add(self, ids: Owners, bands: Hashes) -> None:
        """Documents with their sixteen hashes each."""
        if not len(ids):
            return
        self._pieces.append(_sorted(bands.ravel(), np.repeat(ids, BANDS)))
        while len(self._pieces) > 1 and len(self._pieces[-2][0]) < 2 * len(self._pieces[-1][0]):
            (values, owners), (more, theirs) = self._pieces.pop(), self._pieces.pop()
            self._pieces.append(_sorted(np.concatenate([values, more]), np.concatenate([owners, theirs])))

    def owners_of(self, sketches: Sequence[Hashes | None]) -> dict[int, list[int]]:
        """For the number of each sketch that shares a hash with documents: these, the likest first."""
        numbers = [number for number, sketch in enumerate(sketches) if sketch is not None]
        if not numbers:
            return {}
        asked = np.concatenate([sketches[number] for number in numbers])
        found: dict[int, Votes] = {}
        for values, owners in self._pieces:
            begin = np.searchsorted(values, asked, "left")
            end = np.searchsorted(values, asked, "right")
            for place in np.flatnonzero(end > begin).tolist():
                votes = found.setdefault(numbers[place // BANDS], Votes())
                first, holders = int(begin[place]), int(end[place] - begin[place])
                votes.count(owners[first : first + min(holders, LOOKED_AT)].tolist(), holders)
        return {number: votes.likest() for number, votes in found.items()}


class Votes:
    """Who shares hashes with one text. A hash that many have, as in form letters, says little of each."""

    def __init__(self) -> None:
        self._votes: dict[int, float] = {}

    def count(self, holders: Sequence[int], of: int) -> None:
        """A hash that ``of`` documents have, these among them."""
        for holder in holders:
            self._votes[holder] = self._votes.get(holder, 0.0) + 1 / of

    def likest(self) -> list[int]:
        """The most likely first, `LOOKED_AT` at most."""
        return nlargest(LOOKED_AT, self._votes, key=self._votes.__getitem__)


def _sorted(values: Hashes, owners: Owners) -> tuple[Hashes, Owners]:
    order = np.argsort(values, kind="stable")
    return values[order], owners[order]
