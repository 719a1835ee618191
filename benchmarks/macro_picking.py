"""The part of `macro.py` that chooses the gold sentences as a project would: a quarter by chance, then as
many again and twice as many as the round before asks for, each tenth by chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from spanloop.recipes.active_learning.confidence import MNLP
from spanloop.recipes.active_learning.expected import inverse_frequency, seconds_of

STRATEGIES = ("pick_mnlp", "pick_spans", "pick_rare")
Scores = Sequence[NDArray[np.float32]]


def picked(
    order: Sequence[int], wanted: int, score: Callable[[list[int], list[int]], NDArray[np.float64]]
) -> tuple[list[int], list[int]]:
    """Which places are gold, and which of them chance chose.

    ``order``: all places, by chance. ``score``: of the places of the gold so far and of those that are left,
    how much each of these is worth asking about.
    """
    gold, left = list(order[: wanted // 4]), list(order[wanted // 4 :])
    fair = list(gold)
    for size in (wanted // 2, wanted):
        worth = score(gold, left)
        number = size - len(gold)
        by_chance = left[: number // 10]
        best = [left[n] for n in np.argsort(-worth, kind="stable") if left[n] not in set(by_chance)]
        gold += [*by_chance, *best[: number - len(by_chance)]]
        fair += by_chance
        left = [place for place in left if place not in set(gold)]
    return gold, fair


def worth_of(
    strategy: str, said: Scores, tags: Sequence[str], gold_spans: dict[str, int]
) -> NDArray[np.float64]:
    """What the strategy of the project of that name makes of the log probabilities of each sentence."""
    if strategy == "pick_mnlp":
        return np.array([MNLP().score(rows) for rows in said])
    begins = {tag[2:]: column for column, tag in enumerate(tags) if tag.startswith("B-")}
    expected = {
        label: np.array([float(np.exp(rows[:, column]).sum()) for rows in said])
        for label, column in begins.items()
    }
    none = np.zeros(len(said))
    if strategy == "pick_rare":
        return sum((n / (1.0 + gold_spans.get(label, 0)) for label, n in expected.items()), none)
    weights = inverse_frequency({label: float(n.sum()) for label, n in expected.items()})
    worth = sum((weights[label] * n for label, n in expected.items()), none)
    tokens = np.array([float(len(rows)) for rows in said])
    return worth / seconds_of(tokens, sum(expected.values(), none))
