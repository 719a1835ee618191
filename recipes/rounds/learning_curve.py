"""Would more annotations help, and of which label? Train on parts of the gold and look at how the curve
ends."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report, Shape, Share
from spanloop.recipes.scoring.evaluate import Evaluation, eval_gold, score
from spanloop.recipes.table import figure, table
from spanloop.recipes.training.input import pool_gold, settled
from spanloop.recipes.training.pipeline import TrainingJob, train_pipeline
from spanloop.store import Store
from spanloop.store.records import Gold, Moment

if TYPE_CHECKING:
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
class CurveShape(Shape):
    """Whether more annotations would help."""

    points: tuple[Point, ...]
    """The curve, from the smallest part of the gold to all of it."""
    gain: float
    """What the last quarter of the gold added to the mean micro F1."""
    advice: str
    """The same as a sentence, and which label it helped most."""


@dataclass(frozen=True, slots=True)
class TrainCurve(Report):
    """The curve and what it says."""

    points: tuple[Point, ...]

    @property
    def gain(self) -> float:
        """What the last quarter of the gold added to the mean micro F1."""
        return mean(self.points[-1].micro) - mean(self.points[-2].micro)

    @property
    def spread(self) -> float:
        """How far the seeds lie apart at the end: gains below it may be chance."""
        return max(self.points[-1].micro) - min(self.points[-1].micro)

    def advice(self) -> str:
        """One sentence: would more annotations help, and of which label."""
        gains = {name: f1 - self.points[-2].labels[name] for name, f1 in self.points[-1].labels.items()}
        label = max(gains, key=gains.__getitem__)
        most = f"most by {label!r} ({gains[label]:+.3f})"
        added = f"the last quarter added {self.gain:+.3f} micro F1"
        if self.gain < WORTH_IT:
            return f"More annotations would help little: {added}, {most}."
        doubt = f", though seeds differ by {self.spread:.3f}" if self.spread > self.gain else ""
        return f"More annotations would help: {added}{doubt}, {most}."

    def shape(self) -> CurveShape:
        return CurveShape(self.points, self.gain, self.advice())

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
    seeds: FromOne = 1,
    progress: Progress | None = None,
) -> TrainCurve:
    """Train on 25, 50, 75 and 100 % of the pool's gold and score each on the eval split: would more help?

    The smaller parts lie inside the larger ones. Nothing of it is stored.

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
        return TrainCurve(
            tuple(_point(share, round(share * len(golds)), found) for share, found in runs.items())
        )


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
