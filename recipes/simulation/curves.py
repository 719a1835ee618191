"""Curves of cells: F1 over what was spent, the area below, and what it costs to reach a figure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from spanloop.recipes.active_learning.cost import Cost
from spanloop.recipes.simulation.cells import Cell

Currency = Literal["tokens", "actions", "seconds"]
CURRENCIES: tuple[Currency, ...] = ("tokens", "actions", "seconds")
Figure = Literal["micro", "macro"]
FIGURES: tuple[Figure, ...] = ("micro", "macro")


@dataclass(frozen=True, slots=True)
class Curve:
    """The cells of one strategy and one seed, by rising cost."""

    strategy: str
    seed: int
    cells: tuple[Cell, ...]

    def spent(self, currency: Currency) -> list[float]:
        """What was spent at each cell."""
        return [float(getattr(cell.cost, currency)) for cell in self.cells]

    def figures(self, figure: Figure) -> list[float]:
        """F1 at each cell, from 0 to 1."""
        return [float(getattr(cell, figure)) for cell in self.cells]

    def area(self, figure: Figure, currency: Currency = "tokens") -> float:
        """The mean height over the logarithm of what was spent: each doubling counts the same. Of one cell
        its height."""
        heights = self.figures(figure)
        places = [math.log(max(spent, 1.0)) for spent in self.spent(currency)]
        width = places[-1] - places[0]
        if not width:
            return heights[-1]
        slices = (
            (b - a) * (first + second) / 2
            for a, b, first, second in zip(places, places[1:], heights, heights[1:], strict=False)
        )
        return sum(slices) / width

    def reaching(self, aim: float, figure: Figure) -> Cost | None:
        """What had been spent when the curve first came to a figure, straight lines between the cells; None
        where it never did."""
        heights = self.figures(figure)
        for place, height in enumerate(heights):
            if height < aim:
                continue
            here = self.cells[place].cost
            if not place:
                return here
            before, low = self.cells[place - 1].cost, heights[place - 1]
            share = (aim - low) / (height - low)
            return before * (1 - share) + here * share
        return None


def curves(cells: Iterable[Cell]) -> list[Curve]:
    """The cells by strategy and seed, each by rising budget."""
    found: dict[tuple[str, int], list[Cell]] = {}
    for cell in cells:
        found.setdefault((cell.strategy, cell.seed), []).append(cell)
    return [
        Curve(strategy, seed, tuple(sorted(those, key=lambda cell: cell.cost.tokens)))
        for (strategy, seed), those in found.items()
    ]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over seeds with its 95 % interval by Student's t; None of one value."""

    value: float
    low: float | None
    high: float | None


def mean_of(values: Sequence[float]) -> Mean:
    """The mean of values that are independent of each other."""
    from scipy.stats import t

    mean = float(np.mean(values))
    if len(values) < 2:
        return Mean(mean, None, None)
    half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)))
    return Mean(mean, mean - half, mean + half)
