"""What a gold document can judge: the characters that somebody looked at, and the labels that it knows."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from spanloop.plugin.alignment.values import CharSpan

Spans = Sequence[CharSpan]
Range = tuple[int, int]
Ranges = Sequence[Range] | None
Unknown = Sequence[Collection[str]] | None
"""The labels that each document says nothing of; None: every document knows all."""


def looked_at(predicted: Sequence[Spans], ranges: Sequence[Ranges] | None) -> Sequence[Spans]:
    """The predictions that touch no character outside what was looked at."""
    if ranges is None:
        return predicted
    return [
        spans
        if looked is None
        else [span for span in spans if any(start <= span.start and span.end <= end for start, end in looked)]
        for spans, looked in zip(predicted, ranges, strict=True)
    ]


def of_known_labels(spans: Sequence[Spans], unknown: Unknown) -> Sequence[Spans]:
    """The spans whose label their document knows."""
    if unknown is None:
        return spans
    return [
        [span for span in found if span.label not in labels]
        for found, labels in zip(spans, unknown, strict=True)
    ]


def without_open_tags(gold: Sequence[Spans], predicted: Sequence[Spans], unknown: Unknown) -> Sequence[Spans]:
    """The gold tokens that can be judged: none that is said to have a tag that its document does not know.

    Every token has one tag, so a tag that was added later was taken from what the gold has there: it may be
    the right one.
    """
    if unknown is None:
        return gold
    kept = []
    for truth, found, tags in zip(gold, predicted, unknown, strict=True):
        open_ = {(span.start, span.end) for span in found if span.label in tags}
        kept.append([span for span in truth if (span.start, span.end) not in open_])
    return of_known_labels(kept, unknown)


def documents_that_know(names: Sequence[str], documents: int, unknown: Unknown) -> dict[str, int]:
    """Of how many documents each label is known."""
    if unknown is None:
        return dict.fromkeys(names, documents)
    return {name: sum(name not in labels for labels in unknown) for name in names}
