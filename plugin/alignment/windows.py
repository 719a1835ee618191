"""Documents as overlapping windows of wordpieces: the one way in for prediction and for training.

A document is tokenised once, whole (and again only where a wordpiece reaches over several tokens), and cut
into windows afterwards, so a window never changes how its text is split. Lengths are wordpieces; a window's
include its special tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
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
from spanloop.plugin.alignment.tokens import token_bounds
from spanloop.plugin.alignment.wordpieces import Wordpieces, cut_at_tokens, from_encodings

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
    docs: Sequence[Doc],
    tokenizer: Any,
    *,
    max_wordpieces: int,
    overlap: int,
    unit: Unit = "token",
    threads: bool = False,
) -> list[EncodedDoc]:
    """Each document's units and windows, in order.

    Args:
        docs: the documents.
        tokenizer: a fast Hugging Face tokenizer, whose own truncation and padding are switched off.
        max_wordpieces: the longest window, special tokens included.
        overlap: wordpieces that neighbouring windows share.
        unit: what gets one tag.
        threads: tokenise several documents at once. Only where no process is forked later: it would have to
            do without the threads that this starts.
    """
    _whole(tokenizer.backend_tokenizer)
    texts = [doc.text for doc in docs]
    # Not by calling the tokenizer: that starts threads too.
    one = tokenizer.backend_tokenizer.encode
    encodings = tokenizer.backend_tokenizer.encode_batch(texts) if threads else [one(text) for text in texts]
    found: list[EncodedDoc] = []
    for at in _alike(encodings):
        group = _Group.of(docs[at], texts[at], encodings[at], tokenizer, unit)
        found += group.cut(max_wordpieces, overlap)
    return found


def _whole(tokenizer: Any) -> None:
    """Switch off what somebody has switched on. Only then: a tokenizer that another thread is using refuses
    to be changed."""
    if tokenizer.truncation is not None:
        tokenizer.no_truncation()
    if tokenizer.padding is not None:
        tokenizer.no_padding()


def _alike(encodings: Sequence[Any]) -> Iterator[slice]:
    """Runs of documents with the same number of special tokens around them: all of them, unless a tokenizer
    is a strange one."""
    begin = 0
    for at, number in enumerate(sum(encoding.special_tokens_mask) for encoding in encodings):
        if at == begin:
            usual = number
        elif number != usual:
            yield slice(begin, at)
            begin, usual = at, number
    if encodings:
        yield slice(begin, len(encodings))


@dataclass(frozen=True, slots=True)
class _Group:
    """Documents laid end to end, a line break between them: aligned all at once, since most of them are short
    and numpy takes as long for ten numbers as for a thousand.

    ``units``: of each wordpiece, counted through the whole group. ``doc_pieces``, ``doc_units`` and
    ``doc_chars``: where each document begins among wordpieces, units and characters, and the end of the last.
    ``prefix`` and ``suffix``: the special tokens around each.
    """

    pieces: Wordpieces
    units: Ints
    starts: Ints
    ends: Ints
    doc_pieces: Ints
    doc_units: Ints
    doc_chars: Ints
    prefix: Ints
    suffix: Ints
    empty: Bools

    @classmethod
    def of(
        cls, docs: Sequence[Doc], texts: Sequence[str], encodings: Sequence[Any], tokenizer: Any, unit: Unit
    ) -> _Group:
        text = "\n".join(texts)
        chars = _begins([len(one) + 1 for one in texts])
        special = np.array([flag for one in encodings for flag in one.special_tokens_mask], dtype=bool)
        ids = np.array([number for one in encodings for number in one.ids], dtype=np.int64)
        lengths = _begins([len(one) for one in encodings])
        content = np.diff(_begins(~special)[lengths])
        prefix, suffix = _specials(ids, special, lengths, content)
        pieces = from_encodings(encodings, ids, chars[:-1])[~special]
        if unit == "wordpiece":
            alignment = align_wordpieces(text, pieces.starts, pieces.ends)
        else:
            starts, ends = _token_bounds(docs, chars)
            encode = partial(tokenizer.backend_tokenizer.encode, add_special_tokens=False)
            pieces = cut_at_tokens(text, pieces, starts, ends, encode)
            alignment = align_tokens(text, starts, ends, pieces.starts, pieces.ends, pieces.marker)
        return cls(
            pieces,
            alignment.units,
            alignment.starts,
            alignment.ends,
            np.searchsorted(pieces.starts, chars),
            np.searchsorted(alignment.starts, chars),
            chars,
            prefix,
            suffix,
            content == 0,
        )

    def cut(self, max_wordpieces: int, overlap: int) -> list[EncodedDoc]:
        """The documents of the group, each in as few windows as it fits."""
        sizes = np.diff(self.doc_pieces)
        doc_of = np.repeat(np.arange(len(sizes)), sizes)
        own = np.where(self.units == NO_UNIT, NO_UNIT, self.units - self.doc_units[doc_of])
        first = first_of_units(self.units)
        whole = self._in_one_window(own, first, doc_of)
        unit_docs = np.repeat(np.arange(len(sizes)), np.diff(self.doc_units))
        starts, ends = (bounds - self.doc_chars[unit_docs] for bounds in (self.starts, self.ends))
        capacity = max_wordpieces - len(self.prefix) - len(self.suffix)
        found = []
        for number, size in enumerate(sizes.tolist()):
            at = slice(self.doc_pieces[number], self.doc_pieces[number + 1])
            if self.empty[number]:
                windows: tuple[Window, ...] = ()
            elif size <= capacity and 0 <= overlap < capacity:
                windows = (whole[number],)
            else:
                bounds = window_bounds(size, capacity, overlap)
                windows = _cut(self.pieces.ids[at], own[at], first[at], bounds, self.prefix, self.suffix)
            units = slice(self.doc_units[number], self.doc_units[number + 1])
            found.append(EncodedDoc(starts[units], ends[units], windows))
        return found

    def _in_one_window(self, own: Ints, first: Bools, doc_of: Ints) -> list[Window]:
        """Each document as one window, however long it is."""
        before, around = len(self.prefix), len(self.prefix) + len(self.suffix)
        begins = self.doc_pieces + np.arange(len(self.doc_pieces)) * around
        places = np.arange(len(own)) + doc_of * around + before
        ids = np.zeros(begins[-1], dtype=np.int64)
        for number, special in enumerate(self.prefix.tolist()):
            ids[begins[:-1] + number] = special
        for number, special in enumerate(self.suffix.tolist()):
            ids[begins[1:] - len(self.suffix) + number] = special
        units = np.full(len(ids), NO_UNIT, dtype=np.int64)
        firsts, owned = np.zeros(len(ids), dtype=bool), np.zeros(len(ids), dtype=bool)
        ids[places], units[places], firsts[places], owned[places] = self.pieces.ids, own, first, True
        edges = begins.tolist()
        return [Window(ids[a:b], units[a:b], firsts[a:b], owned[a:b]) for a, b in pairwise(edges)]


def _begins(lengths: Sequence[int] | Bools) -> Ints:
    """Where things of these lengths begin that lie end to end, and where the last one ends."""
    begins = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(np.asarray(lengths, dtype=np.int64), out=begins[1:])
    return begins


def _specials(ids: Ints, special: Bools, begins: Ints, content: Ints) -> tuple[Ints, Ints]:
    """The special tokens before and behind the wordpieces of a text. They stand at the edges alone: what the
    text itself spells like one is content to the tokenizer."""
    for number in np.flatnonzero(content)[:1].tolist():
        begin, end = begins[number], begins[number + 1]
        inside = begin + np.flatnonzero(~special[begin:end])
        return ids[begin : inside[0]], ids[inside[-1] + 1 : end]
    return ids[:0], ids[:0]


def _token_bounds(docs: Sequence[Doc], chars: Ints) -> tuple[Ints, Ints]:
    """The characters of the visible tokens, counted through the whole group."""
    bounds = [token_bounds(doc) + begin for doc, begin in zip(docs, chars[:-1].tolist(), strict=True)]
    joined = np.concatenate(bounds) if bounds else np.zeros((0, 2), dtype=np.int64)
    return joined[:, 0], joined[:, 1]


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


def _cut(
    ids: Ints, units: Ints, first: Bools, bounds: Ints, prefix: Ints, suffix: Ints
) -> tuple[Window, ...]:
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
