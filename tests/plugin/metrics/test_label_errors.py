"""Confident learning on tokens: what a confident model contradicts is found, what it hardly knows is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.metrics.label_errors import Suspect, classes_of, find_suspects, judge_labels, thresholds

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
CLASSES = classes_of(["PER", "LOC"], outside=True)
WORDS = 6


def scores(**sure: float) -> TokenScores:
    """Six words of two characters each; ``w2_B_LOC=0.9``: how probable a tag is, the rest is O."""
    table = np.full((WORDS, len(TAGS)), 1e-6)
    for name, value in sure.items():
        word, prefix, label = name.split("_")
        table[int(word[1:]), TAGS.index(f"{prefix}-{label}")] = value
    table[:, 0] = np.maximum(1e-6, 1 - table[:, 1:].sum(axis=1))
    starts = np.arange(WORDS) * 3
    return TokenScores(np.log(table).astype(np.float32), starts, starts + 2, TAGS)


def word(first: int, label: str, last: int | None = None) -> CharSpan:
    return CharSpan(first * 3, (first if last is None else last) * 3 + 2, label)


def suspects(*documents: tuple[TokenScores, list[CharSpan]]) -> list[list[Suspect]]:
    judged = [judge_labels(s, spans, CLASSES, scheme="IOB2") for s, spans in documents]
    return find_suspects(judged, CLASSES)


USUAL = (scores(w0_B_PER=0.9, w3_B_LOC=0.8), [word(0, "PER"), word(3, "LOC")])
UNSURE = (scores(w2_B_PER=0.3), [])  # what the model calls no label it is not always equally sure of


def test_where_gold_and_model_agree_nothing_is_suspect() -> None:
    assert suspects(USUAL, USUAL) == [[], []]


def test_a_missing_a_superfluous_and_a_mistaken_label() -> None:
    odd = (
        scores(w0_B_LOC=0.95, w2_B_PER=0.97, w3_I_PER=0.95),
        [word(0, "PER"), word(5, "LOC")],
    )
    found = suspects(*[USUAL] * 20, odd)[-1]
    assert [(s.start, s.end, s.given, s.said) for s in found] == [
        (0, 2, "PER", "LOC"),
        (6, 11, None, "PER"),
        (15, 17, "LOC", None),
    ]
    assert found[1].confidence == pytest.approx(0.96, abs=1e-4)
    assert all(0 < s.doubt <= 1 for s in found)


def test_a_wrong_edge_is_suspect_where_it_is_wrong() -> None:
    short = (scores(w1_B_PER=0.95, w2_I_PER=0.95), [word(2, "PER")])
    long = (scores(w1_B_PER=0.95), [word(1, "PER", 2)])
    *_, first, second = suspects(*[USUAL] * 20, short, long)
    assert [(s.start, s.end, s.given, s.said) for s in first] == [(3, 5, None, "PER")]
    assert [(s.start, s.end, s.given, s.said) for s in second] == [(6, 8, "PER", None)]


def test_what_the_model_says_less_surely_than_usual_is_no_suspect() -> None:
    """0.7 is a majority, yet where the gold says PER the model is usually surer: it may just be wrong."""
    unsure = (scores(w2_B_PER=0.7), [])
    assert suspects(*[USUAL] * 20, unsure)[-1] == []


def test_what_nobody_looked_at_is_no_suspect() -> None:
    odd = scores(w1_B_PER=0.99, w4_B_PER=0.99)
    judged = [judge_labels(s, spans, CLASSES, scheme="IOB2") for s, spans in [USUAL] * 20]
    judged.append(judge_labels(odd, [], CLASSES, scheme="IOB2", ranges=[(0, 8)]))
    assert [(s.start, s.end) for s in find_suspects(judged, CLASSES)[-1]] == [(3, 5)]


def test_every_token_of_a_tags_project_is_a_suspect_of_its_own() -> None:
    classes = classes_of(["NOUN", "VERB"], outside=False)
    table = np.log(np.array([[0.05, 0.95]] * 3)).astype(np.float32)
    starts = np.arange(3) * 3
    said = TokenScores(table, starts, starts + 2, ("NOUN", "VERB"))
    right = judge_labels(said, [word(i, "VERB") for i in range(3)], classes, scheme="plain")
    wrong = judge_labels(said, [word(0, "NOUN"), word(1, "NOUN")], classes, scheme="plain")
    found = find_suspects([right, right, wrong], classes)[-1]
    assert [(s.start, s.end, s.given, s.said) for s in found] == [
        (0, 2, "NOUN", "VERB"),
        (3, 5, "NOUN", "VERB"),
    ]  # the third token has no tag: nobody has said anything


def test_a_model_of_older_names_is_read_by_todays() -> None:
    old = scores(w0_B_PER=0.9)
    judged = judge_labels(
        old, [word(0, "PERSON")], ("O", "PERSON"), scheme="IOB2", renamed={"PER": "PERSON", "LOC": None}
    )
    assert judged.probabilities[0].tolist() == pytest.approx([0.1, 0.9], abs=1e-4)
    assert judged.given[0] == 1


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=1, max_size=30))
def test_a_threshold_is_the_mean_of_what_its_label_gets(rows: list[list[float]]) -> None:
    probabilities = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    tags = ("O", "B-PER", "B-LOC")
    starts = np.arange(len(rows)) * 3
    said = TokenScores(np.log(probabilities).astype(np.float32), starts, starts + 2, tags)
    spans = [word(i, "PER") for i in range(0, len(rows), 2)]
    judged = judge_labels(said, spans, CLASSES, scheme="IOB2")
    outside, person, nowhere = thresholds([judged], 3)
    assert person == pytest.approx(probabilities[::2, 1].mean(), abs=1e-4)
    assert nowhere == 1.0
    assert outside == pytest.approx(probabilities[1::2, 0].mean() if len(rows) > 1 else 1.0, abs=1e-4)
    for suspect in find_suspects([judged], CLASSES)[0]:
        assert suspect.confidence >= min(outside, person)
        assert 0 <= suspect.doubt <= suspect.confidence


def test_a_sum_of_rounded_probabilities_is_none_above_one() -> None:
    judged = judge_labels(scores(w0_B_PER=0.6, w0_I_PER=0.4001), [word(0, "LOC")], CLASSES, scheme="IOB2")
    assert judged.probabilities.max() == 1


def test_pieces_of_one_span_are_one_place() -> None:
    """Five words of gold of which the model refuses the first and the last two, and calls one a place."""
    pieces = (scores(w1_B_PER=0.97, w2_B_LOC=0.98), [word(0, "PER", 4)])
    found = suspects(*[USUAL] * 20, UNSURE, pieces)[-1]
    assert [(s.start, s.end, s.given, s.said) for s in found] == [(0, 14, "PER", None)]


def test_a_run_of_the_model_is_one_place_though_it_is_less_sure_in_the_middle() -> None:
    run = (scores(w1_B_PER=0.97, w2_I_PER=0.6, w3_I_PER=0.97), [])
    found = suspects(*[USUAL] * 20, run)[-1]
    assert [(s.start, s.end, s.given, s.said) for s in found] == [(3, 11, None, "PER")]


def test_two_spans_side_by_side_are_two_places() -> None:
    two = (scores(), [word(1, "PER"), word(2, "LOC")])
    found = suspects(*[USUAL] * 20, UNSURE, two)[-1]
    assert [(s.start, s.end, s.given) for s in found] == [(3, 5, "PER"), (6, 8, "LOC")]
