"""Which of many texts are nearly the same: found without a miss, and measured exactly.

Texts are compared where they share one of their rarest shingles (prefix filtering: Chaudhuri, Ganti and
Kaushik 2006; Bayardo, Ma and Srikant 2007). Of two sets with a Jaccard similarity of 0.8, each has at least
four fifths of its shingles in the other; so the rarest fifth of each and one more cannot be without a common
one. What all form letters share is common, and nobody is compared because of it.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from spanloop.recipes.near_duplicates.shingles import LIKE

_COUNTERS = 1 << 22
_SLACK = 1e-9  # 0.8 times a number of shingles may come out a little above the whole number that it is


class NearIndex:
    """Texts by their shingles, under their places in ``sets``; None is a text too short to compare.

    About 200 bytes of memory a text beside the sets, fewer where its shingles occur nowhere else.
    """

    def __init__(self, sets: Sequence[Collection[int] | None], threshold: float = LIKE) -> None:
        self._threshold = threshold
        self._sets = [None if found is None else array("I", found) for found in sets]
        self._often = _count(self._sets)
        self._holders: dict[int, list[int]] = defaultdict(list)

    def add(self, place: int) -> None:
        """From now on `alike` finds this text."""
        for shingle in self._rarest(place):
            self._holders[shingle].append(place)

    def alike(self, place: int) -> list[tuple[int, float]]:
        """The added texts whose similarity to this one is the threshold at least, ``(place, similarity)``,
        likest first."""
        found = self._sets[place]
        candidates = {other for shingle in self._rarest(place) for other in self._holders.get(shingle, ())}
        candidates.discard(place)
        if found is None or not candidates:
            return []
        own = frozenset(found)
        measured = ((other, jaccard(own, self._sets[other] or ())) for other in candidates)
        return sorted((pair for pair in measured if pair[1] >= self._threshold), key=_likest_first)

    def _rarest(self, place: int) -> list[int]:
        """So many of the rarest shingles that a text alike must have one of them among its own rarest; those
        that no other text has are left out."""
        found = self._sets[place]
        if found is None:
            return []
        shingles = np.frombuffer(found, np.uint32)
        often = self._often[shingles % _COUNTERS]
        shared = ceil(self._threshold * len(shingles) - _SLACK)
        rarest = np.lexsort((shingles, often))[: len(shingles) - max(shared, 1) + 1]
        kept: list[int] = shingles[rarest[often[rarest] > 1]].tolist()
        return kept


def jaccard(one: frozenset[int], other: Collection[int]) -> float:
    """The share of what two sets have that both have, 0 to 1; ``other`` without repetitions."""
    both = len(one.intersection(other))
    return both / (len(one) + len(other) - both)


def _count(sets: Sequence[array[int] | None]) -> NDArray[np.uint32]:
    """In how many texts each shingle stands, or more: those that share a counter are counted together."""
    often = np.zeros(_COUNTERS, np.uint32)
    for found in sets:
        if found is not None:
            often[np.unique(np.frombuffer(found, np.uint32) % _COUNTERS)] += 1
    return often


def _likest_first(pair: tuple[int, float]) -> tuple[float, int]:
    return -pair[1], pair[0]
