"""The open documents of the pool, as a strategy that compares documents sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spanloop.recipes.active_learning.strategy import Floats

Ints = NDArray[np.int64]
Spans = frozenset[tuple[int, int, int]]
"""What a model said of one document: start, end and label id of each span."""


class Asked(Protocol):
    """Who answers what a pool is asked: the store and the model, about documents by their ids."""

    def tokens(self, ids: Ints) -> Floats:
        """How many tokens each document has, of shape (documents,)."""

    def expected_spans(self, ids: Ints) -> Mapping[str, Floats]:
        """How many spans of each label the model expects in each document, of shape (documents,)."""

    def gold_spans(self) -> Mapping[str, int]:
        """How many spans of each label the pool's gold has."""

    def past(self, ids: Ints, at_most: int) -> Sequence[Sequence[Spans | None]]:
        """What this model said of each document, then what the models of past rounds said, the newest first;
        None where one has said nothing of a document."""

    def embeddings(self, ids: Ints) -> NDArray[np.float32]:
        """The mean of what the encoder makes of each document's tokens, of shape (documents, width)."""

    def information(self, ids: Ints) -> Floats:
        """What the model would learn of itself from each document, in nats a token, by dropout before its
        head; 0 where there is no token. Of shape (documents,)."""

    def passes(self, ids: Ints, passes: int) -> Sequence[NDArray[np.float32]]:
        """What the model says of each document with random parts of its last layer left out: log
        probabilities of shape (passes, tokens, tags)."""


@dataclass(frozen=True)
class Pool:
    """Candidates, in the order of their ids, and what can be known of them; what is costly is found out where
    a strategy first asks for it."""

    ids: Ints
    base: Floats
    """Their scores by the strategy that chose them; not below 0."""
    groups: Sequence[str]
    """Near-duplicates have one group."""
    chance: Ints
    """Their places in an order of chance that the project's seed fixes: what decides between equals."""
    ask: Asked

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def tokens(self) -> Floats:
        return self.ask.tokens(self.ids)

    @cached_property
    def expected_spans(self) -> Mapping[str, Floats]:
        return self.ask.expected_spans(self.ids)

    @cached_property
    def embeddings(self) -> NDArray[np.float32]:
        return self.ask.embeddings(self.ids)

    @cached_property
    def information(self) -> Floats:
        return self.ask.information(self.ids)

    def past(self, at_most: int) -> Sequence[Sequence[Spans | None]]:
        return self.ask.past(self.ids, at_most)

    def passes(self, passes: int) -> Sequence[NDArray[np.float32]]:
        return self.ask.passes(self.ids, passes)


def squashed(values: Floats) -> Floats:
    """Numbers from 0 on, in their order, as numbers from 0 to 1 (excluded)."""
    found: Floats = values / (1.0 + values)
    return found
