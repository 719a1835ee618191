"""Where the rare labels are: documents with many spans for what they cost, and those that the gold lacks."""

from __future__ import annotations

import numpy as np

from spanloop.recipes.active_learning.cost import DEFAULT
from spanloop.recipes.active_learning.pool import Pool
from spanloop.recipes.active_learning.strategy import Floats, PoolStrategy


class ExpectedSpans(PoolStrategy):
    """Spans that the model expects, a rare label's worth more, for a second of work. For sparse text."""

    name = "expected_spans"
    paper = (
        "Tomanek and Hahn 2009, Reducing class imbalance during active learning for named entity annotation; "
        "Luo et al. 2023, Re-weighting tokens: a simple and effective active learning strategy for NER"
    )
    needs = frozenset({"log probabilities", "expected spans"})

    def scores(self, pool: Pool) -> Floats:
        """The expected number of spans, each weighed by `inverse_frequency`, over the expected seconds."""
        expected = pool.expected_spans
        weights = inverse_frequency({label: float(n.sum()) for label, n in expected.items()})
        worth, spans = np.zeros(len(pool)), np.zeros(len(pool))
        for label, n in expected.items():
            worth += weights[label] * n
            spans += n
        return worth / seconds_of(pool.tokens, spans)


class Rare(PoolStrategy):
    """Spans that the model expects of the labels that the gold has fewest of, whatever the document costs."""

    name = "rare"
    paper = "Tomanek and Hahn 2009, with the labels of the gold in place of a list of costs"
    needs = frozenset({"log probabilities", "expected spans"})

    def scores(self, pool: Pool) -> Floats:
        """The sum over the labels of the expected spans, each divided by 1 + the gold spans of its label."""
        gold = pool.ask.gold_spans()
        worth = np.zeros(len(pool))
        for label, n in pool.expected_spans.items():
            worth += n / (1.0 + gold.get(label, 0))
        return worth


def seconds_of(tokens: Floats, spans: Floats) -> Floats:
    """How long documents with so many tokens and expected spans take to answer: an action each, and one to
    accept. At the pace of `cost.DEFAULT`, since scores are stored and a pace that is learned changes."""
    return DEFAULT.base + DEFAULT.per_token * tokens + DEFAULT.per_action * (1.0 + spans)


def inverse_frequency(totals: dict[str, float]) -> dict[str, float]:
    """How much a span of each label is worth: the mean label's number of spans over its own.

    Args:
        totals: The expected spans of each label in all documents together.

    Returns:
        Weights by label: 1 for a label of mean size, 10 at most, as for one with a tenth of that or less.
    """
    mean = sum(totals.values()) / len(totals) if totals else 0.0
    return {label: min(mean / total, 10.0) if total > 0 else 10.0 for label, total in totals.items()}
