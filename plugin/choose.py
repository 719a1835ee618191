"""Which way of balancing suits this gold: each is tried by cross-validation on the training gold alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.plugin.gold import Gold, groups_of
from spanloop.plugin.score import ScoreReport, score_spans

if TYPE_CHECKING:
    from spanloop.plugin.pipe import HFTokenClassifierPipe
    from spanloop.plugin.train import TrainConfig

# What is tried: names for people, and the fields of TrainConfig that make them.
BALANCES: dict[str, Mapping[str, Any]] = {
    "none": {"class_weights": "none"},
    "effective": {"class_weights": "effective"},
    "sqrt": {"class_weights": "sqrt"},
    "oversample": {"class_weights": "none", "oversample": 0.1},
    "augment": {"class_weights": "none", "augment": 0.5},
}
# A gain in macro F1 is not bought with more micro F1 than this.
_TOLERANCE = 0.005


@dataclass(frozen=True)
class Choice:
    """The config to train with, its name in `BALANCES`, and what each way reached out of fold."""

    config: TrainConfig
    name: str
    micro: dict[str, float]
    macro: dict[str, float]


def choose_balance(
    pipe: HFTokenClassifierPipe,
    golds: Sequence[Gold],
    config: TrainConfig,
    *,
    folder: Path,
    folds: int = 3,
    balances: Mapping[str, Mapping[str, Any]] = BALANCES,
    progress: Callable[[float, str], None] | None = None,
) -> Choice:
    """The balance with the highest macro F1 out of fold among those whose micro F1 is at most half a point
    below the best one's. Trains ``folds`` times for each; the pipe comes back as it was.

    ValueError where the gold has fewer groups than folds.
    """
    parts = split_folds(golds, folds, config.seed)
    whole = [place for place, gold in enumerate(golds) if gold.ranges is None]
    reports: dict[str, ScoreReport] = {}
    for number, (name, fields) in enumerate(balances.items()):

        def show(share: float, text: str, number: int = number, name: str = name) -> None:
            if progress is not None:
                progress((number + share) / len(balances), f"try {name}: {text}")

        tried = replace(config, held_out=0.0, checkpoint_seconds=None, **fields)
        reports[name] = _out_of_fold(pipe, golds, whole, parts, tried, folder, show)
    micro = {name: report.micro.f1 for name, report in reports.items()}
    macro = {name: report.macro.f1 for name, report in reports.items()}
    near = [name for name in balances if micro[name] >= max(micro.values()) - _TOLERANCE]
    best = max(near, key=macro.__getitem__)
    return Choice(replace(config, **balances[best]), best, micro, macro)


def split_folds(golds: Sequence[Gold], folds: int, seed: int) -> list[list[int]]:
    """The places of the gold in ``folds`` parts of nearly one size, each group in one of them."""
    groups = groups_of(golds, seed)
    if len(groups) < folds:
        raise ValueError(f"{folds} folds need as many groups of documents, there are {len(groups)}")
    parts: list[list[int]] = [[] for _ in range(folds)]
    for group in groups:
        min(parts, key=len).extend(group)
    return [sorted(part) for part in parts]


def _out_of_fold(
    pipe: HFTokenClassifierPipe,
    golds: Sequence[Gold],
    whole: Sequence[int],
    parts: Sequence[Sequence[int]],
    config: TrainConfig,
    folder: Path,
    show: Callable[[float, str], None],
) -> ScoreReport:
    """The score of predictions for the ``whole`` documents, each by a model that has not seen it."""
    from spanloop.plugin.train import train

    found: dict[int, list[Any]] = {}
    cuts: dict[int, list[tuple[int, int]]] = {}
    for number, part in enumerate(parts):

        def show_fold(share: float, text: str, number: int = number) -> None:
            show((number + share) / len(parts), text)

        kept = sorted(set(range(len(golds))) - set(part))
        judged = [place for place in part if place in set(whole)]
        with untouched(pipe):
            train(pipe, [golds[place] for place in kept], config, progress=show_fold, folder=folder)
            scores = pipe.predict([golds[place].doc for place in judged])
            for place, doc_scores in zip(judged, scores, strict=True):
                found[place] = pipe.decode(doc_scores)
                cuts[place] = list(zip(doc_scores.starts.tolist(), doc_scores.ends.tolist(), strict=True))
    order = sorted(found)
    truth = [golds[place].spans for place in order]
    return score_spans(truth, [found[k] for k in order], [cuts[k] for k in order], pipe.labels, bootstrap=0)


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
