"""Answer documents as their known gold would: a stand-in for the person, and marked as such (origin
simulated)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence

from spanloop.recipes.active_learning.parts import about, added_to, holds
from spanloop.recipes.active_learning.parts import read as read_of
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.answers import NAMESPACE
from spanloop.recipes.settle import settle
from spanloop.store import Store
from spanloop.store.records import NewAnnotation, QueueItem, Range, Span, Split

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
        The tokens that were read, with the context of parts: what reaches the number is answered to its end.

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
            read += _to_read(store, item, lengths)
        _answer_all(store, taken, gold, WHO)
    store.queue.release(WHO)  # what was drawn and not answered waits for the next model's word
    return read


def _answer_all(
    store: Store, items: Sequence[QueueItem], gold: Mapping[str, Sequence[Span]], annotator: str
) -> None:
    with store.write():
        for item in items:
            asked = store.parts.asked(item.document.id, item.drawn)
            said = _answer(item, gold, annotator, asked)
            before = None if asked is None else store.annotations.latest(item.document.id, annotator)
            store.annotations.add(added_to(said, before))


def _to_read(store: Store, item: QueueItem, lengths: Mapping[int, int]) -> int:
    """The tokens that are read for what is asked of a document."""
    number = item.document.id
    asked = store.parts.asked(number, item.drawn)
    if asked is None:
        return lengths.get(number, 0)
    return read_of(store.tokenizations.get(number) or [], asked)


def _answer(
    item: QueueItem,
    gold: Mapping[str, Sequence[Span]],
    annotator: str,
    asked: Sequence[Range] | None,
) -> NewAnnotation:
    document, prediction = item.document, item.prediction
    if document.key not in gold:
        raise RecipeError(f"the document {document.key!r} has no gold answer to simulate")
    truth = [(span.start, span.end, span.label) for span in gold[document.key]]
    suggested = () if prediction is None else prediction.spans
    ranges = None
    if asked is not None:
        ranges, truth = about(asked, truth)
        suggested = tuple(one for one in suggested if holds(ranges, one.start, one.end))
    spans = settle(truth, suggested)
    places = [(s.start, s.end, s.label) for s in spans]
    parts = [] if ranges is None else [ranges]
    content = json.dumps(["simulated", annotator, document.key, places, *parts])
    return NewAnnotation(
        uuid=str(uuid.uuid5(NAMESPACE, content)),
        document_id=document.id,
        annotator=annotator,
        origin="simulated",
        answer="accept",
        spans=spans,
        ranges=ranges,
        prediction_id=None if prediction is None else prediction.id,
    )
