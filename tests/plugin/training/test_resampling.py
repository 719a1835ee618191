from __future__ import annotations

from dataclasses import replace

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.config import Swap
from spanloop.plugin.training.resampling import augment, oversample, repeat_factors, undersample

NLP = spacy.blank("en")


def gold(text: str, *spans: tuple[str, str]) -> Gold:
    """A document and the first place of each (words, label) in it."""
    placed = [CharSpan(text.index(words), text.index(words) + len(words), label) for words, label in spans]
    return Gold(NLP.make_doc(text), tuple(placed))


GOLDS = [
    gold(
        "Angela Merkel met Barack Obama in Rome.",
        ("Angela Merkel", "PER"),
        ("Barack Obama", "PER"),
        ("Rome", "LOC"),
    ),
    gold("  New York City  is big", ("New York City", "LOC")),
    gold("Ann (Contoso) left", ("Ann", "PER"), ("Contoso", "ORG")),
    gold("nothing here"),
]
swaps = pytest.mark.parametrize("swap", ["mentions", "tokens"])


def words_of(golds: list[Gold], label: str) -> set[str]:
    return {gold.doc.text[s.start : s.end] for gold in golds for s in gold.spans if s.label == label}


@swaps
@given(seed=st.integers(0, 200))
def test_new_documents_keep_their_labels_and_what_stands_around_them(swap: Swap, seed: int) -> None:
    made = augment(GOLDS, 2.0, seed, swap=swap)
    assert len(made) == 8
    frames = {tuple(span.label for span in gold.spans): _outside(gold) for gold in GOLDS}
    for new in made:
        assert _outside(new) == frames[tuple(span.label for span in new.spans)]
        assert all(new.doc.char_span(span.start, span.end) is not None for span in new.spans)


def _outside(gold: Gold) -> list[str]:
    edges = [0, *[edge for span in gold.spans for edge in (span.start, span.end)], len(gold.doc.text)]
    return [gold.doc.text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]


@given(seed=st.integers(0, 200))
def test_mentions_are_whole_mentions_of_the_label(seed: int) -> None:
    made = augment(GOLDS, 2.0, seed)
    for label in ("PER", "LOC", "ORG"):
        assert words_of(made, label) <= words_of(GOLDS, label)


def test_tokens_come_from_the_label() -> None:
    made = augment(GOLDS, 10.0, 0, swap="tokens")
    assert {word for words in words_of(made, "LOC") for word in words.split()} <= {
        "New",
        "York",
        "City",
        "Rome",
    }
    assert words_of(made, "LOC") > words_of(GOLDS, "LOC")


def test_rare_labels_are_drawn_more_often() -> None:
    many = [gold(f"name {k} in Rome", ("Rome", "LOC")) for k in range(50)]
    made = augment([*many, GOLDS[2]], 4.0, 0)
    assert sum(any(span.label == "ORG" for span in new.spans) for new in made) > 50


@swaps
def test_the_same_seed_makes_the_same_documents(swap: Swap) -> None:
    texts = [[new.doc.text for new in augment(GOLDS, 3.0, seed, swap=swap)] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_what_was_seen_in_part_or_cuts_a_token_takes_no_part() -> None:
    partly = Gold(GOLDS[0].doc, GOLDS[0].spans, ranges=((0, 13),))
    cut = gold("sold 10km", ("0k", "LOC"))
    assert augment([partly, cut, GOLDS[3]], 1.0, 0) == []


def test_repeat_factors_by_hand() -> None:
    golds = [GOLDS[2], *[GOLDS[1]] * 7, GOLDS[3], GOLDS[3]]
    assert repeat_factors(golds, 0.4) == pytest.approx([2.0, *[1.0] * 9])


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.floats(0.0, 1.0), st.integers(0, 50))
def test_only_documents_without_a_span_are_left_out_and_as_many_as_asked(
    empty: list[bool], share: float, seed: int
) -> None:
    golds = [replace(GOLDS[1], spans=()) if bare else GOLDS[1] for bare in empty]
    places = undersample(golds, share, seed)
    assert places == sorted(set(places))
    assert undersample(golds, share, seed) == places
    left_out = set(range(len(golds))) - set(places)
    assert all(not golds[place].spans for place in left_out)
    assert len(left_out) == (0 if all(empty) else round(share * sum(empty)))


def test_a_document_with_a_refused_suggestion_is_not_left_out() -> None:
    refused = replace(GOLDS[1], spans=(), negatives=GOLDS[1].spans)
    assert undersample([GOLDS[1], refused, replace(GOLDS[1], spans=())], 1.0, 0) == [0, 1]


@given(st.floats(0.0, 1.0), st.integers(0, 50))
def test_every_document_is_seen_at_least_once_and_rare_ones_more(threshold: float, seed: int) -> None:
    golds = [GOLDS[2], *[GOLDS[1]] * 20]
    places = oversample(golds, threshold, seed)
    assert set(places) == set(range(21))
    factor = repeat_factors(golds, threshold)[0]
    assert factor - 1 < places.count(0) < factor + 1
