"""Counts of hits and misses to precision, recall and F1, with bootstrap intervals over documents.

Counts are arrays ``[document, label, 3]`` of true positives, false positives and false negatives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import (
    ndtr,
    stdtrit,
)  # the normal and Student's t, without the second that scipy.stats takes

Counts = NDArray[np.int64]
_CHUNK = 4_000_000  # cells of the resampling matrix at a time: about 32 MB
_TAIL = 0.025  # what is left out at either end


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

    Macro takes the labels that have gold. seqeval also takes those that are only predicted, each as 0: one
    false alarm of a label that nobody annotated would cost as much as a label that is never found.
    """
    figures = per_label(counts)
    support = counts[..., 0] + counts[..., 2]
    occurs = (support > 0).astype(np.float64)
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


def bounds(values: NDArray[np.float64], informative: NDArray[np.int64]) -> NDArray[np.float64]:
    """The ends ``[2, ...]`` of the 95 % interval of each figure, from its replicates (axis 0 of ``values``).

    ``informative``: how many of the documents say anything about each figure. A bootstrap of few documents
    is too narrow, as if 1.96 were right where Student's t is; the percentiles are moved outwards by as much
    (expanded percentile interval, Hesterberg 2015, section 4.4). Without that, intervals over 20 documents
    hold the truth 90 times in 100 and not 95 (docs/rounds.md has the figures).
    """
    ordered = np.sort(values, axis=0)
    tails = _tails(informative)
    last = len(values) - 1
    return np.stack([_at(ordered, last * tails), _at(ordered, last * (1 - tails))])


def _tails(documents: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of replicates to leave out at either end, for so many documents; 0.025 for very many."""
    several = np.maximum(documents, 2)
    widened = np.sqrt(several / (several - 1)) * -stdtrit(several - 1, _TAIL)
    return np.where(documents < 2, 0.0, ndtr(-widened))


def _at(ordered: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """The value at a place along axis 0, between two of them a straight line."""
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    low, high = (np.take_along_axis(ordered, index[None], axis=0)[0] for index in (below, above))
    return np.asarray(low + (place - below) * (high - low))


def informative_documents(counts: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many documents have a hit or a miss of any label, and of each label."""
    seen = counts.sum(axis=-1) > 0
    return seen.any(axis=1).sum(axis=0), seen.sum(axis=0)


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
        any_label, each_label = informative_documents(counts)
        label_bounds = _unlike_certainty(bounds(per_label(drawn)[..., 2], each_label), each_label)
        average_bounds = {
            name: _unlike_certainty(bounds(value[..., 2], any_label), any_label)
            for name, value in averages(drawn).items()
        }
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


def _unlike_certainty(ends: NDArray[np.float64], informative: NDArray[np.int64]) -> NDArray[np.float64]:
    """The ends, where no replicate differs because all documents are all right (or all wrong), replaced by
    those of the share of such documents (Clopper and Pearson 1934): three right ones prove no perfection."""
    certain = _TAIL ** (1 / np.maximum(informative, 1))
    low = np.where(ends[0] == 1.0, certain, ends[0])
    high = np.where(ends[1] == 0.0, 1.0 - certain, ends[1])
    return np.stack([low, high])


def _figure(value: NDArray[np.float64], support: int, interval: NDArray[np.float64] | None) -> Figure:
    low, high = (None, None) if interval is None or not support else (float(interval[0]), float(interval[1]))
    return Figure(float(value[0]), float(value[1]), float(value[2]), support, low, high)


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    quotient = np.zeros(np.broadcast_shapes(numerator.shape, denominator.shape))
    return np.divide(numerator, denominator, out=quotient, where=denominator > 0)
