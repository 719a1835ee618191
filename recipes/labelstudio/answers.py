"""Annotations of Label Studio on their way into the store: each state of each is a revision, told once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal

from spanloop.recipes.formats.labelstudio_regions import Regions
from spanloop.recipes.formats.labelstudio_task import Opinion, opinion_of
from spanloop.recipes.formats.placing import BLANK, EDGES, HARMLESS, part_overlaps, trimmed
from spanloop.recipes.labelstudio.landing import source_of, task_number
from spanloop.recipes.labelstudio.layout import Layout
from spanloop.store import Store
from spanloop.store.clock import now
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import (
    Action,
    AnnotatedSpan,
    Answer,
    Document,
    NewAnnotation,
    Span,
)
from spanloop.store.tables.bridges import AnswerLink

NAMESPACE = uuid.UUID("0a6d7f52-33c5-4c6a-8f0e-4f1b8f3a2c11")
STRANGER = "label not in project"
ACTIONS: dict[str, Action] = {"prediction": "taken", "prediction-changed": "changed"}

Outcome = Literal["new", "changed", "unchanged", "skipped", "ledger", "deleted", "stale", "unknown"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an annotation, with its spans: each is in one of the counts.

    ``kept``: gold where it was meant; ``moved``: gold beside it, as the ledger says; ``set_aside``: stored
    with an answer that is no gold; ``ledger``: not stored, in the ledger with its reason.
    """

    outcome: Outcome
    kept: int = 0
    moved: int = 0
    set_aside: int = 0
    ledger: int = 0


@dataclass(frozen=True, slots=True)
class _Content:
    """What an annotation says, sorted out: spans that can be kept, and those that cannot with the reason."""

    opinion: Opinion
    spans: tuple[AnnotatedSpan, ...]
    refused: tuple[tuple[Span, str], ...]
    moved: tuple[tuple[Span, Span, str], ...] = ()

    @property
    def whole(self) -> bool:
        return all(reason in HARMLESS for _, reason in self.refused)

    @property
    def snapped(self) -> tuple[tuple[Span, Span, str], ...]:
        """What lies elsewhere than where it was said: from where, to where, why."""
        return (*(self.opinion.regions.moved if self.opinion.regions else ()), *self.moved)

    def taken(self, outcome: Outcome) -> Taken:
        """The counts of its spans."""
        stored, left = len(self.spans), len(self.refused)
        if self.answer == "ignore":
            return Taken(outcome, set_aside=stored, ledger=left)
        beside = {(after.start, after.end, after.label) for _, after, _ in self.snapped}
        moved = sum((span.start, span.end, span.label) in beside for span in self.spans)
        return Taken(outcome, kept=stored - moved, moved=moved, ledger=left)

    @property
    def answer(self) -> Answer:
        """Where a span had to be left out the rest is not the truth: no gold, to be looked at again."""
        return self.opinion.answer if self.whole else "ignore"

    def digest(self) -> str:
        said = [[s.start, s.end, s.label] for s in self.spans]
        left = [[s.start, s.end, s.label, reason] for s, reason in self.refused]
        told = [self.opinion.annotator, self.opinion.origin, self.opinion.answer, said, left]
        return sha256(json.dumps(told).encode()).hexdigest()


def take_answer(
    store: Store,
    project: int,
    task: int,
    document: Document,
    annotation: Mapping[str, Any],
    layout: Layout,
) -> Taken:
    """Store the state of one annotation, unless it is known or older than what is known. It knows the labels
    that the ``layout`` there has.

    ValueError for an annotation without a number or with a result that is none.
    """
    number = number_of_answer(annotation)
    if "result" not in annotation:
        raise ValueError('it has no "result", which is something else than an empty one')
    source = source_of(project)
    content = _sort_out(store, opinion_of(annotation, document.text), document.text)
    digest, changed_at = content.digest(), content.opinion.changed_at or now()
    with store.write():
        known = store.bridges.answer(source, number)
        if known is not None and (known.deleted or known.changed_at > changed_at):
            return Taken("stale")
        if known is not None and known.content == digest and _is_of(store, known, document):
            store.bridges.put_answer(source, replace(known, changed_at=changed_at))
            return Taken("unchanged")
        name = f"{source}/{number}/{document.key}/{changed_at}/{digest}"
        labels = layout.offered(store.labels.names())
        annotation_id = _add(store, _revision(name, document, content, changed_at, labels))
        store.ledger.add(_events(content, document, annotation_id, source))
        store.bridges.put_answer(source, AnswerLink(number, task, annotation_id, digest, changed_at))
    if not content.whole:
        return content.taken("ledger")
    if content.answer == "ignore":
        return content.taken("skipped")
    return content.taken("new" if known is None else "changed")


def take_deletion(store: Store, project: int, number: int) -> Outcome:
    """What was said is taken back: the person's other annotation of that task counts again, if there is one,
    else the document waits for an answer. Nothing is erased."""
    source = source_of(project)
    with store.write():
        known = store.bridges.answer(source, number)
        if known is None or known.deleted:
            return "unknown"
        store.bridges.put_answer(source, replace(known, deleted=True))
        gone = store.annotations.get(known.annotation_id)
        if gone is None:
            return "unknown"
        rest = [
            store.annotations.get(link.annotation_id) for link in store.bridges.answers(source, known.task)
        ]
        left = [a for a in rest if a and (a.annotator, a.document_id) == (gone.annotator, gone.document_id)]
        stands = left[-1] if left else replace(gone, answer="ignore", spans=(), ranges=None)
        name = f"{source}/{number}/deleted/{known.annotation_id}"
        revision = NewAnnotation(
            uuid=str(uuid.uuid5(NAMESPACE, name)),
            document_id=stands.document_id,
            annotator=stands.annotator,
            origin=stands.origin,
            answer=stands.answer,
            spans=stands.spans,
            ranges=stands.ranges,
            prediction_id=stands.prediction_id,
            comment=f"annotation {number} was deleted in Label Studio",
            flagged=stands.flagged,
            label_set=stands.label_set,
        )
        _add(store, revision)
    return "deleted"


def number_of_answer(annotation: Any) -> int:
    """The number of an annotation. ValueError for what has none that Label Studio counts with."""
    number = annotation.get("id") if isinstance(annotation, Mapping) else None
    known = task_number(number)
    if known is None:
        raise ValueError(f"an annotation has the number {str(number)[:60]}; a whole number is expected")
    return known


def _is_of(store: Store, known: AnswerLink, document: Document) -> bool:
    """Whether the revision is of this document: the text of a task may have been edited since."""
    revision = store.annotations.get(known.annotation_id)
    return revision is not None and revision.document_id == document.id


def _sort_out(store: Store, opinion: Opinion, text: str) -> _Content:
    regions = opinion.regions or Regions()
    labels = set(store.labels.names())
    strangers = [(span, STRANGER) for span in regions.spans if span.label not in labels]
    actions: dict[tuple[int, int, str], Action] = {}
    placed: list[Span] = []
    blank: list[tuple[Span, str]] = []
    moved: list[tuple[Span, Span, str]] = []
    for span, origin in regions.with_origins():
        if span.label not in labels:
            continue
        inner = trimmed(span, text)
        if inner is None:
            blank.append((span, BLANK))
            continue
        placed.append(inner)
        actions[inner.start, inner.end, inner.label] = ACTIONS.get(origin, "added")
        if inner != span:
            moved.append((span, inner, EDGES))
    kept, overlapping = part_overlaps(placed)
    spans = tuple(AnnotatedSpan(s.start, s.end, s.label, actions[s.start, s.end, s.label]) for s in kept)
    lying = [one for one in moved if one[1] in kept]
    return _Content(opinion, spans, (*regions.refused, *strangers, *blank, *overlapping), tuple(lying))


def _revision(
    name: str, document: Document, content: _Content, changed_at: str, labels: tuple[str, ...]
) -> NewAnnotation:
    comment = content.opinion.comment
    if not content.whole:
        left = sum(reason not in HARMLESS for _, reason in content.refused)
        comment = f"{left} regions could not be kept, so this is no gold: see the ledger"
    return NewAnnotation(
        uuid=str(uuid.uuid5(NAMESPACE, name)),
        document_id=document.id,
        annotator=content.opinion.annotator,
        origin=content.opinion.origin,
        answer=content.answer,
        spans=content.spans,
        seconds=content.opinion.seconds,
        created_at=changed_at,
        comment=comment,
        labels=labels,
    )


def _add(store: Store, annotation: NewAnnotation) -> int:
    """Store a revision, unless the newest of that person says the same already (a file may have told it)."""
    latest = store.annotations.latest(annotation.document_id, annotation.annotator)
    if latest is not None and _says(latest) == _says(annotation):
        return latest.id
    return store.annotations.add(annotation).annotation_id


def _says(annotation: NewAnnotation) -> tuple[object, ...]:
    spans = sorted((s.start, s.end, s.label) for s in annotation.spans if s.action != "rejected")
    return annotation.answer, annotation.origin, annotation.ranges, tuple(spans)


def _events(
    content: _Content, document: Document, annotation_id: int, source: str
) -> Sequence[AlignmentEvent]:
    """The spans that could not stay where they were meant, as rows of the ledger."""
    return [
        *(
            AlignmentEvent(
                document_id=document.id,
                start=span.start,
                end=span.end,
                label=span.label,
                action="conflict" if reason == "overlap" else "dropped",
                reason=reason,
                annotation_id=annotation_id,
                source=source,
            )
            for span, reason in content.refused
        ),
        *(
            AlignmentEvent(
                document_id=document.id,
                start=before.start,
                end=before.end,
                label=before.label,
                action="snapped",
                reason=reason,
                placed_start=after.start,
                placed_end=after.end,
                annotation_id=annotation_id,
                source=source,
            )
            for before, after, reason in content.snapped
        ),
    ]
