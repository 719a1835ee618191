"""What the page submits: answers, and the drafts of answers that are not finished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spanloop.recipes.settle import settle
from spanloop.recipes.web import wire
from spanloop.recipes.web.overview import Overview
from spanloop.recipes.web.settings import PageSettings
from spanloop.recipes.web.wire import PostedAnswer, WireError
from spanloop.store import Store
from spanloop.store.records import NewAnnotation


@dataclass(frozen=True, slots=True)
class Submitting:
    """Stores what a person says of a document; what was posted for another project is refused."""

    store: Store
    settings: PageSettings
    overview: Overview

    def answer(self, annotator: str, body: Any) -> dict[str, Any]:
        """Store one answer; returns only after it is committed. The same uuid again stores nothing new."""
        posted = wire.parse_answer(body)
        self._check_key(posted.document_id, posted.document_key)
        # the suggestions it is compared with and the labels it is stored by are of one moment
        added = self.store.together.run(
            lambda: self.store.annotations.add(self._annotation(annotator, posted))
        )
        return {
            "annotation_id": added.annotation_id,
            "new": added.new,
            "counts": self.overview.counts(),
        }

    def _annotation(self, annotator: str, posted: PostedAnswer) -> NewAnnotation:
        prediction = (
            None if posted.prediction_id is None else self.store.predictions.by_id(posted.prediction_id)
        )
        if prediction is not None and prediction.document_id != posted.document_id:
            raise WireError("'prediction_id' belongs to another document", 409)
        suggestions = () if prediction is None else prediction.spans
        if posted.ranges is not None:
            seen = posted.ranges
            suggestions = tuple(s for s in suggestions if any(a <= s.start and s.end <= b for a, b in seen))
        return NewAnnotation(
            uuid=posted.uuid,
            document_id=posted.document_id,
            annotator=annotator,
            origin="review" if self.settings.review else "human",
            answer=posted.answer,
            spans=settle(posted.spans, suggestions, keep_rejected=posted.answer == "accept"),
            ranges=posted.ranges,
            prediction_id=None if prediction is None else prediction.id,
            seconds=posted.seconds,
            comment=posted.comment,
            flagged=posted.flagged,
        )

    def draft(self, annotator: str, body: Any) -> dict[str, Any]:
        """Keep (or, with null, drop) the unfinished edits of one document and renew its lease."""
        document_id, key, draft = wire.parse_draft(body)
        self._check_key(document_id, key)
        if draft is None:
            self.store.drafts.drop(annotator, document_id)
        else:
            self.store.drafts.put(annotator, document_id, draft)
            self.store.queue.renew(annotator, document_id)
        return {"saved": True}

    def _check_key(self, document_id: int, key: str) -> None:
        """An answer kept in the browser for another project must not land on whatever has its number here."""
        document = self.store.documents.get(document_id)
        if document is None:
            raise WireError("there is no such document in this project", 404)
        if document.key != key:
            raise WireError(
                f"document {document_id} of this project is not {key[:100]!r}: another project's answer?", 409
            )
