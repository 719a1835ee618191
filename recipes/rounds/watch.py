"""Retrain by itself whenever enough annotations or enough time have come, and suggest again with the new
round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any, Literal

from spanloop.recipes.calls.ranges import FromOne, Niceness, Pause, Seconds
from spanloop.recipes.errors import FAILURES, RecipeError, line_of
from spanloop.recipes.progress import Progress, Say, dated
from spanloop.recipes.report import Count, Report
from spanloop.recipes.rounds.patience import Patience
from spanloop.recipes.rounds.prune import check_keep, prune
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.table import counted
from spanloop.recipes.training.balance import Balancing
from spanloop.recipes.training.distributed import world
from spanloop.recipes.training.process_control import (
    NICE,
    Cancelled,
    heed_signal,
    sleep_while_waiting,
    stoppable,
    yield_to_others,
)
from spanloop.recipes.training.report import NoRound, RoundReport
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store, StoreError
from spanloop.store.clock import seconds_since
from spanloop.store.tables.unlearned import unlearned

if TYPE_CHECKING:
    from spanloop.plugin.training.config import TrainConfig


@dataclass(frozen=True, slots=True)
class News:
    """What came since the last finished round."""

    annotations: int
    seconds: float
    last_round: int | None


@dataclass(frozen=True, slots=True)
class Watched(Report):
    """What a watch did until it was stopped."""

    rounds: Count
    """Rounds that were trained."""

    def text(self) -> str:
        return f"stopped after {counted(self.rounds, 'round')}"


def watch(
    db: str | Path,
    config: TrainConfig | None = None,
    *,
    balance: Balancing | None = None,
    base: Literal["model", "round"] = "model",
    every: FromOne = 100,
    interval: Seconds | None = None,
    pause: Pause = 5.0,
    keep_rounds: Sequence[str] | None = None,
    nice: Niceness = NICE,
    settings: Mapping[str, Any] | None = None,
    say: Say | None = None,
    progress: Progress | None = None,
) -> Watched:
    """Retrain whenever enough is new and let the promoted round suggest again, until SIGTERM or Ctrl-C.

    A round that somebody cancels (`cancel`) or that fails is told and not trained again before something is
    new. Whatever else fails (the suggestions, a look at the store, a full disk under a training) is told and
    tried again after a pause that grows (`Patience`). Everything it needs to know is in the store, so a
    restart goes on where it stopped. A round that is under way at the end is marked as cancelled.

    Args:
        db: The project file.
        config: The settings, as of `retrain`.
        balance: As of `retrain`.
        base: As of `retrain`.
        every: A round whenever so many new gold documents of the pool have come.
        interval: Or so many seconds after the last round, if any came at all; None: never for that reason.
        pause: Seconds between two looks at the store.
        keep_rounds: The rules of `prune`, by which old rounds are pruned after each new one; None: all stay.
        nice: How far the whole process steps back for others, 0 to 19: nobody who annotates waits for a
            training.
        settings: As of `retrain`.
        say: Called with a line for each thing that happens.
        progress: Called with how far a training is.

    Returns:
        How many rounds were trained.

    Raises:
        RecipeError: It was started by torchrun, or a rule of ``keep_rounds`` is none.
        StoreError: There is no such project.
    """
    if world() > 1:
        raise RecipeError("watch trains in one process: torchrun is for retrain")
    keep = None if keep_rounds is None else check_keep(keep_rounds)
    yield_to_others(nice)
    sleep_while_waiting()
    Store.open(db).close()  # what is no project now is the user's error, and no cause that goes away
    tell = _undisturbed(dated(say))
    tell(f"watching {db}: a round every {counted(every, 'new annotation')}" + _or_every(interval))
    train = partial(retrain, db, config, balance=balance, base=base, settings=settings, progress=progress)
    watched = _Watch(db, every, interval, pause, tell, progress, train, keep)
    with stoppable():
        try:
            watched.run()
        except KeyboardInterrupt:
            tell("stopped, as asked")
    return Watched(watched.done)


class _Watch:
    """One watch: two pieces of work, neither of which keeps the other from going on."""

    def __init__(
        self,
        db: str | Path,
        every: int,
        interval: float | None,
        pause: float,
        tell: Say,
        progress: Progress | None,
        train: Callable[[], RoundReport | NoRound],
        keep: Sequence[str] | None = None,
    ) -> None:
        self.db, self.every, self.interval, self.pause = db, every, interval, pause
        self.tell, self.progress, self.train = tell, progress, train
        self.keep = keep
        self.done = 0
        self.training = Patience("training", pause, tell)
        self.suggesting = Patience("suggesting", pause, tell)
        # An earlier watch may have been killed before the promoted round had suggested for all documents.
        self.owed = True
        self.taken: News | None = None

    def run(self) -> None:
        """Without end."""
        while True:
            heed_signal()
            if self.owed and self.suggesting.over:
                with self.suggesting.bearing():
                    self._suggest()
            if self.training.over:
                with self.training.bearing():
                    self._train_if_due()
            if not (self.owed and self.suggesting.over):
                sleep(self.pause)

    def _suggest(self) -> None:
        """Let the promoted round suggest for whatever it has not seen."""
        with Store.open(self.db) as store:
            waiting = store.rounds.promoted() is not None
        if waiting:
            self.tell(prelabel(self.db, progress=self.progress).text())
        self.owed = False

    def _train_if_due(self) -> None:
        """A round that was refused, was cancelled or failed is due again when something is new: not at once,
        and not over and over. One that the disk or the store failed is due again after the pause."""
        news = look(self.db)
        if not _due(news, self.every, self.interval):
            return
        if self.taken is not None and not _differ(news, self.taken):
            return
        self.taken = news
        self.tell(f"{counted(news.annotations, 'new annotation')}: training")
        try:
            report = self.train()
        except Cancelled as error:
            self.tell(f"cancelled by {error.by}: the next round is due when something is new")
            return
        except (OSError, StoreError):
            self.taken = None
            raise
        except FAILURES as error:
            # a service that died of it would be started again and train again
            self.tell(f"no round: {line_of(error)}; the next one is due when something is new")
            return
        if isinstance(report, RoundReport):
            self.done += 1
            first = "" if report.first_suggestions is None else f"; {report.first_suggestions.text()}"
            self.tell(f"round {report.number} in {report.seconds:.0f} s: {report.reason}{first}")
            self.owed = self.owed or report.promoted
            self._prune()

    def _prune(self) -> None:
        """Let old rounds go, where that was asked for: what cannot be removed now can be after the next."""
        if self.keep is None:
            return
        try:
            self.tell(prune(self.db, keep=self.keep).text())
        except FAILURES as error:
            self.tell(f"nothing pruned: {line_of(error)}; tried again after the next round")


def _differ(news: News, taken: News) -> bool:
    return (news.annotations, news.last_round) != (taken.annotations, taken.last_round)


def look(db: str | Path) -> News:
    """How many gold documents of the pool the last finished round has not learned from as they stand, and how
    long ago it ended."""
    with Store.open(db) as store, store.reading():
        finished = [row for row in store.rounds.all() if row.state == "done"]
        last = finished[-1] if finished else None
        new = unlearned(store, None if last is None else last.number)
        since = None if last is None else last.finished_at
        seconds = float("inf") if since is None else seconds_since(since)
        return News(new, seconds, None if last is None else last.number)


def _due(news: News, every: int, interval: float | None) -> bool:
    late = interval is not None and news.last_round is not None and not 0 <= news.seconds < interval
    return news.annotations >= every or (late and news.annotations > 0)


def _or_every(interval: float | None) -> str:
    return "" if interval is None else f", or {interval:g} s after the last one"


def _undisturbed(say: Say) -> Say:
    def tell(line: str) -> None:
        try:
            say(line)
        except BrokenPipeError:
            raise
        except OSError:
            return  # the log lies on the full disk that the line is about: there is nowhere to say it

    return tell
