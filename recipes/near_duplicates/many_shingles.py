"""The shingles of many texts at once: the numbers of ``shingles_of``, made by numpy.

The number of three tokens in a row is the CRC-32 of their letters with a blank between them. A CRC of two
pieces follows from the CRCs of each and the length of the second (Adler's ``crc32_combine`` in zlib), so that
each token is looked at once and not three times, and the rest is done for a block of texts in one go.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from spanloop.recipes.near_duplicates.shingles import LEAST_TOKENS, shingles_of, tokens_of

_AT_ONCE = 500
"""Texts whose tokens the processor's cache holds."""
_LONGEST = 64
"""Bytes of a token; texts with longer ones go one by one."""
_WORD = b"0123456789_abcdefghijklmnopqrstuvwxyz"
_LETTERS = bytes(low if (low := ord(chr(code).lower())) in _WORD else 32 for code in range(128))
_LETTERS += bytes(128)
"""Of ASCII what ``tokens_of`` takes for a part of a word, in small letters; a blank for the rest."""
_BLANK, _BYTE, _ALL_ONES = 32, np.uint32(255), np.uint32(2**32 - 1)
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
    spelled = [_spelled(text) for text in texts]
    letters = np.frombuffer(b" ".join([b"", *spelled, b""]), np.uint8)
    edges = np.flatnonzero(np.diff(letters != _BLANK)) + 1
    begins, lengths = edges[::2], edges[1::2] - edges[::2]
    behind = np.cumsum([len(text) + 1 for text in spelled])  # the place of the blank behind each text
    last = np.searchsorted(begins, behind)
    tokens = np.diff(last, prepend=0)
    long = np.searchsorted(behind, begins[lengths > _LONGEST])
    alone = {int(number): _alone(texts[number]) for number in np.unique(long)}
    counts = np.where(tokens >= LEAST_TOKENS, tokens - 2, 0)
    counts[list(alone)] = 0
    said = np.repeat(counts > 0, tokens)
    begins, lengths = begins[said], lengths[said]
    shingles = _of_tokens(_crcs(letters, begins, lengths), lengths, tokens[counts > 0])
    if not alone:
        return shingles, counts
    pieces = np.split(shingles, np.cumsum(counts)[:-1])
    for number, found in alone.items():
        pieces[number], counts[number] = found, len(found)
    return np.concatenate(pieces), counts


def _spelled(text: str) -> bytes:
    """The tokens of a text with blanks between them."""
    if text.isascii():
        return text.encode("ascii").translate(_LETTERS)
    return " ".join(tokens_of(text)).encode("utf-8", "surrogatepass")


def _alone(text: str) -> Numbers:
    found = shingles_of(text) or ()
    return np.fromiter(found, np.uint32, len(found))


def _crcs(letters: NDArray[np.uint8], begins: Counts, lengths: Counts) -> Numbers:
    """The CRC-32 of each token: of all of them the first byte, then of those that have one the second, and so
    on."""
    order = np.argsort(-lengths, kind="stable")
    places, table = begins[order], _followed_by()[1, 0]
    states = np.full(len(order), _ALL_ONES)
    longest = int(lengths.max(initial=0))
    # those that have so many bytes stand first
    have_more_than = np.searchsorted(-lengths[order], -np.arange(longest)).tolist()
    for number, have in enumerate(have_more_than):
        some = states[:have]
        states[:have] = table[(some ^ letters[places[:have] + number]) & _BYTE] ^ (some >> np.uint32(8))
    crcs = np.empty(len(order), np.uint32)
    crcs[order] = states ^ _ALL_ONES
    return crcs


def _of_tokens(crcs: Numbers, lengths: Counts, tokens: Counts) -> Numbers:
    """The numbers of every three tokens in a row.

    Args:
        crcs: The CRC of each token, of texts of three tokens at least, one text after the other.
        lengths: The bytes of each.
        tokens: How many each text has.
    """
    if not len(crcs):
        return np.zeros(0, np.uint32)
    table = _followed_by()
    blank = np.uint32(zlib.crc32(b" "))
    with_blank = table[1, 0][crcs & _BYTE] ^ (crcs >> np.uint32(8)) ^ blank
    two = _moved(table, with_blank[1:-1], lengths[2:]) ^ crcs[2:]
    three = _moved(table, with_blank[:-2], lengths[1:-1] + lengths[2:] + 1) ^ two
    # the last two tokens of a text begin no row of three
    ends = np.cumsum(tokens)
    inside = np.ones(len(crcs), bool)
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
