"""What the page looks up: documents by their text, earlier answers, the same string in other documents."""

from __future__ import annotations

from dataclasses import dataclass

from spanloop.recipes.web import sent
from spanloop.recipes.web.asked import Earlier, Proposals, Same, Search
from spanloop.recipes.web.dealing import Dealing
from spanloop.recipes.web.elsewhere import Elsewhere
from spanloop.recipes.web.meaning import label_names
from spanloop.recipes.web.reach import Reach
from spanloop.recipes.web.replies import (
    AnswersSent,
    FoundDocument,
    FoundSent,
    ListedAnswer,
    PlacesSent,
    Proposed,
)
from spanloop.recipes.web.sittings import Sittings
from spanloop.store import Store

MAX_LISTED = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """Finds documents out of turn, and keeps what a person confirmed of the places found. ``dealing`` knows
    who has them in hand."""

    store: Store
    reach: Reach
    sittings: Sittings
    elsewhere: Elsewhere
    dealing: Dealing

    def search(self, annotator: str, asked: Search) -> FoundSent:
        """Documents that contain the text, with the characters around the first place and who has them."""
        found = self.reach.found(annotator, asked.text)
        others = self.dealing.others(asked.client, annotator, [document.id for document in found])
        documents: list[FoundDocument] = []
        for document in found:
            place = max(0, document.text.lower().find(asked.text.lower()))
            documents.append(
                {
                    "id": document.id,
                    "text": _around(document.text, place),
                    "others": others.get(document.id, []),
                }
            )
        return {"documents": documents}

    def answers(self, annotator: str, asked: Earlier) -> AnswersSent:
        """The newest answers of this annotator to documents of this page, one a document, newest first."""
        answers: list[ListedAnswer] = []
        with self.store.reading():
            labels = label_names(self.store)
            for annotation in self.store.annotations.recent(annotator, limit=min(asked.n, MAX_LISTED)):
                document = self.store.documents.get(annotation.document_id)
                if document is not None and self.reach.covers(annotator, document):
                    answer = sent.annotation_json(annotation, labels)
                    answers.append({"id": document.id, "text": document.text[:200], **answer})
        return {"answers": answers}

    def same(self, annotator: str, asked: Same) -> PlacesSent:
        """Where the same characters stand in other open documents."""
        taken = self.sittings.held_elsewhere(asked.client, annotator)
        with self.store.reading():
            return self.elsewhere.places(annotator, asked.text, asked.label_id, taken)

    def propose(self, annotator: str, asked: Proposals) -> Proposed:
        """Keep confirmed places as proposals in the drafts of their documents."""
        return self.elsewhere.propose(annotator, asked, self.sittings.held_by(annotator))


def _around(text: str, place: int) -> str:
    return text[max(0, place - 60) : place + 120]
