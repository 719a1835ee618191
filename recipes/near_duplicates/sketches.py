"""Sixteen hashes of a text, by which one of millions that is nearly the same is found again.

Each is made of three minima of a MinHash (Broder 1997; Indyk and Motwani 1998). Two texts of similarity 0.8
share one with a probability of 0.99999, of 0.5 with 0.88, of 0.2 with 0.12. They stand in the store, so they
are made here and by no library, whose permutations may change. In memory a text takes 128 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from typing import Any

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
_BELOW, _NUMBER = np.uint64(32), np.uint64(2**32 - 1)
_AT_ONCE = 1_000  # shingles
_FEWEST, _MOST = 2**16, 2**26  # bytes of the table of hashes that may be there


def sketches_of(shingles: Hashes, counts: Sequence[int] | NDArray[np.int64]) -> Hashes:
    """Sixteen hashes of each text. The store keeps them: whoever changes what they are raises
    ``shingles.VERSION``.

    A minimum over ``a * mixed(shingle) + b`` modulo 2**64 for each of 48 pairs of an odd ``a`` and a ``b``;
    three minima folded into one number of 28 bits, before the four of the band.

    Args:
        shingles: The shingles of all texts, one text after the other.
        counts: How many each text has, none 0.

    Returns:
        ``[text, band]``.
    """
    begins = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    texts = len(begins) - 1
    minima = np.empty((BANDS * ROWS, texts), np.uint64)
    mixed = _mixed(shingles.astype(np.uint64))
    first = 0
    while first < texts:  # so many texts as the processor's cache holds the products of
        last = int(np.searchsorted(begins, begins[first] + _AT_ONCE, "right")) - 1
        last = min(max(last, first + 1), texts)
        products = _FACTORS[:, None] * mixed[begins[first] : begins[last]]
        products += _SUMMANDS[:, None]
        minima[:, first:last] = np.minimum.reduceat(products, begins[first:last] - begins[first], axis=1)
        first = last
    folded = np.zeros((BANDS, texts), np.uint64)
    for row in range(ROWS):
        folded = _mixed(folded ^ minima[row * BANDS : (row + 1) * BANDS])
    placed = (folded.T >> np.uint64(36) << np.uint64(4)) | np.arange(BANDS, dtype=np.uint64)
    hashes: Hashes = np.ascontiguousarray(placed, np.uint32)
    return hashes


def shared_by_several(sketches: Hashes) -> dict[int, list[int]]:
    """The hashes of each of these sketches that another one of them has too, by its number; sketches without
    such are left out."""
    values = np.sort(sketches, axis=None)
    several = values[1:][values[1:] == values[:-1]]
    found: dict[int, list[int]] = {}
    if len(several):
        for number, band in zip(*np.nonzero(np.isin(sketches, several)), strict=True):
            found.setdefault(int(number), []).append(int(sketches[number, band]))
    return found


def _mixed(values: _Wide) -> _Wide:
    """Each value spread over 64 bits, one to one (the finaliser of splitmix64; Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: _Wide = values ^ (values >> np.uint64(31))
    return mixed


class SketchIndex:
    """Which document has which hash: sorted pieces, each at least twice as long as the next. An item is the
    hash, and below it the number of the document."""

    def __init__(self) -> None:
        self._pieces: list[_Wide] = []
        self._may_be = np.zeros(_FEWEST, bool)

    def add(self, ids: Owners, bands: Hashes) -> None:
        """Documents with their sixteen hashes each."""
        if not len(ids):
            return
        self._pieces.append(np.sort((bands.astype(np.uint64) << _BELOW | ids[:, None]), axis=None))
        total = sum(map(len, self._pieces))
        while 4 * total > len(self._may_be) < _MOST:
            self._may_be = np.zeros(2 * len(self._may_be), bool)
            for items in self._pieces:
                self._may_be[self._cell(items >> _BELOW)] = True
        self._may_be[self._cell(bands)] = True
        while len(self._pieces) > 1 and len(self._pieces[-2]) < 2 * len(self._pieces[-1]):
            last = np.concatenate([self._pieces.pop(), self._pieces.pop()])
            last.sort()  # in its place: of a million documents it is 128 MB
            self._pieces.append(last)

    def owners_of(self, sketches: Hashes) -> dict[int, list[int]]:
        """For the number of each sketch that shares a hash with documents: these, the likest first."""
        flat = sketches.ravel()
        likely = np.flatnonzero(self._may_be[self._cell(flat)])
        asked = flat[likely].astype(np.uint64) << _BELOW
        by_value = np.argsort(asked)  # neighbours are found where the one before was
        order, ordered = likely[by_value], asked[by_value]
        found: dict[int, Votes] = {}
        for items in self._pieces:
            begin = np.searchsorted(items, ordered)
            there = items[np.minimum(begin, len(items) - 1)] & ~_NUMBER == ordered
            places = order[there]
            begin, end = begin[there], np.searchsorted(items, ordered[there] | _NUMBER, "right")
            for at in np.argsort(places).tolist():
                votes = found.setdefault(int(places[at]) // BANDS, Votes())
                first, holders = int(begin[at]), int(end[at] - begin[at])
                owners = items[first : first + min(holders, LOOKED_AT)] & _NUMBER
                votes.count(owners.tolist(), holders)
        return {number: votes.likest() for number, votes in found.items()}

    def _cell(self, hashes: NDArray[Any]) -> NDArray[Any]:
        """Where a table says whether there may be a document with that hash: most that are asked have none,
        and a look into a table takes a tenth of a search."""
        cells: NDArray[Any] = hashes & hashes.dtype.type(len(self._may_be) - 1)
        return cells


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
