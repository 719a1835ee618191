"""What a page of this server may show, and take answers for: the one place that every route asks.

An ordinary page has the documents of its split; a page for reviews has those that wait for one, and those
whose review was this person's own. A blind page shows nothing that a model said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from spanloop.recipes.web.settings import PageSettings
from spanloop.recipes.web.wire import WireError
from spanloop.store import Store
from spanloop.store.queue.order import BELOW
from spanloop.store.records import Annotation, Document, Drawn, Origin, Prediction, Range
from spanloop.store.tables.drafts import DraftOf
from spanloop.store.tables.listing import Wanted
from spanloop.store.tables.unaided import is_unaided


@dataclass(frozen=True, slots=True)
class Reach:
    """``origin``: what answers of this server are."""

    store: Store
    settings: PageSettings

    @property
    def origin(self) -> Origin:
        return "review" if self.settings.review else "human"

    def document(self, annotator: str, document_id: int) -> Document:
        """The document of that number. WireError where there is none, or this page may not have it."""
        document = self.store.documents.get(document_id)
        if document is None:
            raise WireError("there is no such document in this project", 404, reason="document")
        if self.covers(annotator, document):
            return document
        if self.settings.review:
            raise WireError(
                f"document {document_id} does not wait for your review: `spanloop review` sends some there",
                409,
                reason="review",
            )
        raise WireError(
            f"document {document_id} is of the {document.split} split, and this page is for the"
            f" {self.settings.split} split: `spanloop correct DB --split {document.split}`",
            409,
            reason="split",
        )

    def covers(self, annotator: str, document: Document) -> bool:
        """Whether this person may have the document on a page of this server."""
        if self.settings.review:
            return self.store.reviews.is_open_to(annotator, document.id)
        return document.split == self.settings.split

    def scope(self, annotator: str) -> Wanted:
        """All documents within reach, as a filter."""
        if self.settings.review:
            return Wanted(among=tuple(self.store.reviews.open_to(annotator)))
        return Wanted(split=self.settings.split)

    def within(self, annotator: str, wanted: Wanted) -> Wanted:
        """The filters, held to what this person may see here.

        A blind page tells nothing that a model said, so there the labels are those of people's answers. Where
        several people are to answer the same document, nobody finds one by the labels of the others.
        """
        if self.settings.blind and (wanted.least, wanted.below) != (None, None):
            raise WireError("a blind page tells no confidences: leave 'least' and 'below' out")
        scope = self.scope(annotator)
        apart = self.store.project.overlap > 1 and not self.settings.review
        return replace(
            wanted,
            split=scope.split,
            among=scope.among,
            suggestions=not self.settings.blind,
            labels_by=annotator if apart else None,
        )

    def shown(self, prediction: Prediction | None, document: Document) -> Prediction | None:
        """What of a prediction may be seen."""
        return None if self.settings.blind or self.unaided(document) else prediction

    def unaided(self, document: Document) -> bool:
        """Whether people get this one document without suggestions, to see what suggestions do to them."""
        ordinary = self.settings.mode == "ordinary" and self.settings.view == "document"
        return ordinary and is_unaided(self.store, document)

    def parts(
        self, document: Document, drawn: Drawn | None, answer: Annotation | None
    ) -> tuple[Range, ...] | None:
        """What of a document is asked of whoever was dealt it in this way; None: all of it.

        A blind page would tell by it what a model doubts, and who gets no suggestions is asked for
        everything. An ``answer`` of theirs about single parts that is opened again is about the same parts.
        """
        ordinary = self.settings.mode == "ordinary" and self.settings.view == "document"
        if not ordinary or document.split == "eval" or self.unaided(document):
            return None
        below = BELOW in (self.store.queue.standing()[0] or "")
        if below and drawn in ("reopened", None) and answer is not None and answer.ranges:
            from_the_start = len(answer.ranges) == 1 and answer.ranges[0][0] == 0  # done up to the cursor
            return None if from_the_start else answer.ranges
        return self.store.parts.asked(document.id, drawn)

    def reason(self, document_id: int) -> str:
        """Why a review is asked for; on a blind page it would say what the model thinks."""
        return (
            self.store.reviews.reason(document_id) if self.settings.review and not self.settings.blind else ""
        )

    def draft(self, annotator: str, document_id: int) -> DraftOf:
        """The draft that a page of this server goes on with."""
        return DraftOf(annotator, document_id, self.origin, self.settings.blind)
