"""Where the project stands: documents, rounds, what alignment cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spanloop.recipes.labelstudio.retry import event_json, event_text
from spanloop.recipes.table import counted, figure, interval, table
from spanloop.recipes.training.lock import Holder, TrainingLock
from spanloop.store import Store
from spanloop.store.records import Round, Score, Split
from spanloop.store.tables.inbox import Event

SPLITS: tuple[Split, ...] = ("pool", "eval")
SHOWN = 5  # failed events that the text names
REFUSED_SHOWN = 5
COUNTS = ("total", "gold", "open", "skipped", "conflict", "rejected")


@dataclass(frozen=True, slots=True)
class Standing:
    """One round and its overall figures, None where it has none; ``accuracy`` only in a tags project;
    ``trainer``: who trains it now; ``cut_off``: it was being trained, and nobody does any more."""

    round: Round
    micro: Score | None
    macro: Score | None
    accuracy: Score | None = None
    cut_off: bool = False
    trainer: Holder | None = None

    @property
    def state(self) -> str:
        """As the store has it, but for a round that was cut off: nobody can tell the store that."""
        return "interrupted" if self.cut_off else self.round.state

    @property
    def headline(self) -> Score | None:
        """The one figure of the round: accuracy of tags, strict micro F1 of spans."""
        return self.accuracy or self.micro


@dataclass(frozen=True, slots=True)
class Inbox:
    """What Label Studio told: how many events wait to be worked on, and those that could not be, oldest
    first."""

    waiting: int = 0
    failed: tuple[Event, ...] = ()

    def json(self) -> dict[str, object]:
        return {"waiting": self.waiting, "failed": [event_json(event) for event in self.failed]}

    def lines(self, path: Path) -> list[str]:
        """A paragraph for each that is not empty."""
        said = []
        if self.waiting:
            said.append(
                f"{counted(self.waiting, 'event')} of Label Studio not worked on yet: spanloop backend {path}"
            )
        if self.failed:
            shown = [event_text(event) for event in self.failed[:SHOWN]]
            if more := len(self.failed) - len(shown):
                shown.append(f"and {more:,} more")
            head = f"{counted(len(self.failed), 'event')} of Label Studio could not be worked on"
            said.append("\n".join([f"{head}: spanloop labelstudio retry {path}", *shown]))
        return said


@dataclass(frozen=True, slots=True)
class Status:
    """What ``spanloop status`` shows; ``trained_on`` counts the documents of the last finished round,
    ``suggested`` those of which the promoted round has said something, ``to_review`` those that wait;
    ``refused`` is who refuses which document, by its key."""

    path: Path
    task: str
    labels: tuple[str, ...]
    documents: dict[str, dict[str, int]]
    rounds: tuple[Standing, ...]
    alignment_events: dict[str, Any]
    trained_on: int = 0
    suggested: int = 0
    to_review: int = 0
    inbox: Inbox = Inbox()
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def promoted(self) -> int | None:
        return next((standing.round.number for standing in self.rounds if standing.round.promoted), None)

    def json(self) -> dict[str, object]:
        return {
            "schema": 1,
            "task": self.task,
            "labels": list(self.labels),
            "documents": self.documents,
            "promoted": self.promoted,
            "rounds": [
                {
                    "round": standing.round.number,
                    "state": standing.state,
                    "promoted": standing.round.promoted,
                    "micro": score_json(standing.micro),
                    "macro": score_json(standing.macro),
                    "accuracy": score_json(standing.accuracy),
                }
                for standing in self.rounds
            ],
            "alignment_events": self.alignment_events,
            "refused": dict(self.refused),
            "inbox": self.inbox.json(),
        }

    def text(self) -> str:
        counts = [(split, *(f"{self.documents[split][name]:,}" for name in COUNTS)) for split in SPLITS]
        parts = [
            f"{self.path}: a {self.task} project with the labels {', '.join(self.labels)}",
            table(("documents", *COUNTS), counts, right=range(1, 7)),
            self._rounds_text(),
        ]
        if total := self.alignment_events["total"]:
            reasons = ", ".join(
                f"{name} {number:,}" for name, number in self.alignment_events["by_reason"].items()
            )
            parts.append(f"{counted(total, 'span')} in the ledger of alignment: {reasons}")
        if self.refused:
            parts.append(self._refused_text())
        if self.to_review:
            waiting = counted(self.to_review, "document")
            parts.append(f"{waiting} waiting for review: spanloop correct {self.path} --review")
        parts += self.inbox.lines(self.path)
        parts.append(f"Next: {self.next_step()}")
        return "\n\n".join(parts)

    def _rounds_text(self) -> str:
        return rounds_table(self.rounds) if self.rounds else "no round yet"

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
        if pool["gold"] > self.trained_on:
            return (
                f"spanloop retrain {self.path} ({counted(pool['gold'] - self.trained_on, 'new annotation')})"
            )
        if not pool["open"]:
            return f"spanloop import {self.path} FILE..., everything in the pool is annotated"
        missing = pool["total"] + scored["total"] - self.suggested - len(self.refused)
        if self.promoted is not None and missing > 0:
            lacking = f"{counted(missing, 'document')} without its suggestions"
            return f"spanloop prelabel {self.path} ({lacking}), then spanloop correct {self.path}"
        return f"spanloop correct {self.path}"


def rounds_table(rounds: tuple[Standing, ...]) -> str:
    """One line a round: state, figures with their interval, promoted or not."""
    rows = []
    for standing in rounds:
        row, score = standing.round, standing.headline
        macro = figure(standing.macro.f1 if standing.macro else None)
        f1 = figure(score.f1 if score else None)
        rows.append((row.number, standing.state, f1, interval(score), macro, _note(standing)))
    return table(("round", "state", headline_name(rounds), "95 %", "macro F1", ""), rows, right=(0, 2, 4))


def _note(standing: Standing) -> str:
    if standing.cut_off:
        return "cut off: its process has ended; the next retrain closes it"
    if standing.trainer is not None:
        return f"by {standing.trainer.text()}"
    return "promoted" if standing.round.promoted else (standing.round.error or "")


def headline_name(rounds: Sequence[Standing]) -> str:
    """What the headline of these rounds is called."""
    return "accuracy" if any(standing.accuracy for standing in rounds) else "micro F1"


def score_json(score: Score | None) -> dict[str, object] | None:
    """A stored figure in the shape that every ``--json`` uses."""
    if score is None:
        return None
    return {
        name: getattr(score, name) for name in ("precision", "recall", "f1", "support", "f1_low", "f1_high")
    }


def status(db: str | Path) -> Status:
    """Read the standing of the project; quick whatever its size, since the store keeps the counts."""
    with Store.open(db) as store, store.reading():
        counts = {split: store.queue.counts(split) for split in SPLITS}
        done = [row.number for row in store.rounds.all() if row.state == "done"]
        promoted = store.rounds.promoted()
        return Status(
            path=Path(db),
            task=store.project.task,
            labels=tuple(store.labels.names()),
            documents={split: {name: counts[split].get(name, 0) for name in COUNTS} for split in SPLITS},
            rounds=standings(store),
            alignment_events=store.ledger.counts(),
            trained_on=len(store.rounds.annotation_ids(done[-1], "train")) if done else 0,
            suggested=store.predictions.count(promoted.model_id) if promoted and promoted.model_id else 0,
            to_review=store.reviews.waiting(),
            inbox=Inbox(store.inbox.waiting(), tuple(store.inbox.failed())),
            refused=_refused(store, promoted),
        )


def _refused(store: Store, promoted: Round | None) -> dict[str, str]:
    """The keys of the documents that the tokenizer or the promoted round refuses, and which of them."""
    found = dict.fromkeys(store.tokenizations.refused(), "refused by tokenizer")
    if promoted is not None and promoted.model_id is not None:
        found |= store.ledger.refused(promoted.model_id)
    return {document.key: found[document.id] for document in store.documents.fetch(list(found))}


def standings(store: Store) -> tuple[Standing, ...]:
    """Every round with the figures stored for it."""
    with store.reading():
        rows = store.rounds.all()
        lock = TrainingLock(store)
        held = any(row.state == "running" for row in rows) and lock.is_held()
        trainer = lock.holder() if held else None
        return tuple(_standing(store, row, held, trainer) for row in rows)


def _standing(store: Store, row: Round, held: bool, trainer: Holder | None) -> Standing:
    running = row.state == "running"
    overall = {
        score.average or score.metric: score
        for score in store.rounds.scores(row.number, split="eval")
        if score.metric != "lenient" and score.label is None
    }
    figures = (overall.get("micro"), overall.get("macro"), overall.get("accuracy"))
    return Standing(row, *figures, cut_off=running and not held, trainer=trainer if running else None)
