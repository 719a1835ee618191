"""Where the spans of a text lie: without blanks at their edges, each once, none over another. None is lost:
what has no place comes back with its reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from spanloop.plugin.tagging.gold import Labelled, longest_first
from spanloop.store.records import Span

Rule = Literal["longest", "none", "error"]
S = TypeVar("S", bound=Labelled)

OVERLAP = "overlap"
DUPLICATE = "duplicate"
EDGES = "blanks at its edge"
BLANK = "nothing but blanks"
NO_VALUE = "no value"
ANSWERED_AGAIN = "answered again"
SET_ASIDE = "its question was set aside"
HARMLESS = frozenset({DUPLICATE, BLANK, ANSWERED_AGAIN, SET_ASIDE})
"""Reasons that take nothing from what the rest of a document says."""


def trimmed(span: Span, text: str) -> Span | None:
    """The span without the blanks at its edges, which no prediction covers; None where nothing is left.

    Args:
        span: A span inside the text.
        text: The text.

    Returns:
        The same span where it has none.
    """
    inside = text[span.start : span.end]
    begins, ends = len(inside) - len(inside.lstrip()), len(inside.rstrip())
    if not ends:
        return None
    if (begins, ends) == (0, len(inside)):
        return span
    return replace(span, start=span.start + begins, end=span.start + ends)


def part_overlaps(
    spans: Sequence[S], rule: Rule = "longest"
) -> tuple[tuple[S, ...], tuple[tuple[S, str], ...]]:
    """The spans that stay, and those that cannot stand beside them, each with its reason.

    Args:
        spans: Spans of one text, in any order.
        rule: Which of several that share characters stay: ``longest``: the longest first, ties by start, as
            everywhere in the project (`longest_first`); else none of them.

    Returns:
        Both in text order. The same span said twice is kept once and left once, as ``duplicate``; what had
        to go for another one is an ``overlap``.
    """
    single: list[S] = []
    twice: list[S] = []
    for span in sorted(spans, key=_place):
        (twice if single and _place(single[-1]) == _place(span) else single).append(span)
    kept, apart = longest_first(single) if rule == "longest" else _alone(single)
    left = [(span, DUPLICATE) for span in twice] + [(span, OVERLAP) for span in apart]
    return tuple(kept), tuple(sorted(left, key=_place_of_left))


def _alone(ordered: Sequence[S]) -> tuple[list[S], list[S]]:
    """The spans that share no character with another one, and those that do."""
    kept: list[S] = []
    apart: list[S] = []
    cluster: list[S] = []
    reach = 0
    for number, span in enumerate(ordered):
        cluster.append(span)
        reach = max(reach, span.end)
        if number + 1 < len(ordered) and ordered[number + 1].start < reach:
            continue
        (kept if len(cluster) == 1 else apart).extend(cluster)
        cluster = []
    return kept, apart


def _place(span: Labelled) -> tuple[int, int, str]:
    return span.start, span.end, span.label


def _place_of_left(left: tuple[Labelled, str]) -> tuple[int, int, str]:
    return _place(left[0])
