"""Asking below the document: which parts of it are doubtful, by any strategy that looks at one document.

A part is a sentence, or a single token in a project of tags. Asked are the parts whose doubt is at least half
of that of the most doubtful one. Of a document that was answered in part before, only what the model is
unsure of is asked: a part in which the likeliest tag of some token has less than `UNSURE`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spanloop.recipes.active_learning.parts import Ask, joined, named, newly
from spanloop.recipes.active_learning.sentences import Piece, sentences
from spanloop.recipes.active_learning.strategy import DocumentStrategy, LogProbs, Strategy
from spanloop.store.records import Range

if TYPE_CHECKING:
    from spanloop.plugin.alignment.values import TokenScores

SHARE = 0.5
"""Of the doubt of the most doubtful part: from there on a part is asked."""
UNSURE = 0.7
"""Of the probability of the likeliest tag of a token; the page draws suggestions below it as unsure."""


class Doubtful(NamedTuple):
    """What is asked of a document, and how much that is worth: higher = sooner."""

    parts: tuple[Range, ...]
    """Half-open characters, in order and apart; none: the whole document, or nothing more where it was
    answered in part."""
    score: float


class Below(Strategy):
    """Asks below the document, by the token scores of another strategy."""

    def __init__(self, base: DocumentStrategy, ask: Ask) -> None:
        self.base, self.ask = base, ask
        self.needs = base.needs  # type: ignore[misc]
        self.name = named(base.name, ask)  # type: ignore[misc]
        self.paper = base.paper  # type: ignore[misc]

    def doubtful(
        self,
        text: str,
        scores: TokenScores,
        suggested: Iterable[Range],
        before: Sequence[Range] | None = None,
    ) -> Doubtful:
        """The parts of a document that are asked.

        Args:
            text: The document.
            scores: What the model says of its tokens.
            suggested: The characters of each suggestion: none is cut.
            before: What an answer has looked at already; None: nobody has answered.

        Returns:
            The parts, and the strategy's score of what is asked; 0 where nothing is.
        """
        if not len(scores):
            return Doubtful((), 0.0)
        starts, ends = scores.starts, scores.ends
        pieces = _tokens(len(scores)) if self.ask == "tokens" else sentences(text, starts, ends)
        eligible = pieces
        answered = _meeting(before or ())
        if before:
            unsure = np.exp(scores.logprobs.max(axis=1)) < UNSURE
            eligible = [
                (first, behind)
                for first, behind in pieces
                if unsure[first:behind].any() and not answered(int(starts[first]), int(ends[behind - 1]))
            ]
        chosen = self._chosen(scores.logprobs, eligible)
        if not chosen:
            return Doubtful((), 0.0)
        asked = np.concatenate([scores.logprobs[first:behind] for first, behind in chosen])
        worth = float(self.base.score(asked))
        if len(chosen) == len(pieces) and not before:
            return Doubtful((), worth)
        places = [(int(starts[first]), int(ends[behind - 1])) for first, behind in _joined(chosen)]
        asks = _meeting(places)
        cut = [one for one in suggested if asks(*one) and not answered(*one)]
        # neighbours are one part, and what was answered may lie between two of them, as a blank does
        return Doubtful(newly(joined([*places, *cut]), before or ()), worth)

    def _chosen(self, logprobs: LogProbs, eligible: Sequence[Piece]) -> list[Piece]:
        worth = [self.base.score(logprobs[first:behind]) for first, behind in eligible]
        most = max(worth, default=0.0)
        limit = SHARE * most if most > 0 else most
        return [piece for piece, one in zip(eligible, worth, strict=True) if one >= limit]


def _tokens(number: int) -> list[Piece]:
    return [(at, at + 1) for at in range(number)]


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Neighbours as one."""
    found: list[Piece] = []
    for first, behind in pieces:
        if found and found[-1][1] == first:
            found[-1] = (found[-1][0], behind)
        else:
            found.append((first, behind))
    return found


def _meeting(ranges: Sequence[Range]) -> Callable[[int, int], bool]:
    """Whether characters share one with a range, of ranges that lie in order and apart."""
    starts = [start for start, _ in ranges]

    def meets(start: int, end: int) -> bool:
        at = bisect_left(starts, end)
        return at > 0 and ranges[at - 1][1] > start

    return meets
