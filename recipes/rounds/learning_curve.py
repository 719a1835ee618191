"""Would more annotations help, and of which label? Train on parts of the gold and look at how the curve
ends."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import hypot
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

from scipy.special import stdtrit

from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report, Shape, Share
from spanloop.recipes.scoring.evaluate import Evaluation, eval_gold, score
from spanloop.recipes.scoring.gate import LEAST_SPANS, Difference, compare_runs
from spanloop.recipes.table import counted, figure, table
from spanloop.recipes.training.input import pool_gold, settled
from spanloop.recipes.training.pipeline import TrainingJob, train_pipeline
from spanloop.recipes.training.unlabelled import refuse_unlabelled
from spanloop.store import Store
from spanloop.store.records import Gold, Moment

if TYPE_CHECKING:
    from spanloop.plugin.metrics.score import ScoreReport
    from spanloop.plugin.training.config import TrainConfig

SHARES = (0.25, 0.5, 0.75, 1.0)
WORTH_IT = 0.01
"""A gain of F1 by the last quarter of the gold that makes the next quarter worth annotating."""
LEAST_DOCUMENTS = 8


@dataclass(frozen=True, slots=True)
class Point(Shape):
    """The figures at one share of the gold."""

    share: Share
    documents: Count
    micro: tuple[Share, ...]
    """Micro F1, one a seed."""
    macro: tuple[Share, ...]
    """Macro F1, one a seed."""
    labels: dict[str, Share]
    """The mean F1 of each label."""

    def row(self) -> tuple[str, int, str, str, str]:
        """As it stands in the table."""
        micro, macro = figure(mean(self.micro)), figure(mean(self.macro))
        return f"{self.share:.0%}", self.documents, micro, _span(self.micro), macro


@dataclass(frozen=True, slots=True)
class Gain(Shape):
    """What the last quarter of the gold added to an F1, the mean of the seeds, with its 95 % interval."""

    gain: float
    low: float
    high: float
    support: Count
    """Gold spans (or tokens) of the eval split that it is measured by."""


@dataclass(frozen=True, slots=True)
class CurveShape(Shape):
    """Whether more annotations would help."""

    points: tuple[Point, ...]
    """The curve, from the smallest part of the gold to all of it."""
    seeds: Count
    """Trainings of each part."""
    documents: Count
    """Documents of the eval split."""
    micro: Gain
    """Of micro F1."""
    labels: dict[str, Gain]
    """Of the F1 of each label."""
    advice: str
    """The same as a sentence, and which label it helped most."""


@dataclass(frozen=True, slots=True)
class TrainCurve(Report):
    """The curve and what it says; ``seeds``: trainings of each part, ``documents``: of the eval split."""

    points: tuple[Point, ...]
    seeds: int
    documents: int
    micro: Gain
    labels: Mapping[str, Gain]

    def advice(self) -> str:
        """Would more annotations help, and of which label? Nothing is said that seeds, eval documents or gold
        spans do not bear out."""
        gain = self.micro
        added = (
            f"the last quarter added {gain.gain:+.3f} micro F1 (95 % {gain.low:+.3f} to {gain.high:+.3f}, "
            f"from {counted(self.seeds, 'seed')} and {counted(self.documents, 'eval document')})"
        )
        if self.seeds == 1:
            return f"One seed tells nothing: {added}. Give --seeds 3 or more."
        if gain.low > 0 and gain.gain >= WORTH_IT:
            return f"More annotations would help: {added}{self._most()}."
        if gain.high < WORTH_IT:
            return f"More annotations would help little: {added}."
        return f"That cannot be told yet: {added}. Give more --seeds, or annotate more of eval."

    def _most(self) -> str:
        """The label that surely gained most, and those of which nothing can be said."""
        sure = {name: one for name, one in self.labels.items() if one.support >= LEAST_SPANS and one.low > 0}
        thin = {name: one.support for name, one in self.labels.items() if one.support < LEAST_SPANS}
        said = ""
        if sure:
            name = max(sure, key=lambda label: sure[label].gain)
            said = f", most by {name!r} ({sure[name].gain:+.3f})"
        if thin:
            few = ", ".join(f"{name} {support}" for name, support in thin.items())
            said += f"; under {LEAST_SPANS} gold spans of eval tell nothing of a label: {few}"
        return said

    def shape(self) -> CurveShape:
        return CurveShape(
            self.points, self.seeds, self.documents, self.micro, dict(self.labels), self.advice()
        )

    def text(self) -> str:
        rows = [point.row() for point in self.points]
        shown = table(("share", "documents", "micro F1", "seeds", "macro F1"), rows, right=(0, 1, 2, 4))
        return f"{shown}\n\n{self.advice()}"


def _span(values: Sequence[float]) -> str:
    return f"{min(values):.3f}-{max(values):.3f}" if len(values) > 1 else ""


def train_curve(
    db: str | Path,
    config: TrainConfig | None = None,
    *,
    seeds: FromOne = 3,
    progress: Progress | None = None,
) -> TrainCurve:
    """Train on 25, 50, 75 and 100 % of the pool's gold and score each on the eval split: would more help?

    The smaller parts lie inside the larger ones. One seed gives no advice. Nothing of it is stored.

    Args:
        db: The project file.
        config: The settings, as of `retrain`.
        seeds: Runs of each part; several show what chance does.
        progress: Called with how far it is.

    Returns:
        The scores of each part, and what they advise.

    Raises:
        RecipeError: There is no eval gold, or fewer than 8 gold documents stand in the pool.
    """
    show = progress or silent
    refuse_unlabelled(config, "a learning curve")
    with Store.open(db) as store:
        with store.reading():
            moment, eval_golds, golds = store.moment(), eval_gold(store), pool_gold(store)
        chosen = settled(moment, config)
        if len(golds) < LEAST_DOCUMENTS:
            raise RecipeError(
                f"{len(golds)} gold documents are too few for a curve: annotate {LEAST_DOCUMENTS} first"
            )
        runs: dict[float, list[Evaluation]] = {share: [] for share in SHARES}
        for number in range(seeds):
            seed = chosen.random_seed + number
            shuffled = random.Random(seed).sample(golds, len(golds))
            config = replace(chosen, seed=seed)
            for place, share in enumerate(SHARES):
                show(number * len(SHARES) + place, seeds * len(SHARES), f"train on {share:.0%}, seed {seed}")
                runs[share].append(
                    _run(moment, shuffled[: max(1, round(share * len(golds)))], eval_golds, config)
                )
        micro, labels = _gains(runs[SHARES[-1]], runs[SHARES[-2]], moment.project.seed)
        return TrainCurve(
            tuple(_point(share, round(share * len(golds)), found) for share, found in runs.items()),
            seeds,
            len(eval_golds),
            micro,
            labels,
        )


def _gains(
    last: Sequence[Evaluation], before: Sequence[Evaluation], seed: int
) -> tuple[Gain, dict[str, Gain]]:
    """What the last part of the gold added, over all labels and to each. The interval has two sources: other
    eval documents (bootstrap) and other seeds (Student's t)."""
    new, old = [one.report for one in last], [one.report for one in before]
    found = compare_runs(new, old, seed=seed)
    pairs = list(zip(new, old, strict=True))
    micro = _gain(found.overall, found.spans, [a.micro.f1 - b.micro.f1 for a, b in pairs])
    support = {name: figure.support for name, figure in new[0].labels.items()}
    labels = {
        one.name: _gain(
            one, support.get(one.name, 0), [_f1(a, one.name) - _f1(b, one.name) for a, b in pairs]
        )
        for one in found.labels
    }
    return micro, labels


def _gain(difference: Difference, support: int, gains: Sequence[float]) -> Gain:
    by_seed = 0.0
    if len(gains) > 1:
        by_seed = float(stdtrit(len(gains) - 1, 0.975)) * stdev(gains) / len(gains) ** 0.5
    mean_gain = mean(gains)
    below, above = (abs(end - difference.gain) for end in (difference.low, difference.high))
    return Gain(mean_gain, mean_gain - hypot(below, by_seed), mean_gain + hypot(above, by_seed), support)


def _f1(report: ScoreReport, label: str) -> float:
    return report.labels[label].f1 if label in report.labels else 0.0


def _run(
    moment: Moment, golds: Sequence[Gold], eval_golds: Sequence[Gold], config: TrainConfig
) -> Evaluation:
    nlp, _ = train_pipeline(TrainingJob.of(moment, golds, config))
    return score(moment, nlp, eval_golds, round=0, labels={})


def _point(share: float, documents: int, found: Sequence[Evaluation]) -> Point:
    labels: dict[str, Any] = {
        name: mean(evaluation.report.labels[name].f1 for evaluation in found)
        for name in found[0].report.labels
    }
    return Point(
        share=share,
        documents=documents,
        micro=tuple(evaluation.report.micro.f1 for evaluation in found),
        macro=tuple(evaluation.report.macro.f1 for evaluation in found),
        labels=labels,
    )
