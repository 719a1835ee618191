from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import UnitGold, longest_first, put_on_units

# "10km of Rome!" cut as 10km | of | Rome | !
STARTS, ENDS = np.array([0, 5, 8, 12]), np.array([4, 7, 12, 13])


def put(*spans: tuple[int, int], **settings: object) -> UnitGold:
    return put_on_units([CharSpan(*span, "A") for span in spans], STARTS, ENDS, **settings)  # type: ignore[arg-type]


def test_spans_at_unit_boundaries_are_placed_without_a_word() -> None:
    placed = put((0, 7), (8, 12))
    assert placed.runs == [(0, 2, "A"), (2, 3, "A")]
    assert (placed.events, placed.lost) == ([], 0)


def test_a_span_that_cuts_a_unit_is_stretched_and_recorded() -> None:
    placed = put((0, 2))
    assert placed.runs == [(0, 1, "A")]
    (event,) = placed.events
    assert (event.action, event.reason, event.placed_start, event.placed_end) == (
        "snapped",
        "cuts a token",
        0,
        4,
    )


def test_strict_leaves_the_units_out_of_training_instead() -> None:
    placed = put((0, 2), policy="strict")
    assert (placed.runs, placed.lost) == ([], 1)
    assert placed.unknown.tolist() == [True, False, False, False]
    assert placed.events[0].action == "dropped"


def test_two_spans_on_one_unit_are_not_both_learned() -> None:
    placed = put((0, 2), (2, 4))
    assert placed.runs == [(0, 1, "A")]
    assert [event.action for event in placed.events] == ["snapped", "dropped"]
    assert placed.lost == 1


def test_a_span_between_the_units_is_lost_and_counted() -> None:
    placed = put((4, 5))
    assert (placed.runs, placed.lost) == ([], 1)
    assert placed.events[0].placed_start is None


def test_units_outside_of_what_was_looked_at_are_unknown() -> None:
    assert put((8, 12), ranges=((6, 13),)).unknown.tolist() == [True, True, False, False]
    assert put(ranges=()).unknown.all()


@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=6))
@pytest.mark.parametrize("policy", ["snap", "strict"])
def test_every_span_is_placed_or_counted_as_lost(policy: str, bounds: list[tuple[int, int]]) -> None:
    placed = put(*[(min(pair), max(pair)) for pair in bounds], policy=policy)
    assert len(placed.runs) + placed.lost == len(bounds)
    assert sum(event.action == "dropped" for event in placed.events) == placed.lost
    ends = [0, *[end for _, end, _ in placed.runs]]
    assert all(start >= before for (start, _, _), before in zip(placed.runs, ends, strict=False))


spans = st.lists(
    st.builds(
        lambda start, length, label: CharSpan(start, start + length, label),
        st.integers(0, 12),
        st.integers(1, 6),
        st.sampled_from("AB"),
    ),
    max_size=8,
)


@given(spans, st.booleans())
def test_longest_first_loses_none_and_keeps_no_overlap(given: list[CharSpan], shortest: bool) -> None:
    kept, left = longest_first(given, shortest=shortest)
    assert sorted([*kept, *left]) == sorted(given)
    assert all(a.end <= b.start for a, b in pairwise(kept))
    for span in left:
        over = [k for k in kept if k.start < span.end and span.start < k.end]
        assert over, "nothing stands where it would"
        lengths = [k.end - k.start for k in over]
        length = span.end - span.start
        assert min(lengths) <= length if shortest else max(lengths) >= length
    assert longest_first(given[::-1], shortest=shortest) == (kept, left), "whatever the order"
