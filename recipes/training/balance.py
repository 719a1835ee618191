"""``--balance auto``: the way of balancing is chosen by cross-validation on the pool's gold, and told."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge

from spanloop.plugin.training.setting import option_name, settings_of
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.report import Seconds, Shape, Share, plain
from spanloop.recipes.table import counted, figure, table
from spanloop.store.records import Gold

if TYPE_CHECKING:
    from spanloop.plugin.pipe.component import HFTokenClassifierPipe
    from spanloop.plugin.tagging.gold import Gold as TrainingGold
    from spanloop.plugin.training.config import TrainConfig

Balancing = Literal["auto"]
CHOSEN = ("class_weights", "beta", "focal_gamma", "oversample", "undersample", "augment", "swap")
"""The settings that a choice makes: beside it nobody else may."""


@dataclass(frozen=True, slots=True)
class Tried(Shape):
    """One way of balancing, and its strict F1 out of fold."""

    name: str
    settings: Mapping[str, Any]
    """The settings of a training that it stands for."""
    micro_f1: Share
    macro_f1: Share


@dataclass(frozen=True, slots=True)
class Balance(Shape):
    """What ``--balance auto`` tried and chose."""

    chosen: str
    """The name of what was chosen."""
    folds: Annotated[int, Ge(2)]
    """Folds of the pool's gold."""
    seconds: Seconds
    """How long it took."""
    tried: tuple[Tried, ...]
    """Every way that was tried."""

    def json(self) -> dict[str, Any]:
        """As it stands in the manifest of the round."""
        told: dict[str, Any] = plain(self)
        return told

    @classmethod
    def kept(cls, manifest: Mapping[str, Any] | None) -> Balance | None:
        """What the manifest of a round says, None where nobody left it to be chosen."""
        told = (manifest or {}).get("balance")
        return (
            None if told is None else cls(**{**told, "tried": tuple(Tried(**way) for way in told["tried"])})
        )

    def text(self) -> str:
        rows = [
            (
                way.name,
                figure(way.micro_f1),
                figure(way.macro_f1),
                "chosen" if way.name == self.chosen else "",
            )
            for way in self.tried
        ]
        shown = table(("balance", "micro F1", "macro F1", ""), rows, right=(1, 2))
        return f"{shown}\n(out of fold: {self.folds} folds of the pool's gold, in {self.seconds:.0f} s)"


def given_in(config: TrainConfig | None) -> list[str]:
    """The settings that are not left as they are by default."""
    if config is None:
        return []
    return [name for name, (_, default) in settings_of(config).items() if getattr(config, name) != default]


def check_balance(balance: str | None, base: str, given: Collection[str]) -> None:
    """RecipeError for a balance that does not exist, where ``given`` settings choose already, or where the
    training goes on from a round: that one has seen the folds it would be judged by."""
    if balance is None:
        return
    if balance != "auto":
        raise RecipeError(f"there is no balance {balance!r}: the only one is auto")
    if base == "round":
        raise RecipeError(
            "--balance auto judges by gold that the model has never seen, and the promoted round has: leave "
            "--base round out, or give what an earlier choice found, e.g. --class-weights sqrt"
        )
    named = [option_name(name) for name in CHOSEN if name in given]
    if named:
        raise RecipeError(
            f"--balance auto chooses among class weights, oversampling and augmentation by itself: leave "
            f"{' and '.join(named)} out, or --balance"
        )


def check_folds(golds: Sequence[Gold]) -> None:
    """RecipeError where this gold cannot be cross-validated on."""
    from spanloop.plugin.training.choose_balance import FOLDS

    instead = "annotate more, or name a way yourself, e.g. --class-weights sqrt"
    groups = {
        gold.document.group if gold.document.group is not None else gold.annotation_id for gold in golds
    }
    if len(groups) < FOLDS:
        raise RecipeError(
            f"--balance auto needs gold of {FOLDS} groups of documents for its {FOLDS} folds, and the pool "
            f"has {counted(len(groups), 'group')}: {instead}"
        )
    if all(gold.ranges is not None for gold in golds):
        raise RecipeError(
            f"--balance auto judges by documents that were looked at whole, and of the pool's "
            f"{counted(len(golds), 'gold document')} each was looked at in part only: {instead}"
        )


def choose(
    pipe: HFTokenClassifierPipe,
    golds: Sequence[TrainingGold],
    settings: TrainConfig,
    *,
    unlabelled: int,
    folder: Path,
    progress: Callable[[float, str], None],
) -> tuple[TrainConfig, Balance, float]:
    """The settings to train with, how they were found, and which share of all the work is done with that.
    ``unlabelled``: how many documents without labels that training learns from.

    ``progress`` gets that share as it grows, and a line with the time left until all is done, the training
    that follows included.
    """
    from spanloop.plugin.training.choose_balance import BALANCES, FOLDS, choose_balance, trials_share

    begin = time.monotonic()
    trials = trials_share(golds, settings, unlabelled=unlabelled)
    pace = Pace()

    def show(share: float, what: str) -> None:
        progress(share * trials, f"{what}, {pace.left(share * trials)} left")

    choice = choose_balance(pipe, golds, settings, folder=folder, progress=show)
    tried = [Tried(name, BALANCES[name], choice.micro[name], choice.macro[name]) for name in choice.micro]
    balance = Balance(choice.name, FOLDS, time.monotonic() - begin, tuple(tried))
    return choice.config, balance, trials


class Pace:
    """How long the rest takes, if it goes on as it went since the first call."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None

    def left(self, share: float) -> str:
        """Minutes and seconds until the share, now as given, is 1; ``?`` at the first call."""
        now = time.monotonic()
        if self._first is None:
            self._first = (share, now)
        first, began = self._first
        if share <= first:
            return "?"
        seconds = int((now - began) / (share - first) * (1 - share))
        return f"{seconds // 60}:{seconds % 60:02d}"
