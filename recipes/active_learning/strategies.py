"""Query strategies: how much a document is worth asking about, from what the model says of its tokens.

Each takes log probabilities, one row a token and one column a tag, and gives one number: higher = ask sooner.
An empty document gives 0: there is nothing to ask.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

LogProbs = NDArray[np.float32]


def least_confidence(logprobs: LogProbs) -> float:
    """1 - probability of the most likely tag of every token at once (Culotta and McCallum 2005).

    Prefers long documents: every token multiplies the doubt.
    """
    return float(1.0 - np.exp(_best(logprobs).sum()))


def mnlp(logprobs: LogProbs) -> float:
    """Maximum normalised log probability (Shen et al. 2018), negated: the mean doubt a token, whatever the
    length."""
    return float(-_best(logprobs).mean()) if len(logprobs) else 0.0


def margin(logprobs: LogProbs) -> float:
    """1 - the smallest gap between the two best tags of a token (breaking ties, Scheffer et al. 2001)."""
    if not len(logprobs) or logprobs.shape[1] < 2:
        return 0.0
    two_best = np.exp(np.partition(logprobs.astype(np.float64), -2, axis=1)[:, -2:])
    return float(1.0 - (two_best[:, 1] - two_best[:, 0]).min())


def entropy(logprobs: LogProbs) -> float:
    """The mean entropy of a token's tags in nats (token entropy, Settles and Craven 2008)."""
    if not len(logprobs):
        return 0.0
    exact = logprobs.astype(np.float64)
    terms = np.where(np.isneginf(exact), 0.0, np.exp(exact) * np.where(np.isneginf(exact), 0.0, exact))
    return float(-terms.sum(axis=1).mean())


def _best(logprobs: LogProbs) -> NDArray[np.float64]:
    """The log probability of each token's most likely tag."""
    return logprobs.astype(np.float64).max(axis=1) if len(logprobs) else np.zeros(0)


def random(seed: int, key: str) -> float:
    """A number in [0, 1) that only the seed and the document decide: the same in every run."""
    digest = hashlib.sha256(f"{seed}\x1f{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


STRATEGIES: dict[str, Callable[[LogProbs], float]] = {
    "least_confidence": least_confidence,
    "mnlp": mnlp,
    "margin": margin,
    "entropy": entropy,
}
"""The strategies that read token scores; ``random`` needs none and is always there."""

NAMES = ("random", *STRATEGIES)


def acquisition(logprobs: LogProbs | None, *, seed: int, key: str) -> dict[str, float]:
    """Every strategy's score of one document; ``logprobs`` None (patterns, foreign pipelines): only
    ``random``."""
    scores = {"random": random(seed, key)}
    if logprobs is not None:
        scores.update({name: strategy(logprobs) for name, strategy in STRATEGIES.items()})
    return scores
