"""What a query strategy is: a class that says how much a document is worth asking about; higher = sooner.

There are two kinds. A `DocumentStrategy` looks at one document by itself: its score is stored while the model
predicts. A `PoolStrategy` compares documents with each other: it is asked once everything is predicted, about
the open documents of the pool, and may ask the model or the store for more (`pool`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from spanloop.recipes.active_learning.pool import Pool

LogProbs = NDArray[np.float32]
"""Natural logarithms of probabilities, of shape (tokens, tags)."""
Floats = NDArray[np.float64]
Need = Literal[
    "log probabilities",
    "expected spans",
    "past rounds",
    "embeddings",
    "what the model would learn",
    "dropout passes",
]


class Strategy(ABC):
    """What every strategy says of itself; the first line of its docstring is shown to people."""

    name: ClassVar[str]
    """What is typed: small letters, digits and ``_``."""
    paper: ClassVar[str]
    """Where the idea comes from: authors, year and title; or that it is our own."""
    needs: ClassVar[frozenset[Need]] = frozenset()
    """What it looks at. Where that is not there, the strategy cannot be asked for."""
    past: ClassVar[int] = 0
    """How many rounds before the newest one it looks back at: what they predicted is kept while the queue
    stands by it."""


class DocumentStrategy(Strategy):
    """Scores one document, from what the model says of its tokens alone."""

    needs = frozenset({"log probabilities"})

    @abstractmethod
    def score(self, logprobs: LogProbs) -> float:
        """How much the document is worth asking about.

        Args:
            logprobs: Natural logarithms of probabilities, of shape (tokens, tags); no row for an empty text.

        Returns:
            A finite number, higher = ask sooner; 0 where there is no token.
        """


class PoolStrategy(Strategy):
    """Scores the open documents of the pool beside each other."""

    candidates: ClassVar[int | None] = None
    """At most so many documents are looked at, those that ``base`` finds worth most; None: all of them."""
    base: ClassVar[str] = "mnlp"
    """The strategy of single documents that chooses the candidates and orders what stays behind them."""
    again: ClassVar[bool] = False
    """Whether candidates are compared once more with documents that come later; else these are compared with
    each other alone. For what is stored of every document, and costs no second look."""

    @abstractmethod
    def scores(self, pool: Pool) -> Floats:
        """How much each candidate is worth asking about.

        Args:
            pool: The candidates, in the order of their ids, and what can be known of them.

        Returns:
            Finite numbers of shape (candidates,), higher = ask sooner.
        """


def chosen(values: Floats, at_most: int | None, keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of the greatest values, in rising order of place.

    Args:
        values: Of shape (documents,).
        at_most: How many; None: all of them.
        keys: What decides between equal values, the smaller first; of shape (documents,).
    """
    if at_most is None or len(values) <= at_most:
        return np.arange(len(values))
    best = np.lexsort((keys, -values))[:at_most]
    return np.sort(best).astype(np.int64)
