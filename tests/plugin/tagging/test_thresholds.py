"""Thresholds on confidences: what they leave out, and how they are chosen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.thresholds import (
    EVERY,
    ThresholdError,
    check_labels,
    checked,
    in_force,
    part,
    pick,
    read_thresholds,
    typed_thresholds,
)

CONFIDENCES = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
SPANS = st.lists(st.tuples(st.sampled_from(["PER", "LOC"]), CONFIDENCES, st.booleans()), max_size=60)


def laid_out(drawn: list[tuple[str, float, bool]]) -> tuple[list[list[CharSpan]], list[list[CharSpan]]]:
    """A document a span; where it is wrong, the gold has another span there."""
    predicted = [[CharSpan(0, 3, label, score)] for label, score, _ in drawn]
    gold = [[CharSpan(0, 3 if right else 5, label)] for label, _, right in drawn]
    return predicted, gold


@given(SPANS)
def test_a_threshold_of_0_leaves_nothing_out(drawn: list[tuple[str, float, bool]]) -> None:
    spans = [spans[0] for spans in laid_out(drawn)[0]]
    assert part(spans, in_force(checked(0))) == (spans, [])
    assert part(spans, None) == (spans, [])


@given(SPANS, CONFIDENCES, CONFIDENCES)
def test_a_higher_threshold_only_removes_spans(
    drawn: list[tuple[str, float, bool]], one: float, other: float
) -> None:
    spans = [spans[0] for spans in laid_out(drawn)[0]]
    low, high = sorted([one, other])
    few, _ = part(spans, in_force(checked({EVERY: high, "PER": high})))
    many, left_out = part(spans, in_force(checked(low)))
    assert [span for span in many if span in few] == few
    assert all(span.score is not None and span.score < low for span in left_out)
    assert len(many) + len(left_out) == len(spans)


def test_a_label_goes_by_its_own_threshold_and_all_others_by_that_of_all() -> None:
    spans = [CharSpan(0, 1, "PER", 0.5), CharSpan(2, 3, "LOC", 0.5), CharSpan(4, 5, "ORG")]
    assert part(spans, {EVERY: 0.6, "PER": 0.4}) == ([spans[0], spans[2]], [spans[1]])
    assert part(spans, in_force({EVERY: 0.6, "PER": 0.0}))[0] == [spans[0], spans[2]]


def test_thresholds_are_read_as_they_are_typed() -> None:
    assert read_thresholds("0.5") == {EVERY: 0.5}
    assert read_thresholds("0.5, PER=0.6") == {EVERY: 0.5, "PER": 0.6}
    assert typed_thresholds({"PER": 0.6, EVERY: 0.5}) == "0.5,PER=0.6"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("high", "'high' is no number from 0 to 1"),
        ("1.5", "of every label is 1.5: give 0 to 1"),
        ("PER=-1", "of 'PER' is -1: give 0 to 1"),
        ("nan", "of every label is nan: give a number from 0 to 1"),
        ("0.1,0.2", "of every label is given twice"),
        ("PER=", "'PER=' is no number"),
    ],
)
def test_what_is_no_threshold_is_told_with_what_to_type(text: str, told: str) -> None:
    with pytest.raises(ThresholdError, match=told):
        read_thresholds(text)


def test_a_threshold_of_a_label_that_is_not_there_is_told() -> None:
    with pytest.raises(ThresholdError, match="for 'PERS', which is no label here"):
        check_labels({EVERY: 0.1, "PERS": 0.5}, ["PER"])


@given(SPANS)
def test_no_threshold_gives_a_better_f1_than_the_one_that_is_picked(
    drawn: list[tuple[str, float, bool]],
) -> None:
    one_label = [("PER", score, right) for _, score, right in drawn]
    predicted, gold = laid_out(one_label)
    picked = pick(predicted, gold, "f1")
    if len(drawn) < 20:
        assert (picked.thresholds, picked.before, picked.after) == ({}, None, None)
        return
    assert picked.after is not None
    assert picked.before is not None
    for candidate in [0.0, *(score + 0.0005 for _, score, _ in drawn)]:
        kept = [right for _, score, right in one_label if score >= candidate]
        assert picked.after.f1 >= 2 * sum(kept) / (len(kept) + len(drawn)) - 1e-9
    assert picked.after.f1 >= picked.before.f1


@given(SPANS.filter(lambda drawn: len(drawn) >= 20), st.floats(0.05, 1.0))
def test_a_wanted_precision_is_reached_with_as_many_spans_as_it_allows_or_it_is_said(
    drawn: list[tuple[str, float, bool]], wanted: float
) -> None:
    one_label = [("PER", score, right) for _, score, right in drawn]
    picked = pick(*laid_out(one_label), wanted)
    assert picked.after is not None

    def precision(threshold: float) -> float:
        kept = [right for _, score, right in one_label if score >= threshold]
        return sum(kept) / len(kept) if kept else 0.0

    reachable = [score for _, score, _ in one_label if precision(score) >= wanted]
    if reachable:
        assert picked.after.precision >= wanted
        assert picked.after.spans == sum(score >= min(reachable) for _, score, _ in one_label)
    else:
        assert f"the precision {wanted:g} cannot be reached" in picked.note


def test_a_label_with_enough_spans_has_a_threshold_of_its_own() -> None:
    drawn = [("PER", 0.9, True)] * 20 + [("PER", 0.3, False)] * 5 + [("LOC", 0.4, True)] * 5
    picked = pick(*laid_out(drawn), "f1")
    assert picked.thresholds["PER"] == pytest.approx(0.6)
    assert "LOC" not in picked.thresholds
    assert picked.after is not None
    assert picked.after.precision == 1.0
