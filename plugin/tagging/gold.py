"""What training learns from: documents with their true spans, put on the units that the model labels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.values import AlignmentEvent, CharSpan
from spanloop.plugin.tagging.reading import read_tags
from spanloop.plugin.tagging.schemes import Run, Scheme, encode_parts

if TYPE_CHECKING:
    from spacy.tokens import Doc

Ints = NDArray[np.int64]


class Labelled(Protocol):
    """Characters with a label, whatever else it is."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def label(self) -> str: ...


S = TypeVar("S", bound=Labelled)
UNKNOWN = -100
"""The tag of a unit that nothing is learned from; torch and transformers skip it by this number."""


@dataclass(frozen=True, slots=True)
class Gold:
    """A document whose truth is known.

    ``ranges``: the characters that somebody really looked at, None for all; the rest is unknown, not empty.
    ``negatives``: suggestions that were refused. Looked at as they were, what they cover is trained as
    ``spans`` say: as no label, or as the label that stands there instead. ``unknown``: labels that were not
    there to be given: that no span has them does not mean that none should. ``at_random``: chance chose the
    document, and not what a model found hard.
    """

    doc: Doc
    spans: tuple[CharSpan, ...]
    ranges: tuple[tuple[int, int], ...] | None = None
    negatives: tuple[CharSpan, ...] = ()
    group: str | None = None
    unknown: tuple[str, ...] = ()
    at_random: bool = False


@dataclass(frozen=True, slots=True)
class UnitGold:
    """Gold on units. ``runs``: (first unit, end unit, label) in text order. ``unknown[u]``: not trained on.

    ``lost`` counts the spans without a run; each is among the ``events``.
    """

    runs: list[Run]
    unknown: NDArray[np.bool_]
    events: list[AlignmentEvent]
    lost: int


def groups_of(names: Sequence[str | None], seed: int) -> list[list[int]]:
    """The places of each group among the groups' names, in an order by seed and name alone. Without a name a
    place is a group by itself."""
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        groups.setdefault(f"\0{place}" if name is None else name, []).append(place)
    order = sorted(groups, key=lambda name: hashlib.sha256(f"{seed}\0{name}".encode()).digest())
    return [groups[name] for name in order]


def folds_of(names: Sequence[str | None], folds: int, seed: int) -> list[list[int]]:
    """The places of documents in ``folds`` parts of nearly one size, ascending; each group, which ``names``
    says, in one of them. ValueError with fewer groups than folds."""
    groups = groups_of(names, seed)
    if len(groups) < folds:
        raise ValueError(f"{folds} folds need as many groups of documents, there are {len(groups)}")
    parts: list[list[int]] = [[] for _ in range(folds)]
    for group in groups:
        min(parts, key=len).extend(group)
    return [sorted(part) for part in parts]


def longest_first(spans: Sequence[S], *, shortest: bool = False) -> tuple[list[S], list[S]]:
    """Spans that do not overlap, and those that had to go for it.

    The longest span stays; of two that are as long the one that begins first; of the same characters the
    first label by the alphabet.

    Args:
        spans: Spans of one document, in any order.
        shortest: the shortest stays instead; of two that are alike, as above.

    Returns:
        Those that stay and those that go, both in text order.
    """
    taken = np.zeros(max((span.end for span in spans), default=0), dtype=bool)
    kept: list[S] = []
    left: list[S] = []
    for span in sorted(spans, key=_shortest if shortest else _longest):
        overlaps = taken[span.start : span.end].any()
        (left if overlaps else kept).append(span)
        if not overlaps:
            taken[span.start : span.end] = True
    return sorted(kept, key=_where), sorted(left, key=_where)


def put_on_units(
    spans: Sequence[CharSpan],
    starts: Ints,
    ends: Ints,
    *,
    ranges: Sequence[tuple[int, int]] | None = None,
    policy: Literal["snap", "strict"] = "snap",
) -> UnitGold:
    """Put spans on the units that cover characters ``starts`` to ``ends``.

    A span that cuts a unit is stretched over it (``snap``), or its units are left out of training
    (``strict``); of two spans on one unit the first keeps it. Units that reach outside of ``ranges`` are
    unknown.
    """
    unknown = _unseen(starts, ends, ranges)
    runs: list[Run] = []
    events: list[AlignmentEvent] = []
    free_from = 0
    for span in sorted(spans, key=_where):
        first = int(np.searchsorted(ends, span.start, side="right"))
        end = int(np.searchsorted(starts, span.end, side="left"))
        taken = max(first, free_from)
        if first >= end:
            events.append(_event(span, "dropped", "covers no token that the model can see"))
        elif taken >= end:
            events.append(_event(span, "dropped", "shares its only token with another span"))
        elif (starts[taken], ends[end - 1]) == (span.start, span.end):
            runs.append((taken, end, span.label))
        elif policy == "strict":
            unknown[taken:end] = True
            events.append(_event(span, "dropped", "does not begin and end at token boundaries"))
        else:
            runs.append((taken, end, span.label))
            reason = "cuts a token" if taken == first else "shares a token with another span"
            events.append(_event(span, "snapped", reason, (int(starts[taken]), int(ends[end - 1]))))
        free_from = max(free_from, end)
    return UnitGold(runs, unknown, events, lost=len(spans) - len(runs))


def unit_tags(units: UnitGold, tags: Sequence[str], scheme: Scheme) -> Ints:
    """The tag of each unit among ``tags``, `UNKNOWN` where nobody knows it.

    Without an outside tag in the head (part of speech), a unit without a tag is unknown.
    """
    parts = encode_parts(units.runs, len(units.unknown), scheme)
    reading = read_tags(tags, scheme)
    found = {part: reading.id_of(part) for part in set(parts)}
    ids = {part: UNKNOWN if tag is None else tag for part, tag in found.items()}
    codes = np.array([ids[part] for part in parts], dtype=np.int64)
    return np.where(units.unknown, UNKNOWN, codes)


def _unseen(starts: Ints, ends: Ints, ranges: Sequence[tuple[int, int]] | None) -> NDArray[np.bool_]:
    if ranges is None:
        return np.zeros(len(starts), dtype=bool)
    seen = np.zeros(len(starts), dtype=bool)
    for start, end in ranges:
        seen |= (start <= starts) & (ends <= end)
    return ~seen


def _longest(span: Labelled) -> tuple[int, int, str]:
    return span.start - span.end, span.start, span.label


def _shortest(span: Labelled) -> tuple[int, int, str]:
    return span.end - span.start, span.start, span.label


def _where(span: Labelled) -> tuple[int, int]:
    return span.start, span.end


def _event(span: CharSpan, action: str, reason: str, placed: tuple[int, int] | None = None) -> AlignmentEvent:
    start, end = placed or (None, None)
    return AlignmentEvent(span.start, span.end, span.label, action, reason, start, end)
