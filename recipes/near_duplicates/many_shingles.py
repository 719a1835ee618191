"""The shingles of many texts at once: the numbers of ``shingles_of``, made by numpy.

The number of three tokens in a row is the CRC-32 of their letters with a blank between them. A CRC of two
pieces follows from the CRCs of each and the length of the second (Adler's ``crc32_combine`` in zlib), so that
each token is looked at once and not three times, and the rest is done for a block of texts in one go.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from spanloop.recipes.near_duplicates.shingles import LEAST_TOKENS, shingles_of

_AT_ONCE = 500
"""Texts whose tokens the processor's cache holds."""
_LONGEST = 64
"""Letters of a token; texts with longer ones go one by one."""
_WORD = b"0123456789_abcdefghijklmnopqrstuvwxyz"
_LETTERS = bytes(low if (low := ord(chr(code).lower())) in _WORD else 32 for code in range(128))
_LETTERS += bytes(128)
"""Of ASCII what ``tokens_of`` takes for a part of a word, in small letters; a blank for the rest."""
Numbers = NDArray[np.uint32]
Counts = NDArray[np.int64]


def shingles_of_many(texts: Sequence[str]) -> tuple[Numbers, Counts]:
    """The shingles of each text.

    Args:
        texts: The texts.

    Returns:
        Their shingles one text after the other, a shingle as often as it stands in its text; and how many
        each text has, 0 where it is too short to compare.
    """
    parts = [_of_some(texts[first : first + _AT_ONCE]) for first in range(0, len(texts), _AT_ONCE)]
    if not parts:
        return np.zeros(0, np.uint32), np.zeros(0, np.int64)
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _of_some(texts: Sequence[str]) -> tuple[Numbers, Counts]:
    counts = np.zeros(len(texts), np.int64)
    plain: list[int] = []
    tokens: list[list[bytes]] = []
    others: dict[int, Numbers] = {}
    for number, text in enumerate(texts):
        found = text.encode("ascii").translate(_LETTERS).split() if text.isascii() else None
        if found is None or (found and len(max(found, key=len)) > _LONGEST):
            one = shingles_of(text)
            if one is not None:
                others[number] = np.fromiter(one, np.uint32, len(one))
                counts[number] = len(one)
        elif len(found) >= LEAST_TOKENS:
            plain.append(number)
            tokens.append(found)
            counts[number] = len(found) - 2
    if not others:
        return _of_tokens(tokens), counts
    pieces = dict(zip(plain, np.split(_of_tokens(tokens), np.cumsum(counts[plain])[:-1]), strict=False))
    both = pieces | others
    return np.concatenate([both[number] for number in sorted(both)]), counts


def _of_tokens(texts: Sequence[Sequence[bytes]]) -> Numbers:
    """The numbers of every three tokens in a row of texts of three tokens at least."""
    if not texts:
        return np.zeros(0, np.uint32)
    total = sum(map(len, texts))
    crcs = np.fromiter(map(zlib.crc32, chain.from_iterable(texts)), np.uint32, total)
    lengths = np.fromiter(map(len, chain.from_iterable(texts)), np.int64, total)
    table = _followed_by()
    blank = np.uint32(zlib.crc32(b" "))
    with_blank = table[1, 0][crcs & np.uint32(255)] ^ (crcs >> np.uint32(8)) ^ blank
    two = _moved(table, with_blank[1:-1], lengths[2:]) ^ crcs[2:]
    three = _moved(table, with_blank[:-2], lengths[1:-1] + lengths[2:] + 1) ^ two
    # the last two tokens of a text begin no row of three
    ends = np.cumsum([len(text) for text in texts])
    inside = np.ones(total, bool)
    inside[ends - 1] = inside[ends - 2] = False
    numbers: Numbers = three[inside[:-2]]
    return numbers


def _moved(table: Numbers, crcs: Numbers, lengths: NDArray[np.int64]) -> Numbers:
    """What these CRCs add to that of so many letters more."""
    flat, begin = table.ravel(), lengths * 1024
    moved: Numbers = flat[begin + (crcs & np.uint32(255))]
    for place in (1, 2, 3):
        moved ^= flat[begin + (place * 256 + ((crcs >> np.uint32(8 * place)) & np.uint32(255)))]
    return moved


@cache
def _followed_by() -> Numbers:
    """For a number of zero bytes and each byte of a CRC, what the CRC becomes before them:
    ``[bytes, place, byte]``."""
    # the CRC of one byte, without the ones that zlib begins and ends with
    empty = zlib.crc32(b"\0")
    one = np.array([zlib.crc32(bytes([byte])) ^ empty for byte in range(256)], np.uint32)
    tables = np.empty((2 * _LONGEST + 2, 4, 256), np.uint32)
    tables[0] = np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], np.uint32)
    for number in range(1, len(tables)):
        before = tables[number - 1]
        tables[number] = one[before & np.uint32(255)] ^ (before >> np.uint32(8))
    return tables
