"""Which way of balancing suits this gold: each is tried by cross-validation on the training gold alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spanloop.plugin.metrics.intervals import averages
from spanloop.plugin.metrics.score import score_spans, score_tags
from spanloop.plugin.tagging.gold import Gold, folds_of
from spanloop.plugin.training.checkpoint import identity
from spanloop.plugin.training.config import plan
from spanloop.plugin.training.resampling import oversample, undersample

if TYPE_CHECKING:
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
    from spanloop.plugin.training.config import TrainConfig

# What is tried: names for people, and the fields of TrainConfig that make them.
BALANCES: dict[str, Mapping[str, Any]] = {
    "none": {"class_weights": "none"},
    "effective": {"class_weights": "effective"},
    "sqrt": {"class_weights": "sqrt"},
    "oversample": {"class_weights": "none", "oversample": 0.1},
    "augment": {"class_weights": "none", "augment": 0.5},
}
FOLDS = 3
# A gain in macro F1 is not bought with more micro F1 than this.
_TOLERANCE = 0.005
_FOUND = "balance.jsonl"
_VERSIONS = ("spanloop", "torch", "transformers", "tokenizers", "spacy")


@dataclass(frozen=True)
class Choice:
    """The config to train with, its name among the balances, and what each of them reached out of fold."""

    config: TrainConfig
    name: str
    micro: dict[str, float]
    macro: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Trial:
    """One training: a balance, and the fold that is judged by it. ``work``: tokens read, each epoch anew."""

    name: str
    fold: int
    config: TrainConfig
    work: float


def choose_balance(
    pipe: HFTokenClassifierPipe,
    golds: Sequence[Gold],
    config: TrainConfig,
    *,
    folder: Path,
    folds: int = FOLDS,
    balances: Mapping[str, Mapping[str, Any]] = BALANCES,
    progress: Callable[[float, str], None] | None = None,
) -> Choice:
    """The balance with the highest macro F1 out of fold among those whose micro F1 is at most half a point
    below the best one's, the first of equals. Trains ``folds`` times for each; the pipe comes back as it was.

    ``folder`` is for the trainings' own files. What each trial found is kept there: the same choice, started
    again after a kill, tries only what is left (not where several processes train).
    ValueError where the gold has fewer groups than folds, or no document that was looked at whole.
    """
    parts = split_folds(golds, folds, config.random_seed)
    trials = _trials(golds, parts, config, balances)
    known = _Found.of(folder, (config, balances, folds, pipe.fingerprint(), list(golds)))
    whole_work, done = sum(trial.work for trial in trials), 0.0
    for trial in trials:
        what = f"try {trial.name}, fold {trial.fold + 1} of {folds}"

        def show(
            share: float, _text: str, before: float = done, work: float = trial.work, what: str = what
        ) -> None:
            if progress is not None:
                progress((before + share * work) / whole_work, what)

        if not known.has(trial):
            known.add(trial, _judged(pipe, golds, parts[trial.fold], trial.config, folder / "trial", show))
        done += trial.work
    micro, macro = (known.f1(balances, average) for average in ("micro", "macro"))
    near = [name for name in balances if micro[name] >= max(micro.values()) - _TOLERANCE]
    best = max(near, key=macro.__getitem__)
    return Choice(replace(config, **balances[best]), best, micro, macro)


def split_folds(golds: Sequence[Gold], folds: int, seed: int) -> list[list[int]]:
    """The places of the gold in ``folds`` parts of nearly one size, each group in one of them.

    ValueError where there are fewer groups than folds, or where no document was looked at whole.
    """
    parts = folds_of([gold.group for gold in golds], folds, seed)
    if all(gold.ranges is not None for gold in golds):
        raise ValueError("every document was looked at in part only: there is none to judge by")
    return parts


def trials_share(
    golds: Sequence[Gold],
    config: TrainConfig,
    *,
    folds: int = FOLDS,
    balances: Mapping[str, Mapping[str, Any]] = BALANCES,
    unlabelled: int = 0,
) -> float:
    """Which part of the work the trials are, 0 to 1, where a training on all of the gold follows them, and on
    so many documents without labels, about as long as those of the gold.

    ValueError as of `choose_balance`.
    """
    parts = split_folds(golds, folds, config.random_seed)
    tried = sum(trial.work for trial in _trials(golds, parts, config, balances))
    return tried / (tried + _work(golds, config, unlabelled))


def _trials(
    golds: Sequence[Gold],
    parts: Sequence[Sequence[int]],
    config: TrainConfig,
    balances: Mapping[str, Mapping[str, Any]],
) -> list[_Trial]:
    """Every balance on every fold, in the order in which they are tried."""
    # Only early stopping looks at the inner slice: without it the trials learn from all that they have.
    held_out = 0.0 if config.patience is None else config.held_out
    trials = []
    for name, fields in balances.items():
        tried = replace(
            config,
            held_out=held_out,
            refit=False,
            unlabelled=0,
            checkpoint_seconds=None,
            thresholds=None,
            **fields,
        )
        for number, part in enumerate(parts):
            kept = [golds[place] for place in _others(golds, part)]
            trials.append(_Trial(name, number, tried, _work(kept, tried)))
    return trials


def _others(golds: Sequence[Gold], part: Sequence[int]) -> list[int]:
    return sorted(set(range(len(golds))) - set(part))


def _work(golds: Sequence[Gold], config: TrainConfig, unlabelled: int = 0) -> float:
    """About what a training costs, in tokens that it reads."""
    kept = [golds[place] for place in undersample(golds, config.undersample, config.random_seed)]
    places = (
        oversample(kept, config.oversample, config.random_seed) if config.oversample else range(len(kept))
    )
    tokens = sum(len(kept[place].doc) for place in places)
    tokens += round(config.augment * sum(len(gold.doc) for gold in kept))
    once = _reads(tokens, config)
    if not unlabelled:
        return once * (2 if config.refit else 1)
    beside = round(unlabelled * sum(len(gold.doc) for gold in golds) / len(golds))
    return once + _reads(tokens + beside, config)


def _reads(tokens: int, config: TrainConfig) -> float:
    planned = plan(tokens, batch_wordpieces=config.batch_wordpieces, epochs=config.epochs, fast=config.fast)
    return max(tokens * planned.epochs, 1)


def _judged(
    pipe: HFTokenClassifierPipe,
    golds: Sequence[Gold],
    part: Sequence[int],
    config: TrainConfig,
    folder: Path,
    show: Callable[[float, str], None],
) -> list[list[int]]:
    """Hits, false alarms and misses of each label in ``part``, by a model that learned from the rest.

    Documents that were looked at in part are learned from and not judged.
    """
    from spanloop.plugin.training.train import train

    learned = [golds[place] for place in _others(golds, part)]
    judged = [golds[place] for place in part if golds[place].ranges is None]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with untouched(pipe):
            train(pipe, learned, config, progress=show, folder=folder)
            scores = pipe.predict([gold.doc for gold in judged])
            found = [pipe.decode(doc_scores) for doc_scores in scores]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    truth, unknown = [gold.spans for gold in judged], [gold.unknown for gold in judged]
    if pipe.cfg["annotate"] in ("tag", "pos"):
        report = score_tags(truth, found, pipe.labels, unknown=unknown, bootstrap=0)
    else:
        tokens = [list(zip(s.starts.tolist(), s.ends.tolist(), strict=True)) for s in scores]
        report = score_spans(truth, found, tokens, pipe.labels, unknown=unknown, bootstrap=0)
    counts: list[list[int]] = report.counts.sum(axis=0).tolist()
    return counts


@dataclass
class _Found:
    """What the trials found, by balance and fold; in a file where a killed choice is to go on.

    Each trial is a line of JSON of its own, begun with a line end: one that was cut short by a kill or a full
    disk is no JSON, and is tried again.
    """

    file: Path | None
    name: str
    counts: dict[str, dict[str, list[list[int]]]] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, content: object) -> _Found:
        """Empty, unless the same choice has left something in the folder."""
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            return cls(None, "")
        name = identity(repr((content, [version(package) for package in _VERSIONS])), ())
        file = folder / _FOUND
        found = cls(file, name)
        for trial in _whole_lines(file):
            if trial["identity"] == name:
                found.counts.setdefault(trial["balance"], {})[trial["fold"]] = trial["counts"]
        if not found.counts:  # another choice's are of no use any more
            file.unlink(missing_ok=True)
        return found

    def has(self, trial: _Trial) -> bool:
        return str(trial.fold) in self.counts.get(trial.name, {})

    def add(self, trial: _Trial, counts: list[list[int]]) -> None:
        self.counts.setdefault(trial.name, {})[str(trial.fold)] = counts
        if self.file is not None:
            line = {"identity": self.name, "balance": trial.name, "fold": str(trial.fold), "counts": counts}
            with self.file.open("a", encoding="utf-8") as file:
                file.write("\n" + json.dumps(line))

    def f1(self, names: Mapping[str, object], average: str) -> dict[str, float]:
        """The F1 of each balance over all folds together."""
        totals = {name: np.array(list(self.counts[name].values()), np.float64).sum(axis=0) for name in names}
        return {name: float(averages(total)[average][2]) for name, total in totals.items()}


def _whole_lines(file: Path) -> Iterator[dict[str, Any]]:
    if not file.is_file():
        return
    for line in file.read_text(encoding="utf-8").split("\n"):
        with suppress(json.JSONDecodeError):
            yield json.loads(line)


@contextmanager
def untouched(pipe: HFTokenClassifierPipe) -> Iterator[None]:
    """Whatever happens to the weights within it is taken back afterwards."""
    model, temperature = pipe.hf_model(), pipe.temperature
    before = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    try:
        yield
    finally:
        model.load_state_dict(before)
        pipe.temperature = temperature
