"""Is the new round good enough to be used? Both rounds scored on the same gold, their difference with an
interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.metrics.intervals import (
    Counts,
    averages,
    bounds,
    per_label,
    resample,
)
from spanloop.plugin.metrics.score import ScoreReport

REPLICATES = 1000
LABEL_TOLERANCE = 0.05
"""How much F1 one label may lose for the good of the others."""
LEAST_SPANS = 30
"""Gold spans below which hardly any difference can be told from chance: there "too close to tell" is no
reason to take a round that scores less."""


@dataclass(frozen=True, slots=True)
class Difference:
    """New minus old F1 and its 95 % interval, by paired bootstrap over documents (Berg-Kirkpatrick et al.
    2012)."""

    name: str
    new: float
    old: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        return self.new - self.old

    def text(self) -> str:
        verdict = "better" if self.low > 0 else "worse" if self.high < 0 else "too close to tell"
        return (
            f"{self.name} F1 {self.new:.4f} against {self.old:.4f} "
            f"({self.gain:+.4f}, 95 % {self.low:+.3f} to {self.high:+.3f}: {verdict})"
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two rounds on the same documents: overall, and label by label. ``spans``: the gold spans (or tokens)
    that they were judged by."""

    overall: Difference
    labels: tuple[Difference, ...]
    spans: int

    @property
    def spoilt(self) -> tuple[Difference, ...]:
        """The labels that lost more than chance and more than the tolerance."""
        return tuple(label for label in self.labels if label.high < 0 and label.gain < -LABEL_TOLERANCE)

    @property
    def unproven(self) -> bool:
        """Scored lower, on too few spans to say that this is chance."""
        return self.spans < LEAST_SPANS and self.overall.gain < 0 <= self.overall.high

    @property
    def acceptable(self) -> bool:
        """Not significantly worse overall, no label spoilt, and on few spans not worse at all."""
        return self.overall.high >= 0 and not self.spoilt and not self.unproven

    def text(self) -> str:
        parts = [self.overall.text(), *(label.text() for label in self.spoilt)]
        if self.unproven:
            parts.append(
                f"on fewer than {LEAST_SPANS} gold spans, here {self.spans}, a round must score at least as "
                "well"
            )
        return "; ".join(parts)


def compare(new: ScoreReport, old: ScoreReport, *, seed: int = 0) -> Comparison:
    """Compare two reports on the same documents in the same order. ValueError where the documents differ."""
    if new.documents != old.documents:
        raise ValueError(f"{new.documents} documents cannot be compared with {old.documents}")
    names = list(dict.fromkeys([*new.labels, *old.labels]))
    return _compared(names, _counts(new, names), _counts(old, names), new.micro.support, seed)


def compare_runs(new: Sequence[ScoreReport], old: Sequence[ScoreReport], *, seed: int = 0) -> Comparison:
    """The same of several runs of each, all on the same documents: the hits and misses of the runs are added
    up, so each figure is that of their mean."""
    names = list(dict.fromkeys(name for report in (*new, *old) for name in report.labels))
    ours, theirs = (np.sum([_counts(report, names) for report in side], axis=0) for side in (new, old))
    return _compared(names, ours, theirs, new[0].micro.support, seed)


def _compared(names: Sequence[str], ours: Counts, theirs: Counts, spans: int, seed: int) -> Comparison:
    both = np.concatenate([ours, theirs], axis=1)  # one draw of documents for both: that is what pairs them
    drawn = resample(both, replicates=REPLICATES, seed=seed)
    totals = both.sum(axis=0, dtype=np.float64)
    size = len(names)
    micro_new, micro_old = (averages(part)["micro"][2] for part in (totals[:size], totals[size:]))
    gains = averages(drawn[:, :size])["micro"][:, 2] - averages(drawn[:, size:])["micro"][:, 2]
    any_label, each_label = _differing_documents(ours, theirs)
    low, high = bounds(gains, any_label)
    return Comparison(
        Difference("strict micro", float(micro_new), float(micro_old), float(low), float(high)),
        tuple(_label_differences(names, totals, drawn, each_label)),
        spans=spans,
    )


def _differing_documents(ours: Counts, theirs: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many documents the two rounds fare differently on, over all labels and by label: only those say
    anything about the difference."""
    together = (ours.sum(axis=1) != theirs.sum(axis=1)).any(axis=-1)
    return np.asarray(together.sum()), (ours != theirs).any(axis=-1).sum(axis=0)


def _label_differences(
    names: Sequence[str],
    totals: NDArray[np.float64],
    drawn: NDArray[np.float64],
    informative: NDArray[np.int64],
) -> Iterator[Difference]:
    size = len(names)
    figures, replicates = per_label(totals)[:, 2], per_label(drawn)[:, :, 2]
    low, high = bounds(replicates[:, :size] - replicates[:, size:], informative)
    for k, name in enumerate(names):
        yield Difference(name, float(figures[k]), float(figures[size + k]), float(low[k]), float(high[k]))


def _counts(report: ScoreReport, names: Sequence[str]) -> Counts:
    """The report's counts with its labels in the order of ``names``, zeros where it has none."""
    columns = {name: column for column, name in enumerate(report.labels)}
    counts = np.zeros((report.documents, len(names), 3), dtype=np.int64)
    for k, name in enumerate(names):
        if name in columns:
            counts[:, k] = report.counts[:, columns[name]]
    return counts
