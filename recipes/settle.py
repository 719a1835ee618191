"""What became of each suggestion, told from the spans that somebody left: the one rule for the page, for
Prodigy and for the gold that answers in a simulation."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from spanloop.store.records import AnnotatedSpan, Span

Place = tuple[int, int, str]
"""The characters of a span and its label: ``(start, end, label)``."""


def settle(
    spans: Iterable[Place], suggestions: Sequence[Span], *, keep_rejected: bool = True
) -> tuple[AnnotatedSpan, ...]:
    """The final spans, in text order, as annotated ones, and after them the suggestions that came to nothing.

    A span is *taken* if a suggestion has the same characters and label. Of those left, a span has *changed*
    the suggestion that it shares characters with, each standing for one other at most: where several could,
    the two that share most, then two of one label, then the first in the text. A span without such a
    suggestion is *added*, a suggestion without such a span *rejected*. So each suggestion has exactly one
    fate, and no added span lies over a rejected one. Nothing counts but the spans: not how they came about,
    nor their order.

    ``suggestions`` lie apart, as those of a prediction do. ``keep_rejected`` off leaves the rejected out: a
    document that was skipped or refused judges none.
    """
    left = {_place(suggestion): suggestion for suggestion in sorted(suggestions, key=_place)}
    settled: list[AnnotatedSpan] = []
    others: list[Place] = []
    for span in sorted(spans):
        same = left.pop(span, None)
        if same is None:
            others.append(span)
        else:
            settled.append(AnnotatedSpan(*span, "taken", same.id))
    changed = _changed(others, list(left.values()))
    for number, span in enumerate(others):
        suggestion = changed.get(number)
        if suggestion is None:
            settled.append(AnnotatedSpan(*span, "added"))
        else:
            del left[_place(suggestion)]
            settled.append(AnnotatedSpan(*span, "changed", suggestion.id))
    settled.sort(key=_place)
    if keep_rejected:
        settled += (refused(place, [suggestion]) for place, suggestion in left.items())
    return tuple(settled)


def refused(place: Place, suggestions: Iterable[Span]) -> AnnotatedSpan:
    """A no to the span at that place, and to the suggestion that stands there, if there is one."""
    said = next((suggestion.id for suggestion in suggestions if _place(suggestion) == place), None)
    return AnnotatedSpan(*place, "rejected", said)


def _changed(spans: Sequence[Place], suggestions: Sequence[Span]) -> dict[int, Span]:
    """Which suggestion each of the spans, told by its number, has taken the place of."""
    found: dict[int, int] = {}
    used: set[int] = set()
    for _, _, suggestion, span in sorted(_overlapping(spans, suggestions)):
        if span not in found and suggestion not in used:
            found[span] = suggestion
            used.add(suggestion)
    return {span: suggestions[suggestion] for span, suggestion in found.items()}


def _overlapping(spans: Sequence[Place], suggestions: Sequence[Span]) -> Iterator[tuple[int, bool, int, int]]:
    """Each pair that shares characters, by number, behind what makes it the better one the smaller it is."""
    starts = [suggestion.start for suggestion in suggestions]
    for number, (start, end, label) in enumerate(spans):
        at = bisect_left(starts, end) - 1
        while at >= 0 and suggestions[at].end > start:
            near = suggestions[at]
            shared = min(end, near.end) - max(start, near.start)
            yield -shared, near.label != label, at, number
            at -= 1


def _place(span: Span | AnnotatedSpan) -> Place:
    return span.start, span.end, span.label
