"""The same string elsewhere: where it stands in documents that still wait, and what of it a person confirmed.

Confirmed places become part of that person's draft of the document, as proposals: they are shown, marked as
such, when the document comes up, and are stored with its answer or taken back like any edit. Nothing is
answered here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spanloop.recipes.web.asked import Place, Proposals
from spanloop.recipes.web.meaning import Meant
from spanloop.recipes.web.reach import Reach
from spanloop.recipes.web.replies import FoundPlace, PlacesSent, Proposed
from spanloop.recipes.web.wire import WireError
from spanloop.store import Store
from spanloop.store.records import Document, Span

MAX_DOCUMENTS = 100
MAX_PLACES = 300
CONTEXT = 30


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Equal strings in the open documents within reach."""

    store: Store
    reach: Reach

    def places(self, annotator: str, text: str, label_id: int, taken: Collection[int]) -> PlacesSent:
        """Where ``text`` stands, as whole tokens and without this label, in documents that wait for them.

        ``taken`` are documents that other windows of theirs show. They, and those that other people hold,
        are counted in ``in_other_hands`` and not listed. ``more`` says that the list was cut; ``unindexed``
        how many documents were looked through without the search index.
        """
        label = Meant(self.store).name(label_id)
        split = self.reach.settings.split
        found = self.store.search.waiting_with(text, annotator, split=split, limit=MAX_DOCUMENTS + 1)
        found = [document for document in found if self.reach.covers(annotator, document)]
        free = [d for d in found[:MAX_DOCUMENTS] if d.id not in self._in_other_hands(annotator, found, taken)]
        places = [place for document in free for place in self._in_document(document, text, label)]
        short = len(text) < 3  # too short for the index, which knows three characters in a row
        total = self.store.queue.counts()["total"]
        return {
            "places": places[:MAX_PLACES],
            "more": len(found) > MAX_DOCUMENTS or len(places) > MAX_PLACES,
            "in_other_hands": len(found[:MAX_DOCUMENTS]) - len(free),
            "unindexed": total if short else max(0, total - self.store.search.indexed()),
        }

    def _in_other_hands(
        self, annotator: str, documents: Collection[Document], taken: Collection[int]
    ) -> set[int]:
        """What other windows of this person show, and what as many others hold as may have it."""
        overlap = self.store.project.overlap
        holders = self.store.queue.holders([document.id for document in documents])
        full = (i for i, names in holders.items() if len(set(names) - {annotator}) >= overlap)
        return {*taken, *full}

    def _in_document(self, document: Document, text: str, label: str) -> Iterator[FoundPlace]:
        whole = _borders(document.text, self.store.tokenizations.get(document.id))
        prediction = self.reach.shown(self.store.predictions.get(document.id), document)
        suggested = () if prediction is None else prediction.spans
        for start in _occurrences(document.text, text):
            end = start + len(text)
            now = _labels_at(suggested, start, end)
            if (start, end, label) in now or not whole(start, end):
                continue
            yield {
                "document_id": document.id,
                "document_key": document.key,
                "start": start,
                "end": end,
                "before": document.text[max(0, start - CONTEXT) : start],
                "text": text,
                "after": document.text[end : end + CONTEXT],
                "now": [name for *_, name in now],
            }

    def propose(self, annotator: str, asked: Proposals, taken: Collection[int]) -> Proposed:
        """Add the places to this person's drafts; all are checked before the first is kept.

        Documents that someone took in hand or answered meanwhile are left out and counted.
        """
        by_document: dict[int, list[Place]] = {}
        for place in asked.places:
            by_document.setdefault(place.document_id, []).append(place)
        with self.store.write():
            label = Meant(self.store).name(asked.label_id)
            documents = [
                self._checked(annotator, number, asked.text, wanted)
                for number, wanted in sorted(by_document.items())
            ]
            left_out = self._in_other_hands(annotator, documents, taken)
            kept = 0
            for document in documents:
                if document.id not in left_out and self._waits(annotator, document.id):
                    span = {"label": label, "label_id": asked.label_id}
                    self._add(annotator, document.id, span, by_document[document.id])
                    kept += 1
        return {"documents": kept, "left_out": len(documents) - kept}

    def _checked(self, annotator: str, document_id: int, text: str, places: Collection[Place]) -> Document:
        document = self.reach.document(annotator, document_id)
        for place in places:
            if document.key != place.document_key or document.text[place.start : place.end] != text:
                raise WireError(f"document {document_id} does not hold that text at {place.start}", 409)
        return document

    def _waits(self, annotator: str, document_id: int) -> bool:
        """Whether this person has not answered it; another's answer does no harm to a draft."""
        return self.store.annotations.latest(document_id, annotator) is None

    def _add(
        self, annotator: str, document_id: int, label: Mapping[str, Any], places: Collection[Place]
    ) -> None:
        kept_as = self.reach.draft(annotator, document_id)
        kept = self.store.drafts.get(kept_as)
        draft: Any = {} if kept is None else json.loads(kept)
        proposed = draft.get("proposed")
        proposed = list(proposed) if isinstance(proposed, list) else []
        for place in places:
            span = {"start": place.start, "end": place.end, **label}
            if span not in proposed:
                proposed.append(span)
        self.store.drafts.put(kept_as, json.dumps({**draft, "proposed": proposed}, ensure_ascii=False))


def _occurrences(text: str, wanted: str) -> Iterator[int]:
    at = text.find(wanted)
    while at >= 0:
        yield at
        at = text.find(wanted, at + len(wanted))


def _labels_at(suggested: Collection[Span], start: int, end: int) -> list[tuple[int, int, str]]:
    return [(s.start, s.end, s.label) for s in suggested if s.start < end and start < s.end]


def _borders(text: str, tokens: Collection[tuple[int, int]] | None) -> Callable[[int, int], bool]:
    """Whether a range begins and ends with tokens; where they are not known, with words."""
    if tokens is None:
        return lambda start, end: not (_joined(text, start) or _joined(text, end))
    starts, ends = {start for start, _ in tokens}, {end for _, end in tokens}
    return lambda start, end: start in starts and end in ends


def _joined(text: str, at: int) -> bool:
    """Whether a word goes on across this place."""
    return 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()
