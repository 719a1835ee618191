"""spaCy tokens to wordpieces and back, by character offsets alone. numpy only.

Every offset counts Unicode code points of the document's text; ranges are half-open. A *unit* is what gets
one tag: a spaCy token, or (``unit="wordpiece"``) the characters of one wordpiece.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

NO_UNIT = -1
_NEAR = 64
# What str.isspace() holds for (and spaCy's token.is_space with it).
_SPACE_CHARACTERS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
    "\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
# By code point, the last one for all beyond.
_IS_SPACE = np.isin(np.arange(0x3002, dtype=np.uint32), [ord(c) for c in _SPACE_CHARACTERS])


@dataclass(frozen=True, slots=True)
class Alignment:
    """``units[w]`` is the unit of wordpiece ``w`` (`NO_UNIT` for whitespace); unit ``u`` covers the
    characters ``starts[u]`` to ``ends[u]``. Units stand in text order, do not overlap, and each has a
    wordpiece."""

    units: Ints
    starts: Ints
    ends: Ints


def align_tokens(
    text: str,
    token_starts: Ints,
    token_ends: Ints,
    wp_starts: Ints,
    wp_ends: Ints,
    marker: Bools | None = None,
) -> Alignment:
    """Give every wordpiece to one token.

    A wordpiece belongs to the token of its first visible character, unless that leaves another token that it
    covers without any wordpiece while the first one has more. Tokens that share their only wordpiece cannot
    be told apart and become one unit. A token that the tokenizer gives no wordpiece (zero-width characters
    that BERT drops) is invisible to the model and becomes no unit.

    ``token_starts``, ``token_ends``: tokens that are no whitespace, in text order. ``marker``: wordpieces
    that only say "a word begins here" (a lone U+2581); they count only where a unit has no other wordpiece.
    """
    starts, ends = trim(text, wp_starts, wp_ends)
    owners = token_at(starts, token_starts, token_ends)
    owners[starts >= ends] = NO_UNIT
    if marker is not None:
        _release_markers(owners, marker)
    merged_into = _place_tokens_without_wordpiece(owners, starts, ends, token_starts)
    return _units_of_tokens(owners, merged_into, token_starts, token_ends)


def align_wordpieces(text: str, wp_starts: Ints, wp_ends: Ints, marker: Bools | None = None) -> Alignment:
    """Every wordpiece is a unit of its own characters; those that share a character (the bytes of one emoji)
    are one unit. ``marker`` as in `align_tokens`: one that shares the characters of the wordpiece behind it
    belongs to no unit."""
    starts, ends = trim(text, wp_starts, wp_ends)
    shown = starts < ends
    if marker is not None:
        shown[:-1] &= ~(marker[:-1] & ~marker[1:] & shown[1:] & (starts[1:] < ends[:-1]))
    visible = np.flatnonzero(shown)
    units = np.full(len(starts), NO_UNIT, dtype=np.int64)
    if not len(visible):
        return Alignment(units, visible, visible)
    reach = np.maximum.accumulate(ends[visible])
    begins = np.ones(len(visible), dtype=bool)
    begins[1:] = starts[visible][1:] >= reach[:-1]
    units[visible] = np.cumsum(begins) - 1
    last = np.append(np.flatnonzero(begins)[1:] - 1, len(visible) - 1)
    return Alignment(units, starts[visible][begins], reach[last])


def first_of_units(units: Ints) -> Bools:
    """Which wordpieces are the first of their unit."""
    first = np.zeros(len(units), dtype=bool)
    present, index = np.unique(units, return_index=True)
    first[index[present != NO_UNIT]] = True
    return first


def trim(text: str, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Ranges without the whitespace at their edges; one of nothing but whitespace comes back empty.

    Byte-level BPE and SentencePiece count the space before a word to the word.
    """
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    visible = ~_IS_SPACE[np.minimum(codes, len(_IS_SPACE) - 1)]
    places = np.arange(len(codes), dtype=np.int64)
    after = np.append(np.minimum.accumulate(np.where(visible, places, len(codes))[::-1])[::-1], len(codes))
    before = np.append(0, np.maximum.accumulate(np.where(visible, places + 1, 0)))
    new_starts = np.minimum(after[starts], ends)
    return new_starts, np.maximum(before[ends], new_starts)


def token_at(chars: Ints, token_starts: Ints, token_ends: Ints) -> Ints:
    """The token, or unit, that holds each character; `NO_UNIT` where none does."""
    if not len(token_starts):
        return np.full(len(chars), NO_UNIT, dtype=np.int64)
    token = np.searchsorted(token_starts, chars, side="right").astype(np.int64) - 1
    outside = (token < 0) | (chars >= token_ends[np.maximum(token, 0)])
    token[outside] = NO_UNIT
    return token


def _release_markers(owners: Ints, marker: Bools) -> None:
    """Take a word-begins marker away from its token where a real wordpiece follows. Changes ``owners``."""
    has_real = np.zeros(int(owners.max(initial=NO_UNIT)) + 2, dtype=bool)  # the last one: of no token
    has_real[owners[~marker]] = True
    owners[marker & has_real[owners]] = NO_UNIT


def _place_tokens_without_wordpiece(
    owners: Ints, wp_starts: Ints, wp_ends: Ints, token_starts: Ints
) -> dict[int, int | None]:
    """What becomes of each token without a wordpiece: the token it merges into, None if it is invisible.

    Changes ``owners`` where a wordpiece can be given to such a token instead. Rare: a loop over these alone.
    """
    n_tokens = len(token_starts)
    pieces = np.bincount(owners[owners != NO_UNIT], minlength=n_tokens)
    merged_into: dict[int, int | None] = {}
    for token in np.flatnonzero(pieces == 0).tolist():
        char = token_starts[token]
        # In text order, the wordpiece that covers the token's start is among the last to begin before.
        behind = int(np.searchsorted(wp_starts, char, side="right"))
        near = slice(max(0, behind - _NEAR), behind)
        covering = np.flatnonzero((char < wp_ends[near]) & (owners[near] != NO_UNIT))
        if not len(covering):
            merged_into[token] = None
            continue
        wp = near.start + int(covering[-1])
        owner = int(owners[wp])
        if pieces[owner] > 1:
            owners[wp] = token
            pieces[owner] -= 1
            pieces[token] = 1
        else:
            merged_into[token] = owner
    return merged_into


def _units_of_tokens(
    owners: Ints, merged_into: dict[int, int | None], token_starts: Ints, token_ends: Ints
) -> Alignment:
    """Number the tokens that are units, in order, and stretch those that others merged into."""
    ends = token_ends.copy()
    is_unit = np.ones(len(token_starts), dtype=bool)
    for token, owner in merged_into.items():
        is_unit[token] = False
        if owner is not None:
            ends[owner] = max(ends[owner], token_ends[token])
    ends[:-1] = np.minimum(ends[:-1], np.where(is_unit[1:], token_starts[1:], ends[:-1]))
    number = np.cumsum(is_unit) - 1
    units = np.where(owners == NO_UNIT, NO_UNIT, number[owners]) if len(number) else owners
    return Alignment(units.astype(np.int64), token_starts[is_unit], ends[is_unit])
