"""Chance: what every other strategy has to beat, and what measures a model without bias."""

from __future__ import annotations

from spanloop.recipes.active_learning.strategy import Strategy


class Random(Strategy):
    """By chance alone, in an order that the seed of the project fixes. Needs no model."""

    name = "random"
    paper = "A fair sample: what every other strategy has to beat"
