"""Asking below the document: which parts are doubtful, what answers about them add up to, what they cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.store_making import say

from spanloop.plugin.alignment.values import TokenScores
from spanloop.recipes.active_learning.below import Below
from spanloop.recipes.active_learning.parts import CONTEXT, about, added_to, holds, joined, newly, read
from spanloop.recipes.active_learning.registry import below, by_name
from spanloop.recipes.active_learning.sentences import LONGEST, sentences
from spanloop.recipes.errors import RecipeError
from spanloop.store.records import Range

WORDS = ["Ann", "met", "bob", ".", "?", ")", "\n", "\n\n", "Rome", "。"]
RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda p: (p[0], p[0] + p[1])))


def cut(text: str) -> tuple[list[int], list[int]]:
    """The tokens of a text whose words stand apart."""
    starts, ends, at = [], [], 0
    for word in text.split():
        at = text.index(word, at)
        starts.append(at)
        at += len(word)
        ends.append(at)
    return starts, ends


def scores(text: str, sure: list[float]) -> TokenScores:
    """Scores of two tags; ``sure``: the probability of the likelier one, token by token."""
    likely = np.array(sure, dtype=np.float32).reshape(-1, 1)
    starts, ends = cut(text)
    return TokenScores(
        np.log(np.hstack([likely, 1 - likely])), np.array(starts, int), np.array(ends, int), ("O", "B-PER")
    )


def strategy(name: str = "mnlp@sentences") -> Below:
    found = below(name)
    assert found is not None
    return found


@given(st.lists(st.sampled_from(WORDS), max_size=200))
def test_sentences_hold_every_token_once_and_none_is_too_long(words: list[str]) -> None:
    text = " ".join(words)
    starts, ends = cut(text)
    found = sentences(text, starts, ends)
    assert [at for first, behind in found for at in range(first, behind)] == list(range(len(starts)))
    assert all(0 < behind - first <= LONGEST for first, behind in found)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ann met Bob . Then ( she said ) left .", ["Ann met Bob .", "Then ( she said ) left ."]),
        ("It costs 3 . approx", ["It costs 3 . approx"]),  # a small letter goes on
        ("A title\n\nAnn came\nhome", ["A title", "Ann came\nhome"]),
        ("安 来 。 鲍 走 。", ["安 来 。", "鲍 走 。"]),
        ("x" + " y" * LONGEST + "\nz", ["x" + " y" * 29, "y" + " y" * 30, "z"]),  # at lines, then alike
    ],
)
def test_where_sentences_end(text: str, wanted: list[str]) -> None:
    starts, ends = cut(text)
    found = [text[starts[first] : ends[behind - 1]] for first, behind in sentences(text, starts, ends)]
    assert found == wanted


TEXT = "Ann came . Bob may go . All is well ."
SURE = [0.99, 0.99, 0.99, 0.6, 0.6, 0.9, 0.9, 0.99, 0.99, 0.99, 0.99]


def test_the_doubtful_sentence_is_asked_and_no_suggestion_is_cut() -> None:
    found = strategy().doubtful(TEXT, scores(TEXT, SURE), [])
    assert [TEXT[start:end] for start, end in found.parts] == ["Bob may go ."]
    assert found.score == pytest.approx(-np.log([0.6, 0.6, 0.9, 0.9]).mean(), rel=1e-5)
    across = strategy().doubtful(TEXT, scores(TEXT, SURE), [(20, 30)])  # from this sentence into the next
    assert across.parts == ((11, 30),)
    assert strategy().doubtful(TEXT, scores(TEXT, [0.8] * 11), []).parts == ()  # all of it alike: the whole
    tokens = strategy("mnlp@tokens").doubtful(TEXT, scores(TEXT, SURE), [])
    assert [TEXT[start:end] for start, end in tokens.parts] == ["Bob may"]  # neighbours are one part


def test_what_was_answered_is_not_asked_again_and_the_rest_only_where_the_model_is_unsure() -> None:
    asks, sure = strategy(), [*SURE]
    before = ((11, 23),)
    assert asks.doubtful(TEXT, scores(TEXT, sure), [], before) == ((), 0.0)
    sure[0] = 0.69
    assert asks.doubtful(TEXT, scores(TEXT, sure), [(4, 15)], before).parts == ((0, 10),)


@example([0.5] * 10 + [0.75], [(8, 9)])  # the blank between two neighbours
@example([0.5] * 11, [(8, 9)])  # everything is doubtful, and something was answered
@given(st.lists(st.floats(0.5, 0.999), min_size=11, max_size=11), RANGES)
def test_parts_lie_apart_in_the_text_and_clear_of_what_was_answered(
    sure: list[float], before: list[Range]
) -> None:
    said = joined(before)
    for name in ("mnlp@sentences", "mnlp@tokens"):
        found = strategy(name).doubtful(TEXT, scores(TEXT, sure), [(0, 3)], said)
        assert joined(found.parts) == found.parts
        assert all(0 <= start < end <= len(TEXT) for start, end in found.parts)
        assert newly(found.parts, said) == found.parts
        assert np.isfinite(found.score)


def test_of_a_document_that_was_answered_in_part_all_the_rest_can_be_asked() -> None:
    found = strategy("mnlp@tokens").doubtful(TEXT, scores(TEXT, [0.5] * 11), [], [(8, 9)])
    assert found.parts == ((0, 8), (9, len(TEXT)))


def test_an_empty_and_a_very_long_document_have_finite_scores() -> None:
    assert strategy().doubtful("", scores("", []), []) == ((), 0.0)
    words = [*["well"] * 9, "."] * 10_000
    sure = [0.99] * 100_000
    sure[70_001] = 0.5
    text = " ".join(words).replace(". well", ". Well")
    for name in ("mnlp@sentences", "mnlp@tokens"):
        found = strategy(name).doubtful(text, scores(text, sure), [])
        assert len(found.parts) == 1
        assert np.isfinite(found.score)


def test_only_strategies_of_single_tokens_ask_below_the_document() -> None:
    assert below("mnlp") is None
    for name, told in (
        ("diversity@sentences", "choose one of least_confidence, mnlp"),
        ("random@tokens", "choose one of"),
        ("mnlp@words", "behind @ stands sentences or tokens"),
        ("mnpl@sentences", "did you mean mnlp"),
    ):
        with pytest.raises(RecipeError, match=told):
            by_name(name)


@given(RANGES, RANGES)
def test_what_is_new_and_what_was_there_are_all_together(ranges: list[Range], before: list[Range]) -> None:
    def characters(those: list[Range] | tuple[Range, ...]) -> set[int]:
        return {at for start, end in those for at in range(start, end)}

    new = newly(ranges, before)
    assert characters(new) == characters(ranges) - characters(before)
    tokens = [(at, at + 1) for at in range(0, 90, 2)]
    assert len({t for t in tokens if t[0] in characters(new)}) <= read(tokens, new) <= len(tokens)


def test_the_context_is_read_too_and_nothing_twice() -> None:
    tokens = [(at, at + 1) for at in range(0, 200, 2)]
    assert read(tokens, [(100, 101)]) == 1 + 2 * CONTEXT
    assert read(tokens, [(100, 101), (106, 107)]) == 4 + 2 * CONTEXT
    assert read(tokens, [(0, 1)]) == 1 + CONTEXT
    assert read([], [(0, 1)]) == 0


def test_a_span_over_the_edge_of_a_part_comes_whole() -> None:
    spans = [(0, 3, "PER"), (8, 14, "PER"), (20, 22, "LOC")]
    assert about([(10, 18)], spans) == (((8, 18),), [(8, 14, "PER")])
    assert about([(15, 18)], spans) == (((15, 18),), [])


def test_answers_to_parts_add_up_in_any_order_and_lose_nothing() -> None:
    first, second = say(1, spans="0-3:PER", ranges=((0, 7),)), say(1, spans="15-19:LOC", ranges=((8, 19),))
    one, other = added_to(second, first), added_to(first, second)
    assert one.ranges == other.ranges == ((0, 7), (8, 19))
    assert one.spans == other.spans
    assert added_to(one, first) == added_to(one, one)  # sent again, nothing changes
    anew = added_to(replace(first, spans=()), one)  # the newer word on the same characters
    assert [(span.start, span.end) for span in anew.spans] == [(15, 19)]
    later = added_to(replace(second, answer="ignore", ranges=None, spans=()), first)
    assert (later.answer, later.ranges, later.spans) == ("accept", first.ranges, first.spans)
    assert added_to(replace(second, answer="reject", ranges=None, spans=()), first).answer == "reject"
    assert added_to(second, say(1)) == second  # of a whole answer nothing is added
    assert holds(one.ranges or (), 15, 19)
