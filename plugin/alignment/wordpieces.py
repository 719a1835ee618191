"""The wordpieces of one text, cut so that none reaches over the edge of a token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from spanloop.plugin.alignment.subwords import Bools, Ints, trim

_WORD_BEGINS = ("\u2581", "\u0120")  # SentencePiece and byte-level BPE write the space before a word so


@dataclass(frozen=True, slots=True)
class Wordpieces:
    """Three arrays of one length: the vocabulary's ids, and the characters of the text that each covers.
    ``marker``: it only says "a word begins here"."""

    ids: Ints
    starts: Ints
    ends: Ints
    marker: Bools

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, at: slice | Bools) -> Wordpieces:
        return Wordpieces(self.ids[at], self.starts[at], self.ends[at], self.marker[at])


def from_encoding(encoding: Any, *, shift: int = 0) -> Wordpieces:
    """What a tokenizer of the `tokenizers` library put out; ``shift``: where its text begins in the
    document's."""
    return from_encodings([encoding], np.array(encoding.ids, dtype=np.int64), np.array([shift]))


def from_encodings(encodings: Sequence[Any], ids: Ints, shifts: Ints) -> Wordpieces:
    """The same of several texts, one after the other; ``ids``: those of all of them."""
    flat = chain.from_iterable(chain.from_iterable(encoding.offsets for encoding in encodings))
    offsets = np.fromiter(flat, dtype=np.int64, count=2 * len(ids)).reshape(-1, 2)
    offsets = offsets + np.repeat(shifts, [len(encoding) for encoding in encodings])[:, np.newaxis]
    pieces = (piece in _WORD_BEGINS for encoding in encodings for piece in encoding.tokens)
    marker = np.fromiter(pieces, dtype=bool, count=len(ids))
    return Wordpieces(ids, offsets[:, 0], offsets[:, 1], marker)


def cut_at_tokens(
    text: str,
    pieces: Wordpieces,
    token_starts: Ints,
    token_ends: Ints,
    encode: Callable[[str], Any],
) -> Wordpieces:
    """The wordpieces, with the tokens that share one tokenised again, each for itself.

    spaCy parts ``cannot`` into ``can`` and ``not``, a vocabulary may have it whole: both tokens shall have
    scores. ``encode``: the tokenizer, without special tokens. Tokens as `align_tokens` wants them.
    """
    regions = _shared(text, pieces, token_starts)
    if not regions:
        return pieces
    parts: list[Wordpieces] = []
    at = 0
    in_order = bool((np.diff(pieces.starts) >= 0).all() and (np.diff(pieces.ends) >= 0).all())
    for first, last in regions:
        bounds = list(zip(token_starts[first : last + 1], token_ends[first : last + 1], strict=True))
        anew = [_token_alone(text, int(start), int(end), encode) for start, end in bounds]
        if not all(map(len, anew)):
            continue  # a token that alone would be invisible, an accent: better one unit with its letter
        before, behind = _covering(text, pieces, int(token_starts[first]), int(token_ends[last]), in_order)
        parts += [pieces[at:before], *anew]
        at = behind
    return _joined([*parts, pieces[at:]])


def _token_alone(text: str, start: int, end: int, encode: Callable[[str], Any]) -> Wordpieces:
    if start and text[start - 1] == " ":
        start -= 1  # byte-level BPE and SentencePiece write it into the word
    return from_encoding(encode(text[start:end]), shift=start)


def _covering(text: str, pieces: Wordpieces, begin: int, end: int, in_order: bool) -> tuple[int, int]:
    """The wordpieces, first and end, that hold these characters; ``in_order``: neither their starts nor their
    ends ever go back."""
    if in_order:
        first = int(np.searchsorted(pieces.ends, begin, side="right"))
        last = int(np.searchsorted(pieces.starts, end, side="left")) - 1
    else:
        overlapping = np.flatnonzero((pieces.ends > begin) & (pieces.starts < end))
        first, last = int(overlapping[0]), int(overlapping[-1])
    if first and pieces.marker[first - 1] and pieces.ends[first - 1] == begin:
        # the mark of the word comes again with its token; where it stands for a letter "▁" it does not
        first -= not text[int(pieces.starts[first - 1]) : begin].strip()
    return first, last + 1


def _shared(text: str, pieces: Wordpieces, token_starts: Ints) -> list[tuple[int, int]]:
    """Runs of tokens, first and last, that hang together by wordpieces."""
    if not len(token_starts) or not len(pieces):
        return []
    starts, ends = trim(text, pieces.starts, pieces.ends)
    visible = starts < ends
    first = np.searchsorted(token_starts, starts[visible], side="right") - 1
    last = np.searchsorted(token_starts, ends[visible] - 1, side="right") - 1
    runs: list[tuple[int, int]] = []
    several = first < last
    for a, b in sorted(set(zip(first[several].tolist(), last[several].tolist(), strict=True))):
        if runs and a <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(b, runs[-1][1]))
        else:
            runs.append((a, b))
    return runs


def _joined(parts: Sequence[Wordpieces]) -> Wordpieces:
    return Wordpieces(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.starts for part in parts]),
        np.concatenate([part.ends for part in parts]),
        np.concatenate([part.marker for part in parts]),
    )
