"""Documents as overlapping windows of wordpieces: the one way in for prediction and for training.

A document is tokenised once, whole (and again only where a wordpiece reaches over several tokens), and cut
into windows afterwards, so a window never changes how its text is split. Lengths are wordpieces; a window's
include its special tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from spanloop.plugin.alignment.subwords import (
    NO_UNIT,
    Bools,
    Ints,
    align_tokens,
    align_wordpieces,
    first_of_units,
)
from spanloop.plugin.alignment.tokens import token_ranges
from spanloop.plugin.alignment.wordpieces import cut_at_tokens, from_encoding

if TYPE_CHECKING:
    from spacy.tokens import Doc

Unit = Literal["token", "wordpiece"]


@dataclass(frozen=True, slots=True)
class Window:
    """What the model reads at once. Four arrays of one length, special tokens included, not padded.

    ``units``: the unit of each wordpiece in its document, -1 for special tokens and whitespace.
    ``first``: the wordpiece is the first of its unit. ``owned``: the score of this wordpiece is taken from
    this window, where it has most context; each wordpiece of a document is owned by exactly one window.
    """

    input_ids: Ints
    units: Ints
    first: Bools
    owned: Bools

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass(frozen=True, slots=True)
class EncodedDoc:
    """A document's units, by the characters they cover, and its windows (none where it has no unit)."""

    starts: Ints
    ends: Ints
    windows: tuple[Window, ...]


def encode_docs(
    docs: Sequence[Doc], tokenizer: Any, *, max_wordpieces: int, overlap: int, unit: Unit = "token"
) -> list[EncodedDoc]:
    """Each document's units and windows, in order. ``tokenizer``: a fast Hugging Face tokenizer, whose own
    truncation and padding are switched off."""
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return [
        _encode_doc(doc, tokenizer, max_wordpieces=max_wordpieces, overlap=overlap, unit=unit) for doc in docs
    ]


def _encode_doc(doc: Doc, tokenizer: Any, *, max_wordpieces: int, overlap: int, unit: Unit) -> EncodedDoc:
    # Not by calling the tokenizer: that starts threads, which a process forked later has to do without.
    encoding = tokenizer.backend_tokenizer.encode(doc.text)
    special = np.array(encoding.special_tokens_mask, dtype=bool)
    content = np.flatnonzero(~special)
    if not len(content):
        nothing = np.zeros(0, dtype=np.int64)
        return EncodedDoc(nothing, nothing, ())
    # Special tokens stand at the edges alone: what the text itself spells like one is content to the
    # tokenizer.
    begin, end = int(content[0]), int(content[-1]) + 1
    pieces = from_encoding(encoding, slice(begin, end))
    if unit == "wordpiece":
        alignment = align_wordpieces(doc.text, pieces.starts, pieces.ends)
    else:
        starts, ends = _token_bounds(doc)
        encode = partial(tokenizer.backend_tokenizer.encode, add_special_tokens=False)
        pieces = cut_at_tokens(doc.text, pieces, starts, ends, encode)
        alignment = align_tokens(doc.text, starts, ends, pieces.starts, pieces.ends, pieces.marker)
    prefix, suffix = _specials(encoding, begin, end)
    bounds = window_bounds(len(pieces), max_wordpieces - len(prefix) - len(suffix), overlap)
    windows = _cut(pieces.ids, alignment.units, bounds, prefix, suffix)
    return EncodedDoc(alignment.starts, alignment.ends, windows)


def _token_bounds(doc: Doc) -> tuple[Ints, Ints]:
    bounds = np.array(token_ranges(doc), dtype=np.int64).reshape(-1, 2)
    return bounds[:, 0], bounds[:, 1]


def _specials(encoding: Any, begin: int, end: int) -> tuple[Ints, Ints]:
    """The special tokens before and behind the text's own wordpieces."""
    ids = np.array(encoding.ids, dtype=np.int64)
    return ids[:begin], ids[end:]


def window_bounds(n_wordpieces: int, capacity: int, overlap: int) -> Ints:
    """The first wordpiece and the end of each window, an array of shape (windows, 2).

    As few windows as ``capacity`` allows, all of nearly one length (so that they share a batch without
    padding), neighbours overlapping by at least ``overlap``.
    """
    if not 0 <= overlap < capacity:
        raise ValueError(
            f"an overlap of {overlap} wordpieces does not fit windows of {capacity}: make it smaller"
        )
    if n_wordpieces <= capacity:
        return np.array([[0, n_wordpieces]], dtype=np.int64)
    count = -(-(n_wordpieces - overlap) // (capacity - overlap))
    length = -(-(n_wordpieces + (count - 1) * overlap) // count)
    starts = np.arange(count, dtype=np.int64) * (n_wordpieces - length) // (count - 1)
    return np.stack([starts, starts + length], axis=1)


def owners(units: Ints, bounds: Ints) -> Ints:
    """The window each wordpiece's score comes from: the one where the nearer of its two ends is farthest.

    Between windows of one length that is decided in the middle of their overlap; there the cut moves behind
    the unit it would part, as long as the earlier window holds all of it.
    """
    cuts = (bounds[1:, 0] + bounds[:-1, 1]) // 2
    for number, cut in enumerate(cuts.tolist()):
        if units[cut] == NO_UNIT or units[cut] != units[cut - 1]:
            continue
        rest = np.flatnonzero(units[cut : bounds[number, 1]] != units[cut])
        if len(rest):
            cuts[number] = cut + rest[0]
    return np.searchsorted(cuts, np.arange(len(units)), side="right").astype(np.int64)


def _cut(ids: Ints, units: Ints, bounds: Ints, prefix: Ints, suffix: Ints) -> tuple[Window, ...]:
    first = first_of_units(units)
    owner = owners(units, bounds)
    windows = []
    for number, (start, end) in enumerate(bounds.tolist()):
        at = slice(start, end)
        padding = (len(prefix), len(suffix))
        windows.append(
            Window(
                input_ids=np.concatenate([prefix, ids[at], suffix]),
                units=np.pad(units[at], padding, constant_values=NO_UNIT),
                first=np.pad(first[at], padding),
                owned=np.pad(owner[at] == number, padding),
            )
        )
    return tuple(windows)
