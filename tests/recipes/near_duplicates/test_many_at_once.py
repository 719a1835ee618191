"""What numpy makes of a block of texts is what the plain definitions say of each."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloop.recipes.near_duplicates.many_shingles import shingles_of_many
from spanloop.recipes.near_duplicates.shingles import shingles_of
from spanloop.recipes.near_duplicates.sketches import (
    _FACTORS,
    _SUMMANDS,
    BANDS,
    LOOKED_AT,
    ROWS,
    SketchIndex,
    shared_by_several,
    sketches_of,
)

WORD = st.text("abzAZ09_é中-'. \t\n\x00\x1c\x7f", max_size=9)
"""Letters, what parts words, and letters of both that are not of ASCII."""


LONG = st.text("aB", min_size=60, max_size=70)


@given(st.lists(st.lists(WORD | LONG, max_size=14).map(" ".join), max_size=9))
def test_the_shingles_of_a_block_are_those_of_each_text(texts: list[str]) -> None:
    shingles, counts = shingles_of_many(texts)
    begin = 0
    for text, count in zip(texts, counts.tolist(), strict=True):
        found = frozenset(shingles[begin : begin + count].tolist())
        assert found == (shingles_of(text) or frozenset()), text
        begin += count
    assert begin == len(shingles)


def mixed(value: int) -> int:
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def plain_sketch(shingles: Sequence[int]) -> list[int]:
    """Three minima a band, folded: with Python's own whole numbers."""
    pairs = list(zip(map(int, _FACTORS), map(int, _SUMMANDS), strict=True))
    minima = [min((a * mixed(one) + b) % 2**64 for one in shingles) for a, b in pairs]
    bands = []
    for band in range(BANDS):
        folded = 0
        for row in range(ROWS):
            folded = mixed(folded ^ minima[row * BANDS + band])
        bands.append((folded >> 36 << 4 | band) % 2**32)
    return bands


@pytest.mark.parametrize("sizes", [[1], [3, 1, 2], [2_100, 4, 1_999, 6]])
def test_sketches_are_three_minima_a_band(sizes: list[int]) -> None:
    drawn = random.Random(len(sizes))
    sets = [[drawn.randrange(2**32) for _ in range(size)] for size in sizes]
    flat = np.array([one for found in sets for one in found], np.uint32)
    found = sketches_of(flat, sizes).tolist()
    for place in range(len(sizes)):
        assert found[place] == plain_sketch(sets[place])


@pytest.mark.parametrize("seed", range(3))
def test_the_index_finds_whoever_shares_a_hash(seed: int) -> None:
    """Held against a search through all, also where its table of what may be there has grown."""
    drawn = np.random.default_rng(seed)
    index, held = SketchIndex(), dict[int, list[int]]()
    for first in range(0, 3_000, 600):
        bands = drawn.integers(0, 40_000 << seed, (600, BANDS), np.uint32)
        index.add(np.arange(first, first + 600, dtype=np.uint32), bands)
        held.update(enumerate(bands.tolist(), start=first))
    asked = drawn.integers(0, 40_000 << seed, (50, BANDS), np.uint32)
    asked[7] = held[1_234]
    found = index.owners_of(asked)
    for number, own in enumerate(asked.tolist()):
        wanted = {owner for owner, theirs in held.items() if set(own) & set(theirs)}
        assert set(found.get(number, [])) <= wanted
        assert len(found.get(number, [])) == min(len(wanted), LOOKED_AT)
    assert found[7][0] == 1_234


@given(st.lists(st.lists(st.integers(0, 30), min_size=BANDS, max_size=BANDS), max_size=6))
def test_hashes_that_several_share_are_told(rows: list[list[int]]) -> None:
    sketches = np.array(rows, np.uint32).reshape(-1, BANDS)
    sketches = sketches << np.uint32(4) | np.arange(BANDS, dtype=np.uint32)  # each says which band it is
    told = [value for row in sketches.tolist() for value in row]
    wanted = [[value for value in row if told.count(value) > 1] for row in sketches.tolist()]
    assert shared_by_several(sketches) == {n: values for n, values in enumerate(wanted) if values}
