"""How evenly the probability of a token is spread over its tags: of all tokens, or of the worst ones."""

from __future__ import annotations

import numpy as np

from spanloop.recipes.active_learning.strategy import DocumentStrategy, Floats, LogProbs

TOP = 5
"""How many tokens `EntropyTop` looks at."""


class Entropy(DocumentStrategy):
    """The mean entropy of a token's tags, in nats."""

    name = "entropy"
    paper = "Settles and Craven 2008, An analysis of active learning strategies for sequence labeling tasks"

    def score(self, logprobs: LogProbs) -> float:
        return float(token_entropy(logprobs).mean()) if len(logprobs) else 0.0


class EntropyMax(DocumentStrategy):
    """The entropy of the most doubtful token, in nats. Prefers long documents."""

    name = "entropy_max"
    paper = "Settles and Craven 2008, with the greatest in place of the mean"

    def score(self, logprobs: LogProbs) -> float:
        return float(token_entropy(logprobs).max()) if len(logprobs) else 0.0


class EntropyTop(DocumentStrategy):
    """The mean entropy of the 5 most doubtful tokens, in nats: of all, where there are fewer."""

    name = "entropy_top"
    paper = "Settles and Craven 2008, with the mean of the greatest few"

    def score(self, logprobs: LogProbs) -> float:
        if not len(logprobs):
            return 0.0
        found = token_entropy(logprobs)
        return float(np.partition(found, -min(TOP, len(found)))[-TOP:].mean())


def token_entropy(logprobs: LogProbs) -> Floats:
    """The entropy of each token's tags in nats, of shape (tokens,); an impossible tag adds nothing."""
    exact = logprobs.astype(np.float64)
    known = np.where(np.isneginf(exact), 0.0, exact)
    found: Floats = -np.where(np.isneginf(exact), 0.0, np.exp(exact) * known).sum(axis=1)
    return found
