"""Strategies compared over all seeds, each seed with itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from spanloop.recipes.active_learning.cost import Cost
from spanloop.recipes.report import Count, Shape, Share
from spanloop.recipes.simulation.cells import Cell
from spanloop.recipes.simulation.curves import FIGURES, Curve, Figure, Mean, curves, mean_of

SHARES_OF_FULL = (0.90, 0.95, 0.99)
CHANCE = "random"


@dataclass(frozen=True, slots=True)
class Interval(Shape):
    """A mean over seeds and its 95 % interval (Student's t), null with one seed."""

    mean: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, mean: Mean) -> Interval:
        """The same as a shape."""
        return cls(mean.value, mean.low, mean.high)

    def text(self, digits: int = 3, sign: str = "") -> str:
        """``0.412 (0.398 to 0.426)``."""
        told = f"{self.mean:{sign}.{digits}f}"
        if self.low is None or self.high is None:
            return told
        return f"{told} ({self.low:{sign}.{digits}f} to {self.high:{sign}.{digits}f})"


@dataclass(frozen=True, slots=True)
class Area(Shape):
    """The mean height of a strategy's curve over the logarithm of the tokens."""

    strategy: str
    figure: Figure
    seeds: Count
    area: Interval
    less_random: Interval | None
    """The difference to random, seed by seed; null for random itself, and without it."""


@dataclass(frozen=True, slots=True)
class Reached(Shape):
    """What a strategy spent until it came to an aim."""

    strategy: str
    aim: str
    """``90 % of full``, ``random at 0.2``."""
    figure: Figure
    seeds: Count
    """Seeds that have such an aim."""
    reached: Count
    """Seeds that came to it."""
    cost: Cost | None
    """The mean of those; null where none did."""
    tokens_of_random: Interval | None
    """The tokens as a share of those that random took to the same aim, of the seeds where both came to it."""
    seconds_of_random: Interval | None
    """The same of a person's seconds."""


@dataclass(frozen=True, slots=True)
class Height(Shape):
    """The mean over seeds at one budget."""

    strategy: str
    budget: float
    seeds: Count
    documents: float
    cost: Cost
    micro: Share
    macro: Share


def heights(cells: Iterable[Cell]) -> tuple[Height, ...]:
    """Every strategy at every budget, in the order of the cells."""
    groups: dict[tuple[str, float], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.strategy, cell.budget), []).append(cell)
    return tuple(
        Height(
            strategy,
            budget,
            len(those),
            sum(cell.documents for cell in those) / len(those),
            _mean_cost([cell.cost for cell in those]),
            sum(cell.micro for cell in those) / len(those),
            sum(cell.macro for cell in those) / len(those),
        )
        for (strategy, budget), those in groups.items()
    )


def areas(cells: Iterable[Cell]) -> tuple[Area, ...]:
    """The area of every strategy, and its difference to random over the seeds that both have. Curves are cut
    to the budgets that both have. A seed that has only begun is left out where others have gone on: all
    strategies begin with the same cell, and would differ in nothing."""
    every = curves(cells)
    begun = [line for line in every if len(line.cells) > 1]
    lines = begun or every
    chance = {line.seed: line for line in lines if line.strategy == CHANCE}
    found = []
    for strategy in dict.fromkeys(line.strategy for line in lines):
        own = [line for line in lines if line.strategy == strategy]
        for figure in FIGURES:
            differences = [
                _cut(line, chance[line.seed]).area(figure) - _cut(chance[line.seed], line).area(figure)
                for line in own
                if line.seed in chance
            ]
            less = mean_of(differences) if differences and strategy != CHANCE else None
            found.append(
                Area(
                    strategy,
                    figure,
                    len(own),
                    Interval.of(mean_of([line.area(figure) for line in own])),
                    None if less is None else Interval.of(less),
                )
            )
    return tuple(found)


def reached(cells: Iterable[Cell]) -> tuple[Reached, ...]:
    """What every strategy spent to come to shares of what the whole pool gives, and to what random has at
    each budget but the first and the whole pool, both seed by seed."""
    cells = list(cells)
    lines = curves(cells)
    chance = {line.seed: line for line in lines if line.strategy == CHANCE}
    full = {cell.seed: cell for cell in cells if cell.whole}
    aims: list[tuple[str, Callable[[int, Figure], float | None]]] = []
    for share in SHARES_OF_FULL:
        aims.append((f"{100 * share:.0f} % of full", _of_full(full, share)))
    budgets = sorted({cell.budget for line in chance.values() for cell in line.cells[1:] if not cell.whole})
    for budget in budgets:
        aims.append((f"random at {budget:g}", _of_random(chance, budget)))
    found = []
    for strategy in dict.fromkeys(line.strategy for line in lines):
        own = [line for line in lines if line.strategy == strategy]
        for figure in FIGURES:
            for name, aim in aims:
                row = _row(own, chance, name, aim, figure)
                found.extend([row] if row.seeds else [])
    return tuple(found)


def _of_full(full: dict[int, Cell], share: float) -> Callable[[int, Figure], float | None]:
    return lambda seed, figure: share * getattr(full[seed], figure) if seed in full else None


def _of_random(chance: dict[int, Curve], budget: float) -> Callable[[int, Figure], float | None]:
    def aim(seed: int, figure: Figure) -> float | None:
        there = (cell for cell in chance[seed].cells if cell.budget == budget) if seed in chance else ()
        return next((float(getattr(cell, figure)) for cell in there), None)

    return aim


def _row(
    own: Sequence[Curve],
    chance: dict[int, Curve],
    name: str,
    aim: Callable[[int, Figure], float | None],
    figure: Figure,
) -> Reached:
    aimed = [(line, goal) for line in own if (goal := aim(line.seed, figure)) is not None]
    costs, tokens, seconds = [], [], []
    for line, goal in aimed:
        cost = line.reaching(goal, figure)
        if cost is None:
            continue
        costs.append(cost)
        by_chance = chance[line.seed].reaching(goal, figure) if line.seed in chance else None
        if by_chance is not None and by_chance.tokens:
            tokens.append(cost.tokens / by_chance.tokens)
            seconds.append(cost.seconds / by_chance.seconds)
    return Reached(
        strategy=own[0].strategy,
        aim=name,
        figure=figure,
        seeds=len(aimed),
        reached=len(costs),
        cost=_mean_cost(costs) if costs else None,
        tokens_of_random=Interval.of(mean_of(tokens)) if tokens else None,
        seconds_of_random=Interval.of(mean_of(seconds)) if seconds else None,
    )


def _cut(line: Curve, other: Curve) -> Curve:
    """Without the budgets that the other one has not."""
    there = {cell.budget for cell in other.cells}
    kept = tuple(cell for cell in line.cells if cell.budget in there)
    return Curve(line.strategy, line.seed, kept or line.cells)


def _mean_cost(costs: Sequence[Cost]) -> Cost:
    return sum(costs, Cost()) * (1 / len(costs))
