"""Label Studio's regions, checked against the text they claim to lie in.

Label Studio 1.23 counts Unicode code points, as we do, but stores whatever it is given: it checks neither
offsets nor labels. Exports of old versions may count UTF-16 code units. A region carries its text, so each
can be checked; none is moved in silence and none is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from spanloop.recipes.formats.counting import places_of_units
from spanloop.store.records import Span

NEAR = 8  # characters to both sides in which a region's text is looked for
UTF16 = "offsets in UTF-16 code units"
BESIDE = "its text stands beside its offsets"
NOT_THERE = "its text is not at its offsets"
OUTSIDE = "its offsets lie outside the text"
UNLABELLED = "region without a label"
_BREAKS = re.compile(r"(?:\\n|\s)+")  # the editor writes a line break as backslash and n


@dataclass(frozen=True, slots=True)
class Regions:
    """What a list of regions says of one text, half-open code points. ``refused``: spans without a place,
    each with its reason, offsets as they were said; ``moved``: as said, as placed, why; ``others``: the types
    of regions that are no spans (choices, relations); ``origins``: of each span, ``manual``,
    ``prediction`` or ``prediction-changed``."""

    spans: tuple[Span, ...] = ()
    refused: tuple[tuple[Span, str], ...] = ()
    moved: tuple[tuple[Span, Span, str], ...] = ()
    others: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def with_origins(self) -> list[tuple[Span, str]]:
        """Each span with who began it."""
        return list(zip(self.spans, self.origins, strict=True))


@dataclass(frozen=True, slots=True)
class _Said:
    """A region as it was said, before it is checked."""

    start: int
    end: int
    labels: tuple[str, ...]
    text: str | None
    score: float | None
    origin: str


def read_regions(result: Any, text: str) -> Regions:
    """Place the regions of a ``result`` list in the text.

    Where regions of one text match it only if their offsets count UTF-16 units, and none only if they count
    code points, all are read as UTF-16. ValueError for a result that is no list of regions with offsets.
    """
    said, others = _said(result)
    units = places_of_units(text)
    utf16 = _counts_utf16(said, text, units)
    spans: list[Span] = []
    refused: list[tuple[Span, str]] = []
    moved: list[tuple[Span, Span, str]] = []
    origins: list[str] = []
    for region in said:
        place, reason = _place(region, text, units, utf16)
        for label in region.labels or ("",):
            before = Span(region.start, region.end, label, region.score)
            if place is None or not label:
                refused.append((before, UNLABELLED if place else reason))
                continue
            after = Span(*place, label, region.score)
            spans.append(after)
            origins.append(region.origin)
            if reason:
                moved.append((before, after, reason))
    return Regions(tuple(spans), tuple(refused), tuple(moved), others, tuple(origins))


def is_span_region(region: Any) -> bool:
    """Whether a region labels characters of a text."""
    if not isinstance(region, Mapping) or not isinstance(region.get("value"), Mapping):
        return False
    return region.get("type", "labels") == "labels" and "start" in region["value"]


def _said(result: Any) -> tuple[list[_Said], tuple[str, ...]]:
    if not isinstance(result, list) or not all(isinstance(region, Mapping) for region in result):
        raise ValueError(f'"result" must be a list of regions, not {str(result)[:60]!r}')
    said: list[_Said] = []
    others: list[str] = []
    for region in result:
        kind = str(region.get("type", "labels"))
        if kind != "labels" and kind.endswith("labels"):
            raise ValueError(
                f"region {region.get('id')!r} is of type {kind}: only Labels on a Text tag have offsets "
                "into the text"
            )
        if is_span_region(region):
            said.append(_region(region))
        else:
            others.append(kind)
    return said, tuple(others)


def _region(region: Mapping[str, Any]) -> _Said:
    value = region["value"]
    start, end, labels = value.get("start"), value.get("end"), value.get("labels") or []
    if not (_is_offset(start) and _is_offset(end)):
        raise ValueError(
            f"region {region.get('id')!r} has start {start!r} and end {end!r}; both must be whole numbers"
        )
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError(
            f"region {region.get('id')!r} has the labels {labels!r}; a list of names is expected"
        )
    found = value.get("text")
    score = region.get("score", value.get("score"))
    known = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    return _Said(
        start=start,
        end=end,
        labels=tuple(labels),
        text=found if isinstance(found, str) and found else None,
        score=float(score) if known else None,
        origin=str(region.get("origin", "manual")),
    )


def _is_offset(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def _counts_utf16(said: Sequence[_Said], text: str, units: Mapping[int, int]) -> bool:
    only_utf16 = only_code_points = 0
    for region in said if units else ():
        there = _fit(region, text, (region.start, region.end))
        there_in_utf16 = _fit(region, text, _converted(region, units))
        only_utf16 += there_in_utf16 > there
        only_code_points += there > there_in_utf16
    return only_utf16 > 0 and not only_code_points


def _place(
    region: _Said, text: str, units: Mapping[int, int], utf16: bool
) -> tuple[tuple[int, int] | None, str]:
    """Where the region lies, and why that is not where it said (empty: it is)."""
    as_said = (region.start, region.end)
    converted = _converted(region, units)
    order = [converted, as_said] if utf16 else [as_said, converted]
    place = max(order, key=partial(_fit, region, text))  # of equals the first
    if place is not None and _fit(region, text, place):
        return place, "" if place == as_said else UTF16
    beside = _beside(region, text)
    if beside is not None:
        return beside, BESIDE
    inside = 0 <= region.start < region.end <= len(text)
    return None, NOT_THERE if inside else OUTSIDE


def _fit(region: _Said, text: str, place: tuple[int, int] | None) -> int:
    """How well the region's text, where it has one, fits that place: 2 exactly, 1 but for how its line breaks
    are written, 0 not at all."""
    if place is None or not 0 <= place[0] < place[1] <= len(text):
        return 0
    there = text[place[0] : place[1]]
    if region.text is None or there == region.text:
        return 2
    return int(_bare(there) == _bare(region.text))


def _bare(text: str) -> str:
    return _BREAKS.sub("", text)


def _beside(region: _Said, text: str) -> tuple[int, int] | None:
    """The one place near its offsets where the region's text stands; None where there is none or several."""
    if region.text is None:
        return None
    first = max(0, region.start - NEAR)
    last = min(len(text), region.start + NEAR + len(region.text))
    found = text.find(region.text, first, last)
    if found < 0 or text.find(region.text, found + 1, last) >= 0:
        return None
    return found, found + len(region.text)


def _converted(region: _Said, units: Mapping[int, int]) -> tuple[int, int] | None:
    """The region read as UTF-16; None where it cuts a surrogate pair or leaves the text."""
    if region.start not in units or region.end not in units:
        return None
    return units[region.start], units[region.end]
