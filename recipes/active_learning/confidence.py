"""Doubt about the best reading of a document: least confidence, and the same whatever the length."""

from __future__ import annotations

import numpy as np

from spanloop.recipes.active_learning.strategy import DocumentStrategy, Floats, LogProbs


class LeastConfidence(DocumentStrategy):
    """1 - the probability that every token has its most likely tag. Prefers long documents."""

    name = "least_confidence"
    paper = "Culotta and McCallum 2005, Reducing labeling effort for structured prediction tasks"

    def score(self, logprobs: LogProbs) -> float:
        return float(1.0 - np.exp(_best(logprobs).sum()))


class MNLP(DocumentStrategy):
    """The mean doubt a token: - the mean logarithm of the most likely tags' probabilities."""

    name = "mnlp"
    paper = "Shen et al. 2018, Deep active learning for named entity recognition"

    def score(self, logprobs: LogProbs) -> float:
        return float(-_best(logprobs).mean()) if len(logprobs) else 0.0


def _best(logprobs: LogProbs) -> Floats:
    """The log probability of each token's most likely tag."""
    return logprobs.astype(np.float64).max(axis=1) if len(logprobs) else np.zeros(0)
