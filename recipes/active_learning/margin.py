"""Close calls: two tags of a token that are nearly as likely as each other."""

from __future__ import annotations

import numpy as np

from spanloop.recipes.active_learning.strategy import DocumentStrategy, LogProbs


class Margin(DocumentStrategy):
    """1 - the smallest gap between the two most likely tags of a token."""

    name = "margin"
    paper = "Scheffer et al. 2001, Active hidden Markov models for information extraction"

    def score(self, logprobs: LogProbs) -> float:
        if not len(logprobs) or logprobs.shape[1] < 2:
            return 0.0
        two_best = np.exp(np.partition(logprobs.astype(np.float64), -2, axis=1)[:, -2:])
        return float(1.0 - (two_best[:, 1] - two_best[:, 0]).min())
