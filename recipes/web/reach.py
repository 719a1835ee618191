"""What a page of this server may show, and take answers for: the one place that every route asks.

An ordinary page has the documents of its split; a page for reviews has those that wait for one, and those
whose review was this person's own. A blind page shows nothing that a model said.
"""

from __future__ import annotations

from dataclasses import dataclass

from spanloop.recipes.web.settings import PageSettings
from spanloop.recipes.web.wire import WireError
from spanloop.store import Store
from spanloop.store.records import Document, Origin, Prediction
from spanloop.store.tables.drafts import DraftOf


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

    def found(self, annotator: str, text: str) -> list[Document]:
        """Documents within reach that hold the text."""
        if self.settings.review:
            return self.store.search.find(text, among=self.store.reviews.open_to(annotator))
        return self.store.search.find(text, split=self.settings.split)

    def shown(self, prediction: Prediction | None) -> Prediction | None:
        """What of a prediction may be seen."""
        return None if self.settings.blind else prediction

    def reason(self, document_id: int) -> str:
        """Why a review is asked for; on a blind page it would say what the model thinks."""
        return (
            self.store.reviews.reason(document_id) if self.settings.review and not self.settings.blind else ""
        )

    def draft(self, annotator: str, document_id: int) -> DraftOf:
        """The draft that a page of this server goes on with."""
        return DraftOf(annotator, document_id, self.origin, self.settings.blind)
