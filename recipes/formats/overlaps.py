"""Spans that lie over each other cannot all be gold: set them apart, lose none."""

from __future__ import annotations

from collections.abc import Sequence

from spanloop.store.records import Span

Refused = tuple[Span, str]


def part_overlaps(spans: Sequence[Span]) -> tuple[tuple[Span, ...], tuple[Refused, ...]]:
    """The spans that touch no other, in text order, and those that do, each with its reason.

    The same span said twice is kept once and refused once, as ``duplicate``; of spans that share characters
    none is kept, each is an ``overlap``.
    """
    ordered = sorted(spans, key=_place)
    refused: list[Refused] = []
    single: list[Span] = []
    for span in ordered:
        if single and _place(single[-1]) == _place(span):
            refused.append((span, "duplicate"))
        else:
            single.append(span)
    kept: list[Span] = []
    cluster: list[Span] = []
    reach = 0
    for number, span in enumerate(single):
        cluster.append(span)
        reach = max(reach, span.end)
        if number + 1 < len(single) and single[number + 1].start < reach:
            continue
        if len(cluster) == 1:
            kept.extend(cluster)
        else:
            refused.extend((member, "overlap") for member in cluster)
        cluster = []
    return tuple(kept), tuple(refused)


def _place(span: Span) -> tuple[int, int, str]:
    return span.start, span.end, span.label
