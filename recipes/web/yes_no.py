"""Yes and no to single suggestions on documents that are gold already: what the gold says stays, and what was
decided is added to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from spanloop.recipes.active_learning.parts import joined
from spanloop.recipes.settle import refused
from spanloop.store.records import AnnotatedSpan, Annotation, NewAnnotation


def added_to_gold(decided: NewAnnotation, gold: Annotation | None) -> NewAnnotation:
    """An answer to questions, as one that says all of its document.

    It knows the labels that the gold knows, and no more: of the label that was asked about it has what was
    taken and refused, and what nobody suggested is not known (training leaves that open).

    Args:
        decided: The answer as the page posted it: spans that were taken, suggestions that were refused, and
            the characters of both as its ranges.
        gold: What the document says now; None: the answer stands for itself.

    Returns:
        The gold without what was decided anew, and what was taken and refused.
    """
    if gold is None or decided.answer != "accept":
        return decided
    places = {(span.start, span.end, span.label) for span in decided.spans}
    taken = [span for span in decided.spans if span.action != "rejected"]
    stays = [
        refused((span.start, span.end, span.label), ())
        if span.action == "rejected"
        else AnnotatedSpan(span.start, span.end, span.label)
        for span in gold.spans
        if (span.start, span.end, span.label) not in places
        and (span.action == "rejected" or not _overlaps(span, taken))
    ]
    spans = sorted([*stays, *decided.spans], key=_place)
    ranges = None if gold.ranges is None else joined([*gold.ranges, *(decided.ranges or ())])
    return replace(decided, spans=tuple(spans), ranges=ranges, labels=gold.labels, label_set=gold.label_set)


def _overlaps(span: AnnotatedSpan, others: Iterable[AnnotatedSpan]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)


def _place(span: AnnotatedSpan) -> tuple[int, int]:
    return span.start, span.end
