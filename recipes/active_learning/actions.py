"""How many key presses and clicks the page takes to make the suggestions of a document what is true of it.

These are the page's own rules, by its shortest way with *Point & press*, one document at a time. The script
that counts them in a real browser (`benchmarks/hands.py`) is held to this count by `tests/browser`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Place = tuple[int, int, str]
"""First token, last token, label."""


@dataclass(frozen=True, slots=True)
class Actions:
    """What it takes, and the label that is active afterwards: the next document begins with it."""

    number: int
    active: str


def actions(suggested: Sequence[Place], true: Sequence[Place], active: str = "") -> Actions:
    """The fewest key presses and clicks from the suggestions to the truth, the accepting one included.

    A suggestion that nothing takes the place of is deleted by a key; a span that is missing takes a key (its
    label's, held down over several words, or one that moves an edge by a token) or one drag with the active
    label; one that lies inside of a longer suggestion takes two where its label is not the active one. Then
    comes the key that accepts. Where everything suggested is wrong and nothing is there, one key does all.

    Args:
        suggested: What the page shows, in tokens; no two overlap.
        true: What should be there, in tokens; no two overlap.
        active: The label that is active when the document comes up.

    Returns:
        The number, and the label that is active at the end.
    """
    if suggested and not true:
        return Actions(1, active)
    wanted, there = set(true), set(suggested)
    wrong = [span for span in suggested if span not in wanted]
    missing = [span for span in true if span not in there]
    number = 1  # the key that accepts
    in_nobodys_way = [span for span in wrong if not any(_overlap(span, other) for other in missing)]
    number += len(in_nobodys_way)
    while missing:
        target = next((span for span in missing if span[2] == active), missing[0])
        missing.remove(target)
        in_way = [span for span in wrong if _overlap(span, target)]
        wrong = [span for span in wrong if span not in in_way]
        nudged = len(in_way) == 1 and in_way[0][2] == target[2] and _distance(in_way[0], target) == 1
        number += 1 if nudged or target[2] == active else 1 + _inside(target, in_way)
        active = active if nudged else target[2]
    return Actions(number, active)


def expected_actions(scores: Iterable[float | None], missing: float = 0.0) -> float:
    """What a document will probably take before anybody has seen it.

    Args:
        scores: The confidence of each suggestion, from 0 to 1; None, of patterns, counts as sure.
        missing: How many spans are probably there that nothing suggests.

    Returns:
        One to accept it, one for each suggestion that is wrong, one for each missing span.
    """
    return 1.0 + missing + sum(1.0 - score for score in scores if score is not None)


def in_tokens(spans: Iterable[tuple[int, int, str]], tokens: Sequence[tuple[int, int]]) -> list[Place]:
    """Spans of characters as those of the tokens that they touch; a span that touches none is left out.

    Args:
        spans: Start, end and label of each, in characters.
        tokens: Start and end of every token, in text order.
    """
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    placed = []
    for start, end, label in spans:
        first, last = bisect_right(ends, start), bisect_left(starts, end) - 1
        if first <= last:
            placed.append((first, last, label))
    return placed


def _inside(target: Place, in_way: Sequence[Place]) -> bool:
    """Whether it lies in a longer suggestion, which must be deleted first: a label's key there would go to
    the longer one."""
    same = [span[:2] for span in in_way] == [target[:2]]
    return not same and any(span[0] <= target[0] and target[1] <= span[1] for span in in_way)


def _overlap(one: Place, other: Place) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _distance(one: Place, other: Place) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])
