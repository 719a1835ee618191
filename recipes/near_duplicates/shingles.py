"""Which texts are nearly the same: MinHash finds candidates, an exact measure decides.

Locality-sensitive hashing over sketches (Broder 1997; Indyk and Motwani 1998, through datasketch) of three
tokens in a row. Every candidate is then measured: a similarity told here is Jaccard's and not an estimate.
"""

from __future__ import annotations

import re
import zlib
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasketch import MinHash

LEAST_TOKENS = 8  # shorter texts are alike by chance
SHINGLE_TOKENS = 3
LIKE = 0.8
PERMUTATIONS = 128
SLACK = 0.15  # candidates are looked for below the threshold: an estimate must not lose a pair
# a word, or one character of a script that writes without spaces
TOKEN = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")


class NearIndex:
    """Texts met so far, under a number each; about 2 KiB of memory a text."""

    def __init__(self, threshold: float = LIKE) -> None:
        from datasketch import MinHashLSH

        self._threshold = threshold
        self._candidates = MinHashLSH(threshold=max(0.1, threshold - SLACK), num_perm=PERMUTATIONS)
        self._shingles: dict[int, array[int]] = {}

    def meet(self, number: int, text: str) -> list[tuple[int, float]] | None:
        """The texts met before that are alike, ``(number, similarity)``, likest first; takes this one in.

        None for a text of fewer than 8 tokens, which says too little.
        """
        shingles = shingles_of(text)
        if shingles is None:
            return None
        sketch = _sketch(shingles)
        measured = [
            (other, _jaccard(shingles, self._shingles[other])) for other in self._candidates.query(sketch)
        ]
        self._candidates.insert(number, sketch, check_duplication=False)
        self._shingles[number] = array("I", shingles)
        return sorted((pair for pair in measured if pair[1] >= self._threshold), key=_likest_first)


def shingles_of(text: str) -> frozenset[int] | None:
    """Hashes of every three tokens in a row, case aside; None for a text that is too short to tell."""
    tokens = TOKEN.findall(text.casefold())
    if len(tokens) < LEAST_TOKENS:
        return None
    rows = (" ".join(tokens[i : i + SHINGLE_TOKENS]) for i in range(len(tokens) - SHINGLE_TOKENS + 1))
    return frozenset(zlib.crc32(row.encode("utf-8", "surrogatepass")) for row in rows)


def _sketch(shingles: frozenset[int]) -> MinHash:
    from datasketch import MinHash

    sketch = MinHash(num_perm=PERMUTATIONS, seed=1, hashfunc=int)  # they are hashes already
    sketch.update_batch(shingles)
    return sketch


def _jaccard(one: frozenset[int], other: array[int]) -> float:
    both = len(one.intersection(other))
    return both / (len(one) + len(other) - both)


def _likest_first(pair: tuple[int, float]) -> tuple[float, int]:
    return -pair[1], pair[0]
