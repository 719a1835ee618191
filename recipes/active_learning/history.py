"""Disagreement: between the models of past rounds, and of one round with the next."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np

from spanloop.recipes.active_learning.pool import Pool, Spans, squashed
from spanloop.recipes.active_learning.strategy import Floats, PoolStrategy

_TIE = 1e-3
"""How much doubt counts beside disagreement: it decides between equals, and where no round is past."""


class Committee(PoolStrategy):
    """How much the models of the last five rounds disagree about the spans of a document."""

    name = "committee"
    paper = "Argamon-Engelson and Dagan 1999, Committee-based sample selection for probabilistic classifiers"
    needs = frozenset({"log probabilities", "past rounds"})
    candidates = 20_000
    past = 4

    def scores(self, pool: Pool) -> Floats:
        """1 - the mean F1 of every two models' spans; without two models, the doubt of the one there is."""
        said = pool.past(self.past)
        pairs = list(combinations(range(len(said)), 2))
        return _TIE * squashed(pool.base) + _mean_distance(said, pairs, len(pool))


class Fluctuation(PoolStrategy):
    """How much the spans of a document still change from round to round, the last five rounds."""

    name = "fluctuation"
    paper = "Yao et al. 2020, Looking back on past: active learning with historical evaluation results"
    needs = frozenset({"log probabilities", "past rounds"})
    candidates = 20_000
    past = 4

    def scores(self, pool: Pool) -> Floats:
        """1 - the mean F1 of each round's spans with those of the round before."""
        said = pool.past(self.past)
        return _TIE * squashed(pool.base) + _mean_distance(said, list(pairwise(range(len(said)))), len(pool))


def _mean_distance(
    said: Sequence[Sequence[Spans | None]], pairs: Sequence[tuple[int, int]], documents: int
) -> Floats:
    """The mean `distance` of these pairs of models, of shape (documents,); a pair of which one has said
    nothing of a document takes no part there."""
    total, counted = np.zeros(documents), np.zeros(documents)
    for first, second in pairs:
        for place, (a, b) in enumerate(zip(said[first], said[second], strict=True)):
            if a is not None and b is not None:
                total[place] += distance(a, b)
                counted[place] += 1
    return np.divide(total, counted, out=np.zeros(documents), where=counted > 0)


def distance(a: Spans, b: Spans) -> float:
    """1 - the F1 of one set of spans against the other; 0 where both are empty."""
    return 1.0 - 2.0 * len(a & b) / (len(a) + len(b)) if a or b else 0.0
