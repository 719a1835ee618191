"""What the page looks up: earlier answers, and the same string in other documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spanloop.recipes.web import sent, wire
from spanloop.recipes.web.elsewhere import Elsewhere
from spanloop.recipes.web.meaning import label_names
from spanloop.recipes.web.reach import Reach
from spanloop.recipes.web.sittings import Sittings
from spanloop.store import Store


@dataclass(frozen=True, slots=True)
class Finding:
    """Finds documents out of turn, and keeps what a person confirmed of the places found."""

    store: Store
    reach: Reach
    sittings: Sittings
    elsewhere: Elsewhere

    def answers(self, annotator: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The newest answers of this annotator to documents of this page, one a document, newest first."""
        limit = wire.parse_ids(query.get("n", "50"), "n") or [50]
        answers = []
        with self.store.reading():
            labels = label_names(self.store)
            for annotation in self.store.annotations.recent(annotator, limit=min(limit[0], 500)):
                document = self.store.documents.get(annotation.document_id)
                if document is not None and self.reach.covers(annotator, document):
                    answer = sent.annotation_json(annotation, labels)
                    answers.append({"id": document.id, "text": document.text[:200], **answer})
        return {"answers": answers}

    def same(self, annotator: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Where the characters ``text`` stand in other open documents."""
        client = wire.parse_client(query.get("client"))
        taken = self.sittings.held_elsewhere(client, annotator)
        label_ids = wire.parse_ids(query.get("label_id", ""), "label_id") or [0]
        with self.store.reading():
            return self.elsewhere.places(annotator, query.get("text", ""), label_ids[0], taken)

    def propose(self, annotator: str, body: Any) -> dict[str, Any]:
        """Keep confirmed places as proposals in the drafts of their documents."""
        text, label_id, places = wire.parse_proposals(body)
        return self.elsewhere.propose(annotator, text, label_id, places, self.sittings.held_by(annotator))
