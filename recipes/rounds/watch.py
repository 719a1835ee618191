"""Retrain by itself whenever enough annotations or enough time have come, and suggest again with the new
round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from time import sleep, time
from typing import Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.table import counted
from spanloop.recipes.training.distributed import world
from spanloop.recipes.training.lock import Cancelled
from spanloop.recipes.training.process_control import NICE, sleep_while_waiting, stoppable, yield_to_others
from spanloop.recipes.training.report import RoundReport
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class News:
    """What came since the last finished round."""

    annotations: int
    seconds: float
    last_round: int | None


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watch did until it was stopped."""

    rounds: int

    def json(self) -> dict[str, object]:
        return {"schema": 1, "rounds": self.rounds}

    def text(self) -> str:
        return f"stopped after {counted(self.rounds, 'round')}"


def watch(
    db: str | Path,
    *,
    every: int = 100,
    interval: float | None = None,
    pause: float = 5.0,
    nice: int = NICE,
    say: Say | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Watched:
    """Wait, and retrain when ``every`` new gold documents of the pool have come, or ``interval`` seconds
    after the last round if any came at all; then let the promoted round suggest again. Ends at SIGTERM or
    Ctrl-C; a round that is under way is marked as cancelled. A round that somebody cancels (`cancel`) or that
    fails is told and not trained again before something is new. Everything it needs to know is in the store,
    so a restart goes on where it stopped. ``pause``: seconds between two looks. ``settings`` go to `retrain`;
    ``say`` gets a line for each thing that happens. The whole process steps back by ``nice``
    (`yield_to_others`): nobody who annotates waits for a training.
    """
    if world() > 1:
        raise RecipeError("watch trains in one process: torchrun is for retrain")
    yield_to_others(nice)
    sleep_while_waiting()
    tell = _stamped(say)
    tell(f"watching {db}: a round every {counted(every, 'new annotation')}" + _or_every(interval))
    done = 0
    with stoppable():
        try:
            _catch_up(db, tell, progress)
            for news in _enough(db, every, interval, pause):
                done += _round(db, news, tell, progress, settings)
        except KeyboardInterrupt:
            tell("stopped, as asked")
    return Watched(done)


def _enough(db: str | Path, every: int, interval: float | None, pause: float) -> Iterator[News]:
    """The news each time that a round is due, without end. A round that was refused, was cancelled or
    failed is due again when something is new: not at once, and not over and over."""
    taken: News | None = None
    while True:
        news = look(db, at_least=every if interval is None else 1)
        if _due(news, every, interval) and (taken is None or _differ(news, taken)):
            taken = news
            yield news
        sleep(pause)


def _differ(news: News, taken: News) -> bool:
    return (news.annotations, news.last_round) != (taken.annotations, taken.last_round)


def look(db: str | Path, *, at_least: int = 1) -> News:
    """How many gold documents of the pool the last finished round has not seen, and how long ago it ended.

    The gold is only read where at least ``at_least`` annotations of any kind have come; else it counts as
    none.
    """
    with Store.open(db) as store:
        finished = [row for row in store.rounds.all() if row.state == "done"]
        last = finished[-1] if finished else None
        seen = set() if last is None else set(store.rounds.annotation_ids(last.number, "train"))
        new = 0
        if store.annotations.count(after=max(seen, default=0)) >= at_least:
            new = sum(gold.annotation_id not in seen for gold in store.annotations.gold(split="pool"))
        since = None if last is None else last.finished_at
        seconds = float("inf") if since is None else time() - datetime.fromisoformat(since).timestamp()
        return News(new, seconds, None if last is None else last.number)


def _due(news: News, every: int, interval: float | None) -> bool:
    late = interval is not None and news.last_round is not None and news.seconds >= interval
    return news.annotations >= every or (late and news.annotations > 0)


def _round(db: str | Path, news: News, tell: Say, progress: Progress | None, settings: dict[str, Any]) -> int:
    tell(f"{counted(news.annotations, 'new annotation')}: training")
    try:
        report = retrain(db, progress=progress, **settings)
    except Cancelled as error:
        tell(f"cancelled by {error.by}: the next round is due when something is new")
        return 0
    except (OSError, RuntimeError, ValueError) as error:
        # what training can fail with; a service that died of it would be started again and train again
        tell(f"no round: {_line(error)}; the next one is due when something is new")
        return 0
    if not isinstance(report, RoundReport):
        return 0
    tell(f"round {report.number} in {report.seconds:.0f} s: {report.reason}")
    if report.promoted:
        _suggest(db, tell, progress)
    return 1


def _catch_up(db: str | Path, tell: Say, progress: Progress | None) -> None:
    """Finish what an earlier watch was killed in: the promoted round suggests for whatever it has not
    seen."""
    with Store.open(db) as store:
        waiting = store.rounds.promoted() is not None
    if waiting:
        _suggest(db, tell, progress)


def _suggest(db: str | Path, tell: Say, progress: Progress | None) -> None:
    tell(prelabel(db, progress=progress).text())


def _or_every(interval: float | None) -> str:
    return "" if interval is None else f", or {interval:g} s after the last one"


def _stamped(say: Say | None) -> Say:
    def tell(line: str) -> None:
        if say is not None:
            now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
            say(f"{now}  {line}")

    return tell


def _line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
