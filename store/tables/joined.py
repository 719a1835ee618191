"""What is true of a document, made of the annotations that say it: of one, or of several by people who know
different labels and agree on those that they share."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from spanloop.store.records import AnnotatedSpan, Annotation, Document, Gold, Span


def joined_gold(
    document: Document, annotations: Sequence[Annotation], unknown: Mapping[int, tuple[str, ...]]
) -> Gold:
    """The gold of a document.

    Args:
        document: The document.
        annotations: One at least, the one that counts most first; they do not disagree.
        unknown: By label set, the labels that it does not know (`LabelSets.unknown`).

    Returns:
        The spans of all of them, each once. What it does not know is what none of them knows.
    """
    first = annotations[0]
    spans = _together(annotations)
    not_known = [() if a.label_set is None else unknown.get(a.label_set, ()) for a in annotations]
    return Gold(
        document=document,
        annotation_id=first.id,
        spans=tuple(Span(s.start, s.end, s.label) for s in spans if s.action != "rejected"),
        negatives=tuple(Span(s.start, s.end, s.label) for s in spans if s.action == "rejected"),
        ranges=first.ranges,
        unknown=tuple(name for name in not_known[0] if all(name in names for names in not_known)),
        annotator=first.annotator,
        created_at=first.created_at or "",
        comment=first.comment,
        also=tuple(annotation.id for annotation in annotations[1:]),
        at_random=any(annotation.drawn == "random" for annotation in annotations),
    )


def joined(annotations: Sequence[Annotation], in_use: Container[str]) -> Annotation:
    """The first of the annotations with what the others add: spans, refused suggestions, labels known (those
    in use, where there are several)."""
    first = annotations[0]
    if len(annotations) == 1:
        return first
    labels = [annotation.labels for annotation in annotations]
    known = None if None in labels else [name for names in labels for name in names or () if name in in_use]
    return replace(
        first,
        spans=_together(annotations),
        labels=None if known is None else tuple(dict.fromkeys(known)),
        label_set=None,
    )


def _together(annotations: Sequence[Annotation]) -> tuple[AnnotatedSpan, ...]:
    """The spans of all, by their place; of those of one place and label the first one's."""
    if len(annotations) == 1:
        return annotations[0].spans
    found: dict[tuple[bool, int, int, str], AnnotatedSpan] = {}
    for span in (span for annotation in annotations for span in annotation.spans):
        found.setdefault((span.action == "rejected", span.start, span.end, span.label), span)
    return tuple(sorted(found.values(), key=lambda span: span.start))
