"""Character spans on tokens: what fits stands, what does not is told."""

from __future__ import annotations

import math

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spanloop.plugin.alignment.place import (
    GAVE_WAY,
    INSIDE_A_TOKEN,
    NO_TOKEN,
    OVERLAPS,
    REPLACED,
    SWEPT,
    TAKEN,
    WHITESPACE,
    Overwrite,
    place,
    set_ents,
    set_group,
    set_tags,
)
from spanloop.plugin.alignment.values import AlignmentEvent, CharSpan

NLP = spacy.blank("en")


def texts(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_a_span_inside_a_token_is_snapped_to_it_and_told() -> None:
    doc = NLP.make_doc("Kundennummer27 kam")
    events = set_ents(doc, [CharSpan(0, 12, "X", 0.9)], alignment="snap", overwrite=True).events
    assert texts(doc) == [("Kundennummer27", "X")]
    assert events == [AlignmentEvent(0, 12, "X", "snapped", INSIDE_A_TOKEN, 0, 14)]


def test_strict_places_nothing_that_cuts_a_token_and_tells() -> None:
    doc = NLP.make_doc("Kundennummer27 kam")
    events = set_ents(doc, [CharSpan(0, 12, "X", 0.9)], alignment="strict", overwrite=True).events
    assert texts(doc) == []
    assert events == [AlignmentEvent(0, 12, "X", "dropped", INSIDE_A_TOKEN)]


def test_of_two_spans_in_one_token_the_exact_then_the_surer_one_stays() -> None:
    doc = NLP.make_doc("AB12C fast")
    spans = [CharSpan(0, 2, "NUM", 0.6), CharSpan(2, 5, "UNIT", 0.8), CharSpan(6, 10, "HOW", 0.1)]
    events = set_ents(doc, spans, alignment="snap", overwrite=True).events
    assert texts(doc) == [("AB12C", "UNIT"), ("fast", "HOW")]
    assert [(event.label, event.action, event.reason) for event in events] == [
        ("NUM", "dropped", OVERLAPS),
        ("UNIT", "snapped", INSIDE_A_TOKEN),
    ]


def test_whitespace_tokens_at_the_edges_are_left_off() -> None:
    doc = Doc(NLP.vocab, words=["a", "\n", "b"], spaces=[False, False, False])
    events = set_ents(doc, [CharSpan(1, 3, "X", 1.0)], alignment="snap", overwrite=True).events
    assert texts(doc) == [("b", "X")]
    assert events == [AlignmentEvent(1, 3, "X", "trimmed", WHITESPACE, 2, 3)]


def test_a_span_of_nothing_but_whitespace_has_no_place() -> None:
    doc = Doc(NLP.vocab, words=["a", "\n\n", "b"], spaces=[False, False, False])
    events = set_ents(doc, [CharSpan(1, 3, "X", 1.0)], alignment="snap", overwrite=True).events
    assert texts(doc) == []
    assert [event.reason for event in events] == [NO_TOKEN]


def test_entities_that_were_there_are_respected_without_overwrite() -> None:
    doc = NLP.make_doc("Angela Merkel saw New York")
    doc.set_ents([Span(doc, 3, 5, "GPE")], blocked=[Span(doc, 2, 3)])
    spans = [CharSpan(0, 13, "PER", 0.9), CharSpan(14, 17, "X", 0.9), CharSpan(18, 21, "PER", 0.9)]
    events = set_ents(doc, spans, alignment="snap", overwrite=False).events
    assert texts(doc) == [("Angela Merkel", "PER"), ("New York", "GPE")]
    assert [event.reason for event in events] == [TAKEN, TAKEN]


@pytest.mark.parametrize(
    ("overwrite", "left", "gone"),
    [
        (True, [("Merkel saw", "PER"), ("New York", "GPE")], [("TITLE", GAVE_WAY)]),
        ("all", [("Merkel saw", "PER")], [("TITLE", GAVE_WAY), ("GPE", SWEPT)]),
    ],
)
def test_overwrite_takes_the_place_of_what_it_meets_and_tells(
    overwrite: Overwrite, left: list[tuple[str, str]], gone: list[tuple[str, str]]
) -> None:
    doc = NLP.make_doc("Angela Merkel saw New York")
    doc.ents = [Span(doc, 0, 2, "TITLE"), Span(doc, 3, 5, "GPE", kb_id="Q60")]  # type: ignore[assignment]
    events = set_ents(doc, [CharSpan(7, 17, "PER", 0.9)], alignment="snap", overwrite=overwrite).events
    assert texts(doc) == left
    assert [(event.action, event.label, event.reason) for event in events] == [
        (REPLACED, *one) for one in gone
    ]
    assert [ent.kb_id_ for ent in doc.ents][1:] == ["Q60"] * (len(left) - 1)


def test_what_the_same_pipe_wrote_before_goes_without_a_word() -> None:
    doc = NLP.make_doc("Angela Merkel saw New York")
    doc.ents = [Span(doc, 0, 2, "PER"), Span(doc, 3, 5, "GPE")]  # type: ignore[assignment]
    own = {(0, 13, "PER")}
    events = set_ents(doc, [CharSpan(14, 17, "X", 0.9)], alignment="snap", overwrite=True, own=own).events
    assert texts(doc) == [("saw", "X"), ("New York", "GPE")]
    assert events == []


def test_the_same_entity_placed_anew_is_not_gone() -> None:
    doc = NLP.make_doc("Angela Merkel saw New York")
    doc.ents = [Span(doc, 3, 5, "GPE")]  # type: ignore[assignment]
    for overwrite in (True, "all"):
        assert set_ents(doc, [CharSpan(18, 26, "GPE")], alignment="snap", overwrite=overwrite).events == []  # type: ignore[arg-type]


def test_blocked_tokens_stay_blocked_where_nothing_takes_their_place() -> None:
    doc = NLP.make_doc("Angela Merkel saw New York")
    doc.set_ents([], blocked=[Span(doc, 0, 1), Span(doc, 2, 3)])
    set_ents(doc, [CharSpan(0, 13, "PER")], alignment="snap", overwrite=True)
    assert texts(doc) == [("Angela Merkel", "PER")]
    assert (doc[2].ent_iob_, doc[2].ent_type_) == ("B", "")


def test_a_group_carries_a_score_a_span() -> None:
    doc = NLP.make_doc("Angela Merkel saw New York")
    doc.spans["sc"] = [Span(doc, 4, 5, "OLD")]
    set_group(doc, "sc", [CharSpan(0, 13, "PER", 0.75)], alignment="snap", overwrite=False)
    assert [span.label_ for span in doc.spans["sc"]] == ["OLD", "PER"]
    scores = doc.spans["sc"].attrs["scores"]
    assert math.isnan(scores[0])
    assert scores[1] == pytest.approx(0.75)
    events = set_group(doc, "sc", [CharSpan(7, 13, "PER", 0.5)], alignment="snap", overwrite=True).events
    assert [(span.text, span.label_) for span in doc.spans["sc"]] == [("York", "OLD"), ("Merkel", "PER")]
    assert [(event.start, event.end, event.action) for event in events] == [(0, 13, REPLACED)]
    set_group(doc, "sc", [], alignment="snap", overwrite="all")
    assert len(doc.spans["sc"]) == 0


def test_tags_go_to_the_tokens_that_begin_in_the_span() -> None:
    doc = NLP.make_doc("10km up")
    doc[2].tag_ = "KEEP"
    set_tags(doc, [CharSpan(0, 4, "QTY"), CharSpan(5, 7, "RB")], field="tag", overwrite=False)
    assert [token.tag_ for token in doc] == ["QTY", "QTY", "KEEP"]
    set_tags(doc, [CharSpan(5, 7, "ADV")], field="pos", overwrite=True)
    assert doc[2].pos_ == "ADV"
    events = set_tags(doc, [CharSpan(0, 4, "QTY"), CharSpan(5, 7, "RB")], field="tag", overwrite=True).events
    assert [(event.start, event.end, event.label, event.action) for event in events] == [
        (5, 7, "KEEP", REPLACED)
    ]


def test_a_label_that_is_no_part_of_speech_is_a_clear_error() -> None:
    doc = NLP.make_doc("up")
    with pytest.raises(ValueError, match=r'"NNP" is no universal part of speech.*annotate = "tag"'):
        set_tags(doc, [CharSpan(0, 2, "NNP")], field="pos", overwrite=True)


words = st.lists(
    st.sampled_from(["ab", "c", "defg", "10km", "x-y", "\n", "  ", "😀"]), min_size=1, max_size=8
)


@given(
    words=words, cuts=st.lists(st.integers(0, 40), max_size=10), policy=st.sampled_from(["snap", "strict"])
)
def test_no_span_is_lost_without_an_event(words: list[str], cuts: list[int], policy: str) -> None:
    doc = NLP.make_doc(" ".join(words))
    edges = sorted({min(cut, len(doc.text)) for cut in cuts})
    pairs = zip(edges[::2], edges[1::2], strict=False)
    spans = [CharSpan(start, end, f"L{i}", 0.5) for i, (start, end) in enumerate(pairs) if start < end]
    placed, events = place(doc, spans, alignment=policy)  # type: ignore[arg-type]
    told = {event.label: event for event in events}
    where = {meant: (target.start_char, target.end_char) for target, meant in placed}
    exact = {meant.label for meant, at in where.items() if at == (meant.start, meant.end)}
    assert exact | set(told) == {span.label for span in spans}
    assert not exact & set(told)
    for meant, at in where.items():
        event = told.get(meant.label)
        assert event is None or (event.placed_start, event.placed_end) == at
    ends = [0, *(target.end for target, _ in placed)]
    assert all(end <= target.start for end, (target, _) in zip(ends, placed, strict=False))
    assert all(not doc[t.start].is_space and not doc[t.end - 1].is_space for t, _ in placed)
