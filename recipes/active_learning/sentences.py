"""Where sentences end, by a cheap rule on tokens: no parser is needed, and no language is known.

A sentence ends behind a token of nothing but full stops, question or exclamation marks (with the quotes and
brackets that close behind it), unless the next token begins with a small letter; and at a blank line. One
that is longer than `LONGEST` tokens, such as a list without full stops, is cut at the ends of its lines, and
what is still longer into pieces of like length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import SupportsInt

LONGEST = 60
"""Tokens of one sentence; longer ones are cut."""
_ENDS = frozenset(".!?…。！？．｡؟۔।")
_CLOSERS = frozenset(")]}\"'”’»」』）")
Piece = tuple[int, int]
"""The first token of a sentence, and the one behind its last."""


def sentences(text: str, starts: Iterable[SupportsInt], ends: Iterable[SupportsInt]) -> list[Piece]:
    """The sentences of a text, in order; together they hold every token once.

    Args:
        text: The text.
        starts: The first character of each token, in text order.
        ends: The character behind each token.
    """
    from_, to = [int(one) for one in starts], [int(one) for one in ends]
    found: list[Piece] = []
    for piece in _cut(
        0, len(from_), [at for at in range(1, len(from_)) if _ends_before(text, from_, to, at)]
    ):
        if piece[1] - piece[0] <= LONGEST:
            found.append(piece)
            continue
        lines = [at for at in range(piece[0] + 1, piece[1]) if "\n" in text[to[at - 1] : from_[at]]]
        for line in _cut(*piece, lines):
            found += _even(*line)
    return found


def _ends_before(text: str, starts: Sequence[int], ends: Sequence[int], at: int) -> bool:
    """Whether a sentence ends before this token."""
    if text[ends[at - 1] : starts[at]].count("\n") > 1:
        return True
    token = text[starts[at] : ends[at]]
    if token[0].islower() or _closes(text, starts, ends, at):
        return False
    last = at - 1
    while last > 0 and _closes(text, starts, ends, last):
        last -= 1
    return _ENDS.issuperset(text[starts[last] : ends[last]])


def _closes(text: str, starts: Sequence[int], ends: Sequence[int], at: int) -> bool:
    """Whether this token is a quote or bracket at the end of the one before it."""
    return starts[at] == ends[at - 1] and _CLOSERS.issuperset(text[starts[at] : ends[at]])


def _cut(first: int, behind: int, cuts: Sequence[int]) -> Iterator[Piece]:
    for cut in (*cuts, behind):
        if cut > first:
            yield first, cut
            first = cut


def _even(first: int, behind: int) -> Iterator[Piece]:
    """Pieces of like length, none longer than `LONGEST`."""
    length = behind - first
    pieces = max(1, -(-length // LONGEST))
    edges = [first + length * number // pieces for number in range(pieces + 1)]
    yield from pairwise(edges)
