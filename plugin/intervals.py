"""Counts of hits and misses to precision, recall and F1, with bootstrap intervals over documents. numpy only.

Counts are arrays ``[document, label, 3]`` of true positives, false positives and false negatives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
_CHUNK = 4_000_000  # cells of the resampling matrix at a time: about 32 MB


@dataclass(frozen=True, slots=True)
class Figure:
    """Precision, recall and F1, 0 to 1; 0 where nothing could be divided, as seqeval does.

    ``support`` is the number of gold spans (or tokens). ``f1_low`` and ``f1_high`` bound F1 with 95 %
    confidence; None without support, where no interval was asked for, or where fewer than two documents
    were scored.
    """

    precision: float
    recall: float
    f1: float
    support: int
    f1_low: float | None = None
    f1_high: float | None = None


def per_label(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Precision, recall, F1 (last axis) from hits and misses (last axis)."""
    hits, false_alarms, misses = counts[..., 0], counts[..., 1], counts[..., 2]
    return np.stack(
        [
            _ratio(hits, hits + false_alarms),
            _ratio(hits, hits + misses),
            _ratio(2 * hits, 2 * hits + false_alarms + misses),
        ],
        axis=-1,
    )


def averages(counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The micro, macro and weighted averages over the labels (axis -2), each with P, R, F1 in the last axis.

    Macro takes the labels that occur in gold or prediction, as seqeval does.
    """
    figures = per_label(counts)
    occurs = (counts.sum(axis=-1) > 0).astype(np.float64)
    support = counts[..., 0] + counts[..., 2]
    return {
        "micro": per_label(counts.sum(axis=-2)),
        "macro": _ratio((figures * occurs[..., None]).sum(axis=-2), occurs.sum(axis=-1)[..., None]),
        "weighted": _ratio((figures * support[..., None]).sum(axis=-2), support.sum(axis=-1)[..., None]),
    }


def resample(counts: Counts, *, replicates: int, seed: int) -> NDArray[np.float64]:
    """``[replicate, label, 3]``: the sums over documents drawn with replacement (Efron 1979)."""
    documents, n_labels, _ = counts.shape
    flat = counts.reshape(documents, n_labels * 3).astype(np.float64)
    rng = np.random.default_rng(seed)
    even = np.full(documents, 1.0 / documents)
    step = max(1, _CHUNK // documents)
    chunks = [
        rng.multinomial(documents, even, size=min(step, replicates - done)).astype(np.float64) @ flat
        for done in range(0, replicates, step)
    ]
    return np.concatenate(chunks).reshape(replicates, n_labels, 3)


def bounds(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 2.5th and 97.5th percentile over the replicates (axis 0)."""
    return np.asarray(np.quantile(values, [0.025, 0.975], axis=0))


def figures(
    counts: Counts, labels: tuple[str, ...], *, replicates: int, seed: int
) -> tuple[dict[str, Figure], dict[str, Figure]]:
    """The averages by name, and a figure for each label."""
    total = counts.sum(axis=0).astype(np.float64)
    support = (total[:, 0] + total[:, 2]).astype(int)
    by_label, by_average = per_label(total), averages(total)
    label_bounds: NDArray[np.float64] | None = None
    average_bounds: dict[str, NDArray[np.float64]] = {}
    if replicates and len(counts) > 1 and labels:
        drawn = resample(counts, replicates=replicates, seed=seed)
        label_bounds = bounds(per_label(drawn)[..., 2])
        average_bounds = {name: bounds(value[..., 2]) for name, value in averages(drawn).items()}
    return (
        {
            name: _figure(value, int(support.sum()), average_bounds.get(name))
            for name, value in by_average.items()
        },
        {
            label: _figure(by_label[k], int(support[k]), None if label_bounds is None else label_bounds[:, k])
            for k, label in enumerate(labels)
        },
    )


def _figure(value: NDArray[np.float64], support: int, interval: NDArray[np.float64] | None) -> Figure:
    low, high = (None, None) if interval is None or not support else (float(interval[0]), float(interval[1]))
    return Figure(float(value[0]), float(value[1]), float(value[2]), support, low, high)


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    quotient = np.zeros(np.broadcast_shapes(numerator.shape, denominator.shape))
    return np.divide(numerator, denominator, out=quotient, where=denominator > 0)
