"""Batches without repetition: of the most doubtful documents, those that are least like the ones before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spanloop.recipes.active_learning.pool import Ints, Pool, squashed
from spanloop.recipes.active_learning.strategy import Floats, PoolStrategy

HEAD = 2_000
"""How many documents are compared with each other: what a person answers before the next round, and more."""


class Diversity(PoolStrategy):
    """Doubtful documents, each unlike those before it: doubt times the distance to the nearest of them."""

    name = "diversity"
    paper = (
        "Sener and Savarese 2018, Active learning for convolutional neural networks: a core-set approach; "
        "Ash et al. 2020, Deep batch active learning by diverse, uncertain gradient lower bounds"
    )
    needs = frozenset({"log probabilities", "embeddings"})
    candidates = HEAD

    def scores(self, pool: Pool) -> Floats:
        """2 for the document that is asked first, evenly down to 1 for the last."""
        return by_place(spread(pool.embeddings, pool.base, pool.groups, pool.chance))


def by_place(order: Ints) -> Floats:
    """Scores from 2 down to above 1, for places in the order in which they are asked."""
    found = np.empty(len(order))
    found[order] = 2.0 - np.arange(len(order)) / max(len(order), 1)
    return found


def spread(vectors: NDArray[np.float32], worth: Floats, groups: Sequence[str], chance: Ints) -> Ints:
    """An order in which every beginning is worth much and repeats little.

    The most worthy document comes first, then always the one whose worth times its distance to the nearest
    one before it is greatest (the greedy k-center, weighed). Of near-duplicates the first one stands in this
    order, and the others behind everybody else. The beginning of such an order is a batch, however long.

    Args:
        vectors: Of shape (documents, width); only their directions count.
        worth: Not below 0, of shape (documents,).
        groups: Near-duplicates have one group.
        chance: What decides between equals, the smaller first.

    Returns:
        Places of documents, each once, in the order in which they are asked.
    """
    ranked = np.lexsort((chance, -worth))
    seen: set[str] = set()
    first: list[int] = []
    repeated: list[int] = []
    for place in ranked.tolist():
        (repeated if groups[place] in seen else first).append(place)
        seen.add(groups[place])
    places = np.array(first, dtype=np.int64)
    chosen = places[_greedy(_directions(vectors[places]), squashed(worth[places]))]
    return np.concatenate([chosen, np.array(repeated, dtype=np.int64)])


def _greedy(directions: NDArray[np.float32], worth: Floats) -> Ints:
    """The weighed k-center of documents in falling order of worth: equals keep that order."""
    count = len(worth)
    order = np.empty(count, dtype=np.int64)
    nearest = np.full(count, 2.0)
    left = np.ones(count, dtype=bool)
    for step in range(count):
        gain = np.where(left, worth * nearest, -1.0)
        order[step] = pick = int(gain.argmax())
        left[pick] = False
        apart = np.maximum(1.0 - directions @ directions[pick], 0.0)
        nearest = np.minimum(nearest, apart)
    return order


def _directions(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """The vectors around their mean, each of length 1 (or 0): encoders put all texts into a narrow cone."""
    if not len(vectors):
        return vectors
    around = vectors - vectors.mean(axis=0)
    length = np.linalg.norm(around, axis=1, keepdims=True)
    found: NDArray[np.float32] = np.divide(around, length, out=np.zeros_like(around), where=length > 0)
    return found
