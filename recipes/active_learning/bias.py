"""Do suggestions lead people? What they mark with suggestions in sight, and without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le

from spanloop.recipes.report import Count, Seconds, Shape, Share
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.tables.unaided import both_ways

NEWEST = 1_000
"""Answers of each kind that are looked at."""
LEAST = 20
"""Documents of each kind, with a suggestion, from which on the two are compared."""
SmallShare = Annotated[float, Ge(0), Le(0.5)]


@dataclass(frozen=True, slots=True)
class Marked(Shape):
    """What people marked in some documents, beside what the model suggests for them."""

    documents: Count
    suggested: Count
    """Spans that the model suggests."""
    marked: Count
    """Of these, the ones that the answers have, with the same characters and label."""
    others: Count
    """Spans of the answers that the model does not suggest."""
    seconds_per_document: Seconds | None
    """The mean of the answers with a time."""

    @property
    def share(self) -> float:
        """The share of the suggested spans that the answers have."""
        return self.marked / self.suggested if self.suggested else 0.0


@dataclass(frozen=True, slots=True)
class Bias(Shape):
    """What suggestions do to people, by documents that chance served without them."""

    shown: Marked
    """Answers with the suggestions in sight."""
    hidden: Marked
    """Answers without."""
    difference: float | None
    """How much larger the share of the suggested spans is that people mark when they see them; null with too
    few documents."""
    low: float | None
    """The lower end of its 95 % interval."""
    high: float | None
    unaided_share: Share
    """The share of the documents that is served without suggestions now."""

    def text(self) -> str:
        """The comparison in words."""
        with_, without = self.shown, self.hidden
        if self.difference is None or self.low is None or self.high is None:
            return (
                f"{counted(without.documents, 'document')} answered without suggestions: too few to say what "
                f"suggestions do ({LEAST} with a suggested span are needed of each kind)"
            )
        said = (
            f"people mark {with_.share:.0%} of the suggested spans where they see them and "
            f"{without.share:.0%} where they do not ({counted(without.documents, 'document')}): "
            f"{100 * self.difference:+.0f} points (95 % {100 * self.low:+.0f} to {100 * self.high:+.0f})"
        )
        if self.low > 0:
            return f"{said}. Suggestions lead them: some are accepted that nobody would have marked"
        return f"{said}. That suggestions lead them cannot be seen"


def bias(store: Store) -> Bias | None:
    """What people mark with and without suggestions; None where no document was answered without.

    Args:
        store: The project.
    """
    found = both_ways(store, NEWEST)
    if not any(not shown for _, _, shown in found):
        return None
    shown = [_compared(store, a, p) for a, p, in_sight in found if in_sight]
    hidden = [_compared(store, a, p) for a, p, in_sight in found if not in_sight]
    difference = low = high = None
    if min(sum(one.suggested > 0 for one in some) for some in (shown, hidden)) >= LEAST:
        difference = _share(shown) - _share(hidden)
        error = 1.96 * sqrt(_variance(shown) + _variance(hidden))
        low, high = difference - error, difference + error
    return Bias(_marked(shown), _marked(hidden), difference, low, high, store.project.unaided_share)


@dataclass(frozen=True, slots=True)
class _Compared:
    suggested: int
    marked: int
    others: int
    seconds: float | None


def _compared(store: Store, annotation_id: int, prediction_id: int) -> _Compared:
    answer, said = store.annotations.get(annotation_id), store.predictions.by_id(prediction_id)
    assert answer is not None
    left = {(s.start, s.end, s.label) for s in answer.spans if s.action != "rejected"}
    suggested = {(s.start, s.end, s.label) for s in (said.spans if said else ())}
    return _Compared(len(suggested), len(left & suggested), len(left - suggested), answer.seconds)


def _marked(some: Sequence[_Compared]) -> Marked:
    times = [one.seconds for one in some if one.seconds is not None]
    return Marked(
        len(some),
        sum(one.suggested for one in some),
        sum(one.marked for one in some),
        sum(one.others for one in some),
        sum(times) / len(times) if times else None,
    )


def _share(some: Sequence[_Compared]) -> float:
    return sum(one.marked for one in some) / max(sum(one.suggested for one in some), 1)


def _variance(some: Sequence[_Compared]) -> float:
    """Of the share: spans of one document are not apart from each other, so documents are what is drawn.

    A share of 0 or 1 is no certainty: one span more of each kind is supposed (after Agresti and Coull)."""
    spans = sum(one.suggested for one in some)
    share = (sum(one.marked for one in some) + 1) / (spans + 2)
    number = len(some)
    off = sum((one.marked - share * one.suggested) ** 2 for one in some) / (number - 1)
    return max(off * number / spans**2, share * (1 - share) / (spans + 2))


def set_unaided_share(db: str | Path, share: SmallShare) -> None:
    """Serve this share of the documents without suggestions, from now on.

    Args:
        db: The project file.
        share: 0 (none, as at first) to 0.5. A larger share has all the documents of a smaller one.

    Returns:
        Nothing.

    Raises:
        StoreError: There is no such project.
    """
    with Store.open(db) as store:
        store.set_project(unaided_share=share)
