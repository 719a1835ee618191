"""Events that could not be worked on: shown, worked on once more, and forgotten if a person says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.events import work_on
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.tables.inbox import Event


@dataclass(slots=True)
class Retried:
    """What came of each event: what was done for those that worked, the reason for those that failed again.
    ``dropped``: the failed ones are forgotten now."""

    path: Path
    worked: list[str] = field(default_factory=list)
    failed: list[Event] = field(default_factory=list)
    dropped: bool = False

    @property
    def exit_code(self) -> int:
        return 1 if self.failed and not self.dropped else 0

    def json(self) -> dict[str, object]:
        failed = [event_json(event) for event in self.failed]
        return {"schema": 1, "worked": self.worked, "failed": failed, "dropped": self.dropped}

    def text(self) -> str:
        if not self.worked and not self.failed:
            return f"{self.path}: no event has failed"
        lines = [
            f"{counted(len(self.worked), 'event')} worked, {len(self.failed):,} failed again",
            *self.worked,
        ]
        lines += [event_text(event) for event in self.failed]
        if self.dropped:
            lines.append(f"forgotten: {counted(len(self.failed), 'event')}")
        elif self.failed:
            lines.append(f"to forget them: spanloop labelstudio retry {self.path} --drop")
        return "\n".join(lines)


def retry(db: str | Path, *, drop: bool = False) -> Retried:
    """Work on every event that failed, oldest first, each in its own transaction.

    ``drop``: forget those that fail again; the report has them for the last time.
    """
    retried = Retried(Path(db), dropped=drop)
    with Store.open(db) as store:
        for event in store.inbox.failed():
            worked = work_on(store, event, _no_training)
            if worked.problem:
                retried.failed.append(worked.failed_event)
            else:
                retried.worked.append(worked.text())
        if drop:
            with store.write():
                for event in retried.failed:
                    store.inbox.done(event.id)
    return retried


def _no_training() -> str:
    raise RecipeError("a round is trained by spanloop retrain, or by Start Training while the backend runs")


def event_json(event: Event) -> dict[str, object]:
    """A failed event for programs: which one, and why it failed. What it says may be anything, and is not
    shown."""
    names = ("id", "source", "action", "received_at", "error")
    return {name: getattr(event, name) for name in names}


def event_text(event: Event) -> str:
    """A failed event in a line."""
    return f"  {event.received_at}  {event.source}: {event.action}: {event.error}"
