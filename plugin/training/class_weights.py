"""Class weights: how much more a token of a rare label counts in the loss than one of a frequent label.

Weights are per label (B and I alike), with "O" for tokens of no label, and are scaled so that their mean over
the training tokens is 1: the size of the loss and the meaning of the learning rate stay what they were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal, get_args

from spanloop.plugin.tagging.reading import read_tags
from spanloop.plugin.tagging.schemes import OUTSIDE, Scheme

Weighting = Literal["none", "inverse", "sqrt", "effective", "focal"]
WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)


def class_weights(
    option: str | Mapping[str, float], counts: Mapping[str, int], *, beta: float | None = None
) -> dict[str, float]:
    """The weight of each label in ``counts`` (tokens a label, "O" among them).

    ``inverse``: 1 / n. ``sqrt``: 1 / sqrt(n). ``effective``: (1 - beta) / (1 - beta ** n), the inverse of the
    effective number of samples (Cui et al. 2019, "Class-Balanced Loss"; beta None: `usual_beta`). ``none``
    and ``focal`` weigh all alike (focal weighs tokens by their difficulty instead, in the loss). A mapping
    gives weights by label, 1 where it is silent. A label without tokens weighs 1. ValueError for an unknown
    option, an unknown label, a weight below 0.
    """
    if isinstance(option, Mapping):
        raw = _given(option, counts)
    else:
        beta = usual_beta(counts) if beta is None else beta
        raw = {label: _raw(option, n, beta) if n else 1.0 for label, n in counts.items()}
    total = sum(counts.values())
    mean = sum(raw[label] * n for label, n in counts.items()) / total if total else 1.0
    if mean <= 0:
        raise ValueError("every class weight is 0: nothing would be learned")
    return {
        label: raw[label] / mean if counts[label] or isinstance(option, Mapping) else 1.0 for label in counts
    }


def usual_beta(counts: Mapping[str, int]) -> float:
    """The beta of ``effective`` for these counts.

    Cui et al. take (N - 1) / N, N being the number of samples beyond which one more adds nothing new. Here N
    is twice the tokens of the middle label: O and the frequent labels then count as plentiful at any size of
    the gold, the middle label weighs two and a half times as much as O, one with a tenth of its tokens 20.
    """
    tokens = [n for label, n in counts.items() if n and label != OUTSIDE]
    plentiful = max(2.0 * median(tokens), 1.0) if tokens else 1.0
    return 1.0 - 1.0 / plentiful


def tag_weights(weights: Mapping[str, float], tags: Sequence[str], scheme: Scheme) -> list[float]:
    """The weight of each tag of the head."""
    return [weights.get(name, 1.0) for name in read_tags(tags, scheme).names]


def _raw(option: str, n: int, beta: float) -> float:
    if option in ("none", "focal"):
        return 1.0
    if option == "inverse":
        return 1.0 / n
    if option == "sqrt":
        return 1.0 / math.sqrt(n)
    if option == "effective":
        return (1.0 - beta) / (1.0 - beta**n)
    raise ValueError(
        f"unknown class weights {option!r}: choose one of {', '.join(WEIGHTINGS)}, or label=weight"
    )


def _given(option: Mapping[str, float], counts: Mapping[str, int]) -> dict[str, float]:
    for label, weight in option.items():
        if label not in counts:
            known = ", ".join(counts)
            raise ValueError(f"a class weight is given for {label!r}, which is no label here: {known}")
        if not (weight >= 0 and math.isfinite(weight)):
            raise ValueError(f"the class weight of {label!r} is {weight}: it must be a number from 0 up")
    return {label: float(option.get(label, 1.0)) for label in counts}
