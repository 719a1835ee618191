"""Tokens with tags to spans over a text, and back. Used by every format that writes one token at a time."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from spanloop.plugin.tagging.reading import Reading
from spanloop.plugin.tagging.schemes import OUTSIDE, encode
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.entry import Entry
from spanloop.store.records import Range, Span, Task


def join_tokens(tokens: Sequence[str]) -> tuple[str, list[Range]]:
    """The tokens joined by one space, and the characters of each in that text."""
    ranges: list[Range] = []
    start = 0
    for token in tokens:
        ranges.append((start, start + len(token)))
        start += len(token) + 1
    return " ".join(tokens), ranges


def find_tokens(text: str, tokens: Sequence[str]) -> list[Range]:
    """Where each token stands in the text, in order. ValueError names the first that is not there."""
    ranges: list[Range] = []
    position = 0
    for number, token in enumerate(tokens, start=1):
        start = text.find(token, position)
        if start < 0 or text[position:start].strip():
            raise ValueError(
                f"token {number}, {token!r}, does not follow in the text at character {position}"
            )
        position = start + len(token)
        ranges.append((start, position))
    return ranges


def spans_of_tags(
    ranges: Sequence[Range], tags: Sequence[str], *, task: Task, reading: Reading
) -> tuple[Span, ...]:
    """The spans that the tags mark: in a tags project one a token, else the runs of the tagging scheme."""
    if task == "tags":
        return tuple(Span(*ranges[i], tag) for i, tag in enumerate(tags) if tag not in (OUTSIDE, "_", ""))
    return tuple(Span(ranges[i][0], ranges[j - 1][1], label) for i, j, label in reading.runs(tags))


def known_ranges(tokens: Sequence[Range], known: Sequence[bool]) -> tuple[Range, ...] | None:
    """The characters that were looked at, where a file says of each token whether it was.

    Args:
        tokens: The characters of each, in text order.
        known: Whether it was looked at.

    Returns:
        A range a run of such tokens; None where all were.
    """
    if all(known):
        return None
    runs: list[Range] = []
    before = False
    for (start, end), there in zip(tokens, known, strict=True):
        if there:
            runs.append((runs.pop()[0] if before else start, end))
        before = there
    return tuple(runs)


def cut_tokens(tokens: Sequence[Range], spans: Sequence[Span]) -> list[Range]:
    """The tokens, cut in two wherever a span begins or ends inside one: so no span has to move.

    A span over characters that no token has (whitespace) leaves the tokens as they are.
    """
    edges = sorted({edge for span in spans for edge in (span.start, span.end)})
    cut: list[Range] = []
    next_edge = 0
    for start, end in tokens:
        while next_edge < len(edges) and edges[next_edge] <= start:
            next_edge += 1
        while next_edge < len(edges) and edges[next_edge] < end:
            cut.append((start, edges[next_edge]))
            start = edges[next_edge]
            next_edge += 1
        cut.append((start, end))
    return cut


def refuse_blanks(labels: Sequence[str], of: str) -> None:
    """RecipeError for a label with a blank inside, where blanks part what stands in a line."""
    bad = next((label for label in labels if len(label.split()) != 1), None)
    if bad is not None:
        raise RecipeError(
            f"{of} has no labels with blanks, such as {bad!r}: take another format, or give it another name "
            "with: spanloop labels DB rename"
        )


def column_tokens(entry: Entry, blanks: re.Pattern[str], reserved: str | None = None) -> list[Range]:
    """The tokens of an entry as columns can hold them: cut at the edges of spans, and at the blanks inside
    that would end a column or a line; one that begins as something else does (``reserved``) and is in no
    span, so that no tag tells the two apart, behind its first character. RecipeError for an entry without
    tokens."""
    if entry.tokens is None:
        raise RecipeError(f"document {entry.key} has no tokens: this format is written token by token")
    cut: list[Range] = []
    for start, end in cut_tokens(entry.tokens, entry.spans or ()):
        token = entry.text[start:end]
        if reserved is not None and token.startswith(reserved) and not _is_in(start, entry.spans or ()):
            cut += [(start, start + 1), (start + 1, end)]
        elif blanks.search(token) is None:
            cut.append((start, end))
        else:
            at = start
            for found in blanks.finditer(token):
                if at < start + found.start():
                    cut.append((at, start + found.start()))
                at = start + found.end()
            if at < end:
                cut.append((at, end))
    return cut


def _is_in(place: int, spans: Sequence[Span]) -> bool:
    return any(span.start <= place < span.end for span in spans)


def tags_of_spans(tokens: Sequence[Range], spans: Sequence[Span], *, task: Task) -> tuple[list[str], int]:
    """The IOB2 tag of each token (in a tags project: the label), for tokens in text order that are already
    cut at the spans' edges, and how many spans cover no token at all and so got no tag."""
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    runs = []
    for span in spans:
        first, end = bisect_left(starts, span.start), bisect_right(ends, span.end)
        if first < end:
            runs.append((first, end, span.label))
    return encode(runs, len(tokens), "plain" if task == "tags" else "IOB2"), len(spans) - len(runs)
