"""From the store's queue to Prodigy's stream: one document after the other, the most urgent first.

The stream asks the queue anew for each task, so a round that finishes meanwhile re-orders what comes next.
What it hands out is leased: nobody gets it on our own page at the same time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from spanloop.recipes.formats.prodigy_task import OWN, further_keys, spans_of, tokens_of
from spanloop.recipes.formats.tagged import cut_tokens
from spanloop.recipes.prodigy.contract import Task, hashed
from spanloop.recipes.suggest.refusal import Refused
from spanloop.recipes.suggest.tokenise import words
from spanloop.store import Store
from spanloop.store.records import Document, Model, Prediction, QueueItem, Range, Span, Split
from spanloop.store.tables.leases import LONGEST_SECONDS

LEASE_SECONDS = LONGEST_SECONDS
"""Renewed at every answer; a Prodigy that was killed blocks its open questions no longer than this."""


class Questions:
    """What one running recipe asks. ``feeder`` holds the leases; the answers carry their own names."""

    def __init__(
        self, store: Store, feeder: str, *, split: Split = "pool", strategy: str | None = None
    ) -> None:
        self.store = store
        self.feeder = feeder
        self.split = split
        self.strategy = strategy
        self.view = "pos_manual" if store.project.task == "tags" else "ner_manual"
        self._asked: set[int] = set()  # not to be asked again
        self._open: set[int] = set()  # asked and not answered: leased
        self._lock = threading.Lock()  # Prodigy asks and answers on threads of its own
        self._tokenizer: Callable[[str], Sequence[Range]] | None = None

    def documents(self) -> Iterator[Task]:
        """Each open document once, with the suggestions of the promoted round (else of the newest model)."""
        for item in self._items():
            yield self.document_task(item.document, item.prediction, item.model)

    def yes_or_no(self, labels: Iterable[str] = ()) -> Iterator[Task]:
        """Each suggestion of each open document by itself, the most doubtful of a document first; documents
        without one are given back: there is nothing to say yes or no to."""
        wanted = set(labels)
        for item in self._items():
            prediction = item.prediction
            spans = () if prediction is None else prediction.spans
            fitting = [span for span in spans if not wanted or span.label in wanted]
            if not fitting:
                self.give_back(item.document.id, finally_=True)
            for span in sorted(fitting, key=_certainty):
                yield self.document_task(item.document, prediction, item.model, (span,))

    def document_task(
        self,
        document: Document,
        prediction: Prediction | None,
        model: Model | None,
        spans: Sequence[Span] | None = None,
    ) -> Task:
        """A document as a task with hashes; ``spans`` None: all that the prediction suggests."""
        shown = (() if prediction is None else prediction.spans) if spans is None else spans
        tokens = tokens_of(document.text, cut_tokens(self._tokens(document), shown))
        meta, further = further_keys(document.meta)
        own = {
            "key": document.key,
            "group": document.group,
            "split": document.split,
            "prediction": None if prediction is None else prediction.id,
            "model": None if model is None else model.name,
        }
        further = {name: value for name, value in further.items() if not name.startswith("_")}
        return hashed(
            {
                **further,
                "text": document.text,
                "document": document.key,
                "meta": meta,
                "tokens": tokens,
                "spans": spans_of(shown, tokens),
                OWN: {name: value for name, value in own.items() if value is not None},
            }
        )

    def give_back(self, document: int, *, finally_: bool = False) -> None:
        """The lease of a document that has been answered; ``finally_``: it is not to be asked again."""
        self.store.queue.release(self.feeder, document)
        with self._lock:
            self._open.discard(document)
            if not finally_ and self.store.project.overlap == 1:
                self._asked.discard(document)

    def keep(self) -> None:
        """Hold what is still open for longer."""
        with self._lock:
            held = sorted(self._open)
        for document in held:
            self.store.queue.renew(self.feeder, document, LEASE_SECONDS)

    def close(self) -> None:
        """Give everything back that was not answered."""
        self.store.queue.release(self.feeder)

    def _items(self) -> Iterator[QueueItem]:
        while item := self._next():
            yield item

    def _next(self) -> QueueItem | None:
        with self._lock:
            items = self.store.queue.next(
                self.feeder,
                split=self.split,
                strategy=self.strategy,
                exclude=sorted(self._asked),
                lease_seconds=LEASE_SECONDS,
            )
            taken = {item.document.id for item in items}
            self._asked |= taken
            self._open |= taken
        return items[0] if items else None

    def _tokens(self, document: Document) -> list[Range]:
        tokens = self.store.tokenizations.get(document.id)
        if tokens is not None:
            return tokens
        if self._tokenizer is None:
            from spanloop.recipes.suggest.pipelines import project_tokenizer  # spaCy, only where it is needed

            self._tokenizer = project_tokenizer(self.store.project)
        try:
            return list(self._tokenizer(document.text))
        except Refused:
            return words(document.text)


def _certainty(span: Span) -> tuple[float, int]:
    """How far the model is from fifty-fifty; without a score it is taken to be."""
    return abs((0.5 if span.score is None else span.score) - 0.5), span.start
