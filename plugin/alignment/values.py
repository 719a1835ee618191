"""The values that pass between the rooms: a labelled stretch of text, what became of one, and what a model
says of a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class CharSpan(NamedTuple):
    """Characters ``start`` to ``end`` (excluded, code points of ``doc.text``) carry ``label``.

    ``score`` is the model's confidence, 0 to 1, where a model made the span. A tuple, so that
    ``doc.to_json`` can write it.
    """

    start: int
    end: int
    label: str
    score: float | None = None

    @property
    def key(self) -> tuple[int, int, str]:
        """What makes two spans the same one: the score takes no part."""
        return (self.start, self.end, self.label)


class AlignmentEvent(NamedTuple):
    """A span that could not stay where it was meant: what was done (snapped, dropped, trimmed, replaced) and
    why. ``replaced`` is one of another component, whose place a span of ours took.

    ``placed_start`` and ``placed_end`` are the characters it covers now, None where it has no place at all.
    """

    start: int
    end: int
    label: str
    action: str
    reason: str
    placed_start: int | None = None
    placed_end: int | None = None


@dataclass(frozen=True, slots=True)
class TokenScores:
    """``logprobs[u, k]`` is the natural logarithm of the probability that unit ``u`` has tag ``tags[k]``.

    A unit is a spaCy token that is not whitespace, or a wordpiece where the pipe labels wordpieces; it
    covers the characters ``starts[u]`` to ``ends[u]`` (excluded) of the text. Units stand in text order and
    do not overlap.
    """

    logprobs: NDArray[np.float32]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    tags: tuple[str, ...]

    def __post_init__(self) -> None:
        n_units = len(self.starts)
        if len(self.ends) != n_units or self.logprobs.shape != (n_units, len(self.tags)):
            raise ValueError(
                f"scores of shape {self.logprobs.shape} do not fit {n_units} units and {len(self.tags)} tags"
            )

    def __len__(self) -> int:
        return len(self.starts)

    def calibrated(self, temperature: float) -> NDArray[np.float32]:
        """The log probabilities after dividing the scores by ``temperature`` (Guo et al. 2017)."""
        if temperature == 1.0 or not len(self):
            return self.logprobs
        from scipy.special import log_softmax  # late: commands that only store spans need not wait for it

        return np.asarray(log_softmax(self.logprobs / np.float32(temperature), axis=1), dtype=np.float32)
