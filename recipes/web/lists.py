"""The list of documents: what filters let through, page by page, each with how it stands and who has it."""

from __future__ import annotations

from dataclasses import dataclass

from spanloop.recipes.web.asked import Choices, Search
from spanloop.recipes.web.dealing import Dealing
from spanloop.recipes.web.excerpt import excerpt
from spanloop.recipes.web.list_replies import ChoicesSent, FoundSent, ListedDocument
from spanloop.recipes.web.reach import Reach
from spanloop.store import Store
from spanloop.store.records import Document
from spanloop.store.tables.listing import Standing, Wanted

LOOK_SECONDS = 0.05  # of one request; the page asks again where that was too little
MAX_HITS = 100
MAX_COUNTED = 10_000
MAX_KEYS = 50


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists documents within reach. ``dealing`` knows who has them in hand."""

    store: Store
    reach: Reach
    dealing: Dealing

    def search(self, annotator: str, asked: Search) -> FoundSent:
        """The first ``n`` hits behind the document ``after``, and how many the look has counted.

        A look ends when it has counted ``most`` hits, or after some time: then ``whole`` is false, and
        ``until`` says from where another one goes on. The ``total`` is that of all documents within reach.
        """
        n, most = min(asked.n, MAX_HITS), max(1, min(asked.most, MAX_COUNTED))
        with self.store.reading():
            wanted = self.reach.within(annotator, _wanted(asked))
            look = self.store.listing.look(wanted, after=asked.after, most=max(most, n), seconds=LOOK_SECONDS)
            ids = look.ids[:n]
            found = list(self.store.documents.fetch(ids))
            standing = self.store.listing.standing(ids)
            last = self.store.listing.last()
        others = self.dealing.others(asked.client, annotator, ids)
        return {
            "documents": [
                _listed(document, standing[document.id], wanted.text, others.get(document.id, []))
                for document in found
            ],
            "counted": len(look.ids),
            "until": look.until,
            "whole": look.whole,
            "last": last,
        }

    def choices(self, annotator: str, _: Choices) -> ChoicesSent:
        """What the filters can be set to, as far as a look at some documents and answers shows it."""
        with self.store.reading():
            known = self.store.listing.people()
            people = {annotator, *self.store.annotators.names(), *known}
            scope = self.reach.scope(annotator)
            keys = self.store.listing.meta_keys(split=scope.split, among=scope.among)
        return {"people": sorted(people), "keys": keys[:MAX_KEYS]}


def _wanted(asked: Search) -> Wanted:
    return Wanted(
        text=asked.text,
        state=asked.state,
        flagged=asked.flagged == "true",
        annotator=asked.by,
        origin=asked.source,
        label_id=asked.label_id,
        meta=(asked.meta, asked.value) if asked.meta else None,
        least=asked.least,
        below=asked.below,
    )


def _listed(document: Document, standing: Standing, text: str, others: list[str]) -> ListedDocument:
    return {
        "id": document.id,
        "key": document.key[:200],
        "pieces": excerpt(document.text, text),
        "state": standing.state,
        "answered_by": list(standing.answered_by),
        "flagged_by": list(standing.flagged_by),
        "review": standing.review,
        "source": standing.source,
        "others": others,
    }
