"""What the page submits: answers, and the drafts of answers that are not finished."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from spanloop.recipes.active_learning.parts import added_to, holds
from spanloop.recipes.settle import settle
from spanloop.recipes.web.asked import PostedAnswer, PostedDraft, saved_at
from spanloop.recipes.web.meaning import Meant
from spanloop.recipes.web.overview import Overview
from spanloop.recipes.web.reach import Reach
from spanloop.recipes.web.replies import DraftKept, Stored
from spanloop.recipes.web.wire import WireError
from spanloop.recipes.web.yes_no import added_to_gold
from spanloop.store import Store
from spanloop.store.records import Document, NewAnnotation, Submitted
from spanloop.store.tables.unaided import note_unaided


@dataclass(frozen=True, slots=True)
class Submitting:
    """Stores what a person says of a document, where the page that they said it on may."""

    store: Store
    reach: Reach
    overview: Overview

    def answer(self, annotator: str, posted: PostedAnswer) -> Stored:
        """Store one answer; returns only after it is committed. The same uuid again stores nothing new."""
        # the suggestions it is compared with and the labels it is stored by are of one moment
        added = self.store.together.run(lambda: self._add(annotator, posted))
        return {
            "annotation_id": added.annotation_id,
            "new": added.new,
            "counts": self.overview.counts(),
        }

    def _add(self, annotator: str, posted: PostedAnswer) -> Submitted:
        """In one transaction: what may be answered, what the labels mean, and the answer itself.

        One that is stored already was checked then; the store tells whether this is the same.
        """
        meant = Meant(self.store)
        if self.store.annotations.known([posted.uuid]):
            again = self._annotation(annotator, posted, meant.reading, None)
            stored = self.store.annotations.by_uuid(posted.uuid)  # what it was added to is in it
            if self.reach.settings.yes_no_review:
                again = added_to_gold(again, stored)
            if posted.in_parts:
                again = added_to(again, stored)
            return self.store.annotations.add(again)
        document = self.reach.document(annotator, posted.document_id)
        _check_key(document, posted.document_key)
        if self.reach.settings.blind and posted.prediction_id is not None:
            raise WireError(
                "this was answered with suggestions in sight, and this page is blind", 409, reason="mode"
            )
        known = None
        if posted.labels is not None:  # one that a span has is known, though it is newer than the page
            known = meant.known([*posted.labels, *(span.label_id for span in posted.spans)])
        annotation = self._annotation(annotator, posted, meant.name, known)
        if self.reach.settings.yes_no_review:
            annotation = added_to_gold(annotation, self.store.reviews.start(posted.document_id))
        if posted.in_parts:
            annotation = self._with_other_parts(annotation)
        added = self.store.annotations.add(annotation)
        if added.new and posted.prediction_id is None and self.reach.unaided(document):
            note_unaided(self.store, added.annotation_id, document.id)
        return added

    def _with_other_parts(self, said: NewAnnotation) -> NewAnnotation:
        """An answer about parts with what counts of the document's other parts. Who sets the parts aside is
        not asked about them again before the next model suggests, and what was said of others stays."""
        before = self.store.parts.gold_in_part(said.document_id)
        if before is None or (before.origin == "human" and before.annotator != said.annotator):
            return said
        if said.answer == "ignore":
            self.store.parts.put({said.document_id: ()})
        return added_to(said, before)

    def _annotation(
        self,
        annotator: str,
        posted: PostedAnswer,
        name: Callable[[int], str],
        known: tuple[str, ...] | None,
    ) -> NewAnnotation:
        prediction = (
            None if posted.prediction_id is None else self.store.predictions.by_id(posted.prediction_id)
        )
        if prediction is not None and prediction.document_id != posted.document_id:
            raise WireError("'prediction_id' belongs to another document", 409)
        suggestions = () if prediction is None else prediction.spans
        if posted.ranges is not None:
            seen = posted.ranges
            suggestions = tuple(s for s in suggestions if holds(seen, s.start, s.end))
        spans = [(span.start, span.end, name(span.label_id)) for span in posted.spans]
        return NewAnnotation(
            uuid=posted.uuid,
            document_id=posted.document_id,
            annotator=annotator,
            origin=self.reach.origin,
            answer=posted.answer,
            spans=settle(spans, suggestions, keep_rejected=posted.answer == "accept"),
            ranges=None if posted.ranges is None else tuple(posted.ranges),
            prediction_id=None if prediction is None else prediction.id,
            seconds=posted.seconds,
            comment=posted.comment,
            flagged=posted.flagged,
            labels=known,
        )

    def draft(self, annotator: str, posted: PostedDraft) -> DraftKept:
        """Keep (or, with null, drop) the unfinished edits of one document and renew its lease."""
        _check_key(self.reach.document(annotator, posted.document_id), posted.document_key)
        draft = self.reach.draft(annotator, posted.document_id)
        if posted.draft is None:
            self.store.drafts.drop(draft)
            return {"saved": True}
        with self.store.write():
            if posted.resent and _is_newer(self.store.drafts.get(draft), posted.draft):
                raise WireError("a newer draft of this document is kept", 409, reason="older")
            self.store.drafts.put(draft, json.dumps(posted.draft, ensure_ascii=False))
        self.store.queue.renew(annotator, posted.document_id)
        return {"saved": True}


def _is_newer(kept: str | None, posted: Mapping[str, Any]) -> bool:
    """Whether what is kept was saved after what is posted, by the clock of the page; one that does not say
    when is older."""
    stored = None if kept is None else saved_at(json.loads(kept))
    moment = saved_at(posted)
    return stored is not None and (moment is None or stored > moment)


def _check_key(document: Document, key: str) -> None:
    """An answer of another project must not land on whatever has its number here."""
    if document.key != key:
        raise WireError(
            f"document {document.id} of this project is not {key[:100]!r}: another project's answer?",
            409,
            reason="document",
        )
