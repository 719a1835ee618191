"""What the page is handed: the next documents of the queue, one by its number, and who else has them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection

from spanloop.recipes.web import sent
from spanloop.recipes.web.asked import Next, OfDocument, Opening, Sitting
from spanloop.recipes.web.meaning import label_names
from spanloop.recipes.web.overview import Overview
from spanloop.recipes.web.reach import Reach
from spanloop.recipes.web.replies import NextSent, Offsets, Opened, SittingHeard, Taken, TokensSent
from spanloop.recipes.web.sittings import Sittings
from spanloop.store import Store
from spanloop.store.records import Document, Prediction, QueueItem
from spanloop.store.tables.leases import LEASE_SECONDS

MAX_FETCH = 20
MAX_DEALS = 50  # of MAX_FETCH documents each, looked through for a question in one request
OWN_WINDOW = "another window of yours"


class Dealing:
    """Hands out documents so that no two pages of one person, and no more people than are wanted, have the
    same one."""

    def __init__(
        self,
        store: Store,
        reach: Reach,
        sittings: Sittings,
        overview: Overview,
        ask_tokens: Callable[[int], bool],
    ) -> None:
        self.store = store
        self.reach = reach
        self.settings = reach.settings
        self.sittings = sittings
        self.overview = overview
        self.ask_tokens = ask_tokens
        self._nothing_to_ask: set[int] = set()
        self._dealing = threading.Lock()  # two pages of one person must not be dealt the same hand

    def next(self, annotator: str, asked: Next) -> NextSent:
        """The next documents for a page, which already holds some."""
        with self._dealing:
            elsewhere = self.sittings.held_elsewhere(asked.client, annotator)
            items = self._deal(annotator, max(1, min(asked.n, MAX_FETCH)), {*asked.held, *elsewhere})
            held = [*asked.held, *(item.document.id for item in items)]
            self.sittings.hold(asked.client, annotator, held)
        with self.store.reading():
            documents = [self._opened(annotator, item.document) for item in items]
            counts = self.overview.counts()
        documents.sort(key=lambda document: document["draft"] is None)  # what was begun is finished first
        return {"documents": documents, "counts": counts}

    def _deal(self, annotator: str, n: int, exclude: set[int]) -> list[QueueItem]:
        """Up to ``n`` documents from the queue; in yes/no mode those without a question go back."""
        fitting: list[QueueItem] = []
        for _ in range(MAX_DEALS):
            passed = exclude | self._nothing_to_ask | {item.document.id for item in fitting}
            items = self._draw(annotator, n - len(fitting), sorted(passed))
            for item in items:
                if self._asks_something(item.prediction):
                    fitting.append(item)
                else:
                    self._nothing_to_ask.add(item.document.id)
                    self.store.queue.release(annotator, item.document.id)
            if not items or len(fitting) == n:
                break
        return fitting

    def _draw(self, annotator: str, n: int, exclude: list[int]) -> list[QueueItem]:
        if self.settings.review:
            return self.store.reviews.next(annotator, n=n, exclude=exclude, lease_seconds=LEASE_SECONDS)
        return self.store.queue.next(
            annotator,
            n=n,
            split=self.settings.split,
            strategy=self.settings.strategy,
            exclude=exclude,
            lease_seconds=LEASE_SECONDS,
            ignored=self.settings.ignored,
        )

    def _asks_something(self, prediction: Prediction | None) -> bool:
        if self.settings.view == "document":
            return True
        only = self.settings.only
        return prediction is not None and any(only in (None, span.label) for span in prediction.spans)

    def document(self, annotator: str, asked: OfDocument) -> Opened:
        """One document by id, with the newest answer of this annotator: how an old answer is reopened."""
        return self._by_number(annotator, asked.id)

    def _by_number(self, annotator: str, number: int) -> Opened:
        with self.store.reading():
            return self._opened(annotator, self.reach.document(annotator, number))

    def tokens(self, annotator: str, asked: OfDocument) -> TokensSent:
        """Flat offsets, or null while the tokenising process has not come to it; whether it has ended,
        or cannot cut this one."""
        document = self.reach.document(annotator, asked.id)
        tokens = self.store.tokenizations.get(document.id)
        if tokens is not None:
            return {"tokens": sent.flat(tokens), "failed": False}
        refused = document.id in self.store.tokenizations.refused()
        return {"tokens": None, "failed": refused or not self.ask_tokens(document.id)}

    def open(self, annotator: str, asked: Opening) -> Taken:
        """A document out of turn, found by its text or among earlier answers, leased like one dealt."""
        document_id = asked.document_id
        document = self._by_number(annotator, document_id)
        others = self.others(asked.client, annotator, [document_id])
        self.sittings.hold_also(asked.client, annotator, document_id)
        if not self.store.queue.renew(annotator, document_id):  # a lease of theirs keeps how it was drawn
            self.store.queue.reopen(document_id, annotator, LEASE_SECONDS)
        return {**document, "others": others.get(document_id, [])}

    def sitting(self, annotator: str, asked: Sitting) -> SittingHeard:
        """A page says that it lives and what it holds, or (``"held": null``) that it closes.

        It hears which of these documents others have in hand as well.
        """
        if asked.held is None:
            self.sittings.leave(asked.client)
            return {"held": [], "others": {}}
        self.sittings.hold(asked.client, annotator, asked.held)
        for document_id in asked.held:
            self.store.queue.renew(annotator, document_id)
        others = self.others(asked.client, annotator, asked.held)
        return {"held": asked.held, "others": {str(number): names for number, names in others.items()}}

    def others(self, client: str, annotator: str, documents: Collection[int]) -> dict[int, list[str]]:
        """Who else has these in hand: more people than are wanted, or another window of one's own."""
        holders = self.store.queue.holders(documents)
        spare = self.store.project.overlap - 1
        windows = self.sittings.held_elsewhere(client, annotator)
        named = {i: [n for n in holders.get(i, []) if n != annotator] for i in documents}
        others = {i: names if len(names) > spare else [] for i, names in named.items()}
        return {
            i: [*names, *([OWN_WINDOW] if i in windows else [])]
            for i, names in others.items()
            if names or i in windows
        }

    def _opened(self, annotator: str, document: Document) -> Opened:
        """The document and what it starts from: the draft, else the newest answer (of a review: what counts
        as gold), else suggestions; all of one moment (`reading`)."""
        prediction = self.store.predictions.get(document.id)
        latest = self.store.annotations.latest(document.id, annotator)
        parts = self.reach.parts(document, self.store.queue.drawn(document.id, annotator), latest)
        if self.settings.review:
            latest = self.store.reviews.start(document.id)
        # what is asked is asked of what is suggested now
        newest = self.settings.yes_no_review or (parts is not None and parts != (latest and latest.ranges))
        if latest is not None and latest.prediction_id is not None and not newest:
            prediction = self.store.predictions.by_id(latest.prediction_id)
        model = None if prediction is None else self.store.models.get(prediction.model_id)
        shown = self.reach.shown(prediction, document)
        draft = self.store.drafts.get(self.reach.draft(annotator, document.id))
        labels = label_names(self.store)
        return {
            "id": document.id,
            "key": document.key,
            "text": document.text,
            "meta": dict(document.meta),
            "tokens": self._tokens(document),
            "suggestions": sent.suggestions_json(shown, labels),
            "prediction_id": None if shown is None else shown.id,
            "model": None if shown is None or model is None else model.name,
            "answer": None if latest is None else sent.annotation_json(latest, labels),
            "draft": None if draft is None else json.loads(draft),
            "reason": self.reach.reason(document.id),
            "parts": None if parts is None else [list(part) for part in parts],
        }

    def _tokens(self, document: Document) -> Offsets | None:
        tokens = self.store.tokenizations.get(document.id)
        if tokens is None:
            self.ask_tokens(document.id)
            return None
        return sent.flat(tokens)
