"""Asking about parts of a document: how a strategy that does so is called, what answers about parts say, how
they add up, and how much of the text they took to read.

For the page, the simulation and the cost model alike; numpy is not needed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal, get_args

from spanloop.recipes.errors import RecipeError
from spanloop.store.queue.order import BELOW
from spanloop.store.records import AnnotatedSpan, Annotation, NewAnnotation, Range, Task

Ask = Literal["documents", "sentences", "tokens"]
ASKS: tuple[Ask, ...] = get_args(Ask)
CONTEXT = 10
"""Tokens that are read to each side of a part: together about a sentence. Nobody can judge a sentence, let
alone a word, without what stands around it."""
Place = tuple[int, int, str]


def base_of(name: str) -> tuple[str, Ask]:
    """The strategy of whose name this is, and what it asks about: ``mnlp@sentences`` is ``mnlp`` and
    ``sentences``."""
    base, sign, ask = name.partition(BELOW)
    if not sign:
        return base, "documents"
    for one in ASKS[1:]:
        if one == ask:
            return base, one
    raise RecipeError(f"there is no strategy {name!r}: behind {BELOW} stands {' or '.join(ASKS[1:])}")


def named(base: str, ask: Ask) -> str:
    """The name under which a strategy asks about this."""
    return base if ask == "documents" else f"{base}{BELOW}{ask}"


def check_task(name: str, task: Task) -> None:
    """RecipeError where such a project has nothing of the kind to ask about."""
    if base_of(name)[1] == "tokens" and task != "tags":
        raise RecipeError(
            "--ask tokens is for projects of tags, where each token has one: choose --ask sentences"
        )


def joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """The ranges in order, those that touch or overlap as one."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def touches(start: int, end: int, ranges: Iterable[Range]) -> bool:
    """Whether these characters share one with a range."""
    return any(start < behind and first < end for first, behind in ranges)


def holds(ranges: Iterable[Range], start: int, end: int) -> bool:
    """Whether one of the ranges holds all of these characters."""
    return any(first <= start and end <= behind for first, behind in ranges)


def about(asked: Sequence[Range], spans: Iterable[Place]) -> tuple[tuple[Range, ...], list[Place]]:
    """What an answer to these parts looks at, and the spans in it.

    Args:
        asked: The parts, in characters.
        spans: The spans of the whole document, as somebody sees them.

    Returns:
        The ranges: the parts, and with each all of a span that begins or ends in it. The spans that lie in
        them.
    """
    met = [span for span in spans if touches(span[0], span[1], asked)]
    return joined([*asked, *((start, end) for start, end, _ in met)]), met


def added_to(said: NewAnnotation, before: Annotation | NewAnnotation | None) -> NewAnnotation:
    """An answer to parts, together with what was said of other parts before.

    Args:
        said: The answer to the parts, with its ranges.
        before: What the document says now; None, rejected or of the whole document: the answer stands for
            itself.

    Returns:
        One answer that says both. Where the two looked at the same characters, the new one has the word. It
        knows the labels that the older part knows.
    """
    if before is None or before.answer != "accept" or not before.ranges:
        return said
    if said.answer == "ignore":  # not now: what was said of other parts stays
        spans, ranges = before.spans, before.ranges
        said = replace(said, answer="accept")
    elif said.answer == "reject" or said.ranges is None:
        return said
    else:
        kept = [span for span in before.spans if not touches(span.start, span.end, said.ranges)]
        spans, ranges = (
            tuple(sorted([*kept, *said.spans], key=_place)),
            joined([*before.ranges, *said.ranges]),
        )
    return replace(said, spans=spans, ranges=ranges, labels=before.labels, label_set=before.label_set)


def newly(ranges: Sequence[Range], before: Sequence[Range]) -> tuple[Range, ...]:
    """The characters of the ranges that lie in none of those before."""
    found = list(ranges)
    for first, behind in before:
        found = [
            piece
            for start, end in found
            for piece in ((start, min(end, first)), (max(start, behind), end))
            if piece[0] < piece[1]
        ]
    return joined(found)


def read(tokens: Sequence[Range], ranges: Iterable[Range]) -> int:
    """How many tokens are read for these parts: those in them, and `CONTEXT` to each side, none twice.

    Args:
        tokens: Start and end of every token, in text order.
        ranges: The parts, in characters.
    """
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    number, done = 0, 0
    for start, end in sorted(ranges):
        first, behind = bisect_right(ends, start), bisect_left(starts, end)
        if first < behind:
            begin, stop = max(done, first - CONTEXT), min(len(tokens), behind + CONTEXT)
            number += max(0, stop - begin)
            done = max(done, stop)
    return number


def _place(span: AnnotatedSpan) -> tuple[int, int]:
    return span.start, span.end
