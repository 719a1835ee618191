"""What the model does not know: how far it disagrees with itself when random parts of it are left out."""

from __future__ import annotations

import numpy as np

from spanloop.recipes.active_learning.expected import ExpectedSpans
from spanloop.recipes.active_learning.pool import Pool
from spanloop.recipes.active_learning.strategy import Floats, PoolStrategy


class Bald(PoolStrategy):
    """What the model would learn of itself from a token, in nats, by dropout before its head. Cheap."""

    name = "bald"
    paper = (
        "Houlsby et al. 2011, Bayesian active learning for classification and preference learning; "
        "Siddhant and Lipton 2018, Deep Bayesian active learning for natural language processing"
    )
    needs = frozenset({"log probabilities", "what the model would learn"})
    candidates = 2_000
    again = True

    def scores(self, pool: Pool) -> Floats:
        """The mean of the information over the tokens of a document; 0 where there is none."""
        return pool.information


class BaldSpans(Bald):
    """High by bald and by expected_spans: what the model does not know, where there is much to mark."""

    name = "bald_spans"
    paper = "Our own: the mean of a document's places in two orders, as in Borda's count"
    needs = Bald.needs | ExpectedSpans.needs

    def scores(self, pool: Pool) -> Floats:
        """The mean of the document's places by both strategies, 0 for the last and 1 for the first."""
        return (places(pool.information) + places(ExpectedSpans().scores(pool))) / 2


class BaldLayer(Bald):
    """As bald, with dropout at work in the last layer of the encoder. Ten times the work of a prediction."""

    name = "bald_layer"
    needs = frozenset({"log probabilities", "dropout passes"})
    again = False
    passes = 10

    def scores(self, pool: Pool) -> Floats:
        """The mean of the information over the tokens of a document; 0 where there is none."""
        from spanloop.plugin.model.information import information_in

        found = (information_in(one) for one in pool.passes(self.passes))
        return np.array([float(one.mean()) if len(one) else 0.0 for one in found])


def places(values: Floats) -> Floats:
    """Where each stands in their rising order, from 0 to 1; equals share the mean of their places.

    Args:
        values: Of shape (documents,).
    """
    _, which, times = np.unique(values, return_inverse=True, return_counts=True)
    before = np.cumsum(times) - times
    found: Floats = (before + (times - 1) / 2)[which] / max(len(values) - 1, 1)
    return found
