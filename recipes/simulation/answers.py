"""Answer documents as their known gold would: a stand-in for the person, and marked as such (origin
simulated)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.answers import NAMESPACE
from spanloop.recipes.settle import settle
from spanloop.store import Store
from spanloop.store.records import NewAnnotation, QueueItem, Span, Split

BATCH = 100


def simulate_answers(
    store: Store,
    gold: Mapping[str, Sequence[Span]],
    n: int,
    *,
    annotator: str = "gold",
    strategy: str | None = None,
    split: Split = "pool",
    random_share: float = 0.1,
) -> int:
    """Let ``annotator`` answer up to ``n`` documents of the queue with their gold spans, by document key.

    Every span says what became of the suggestion, as it would after a person. Gives the answers given: fewer
    than ``n`` where the queue ran out. RecipeError where a served document has no gold in ``gold``.
    """
    answered = 0
    while answered < n:
        items = store.queue.next(
            annotator, n=min(BATCH, n - answered), split=split, strategy=strategy, random_share=random_share
        )
        if not items:
            break
        with store.write():
            for item in items:
                store.annotations.add(_answer(item, gold, annotator))
        answered += len(items)
    return answered


def _answer(item: QueueItem, gold: Mapping[str, Sequence[Span]], annotator: str) -> NewAnnotation:
    document, prediction = item.document, item.prediction
    if document.key not in gold:
        raise RecipeError(f"the document {document.key!r} has no gold answer to simulate")
    truth = [(span.start, span.end, span.label) for span in gold[document.key]]
    spans = settle(truth, () if prediction is None else prediction.spans)
    content = json.dumps(["simulated", annotator, document.key, [(s.start, s.end, s.label) for s in spans]])
    return NewAnnotation(
        uuid=str(uuid.uuid5(NAMESPACE, content)),
        document_id=document.id,
        annotator=annotator,
        origin="simulated",
        answer="accept",
        spans=spans,
        prediction_id=None if prediction is None else prediction.id,
    )
