"""Where the project stands: documents, rounds, what alignment cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.active_learning.advice import Advice, advice
from spanloop.recipes.active_learning.outlook import Outlook, outlook
from spanloop.recipes.labelstudio.retry import FailedEvent
from spanloop.recipes.project.settings_file import SettingsFile, settings_of_project
from spanloop.recipes.report import Report
from spanloop.recipes.rounds.standings import Standing, rounds_table, standings
from spanloop.recipes.rounds.status_shape import Inbox, RefusedDocuments, Standings
from spanloop.recipes.scoring.shapes import AlignmentEvents
from spanloop.recipes.table import counted, table
from spanloop.store import Store
from spanloop.store.records import Round, Split, Task
from spanloop.store.tables.unlearned import learned_from, unlearned

if TYPE_CHECKING:
    from spanloop.store.files.training_lock import Look

SPLITS: tuple[Split, ...] = ("pool", "eval")
REFUSED_SHOWN = 5
COUNTS = ("total", "gold", "open", "skipped", "conflict", "rejected")


@dataclass(frozen=True, slots=True)
class Status(Report):
    """What ``spanloop status`` shows; ``trained_on`` counts the documents of the last finished round,
    ``training_on`` those of the round that is being trained now (None: none is), ``suggested`` those of which
    the promoted round has said something, ``to_review`` those that wait; ``refused`` is who refuses which
    document, by its key."""

    path: Path
    task: Task
    labels: tuple[str, ...]
    documents: dict[Split, dict[str, int]]
    rounds: tuple[Standing, ...]
    alignment_events: AlignmentEvents
    trained_on: int = 0
    training_on: int | None = None
    new_annotations: int = 0
    unknown_labels: Mapping[str, int] = field(default_factory=dict)
    suggested: int = 0
    to_review: int = 0
    accepted_unseen: int = 0
    inbox: Inbox = field(default_factory=Inbox)
    refused: Mapping[str, str] = field(default_factory=dict)
    settings: SettingsFile | None = None
    cost: Outlook | None = None
    advice: Advice | None = None

    @property
    def promoted(self) -> int | None:
        return None if self.in_use is None else self.in_use.round.number

    @property
    def training(self) -> Standing | None:
        """The round that is being trained now."""
        return next((standing for standing in self.rounds if standing.state == "running"), None)

    @property
    def in_use(self) -> Standing | None:
        """The promoted round."""
        return next((standing for standing in self.rounds if standing.round.promoted), None)

    @property
    def without_suggestions(self) -> int:
        """How many documents the promoted round has neither looked at nor refused; 0 where none is
        promoted."""
        if self.promoted is None:
            return 0
        total = sum(self.documents[split]["total"] for split in SPLITS)
        return max(total - self.suggested - len(self.refused), 0)

    def shape(self) -> Standings:
        return Standings(
            task=self.task,
            labels=self.labels,
            documents=self.documents,
            promoted=self.promoted,
            rounds=tuple(standing.shape() for standing in self.rounds),
            trained_on=self.trained_on,
            training_on=self.training_on,
            new_annotations=self.new_annotations,
            unknown_labels=dict(self.unknown_labels),
            suggested=self.suggested,
            without_suggestions=self.without_suggestions,
            to_review=self.to_review,
            accepted_unseen=self.accepted_unseen,
            refused=RefusedDocuments(len(self.refused), dict(self.refused)),
            alignment_events=self.alignment_events,
            inbox=self.inbox,
            settings=self.settings,
            cost=self.cost,
            advice=self.advice,
            next_step=self.next_step(),
        )

    def text(self) -> str:
        counts = [(split, *(f"{self.documents[split][name]:,}" for name in COUNTS)) for split in SPLITS]
        parts = [
            f"{self.path}: a {self.task} project with the labels {', '.join(self.labels)}",
            table(("documents", *COUNTS), counts, right=range(1, 7)),
            self._rounds_text(),
        ]
        if self.cost is not None and (cost := self.cost.text()):
            parts.append(cost)
        if self.advice is not None:
            parts.append(self.advice.text())
        if self.in_use is not None and self.in_use.pipeline in ("pruned", "missing"):
            parts.append(self._without_folder())
        if self.unknown_labels:
            parts.append(self._unknown_text())
        if self.alignment_events.total:
            parts.append(self.alignment_events.text())
        if self.refused:
            parts.append(self._refused_text())
        if self.to_review:
            waiting = counted(self.to_review, "document")
            parts.append(f"{waiting} waiting for review: spanloop correct {self.path} --review")
        if self.accepted_unseen:
            parts.append(
                f"{counted(self.accepted_unseen, 'document')} accepted unseen, which no round learns from: "
                f"spanloop triage {self.path} --undo takes them back"
            )
        parts += self.inbox.lines(self.path)
        if self.settings is not None:
            parts.append(self.settings.text())
        parts.append(f"Next: {self.next_step()}")
        return "\n\n".join(parts)

    def _rounds_text(self) -> str:
        return rounds_table(self.rounds) if self.rounds else "no round yet"

    def _without_folder(self) -> str:
        return (
            f"Beware: the folder of round {self.promoted}, the promoted one, is not there, so nothing can "
            f"suggest with it: spanloop check {self.path} says where to look; or go back to another round: "
            f"spanloop rounds {self.path} rollback"
        )

    def _unknown_text(self) -> str:
        found = (f"{name!r} by {counted(n, 'document')}" for name, n in self.unknown_labels.items())
        return (
            f"labels that came later and that gold does not know: {', '.join(found)}; what that means, and "
            f"what to type: spanloop labels {self.path}"
        )

    def _refused_text(self) -> str:
        some = ", ".join(f"{key!r} {reason}" for key, reason in list(self.refused.items())[:REFUSED_SHOWN])
        more = len(self.refused) - REFUSED_SHOWN
        shown = some + (f" and {more} more" if more > 0 else "")
        return f"{counted(len(self.refused), 'document')} refused and passed over: {shown}"

    def next_step(self) -> str:
        """The command that brings the project on, from what is there."""
        pool, scored = self.documents["pool"], self.documents["eval"]
        if not pool["total"] + scored["total"]:
            return f"spanloop import {self.path} FILE..."
        if not scored["gold"]:
            if scored["total"]:
                return f"spanloop correct {self.path} --split eval"
            return f"spanloop import {self.path} FILE --split eval"
        if not pool["gold"]:
            return f"spanloop correct {self.path}"
        if self.training is not None:
            number = self.training.round.number
            return f"spanloop correct {self.path}, while round {number} is being trained"
        if self.new_annotations:
            return f"spanloop retrain {self.path} ({counted(self.new_annotations, 'new annotation')})"
        if not pool["open"]:
            return f"spanloop import {self.path} FILE..., everything in the pool is annotated"
        if self.without_suggestions:
            lacking = f"{counted(self.without_suggestions, 'document')} without its suggestions"
            return f"spanloop prelabel {self.path} ({lacking}), then spanloop correct {self.path}"
        return f"spanloop correct {self.path}"


def status(db: str | Path, *, config: str | Path | None = None) -> Status:
    """Where the project stands; quick whatever its size, since the store keeps the counts.

    Args:
        db: The project file.
        config: Another settings file than ``spanloop.toml`` beside the project.

    Returns:
        Counts, rounds, and what to do next.

    Raises:
        StoreError: There is no such project.
        RecipeError: The settings file is none.
    """
    with Store.open(db) as store:
        trainer = store.training_lock.look()  # before the moment that the rest is read as of
        with store.reading():
            return replace(_read(Path(db), store, trainer), settings=settings_of_project(db, config))


def _read(path: Path, store: Store, trainer: Look) -> Status:
    counts = {split: store.queue.counts(split) for split in SPLITS}
    done = [row.number for row in store.rounds.all() if row.state == "done"]
    rounds = standings(store, trainer)
    trained = [standing.round.number for standing in rounds if standing.state == "running"]
    promoted = store.rounds.promoted()
    cost = outlook(store)
    return Status(
        path=path,
        task=store.project.task,
        labels=tuple(store.labels.names()),
        documents={split: {name: counts[split].get(name, 0) for name in COUNTS} for split in SPLITS},
        rounds=rounds,
        alignment_events=AlignmentEvents.of(store.ledger.counts()),
        trained_on=learned_from(store, done[-1]) if done else 0,
        training_on=learned_from(store, trained[-1]) if trained else None,
        new_annotations=unlearned(store, next(iter([*trained[-1:], *done[-1:]]), None)),
        unknown_labels=store.label_sets.lacking(),
        suggested=store.predictions.count(promoted.model_id) if promoted and promoted.model_id else 0,
        to_review=store.reviews.waiting(),
        accepted_unseen=store.triages.standing(),
        inbox=Inbox(store.inbox.waiting(), tuple(map(FailedEvent.of, store.inbox.failed()))),
        refused=_refused(store, promoted),
        cost=cost,
        advice=advice(store, cost),
    )


def _refused(store: Store, promoted: Round | None) -> dict[str, str]:
    """The keys of the documents that the tokenizer or the promoted round refuses, and which of them."""
    found = dict.fromkeys(store.tokenizations.refused(), "refused by tokenizer")
    if promoted is not None and promoted.model_id is not None:
        found |= store.ledger.refused(promoted.model_id)
    return {document.key: found[document.id] for document in store.documents.fetch(list(found))}
