"""Events that could not be worked on: shown, worked on once more, and forgotten if a person says so."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.events import work_on
from spanloop.recipes.report import UNTOLD, Count, Report, Shape
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.tables.inbox import Event


@dataclass(frozen=True, slots=True)
class FailedEvent(Shape):
    """An event of Label Studio that could not be worked on. What it says may be anything, and is not told."""

    id: Count
    source: str
    """The project there that told it."""
    action: str
    """What happened there."""
    received_at: str
    """UTC, ISO 8601."""
    error: str | None
    """Why it could not be worked on."""

    @classmethod
    def of(cls, event: Event) -> FailedEvent:
        """What is told of an event of the store."""
        return cls(**{field.name: getattr(event, field.name) for field in fields(cls)})

    def text(self) -> str:
        """The event in a line."""
        return f"  {self.received_at}  {self.source}: {self.action}: {self.error}"


@dataclass(slots=True)
class Retried(Report):
    """What came of each event that had failed."""

    path: Path = field(metadata=UNTOLD)
    worked: list[str] = field(default_factory=list)
    """What was done for those that worked."""
    failed: list[FailedEvent] = field(default_factory=list)
    """Those that failed again."""
    dropped: bool = False
    """Whether the failed ones are forgotten now."""

    @property
    def exit_code(self) -> int:
        return 1 if self.failed and not self.dropped else 0

    def text(self) -> str:
        if not self.worked and not self.failed:
            return f"{self.path}: no event has failed"
        lines = [
            f"{counted(len(self.worked), 'event')} worked, {len(self.failed):,} failed again",
            *self.worked,
        ]
        lines += [event.text() for event in self.failed]
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
                retried.failed.append(FailedEvent.of(worked.failed_event))
            else:
                retried.worked.append(worked.text())
        if drop:
            with store.write():
                for failed in retried.failed:
                    store.inbox.done(failed.id)
    return retried


def _no_training() -> str:
    raise RecipeError("a round is trained by spanloop retrain, or by Start Training while the backend runs")
