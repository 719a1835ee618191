"""Where a project stands, as the keys of ``status --json``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.active_learning.advice import Advice
from spanloop.recipes.active_learning.outlook import Outlook
from spanloop.recipes.labelstudio.retry import FailedEvent
from spanloop.recipes.project.settings_file import SettingsFile
from spanloop.recipes.report import Count, Shape
from spanloop.recipes.rounds.standings import RoundRow
from spanloop.recipes.scoring.shapes import AlignmentEvents
from spanloop.recipes.table import counted
from spanloop.store.records import Split, Task

SHOWN = 5  # failed events that the text names


@dataclass(frozen=True, slots=True)
class Inbox(Shape):
    """What Label Studio told."""

    waiting: Count = 0
    """Events that wait to be worked on."""
    failed: tuple[FailedEvent, ...] = ()
    """Those that could not be worked on, the oldest first."""

    def lines(self, path: Path) -> list[str]:
        """A paragraph for each that is not empty."""
        said = []
        if self.waiting:
            said.append(
                f"{counted(self.waiting, 'event')} of Label Studio not worked on yet: spanloop backend {path}"
            )
        if self.failed:
            shown = [event.text() for event in self.failed[:SHOWN]]
            if more := len(self.failed) - len(shown):
                shown.append(f"and {more:,} more")
            head = f"{counted(len(self.failed), 'event')} of Label Studio could not be worked on"
            said.append("\n".join([f"{head}: spanloop labelstudio retry {path}", *shown]))
        return said


@dataclass(frozen=True, slots=True)
class RefusedDocuments(Shape):
    """Documents that the tokenizer or the promoted round refuses."""

    total: Count
    documents: dict[str, str]
    """By the key of each, who refuses it."""


@dataclass(frozen=True, slots=True)
class Standings(Shape):
    """Where the project stands: all that the text says, numbers as numbers."""

    task: Task
    """Spans, or one tag a token."""
    labels: tuple[str, ...]
    """The names of those in use."""
    documents: dict[Split, dict[str, Count]]
    """Documents of each split by state: total, gold, open, skipped, conflict, rejected."""
    promoted: Count | None
    """The round in use."""
    rounds: tuple[RoundRow, ...]
    """Every round, the oldest first."""
    trained_on: Count
    """Documents that the last finished round learned from."""
    training_on: Count | None
    """Documents that the round learns from which is being trained now; null where none is."""
    new_annotations: Count
    """Gold documents of the pool that the round that is being trained, else the last one, has not learned
    from as they stand: new ones and those answered otherwise since."""
    unknown_labels: dict[str, Count]
    """By label, the gold documents that do not know it, since they were annotated before it was there; labels
    that all know are left out."""
    suggested: Count
    """Documents of which the promoted round has said something."""
    without_suggestions: Count
    """Documents that it has neither looked at nor refused."""
    to_review: Count
    """Documents that wait for review."""
    accepted_unseen: Count
    """Gold documents by the word of `spanloop triage` alone: no round learns from them."""
    refused: RefusedDocuments
    """Documents that the tokenizer or the promoted round refuses."""
    alignment_events: AlignmentEvents
    """Spans in the ledger of alignment."""
    inbox: Inbox
    """What Label Studio told."""
    settings: SettingsFile | None
    """What `spanloop.toml` says, null where there is none."""
    cost: Outlook | None
    """What an answer costs a person, and what the open documents of the pool will."""
    advice: Advice | None
    """Whether to annotate on; null before the first round."""
    next_step: str
    """The command that brings the project on."""
