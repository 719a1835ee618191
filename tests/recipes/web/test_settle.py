"""What was done to each suggestion: laws, then examples."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spanloop.recipes.web.settle import settle
from spanloop.store.records import AnnotatedSpan, Span

SUGGESTIONS = (Span(0, 3, "PER", 0.9, id=7), Span(8, 11, "LOC", 0.4, id=8))


def test_settle_untouched_suggestions_are_taken() -> None:
    assert settle([(0, 3, "PER", 7), (8, 11, "LOC", 8)], SUGGESTIONS) == (
        AnnotatedSpan(0, 3, "PER", "taken", 7),
        AnnotatedSpan(8, 11, "LOC", "taken", 8),
    )


def test_settle_names_changed_added_and_rejected() -> None:
    assert settle([(0, 5, "PER", 7), (12, 14, "ORG", None)], SUGGESTIONS) == (
        AnnotatedSpan(0, 5, "PER", "changed", 7),
        AnnotatedSpan(12, 14, "ORG", "added"),
        AnnotatedSpan(8, 11, "LOC", "rejected", 8),
    )


def test_settle_a_suggestion_deleted_and_made_again_is_taken() -> None:
    assert settle([(8, 11, "LOC", None)], SUGGESTIONS[1:]) == (AnnotatedSpan(8, 11, "LOC", "taken", 8),)


def test_settle_both_halves_of_a_split_do_not_claim_the_same_suggestion() -> None:
    halves = settle([(0, 1, "PER", 7), (2, 3, "PER", 7)], SUGGESTIONS[:1])
    assert [(s.action, s.prediction_span_id) for s in halves] == [("changed", 7), ("added", None)]


def test_settle_a_skipped_document_rejects_nothing() -> None:
    assert settle([], SUGGESTIONS, keep_rejected=False) == ()


def test_settle_foreign_ids_count_as_none() -> None:
    assert settle([(0, 3, "ORG", 99)], SUGGESTIONS[1:], keep_rejected=False) == (
        AnnotatedSpan(0, 3, "ORG", "added"),
    )


SPANS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from("AB"), st.none() | st.integers(0, 9)), max_size=8
)


@given(SPANS, st.sets(st.integers(0, 9)))
def test_settle_keeps_every_span_and_uses_every_suggestion_once(
    left: list[tuple[int, str, int | None]], suggested: set[int]
) -> None:
    spans = [(place * 3, place * 3 + 2, label, source) for place, label, source in left]
    suggestions = [Span(place * 3, place * 3 + 2, "A", 0.5, id=place) for place in suggested]
    settled = settle(spans, suggestions)
    kept = [s for s in settled if s.action != "rejected"]
    assert sorted((s.start, s.end, s.label) for s in kept) == sorted(s[:3] for s in spans)
    ids = [s.prediction_span_id for s in settled if s.prediction_span_id is not None]
    assert sorted(ids) == sorted(suggested)
    for span in kept:
        if span.action == "taken":
            assert (span.start // 3, span.label) == (span.prediction_span_id, "A")
