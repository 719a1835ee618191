"""Answer documents as their known gold would: a stand-in for the person, and marked as such (origin
simulated)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.importing import NAMESPACE
from spanloop.store import Store
from spanloop.store.records import AnnotatedSpan, NewAnnotation, Prediction, QueueItem, Span, Split

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
    spans = compare(gold[document.key], prediction)
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


def compare(gold: Sequence[Span], prediction: Prediction | None) -> tuple[AnnotatedSpan, ...]:
    """The gold spans with what was done to the suggestions: the same one ``taken``, the first that it shares
    characters with ``changed``, none ``added``; suggestions that no gold span came from are ``rejected``."""
    suggestions = list(prediction.spans) if prediction is not None else []
    exact = {(span.start, span.end, span.label): span for span in suggestions}
    answers: list[AnnotatedSpan] = []
    rest: list[Span] = []
    for span in gold:
        same = exact.get((span.start, span.end, span.label))
        if same is None:
            rest.append(span)
        else:
            suggestions.remove(same)
            answers.append(AnnotatedSpan(span.start, span.end, span.label, "taken", same.id))
    for span in rest:
        near = next(
            (other for other in suggestions if other.start < span.end and span.start < other.end), None
        )
        if near is None:
            answers.append(AnnotatedSpan(span.start, span.end, span.label, "added"))
        else:
            suggestions.remove(near)
            answers.append(AnnotatedSpan(span.start, span.end, span.label, "changed", near.id))
    answers.extend(
        AnnotatedSpan(span.start, span.end, span.label, "rejected", span.id) for span in suggestions
    )
    return tuple(sorted(answers, key=_start))


def _start(span: AnnotatedSpan) -> int:
    return span.start
