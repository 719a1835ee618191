"""From Prodigy's answers to the store: each once, whatever is sent twice."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.counting import misplaced
from spanloop.recipes.formats.entry import Entry
from spanloop.recipes.formats.placing import part_overlaps
from spanloop.recipes.formats.prodigy import joined
from spanloop.recipes.formats.prodigy_task import OWN, entry_of
from spanloop.recipes.prodigy.contract import Task
from spanloop.recipes.settle import Place, refused, settle
from spanloop.store import Store
from spanloop.store.records import (
    AnnotatedSpan,
    Annotation,
    Document,
    NewAnnotation,
    Origin,
    Prediction,
    Range,
    Span,
)

NAMESPACE = uuid.UUID("d2f5a0b4-31f5-4a2f-9d6f-1f0b3f1c7a11")


@dataclass(frozen=True, slots=True)
class Answers:
    """Where answers go. ``annotator``: who answered in a session without a name."""

    store: Store
    annotator: str
    origin: Origin = "human"

    def whole(self, task: Task) -> int:
        """Store an answer about a whole document; gives its id. ValueError or RecipeError for one that is
        none."""
        with self.store.write():
            document, entry, prediction = self._read(task)
            suggestions = () if prediction is None or self.origin == "review" else prediction.spans
            kept = entry.spans or ()
            if entry.answer != "accept":  # nobody checked it, and it is no gold: what can stand is kept
                known = set(self.store.labels.names())
                kept = part_overlaps([span for span in kept if span.label in known])[0]
            spans = settle(map(_place, kept), suggestions, keep_rejected=entry.answer == "accept")
            self._add(document, entry, prediction, spans, None)
        return document.id

    def yes_or_no(self, task: Task) -> int:
        """Add a yes or no to what this person has said of the document so far; gives its id.

        What they said of the whole document stands: it says more than any yes or no.
        """
        with self.store.write():
            document, entry, prediction = self._read(task)
            latest = self._latest(document, entry)
            whole = latest is not None and latest.answer == "accept" and latest.ranges is None
            if whole or (entry.answer == "ignore" and latest is not None):
                return document.id
            if entry.answer == "ignore":
                self._add(document, entry, prediction, (), None)
                return document.id
            before = latest if latest is not None and latest.ranges is not None else None
            spans, ranges = _merged(before, entry, prediction)
            self._add(document, replace(entry, answer="accept"), prediction, spans, ranges)
        return document.id

    def _read(self, task: Task) -> tuple[Document, Entry, Prediction | None]:
        entry = entry_of(task)
        document = self.store.documents.by_key(entry.key or "")
        if document is None or document.text != entry.text:
            raise RecipeError(
                f"the task {entry.text[:40]!r} is of no document of {self.store.named}: this stream asks "
                "only about the project's own documents"
            )
        wrong = misplaced(entry)
        if wrong is not None:
            raise RecipeError(wrong)
        number = task.get(OWN, {}).get("prediction")
        prediction = self.store.predictions.by_id(number) if isinstance(number, int) else None
        mine = prediction is not None and prediction.document_id == document.id
        return document, entry, prediction if mine else None

    def _latest(self, document: Document, entry: Entry) -> Annotation | None:
        return self.store.annotations.latest(document.id, entry.annotator or self.annotator)

    def _add(
        self,
        document: Document,
        entry: Entry,
        prediction: Prediction | None,
        spans: Sequence[AnnotatedSpan],
        ranges: tuple[Range, ...] | None,
    ) -> None:
        latest = self._latest(document, entry)
        annotation = NewAnnotation(
            uuid="",
            document_id=document.id,
            annotator=entry.annotator or self.annotator,
            origin=self.origin,
            answer=entry.answer,
            spans=tuple(spans),
            ranges=ranges,
            prediction_id=None if prediction is None else prediction.id,
            created_at=entry.created_at,
            flagged=entry.flagged,
        )
        if latest is not None and _content(latest) == _content(annotation):
            return
        said = [_content(annotation), entry.created_at or (0 if latest is None else latest.id)]
        name = str(uuid.uuid5(NAMESPACE, json.dumps(said)))
        self.store.annotations.add(replace(annotation, uuid=name))


def _content(annotation: NewAnnotation) -> str:
    """What was said by whom, without when."""
    spans = sorted((s.start, s.end, s.label, s.action, s.prediction_span_id or 0) for s in annotation.spans)
    who = [annotation.document_id, annotation.annotator, annotation.origin]
    return json.dumps([*who, annotation.answer, annotation.flagged, spans, annotation.ranges])


def _merged(
    before: Annotation | None, entry: Entry, prediction: Prediction | None
) -> tuple[list[AnnotatedSpan], tuple[Range, ...]]:
    """All decisions so far with the new one, and the characters that they are about. A later yes takes the
    place of an earlier one to other characters that overlap: both cannot be."""
    decided = {_place(span): span for span in (() if before is None else before.spans)}
    new = [] if before is None else list(before.ranges or ())
    for span in entry.spans or ():
        place = _place(span)
        if entry.answer == "accept":
            decided = {old: said for old, said in decided.items() if not _contradicts(said, span)}
        judged = {said.prediction_span_id for old, said in decided.items() if old != place}
        suggested = [s for s in (() if prediction is None else prediction.spans) if s.id not in judged]
        if entry.answer == "accept":
            (decided[place],) = settle([place], suggested, keep_rejected=False)
        else:
            decided[place] = refused(place, suggested)
        new.append((span.start, span.end))
    if not new:
        raise ValueError("a yes or no needs a span to be about; this task has none")
    return list(decided.values()), joined(new)


def _place(span: Span | AnnotatedSpan) -> Place:
    return span.start, span.end, span.label


def _contradicts(said: AnnotatedSpan, span: Span) -> bool:
    return said.action != "rejected" and said.start < span.end and span.start < said.end
