"""The wordpieces of one text, cut so that none reaches over the edge of a token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

    def __getitem__(self, at: slice) -> Wordpieces:
        return Wordpieces(self.ids[at], self.starts[at], self.ends[at], self.marker[at])


def from_encoding(encoding: Any, at: slice = slice(None), *, shift: int = 0) -> Wordpieces:
    """What a tokenizer of the `tokenizers` library put out; ``shift``: where its text begins in the
    document's."""
    offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)[at] + shift
    marker = np.array([piece in _WORD_BEGINS for piece in encoding.tokens[at]], dtype=bool)
    return Wordpieces(np.array(encoding.ids, dtype=np.int64)[at], offsets[:, 0], offsets[:, 1], marker)


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
    for first, last in regions:
        bounds = list(zip(token_starts[first : last + 1], token_ends[first : last + 1], strict=True))
        anew = [_token_alone(text, int(start), int(end), encode) for start, end in bounds]
        if not all(map(len, anew)):
            continue  # a token that alone would be invisible, an accent: better one unit with its letter
        before, behind = _covering(pieces, int(token_starts[first]), int(token_ends[last]))
        parts += [pieces[at:before], *anew]
        at = behind
    return _joined([*parts, pieces[at:]])


def _token_alone(text: str, start: int, end: int, encode: Callable[[str], Any]) -> Wordpieces:
    if start and text[start - 1] == " ":
        start -= 1  # byte-level BPE and SentencePiece write it into the word
    return from_encoding(encode(text[start:end]), shift=start)


def _covering(pieces: Wordpieces, begin: int, end: int) -> tuple[int, int]:
    """The wordpieces, first and end, that hold these characters."""
    overlapping = np.flatnonzero((pieces.ends > begin) & (pieces.starts < end))
    first = int(overlapping[0])
    if first and pieces.marker[first - 1] and pieces.ends[first - 1] == begin:
        first -= 1  # the mark of the word comes again with its token
    return first, int(overlapping[-1]) + 1


def _shared(text: str, pieces: Wordpieces, token_starts: Ints) -> list[tuple[int, int]]:
    """Runs of tokens, first and last, that hang together by wordpieces."""
    if not len(token_starts) or not len(pieces):
        return []
    starts, ends = trim(text, pieces.starts, pieces.ends)
    visible = starts < ends
    first = np.searchsorted(token_starts, starts[visible], side="right") - 1
    last = np.searchsorted(token_starts, ends[visible] - 1, side="right") - 1
    runs: list[tuple[int, int]] = []
    for a, b in sorted({(int(a), int(b)) for a, b in zip(first, last, strict=True) if a < b}):
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
