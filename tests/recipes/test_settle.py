"""What became of each suggestion: examples, laws, and that the page, Prodigy and a simulation agree."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.store_making import add_model

from spanloop.recipes.formats.prodigy_task import OWN
from spanloop.recipes.prodigy.answers import Answers
from spanloop.recipes.settle import Place, refused, settle
from spanloop.recipes.simulation.answers import simulate_answers
from spanloop.recipes.web.asked import PostedAnswer
from spanloop.recipes.web.overview import Overview
from spanloop.recipes.web.reach import Reach
from spanloop.recipes.web.session import Session
from spanloop.recipes.web.settings import PageSettings
from spanloop.recipes.web.submitting import Submitting
from spanloop.recipes.web.wire import read
from spanloop.store import Store
from spanloop.store.records import AnnotatedSpan, Document, NewDocument, Span

SUGGESTIONS = (Span(0, 3, "PER", 0.9, id=7), Span(8, 11, "LOC", 0.4, id=8))


def test_settle_untouched_suggestions_are_taken() -> None:
    assert settle([(0, 3, "PER"), (8, 11, "LOC")], SUGGESTIONS) == (
        AnnotatedSpan(0, 3, "PER", "taken", 7),
        AnnotatedSpan(8, 11, "LOC", "taken", 8),
    )


def test_settle_names_changed_added_and_rejected() -> None:
    assert settle([(0, 5, "PER"), (12, 14, "ORG")], SUGGESTIONS) == (
        AnnotatedSpan(0, 5, "PER", "changed", 7),
        AnnotatedSpan(12, 14, "ORG", "added"),
        AnnotatedSpan(8, 11, "LOC", "rejected", 8),
    )
    suggestions = (Span(0, 3, "PER", id=1), Span(5, 9, "LOC", id=2), Span(20, 22, "PER", id=3))
    gold = [(0, 3, "PER"), (5, 8, "LOC"), (10, 12, "PER")]
    assert [(a.start, a.end, a.label, a.action, a.prediction_span_id) for a in settle(gold, suggestions)] == [
        (0, 3, "PER", "taken", 1),
        (5, 8, "LOC", "changed", 2),
        (10, 12, "PER", "added", None),
        (20, 22, "PER", "rejected", 3),
    ]


def test_settle_a_suggestion_deleted_and_made_again_is_taken() -> None:
    assert settle([(8, 11, "LOC")], SUGGESTIONS[1:]) == (AnnotatedSpan(8, 11, "LOC", "taken", 8),)


def test_settle_both_halves_of_a_split_do_not_claim_the_same_suggestion() -> None:
    halves = settle([(0, 1, "PER"), (2, 3, "PER")], SUGGESTIONS[:1])
    assert [(s.action, s.prediction_span_id) for s in halves] == [("changed", 7), ("added", None)]


@pytest.mark.parametrize(
    ("span", "suggestions", "changed"),
    [
        ((0, 9, "PER"), [Span(0, 3, "PER", id=1), Span(4, 9, "LOC", id=2)], 2),  # shares most
        ((0, 9, "PER"), [Span(0, 4, "LOC", id=1), Span(5, 9, "PER", id=2)], 2),  # of the same label
        ((0, 9, "ORG"), [Span(5, 9, "PER", id=2), Span(0, 4, "LOC", id=1)], 1),  # the first in the text
    ],
)
def test_settle_two_merged_into_one_are_one_changed_and_one_rejected(
    span: Place, suggestions: list[Span], changed: int
) -> None:
    first, second = settle([span], suggestions)
    assert (first.action, first.prediction_span_id, second.action) == ("changed", changed, "rejected")


def test_settle_a_skipped_document_rejects_nothing() -> None:
    assert settle([], SUGGESTIONS, keep_rejected=False) == ()


def test_a_no_is_about_the_suggestion_at_that_very_place() -> None:
    assert refused((0, 3, "PER"), SUGGESTIONS) == AnnotatedSpan(0, 3, "PER", "rejected", 7)
    assert refused((0, 3, "LOC"), SUGGESTIONS) == AnnotatedSpan(0, 3, "LOC", "rejected", None)


# Laws

WORDS = 12  # words of one letter, with a blank after each


@st.composite
def apart(draw: st.DrawFn) -> list[Place]:
    """Spans of whole words, no two of which share characters, in any order."""
    edges = sorted(draw(st.sets(st.integers(0, WORDS), max_size=WORDS)))
    spans = [
        (2 * first, 2 * end - 1, draw(st.sampled_from(["LOC", "PER"])))
        for first, end in pairwise(edges)
        if draw(st.booleans())
    ]
    return draw(st.permutations(spans))


def predicted(places: list[Place]) -> list[Span]:
    return [Span(*place, 0.5, id=100 + number) for number, place in enumerate(places)]


def overlap(one: Place | Span | AnnotatedSpan, other: Place | Span | AnnotatedSpan) -> bool:
    (start, end), (other_start, other_end) = (
        (s[0], s[1]) if isinstance(s, tuple) else (s.start, s.end) for s in (one, other)
    )
    return start < other_end and other_start < end


@given(apart(), apart())
def test_every_suggestion_has_exactly_one_fate_and_every_span_is_kept(
    spans: list[Place], places: list[Place]
) -> None:
    settled = settle(spans, predicted(places))
    kept = [s for s in settled if s.action != "rejected"]
    assert [(s.start, s.end, s.label) for s in kept] == sorted(spans)
    assert settled[len(kept) :] == tuple(s for s in settled if s.action == "rejected")
    ids = [s.prediction_span_id for s in settled if s.action != "added"]
    assert sorted(ids, key=str) == [s.id for s in predicted(places)]
    assert all(s.prediction_span_id is None for s in settled if s.action == "added")
    assert settle(spans, predicted(places), keep_rejected=False) == tuple(kept)


@given(apart(), apart())
def test_each_fate_means_what_it_says(spans: list[Place], places: list[Place]) -> None:
    suggestions = predicted(places)
    by_id = {suggestion.id: suggestion for suggestion in suggestions}
    settled = settle(spans, suggestions)
    taken = {(s.start, s.end, s.label) for s in settled if s.action == "taken"}
    assert taken == set(spans) & set(places)
    for span in settled:
        suggestion = by_id.get(span.prediction_span_id)
        if span.action == "changed":
            assert suggestion is not None
            assert overlap(span, suggestion)
        if span.action in ("taken", "rejected"):
            assert suggestion is not None
            assert (span.start, span.end, span.label) == (suggestion.start, suggestion.end, suggestion.label)
    added = [s for s in settled if s.action == "added"]
    rejected = [s for s in settled if s.action == "rejected"]
    assert not [(one, other) for one in added for other in rejected if overlap(one, other)]


@given(apart(), apart(), st.randoms(use_true_random=False))
def test_nothing_counts_but_the_spans(spans: list[Place], places: list[Place], luck: object) -> None:
    suggestions = predicted(places)
    told = settle(spans, suggestions)
    luck.shuffle(spans)  # type: ignore[attr-defined]
    luck.shuffle(suggestions)  # type: ignore[attr-defined]
    assert settle(spans, suggestions) == told


# The page, Prodigy, the simulation


class Three:
    """One text three times, with the same suggestions: once for each way in."""

    def __init__(self, store: Store) -> None:
        self.store, self.model, self.numbers = store, add_model(store), count()
        page = PageSettings()
        self.submitting = Submitting(store, Reach(store, page), Overview(store, page))
        self.label_ids = store.labels.ids()

    def documents(self, suggestions: list[Span]) -> list[Document]:
        number = next(self.numbers)
        text = "".join(f"{chr(97 + word)} " for word in range(WORDS)) + str(number)
        keys = [f"{number} {who}" for who in ("page", "prodigy", "simulated")]
        self.store.documents.add([NewDocument(f"{text} {key}", key=key) for key in keys])
        found = [document for key in keys if (document := self.store.documents.by_key(key))]
        self.store.predictions.add(self.model, [(d.id, suggestions, {}) for d in found])
        return found

    def prediction(self, document: Document) -> int | None:
        prediction = self.store.predictions.get(document.id)
        return None if prediction is None else prediction.id

    def rows(self, document: Document) -> list[tuple[object, ...]]:
        """What is stored of a document; a suggestion by its place."""
        latest = self.store.annotations.history(document.id)[-1]
        assert latest.prediction_id is not None
        prediction = self.store.predictions.by_id(latest.prediction_id)
        assert prediction is not None
        named = {s.id: (s.start, s.end, s.label) for s in prediction.spans}
        return [
            (s.start, s.end, s.label, s.action, s.prediction_span_id and named[s.prediction_span_id])
            for s in latest.spans
        ]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Three]:
    path: Path = tmp_path_factory.mktemp("three") / "p.db"
    with Store.create(path, labels=["PER", "LOC"], base_model="offline", eval_fraction=0.0) as store:
        yield Three(store)


@settings(deadline=None, max_examples=40)
@given(spans=apart(), places=apart())
def test_the_page_prodigy_and_a_simulation_store_the_same(
    three: Three, spans: list[Place], places: list[Place]
) -> None:
    page, prodigy, simulated = three.documents([Span(*place) for place in sorted(places)])
    said = [{"start": start, "end": end, "label": label} for start, end, label in sorted(spans)]
    posted = {
        **Session(three.store.project.uid, "anna", "ordinary").json(),
        "uuid": str(uuid.uuid4()),
        "document_id": page.id,
        "document_key": page.key,
        "answer": "accept",
        "spans": [{**span, "label_id": three.label_ids[str(span["label"])]} for span in said],
        "prediction_id": three.prediction(page),
    }
    three.submitting.answer("anna", read(PostedAnswer, posted))
    own = {"key": prodigy.key, "prediction": three.prediction(prodigy)}
    Answers(three.store, "anna").whole({"text": prodigy.text, "spans": said, "answer": "accept", OWN: own})
    gold = {simulated.key: [Span(*span) for span in spans]}
    assert simulate_answers(three.store, gold, 1) == 1
    rows = three.rows(page)
    assert three.rows(prodigy) == rows
    assert three.rows(simulated) == rows
    assert [row[:3] for row in rows if row[3] != "rejected"] == sorted(spans)
