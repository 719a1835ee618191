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
FEW = 20
"""Documents that are drawn at once where their tokens are counted: few are given back."""
WHO = "gold"
"""In whose name the gold answers."""


def simulate_answers(
    store: Store,
    gold: Mapping[str, Sequence[Span]],
    n: int,
    *,
    annotator: str = WHO,
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
        _answer_all(store, items, gold, annotator)
        answered += len(items)
    return answered


def simulate_reading(
    store: Store,
    gold: Mapping[str, Sequence[Span]],
    lengths: Mapping[int, int],
    tokens: int,
    *,
    strategy: str | None = None,
) -> int:
    """Let the gold answer documents of the pool until so many tokens are read.

    Args:
        store: The project.
        gold: The true spans by document key.
        lengths: The tokens of each document by its id.
        tokens: How many are read at least, as long as there are open documents.
        strategy: What the queue stands by; None: as it does.

    Returns:
        The tokens that were read: the document that reaches the number is answered as a whole.

    Raises:
        RecipeError: A served document has no gold.
    """
    read = 0
    while read < tokens:
        items = store.queue.next(WHO, n=FEW, strategy=strategy)
        if not items:
            break
        taken = []
        for item in items:
            if read >= tokens:
                break
            taken.append(item)
            read += lengths.get(item.document.id, 0)
        _answer_all(store, taken, gold, WHO)
    store.queue.release(WHO)  # what was drawn and not answered waits for the next model's word
    return read


def _answer_all(
    store: Store, items: Sequence[QueueItem], gold: Mapping[str, Sequence[Span]], annotator: str
) -> None:
    with store.write():
        for item in items:
            store.annotations.add(_answer(item, gold, annotator))


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
