"""What the page may ask of the store: from the annotator and the request to values ready for JSON."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any

from spanloop.recipes.web import wire
from spanloop.recipes.web.elsewhere import Elsewhere
from spanloop.recipes.web.settings import PageSettings
from spanloop.recipes.web.settle import settle
from spanloop.recipes.web.sittings import Sittings
from spanloop.recipes.web.wire import PostedAnswer, WireError
from spanloop.store import Store
from spanloop.store.records import Annotation, Document, Model, Prediction, QueueItem

MAX_FETCH = 20
MAX_DEALS = 50  # of MAX_FETCH documents each, looked through for a question in one request
LEASE_SECONDS = 600
OWN_WINDOW = "another window of yours"


class Desk:
    """The page's side of one store. Thread-safe as far as the store is."""

    def __init__(
        self,
        store: Store,
        settings: PageSettings,
        *,
        ask_tokens: Callable[[int], bool],
    ) -> None:
        self.store = store
        self.settings = settings
        self.split = settings.split
        self.ask_tokens = ask_tokens
        self._nothing_to_ask: set[int] = set()
        self.sittings = Sittings()
        self.elsewhere = Elsewhere(store, settings.split, settings.blind)
        self._dealing = threading.Lock()  # two pages of one person must not be dealt the same hand
        self.uid = hashlib.sha256(str(store.path.resolve()).encode()).hexdigest()[:16]

    def project(self, annotator: str, _: Mapping[str, str]) -> dict[str, Any]:
        """All that the page needs once: task, labels, instructions, who sits here, how far the work is."""
        project = self.store.project
        return {
            "uid": self.uid,
            "name": self.store.path.stem,
            "task": project.task,
            "labels": [wire.label_json(label) for label in self.store.labels.all()],
            "instructions": project.instructions,
            "keys": project.page.get("keys", {}),
            "annotator": annotator,
            "split": self.split,
            "blind": self.settings.blind,
            "view": self.settings.view,
            "only": self.settings.only,
            "counts": self._counts(),
            "figures": self._figures(),
        }

    def _counts(self) -> dict[str, int]:
        """Documents by state; of a review, those that wait are the open ones."""
        counts = self.store.queue.counts(self.split)
        return counts | {"open": self.store.reviews.waiting()} if self.settings.review else counts

    def _figures(self) -> dict[str, Any] | None:
        """Strict micro F1 of the promoted round and of the one it came from, None before the first."""
        promoted = self.store.rounds.promoted()
        if promoted is None:
            return None
        before = None if promoted.parent is None else self._f1(promoted.parent)
        return {"round": promoted.number, "f1": self._f1(promoted.number), "before": before}

    def _f1(self, number: int) -> float | None:
        figures = [
            s.f1
            for s in self.store.rounds.scores(number, "eval")
            if s.metric == "strict" and s.average == "micro"
        ]
        accuracy = [
            s.f1
            for s in self.store.rounds.scores(number, "eval")
            if s.metric == "accuracy" and s.label is None
        ]
        return next(iter(figures or accuracy), None)

    def next(self, annotator: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The next ``n`` documents for page ``client``, which already holds ``held``."""
        client = wire.parse_client(query.get("client"))
        held = wire.parse_ids(query.get("held", ""), "held")
        wanted = wire.parse_ids(query.get("n", "1"), "n") or [1]
        with self._dealing:
            elsewhere = self.sittings.held_elsewhere(client, annotator)
            items = self._deal(annotator, max(1, min(wanted[0], MAX_FETCH)), {*held, *elsewhere})
            self.sittings.hold(client, annotator, [*held, *(_id(item.document) for item in items)])
        documents = [self._opened(annotator, item.document, item.prediction, item.model) for item in items]
        documents.sort(key=lambda document: document["draft"] is None)  # what was begun is finished first
        return {"documents": documents, "counts": self._counts()}

    def _deal(self, annotator: str, n: int, exclude: set[int]) -> list[QueueItem]:
        """Up to ``n`` documents from the queue; in yes/no mode those without a question go back."""
        fitting: list[QueueItem] = []
        for _ in range(MAX_DEALS):
            passed = exclude | self._nothing_to_ask | {_id(item.document) for item in fitting}
            items = self._draw(annotator, n - len(fitting), sorted(passed))
            for item in items:
                if self._asks_something(item.prediction):
                    fitting.append(item)
                else:
                    self._nothing_to_ask.add(_id(item.document))
                    self.store.queue.release(annotator, _id(item.document))
            if not items or len(fitting) == n:
                break
        return fitting

    def _draw(self, annotator: str, n: int, exclude: list[int]) -> list[QueueItem]:
        if self.settings.review:
            return self.store.reviews.next(annotator, n=n, exclude=exclude, lease_seconds=LEASE_SECONDS)
        return self.store.queue.next(
            annotator,
            n=n,
            split=self.split,
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

    def document(self, annotator: str, query: Mapping[str, str]) -> dict[str, Any]:
        """One document by id, with the newest answer of this annotator: how an old answer is reopened."""
        document = self._document(query)
        prediction = self.store.predictions.get(_id(document))
        model = None if prediction is None else self.store.models.get(prediction.model_id)
        return self._opened(annotator, document, prediction, model)

    def tokens(self, _: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Flat offsets, or null while the tokenising process has not come to it; whether it has ended."""
        document = self._document(query)
        tokens = self.store.tokenizations.get(_id(document))
        if tokens is not None:
            return {"tokens": wire.flat(tokens), "failed": False}
        return {"tokens": None, "failed": not self.ask_tokens(_id(document))}

    def search(self, annotator: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Documents that contain ``text``, with the characters around the first place and who has them."""
        wanted = query.get("text", "")
        if not 2 <= len(wanted) <= 200:
            raise WireError("'text' must be 2 to 200 characters long")
        client = query.get("client", "-")
        found = self.store.search.find(wanted)
        others = self.others(client, annotator, [_id(document) for document in found])
        documents = []
        for document in found:
            place = max(0, document.text.lower().find(wanted.lower()))
            documents.append(
                {
                    "id": document.id,
                    "text": _around(document.text, place),
                    "others": others.get(_id(document), []),
                }
            )
        return {"documents": documents}

    def answers(self, annotator: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The newest answers of this annotator, one a document, newest first."""
        limit = wire.parse_ids(query.get("n", "50"), "n") or [50]
        answers = []
        for annotation in self.store.annotations.recent(annotator, limit=min(limit[0], 500)):
            document = self.store.documents.get(annotation.document_id)
            if document is not None:
                answers.append(
                    {"id": document.id, "text": document.text[:200], **wire.annotation_json(annotation)}
                )
        return {"answers": answers}

    def answer(self, annotator: str, body: Any) -> dict[str, Any]:
        """Store one answer; returns only after it is committed. The same uuid again stores nothing new."""
        posted = wire.parse_answer(body)
        self._check_key(posted.document_id, posted.document_key)
        added = self.store.annotations.add(self._annotation(annotator, posted))
        return {
            "annotation_id": added.annotation_id,
            "new": added.new,
            "counts": self._counts(),
        }

    def _annotation(self, annotator: str, posted: PostedAnswer) -> Annotation:
        prediction = (
            None if posted.prediction_id is None else self.store.predictions.by_id(posted.prediction_id)
        )
        if prediction is not None and prediction.document_id != posted.document_id:
            raise WireError("'prediction_id' belongs to another document", 409)
        suggestions = () if prediction is None else prediction.spans
        if posted.ranges is not None:
            seen = posted.ranges
            suggestions = tuple(s for s in suggestions if any(a <= s.start and s.end <= b for a, b in seen))
        return Annotation(
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

    def sitting(self, annotator: str, body: Any) -> dict[str, Any]:
        """A page says that it lives and what it holds, or (``"held": null``) that it closes.

        It hears which of these documents others have in hand as well.
        """
        client, held = wire.parse_sitting(body)
        if held is None:
            self.sittings.leave(client)
            return {"held": [], "others": {}}
        self.sittings.hold(client, annotator, held)
        for document_id in held:
            self.store.queue.renew(annotator, document_id)
        return {"held": held, "others": self.others(client, annotator, held)}

    def open(self, annotator: str, body: Any) -> dict[str, Any]:
        """A document out of turn, found by its text or among earlier answers, leased like one dealt."""
        client, document_id = wire.parse_opening(body)
        document = self.document(annotator, {"id": str(document_id)})
        others = self.others(client, annotator, [document_id])
        self.sittings.hold_also(client, annotator, document_id)
        if not self.store.queue.renew(annotator, document_id):  # a lease of theirs keeps how it was drawn
            self.store.queue.reopen(document_id, annotator, LEASE_SECONDS)
        return {**document, "others": others.get(document_id, [])}

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

    def same(self, annotator: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Where the characters ``text`` stand in other open documents."""
        client = wire.parse_client(query.get("client"))
        taken = self.sittings.held_elsewhere(client, annotator)
        return self.elsewhere.places(annotator, query.get("text", ""), query.get("label", ""), taken)

    def propose(self, annotator: str, body: Any) -> dict[str, Any]:
        """Keep confirmed places as proposals in the drafts of their documents."""
        text, label, places = wire.parse_proposals(body)
        return self.elsewhere.propose(annotator, text, label, places, self.sittings.held_by(annotator))

    def _opened(
        self,
        annotator: str,
        document: Document,
        prediction: Prediction | None,
        model: Model | None,
    ) -> dict[str, Any]:
        """The document and what it starts from: the draft, else the newest answer (of a review: what counts
        as gold), else suggestions."""
        latest = self.store.annotations.latest(_id(document), annotator)
        if self.settings.review:
            latest = self.store.reviews.start(_id(document))
        if latest is not None and latest.prediction_id is not None:
            prediction = self.store.predictions.by_id(latest.prediction_id)
            model = None if prediction is None else self.store.models.get(prediction.model_id)
        shown = None if self.settings.blind else prediction
        draft = self.store.drafts.get(annotator, _id(document))
        return {
            **wire.document_json(document, None),
            "tokens": self._tokens(document),
            "suggestions": wire.suggestions_json(shown),
            "prediction_id": None if shown is None else shown.id,
            "model": None if shown is None or model is None else model.name,
            "answer": None if latest is None else wire.annotation_json(latest),
            "draft": None if draft is None else json.loads(draft),
            "reason": self.store.reviews.reason(_id(document)) if self.settings.review else "",
        }

    def _tokens(self, document: Document) -> list[int] | None:
        tokens = self.store.tokenizations.get(_id(document))
        if tokens is None:
            self.ask_tokens(_id(document))
            return None
        return wire.flat(tokens)

    def _document(self, query: Mapping[str, str]) -> Document:
        ids = wire.parse_ids(query["id"], "id")
        document = self.store.documents.get(ids[0]) if len(ids) == 1 else None
        if document is None:
            raise WireError("there is no such document in this project", 404)
        return document

    def _check_key(self, document_id: int, key: str) -> None:
        """An answer kept in the browser for another project must not land on whatever has its number here."""
        document = self.store.documents.get(document_id)
        if document is None:
            raise WireError("there is no such document in this project", 404)
        if document.key != key:
            raise WireError(
                f"document {document_id} of this project is not {key[:100]!r}: another project's answer?", 409
            )


def _around(text: str, place: int) -> str:
    return text[max(0, place - 60) : place + 120]


def _id(document: Document) -> int:
    if document.id is None:
        raise ValueError("a stored document has an id")
    return document.id
