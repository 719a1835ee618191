from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from spanloop.plugin.alignment.values import TokenScores
from spanloop.plugin.tagging.decode import best_tags, decode, decode_all, speaks_iob1
from spanloop.plugin.tagging.reading import read_tags, transitions
from spanloop.plugin.tagging.schemes import SCHEMES, Scheme, encode, tags_for


def scores_of(logits: NDArray[np.float64], tags: list[str]) -> TokenScores:
    """Units of two characters with a gap of one, scored by these logits."""
    logprobs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    starts = np.arange(len(logits)) * 3
    return TokenScores(logprobs.astype(np.float32), starts, starts + 2, tuple(tags))


def certain(path: list[str], tags: list[str]) -> TokenScores:
    """Scores that leave no doubt about this path."""
    logits = np.full((len(path), len(tags)), -8.0)
    logits[np.arange(len(path)), [tags.index(tag) for tag in path]] = 8.0
    return scores_of(logits, tags)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(seed=st.integers(0, 10_000), n_units=st.integers(1, 4))
def test_viterbi_finds_the_best_of_all_legal_paths(scheme: Scheme, seed: int, n_units: int) -> None:
    tags = tags_for(["A", "B"], scheme)
    scores = scores_of(np.random.default_rng(seed).normal(scale=3, size=(n_units, len(tags))), tags)
    iob1 = speaks_iob1(scores, scheme=scheme)
    start_ok, step_ok, end_ok = transitions(read_tags(tags, scheme), iob1=iob1)

    def total(path: tuple[int, ...]) -> float:
        legal = (
            start_ok[path[0]] and end_ok[path[-1]] and all(step_ok[a, b] for a, b in itertools.pairwise(path))
        )
        return float(scores.logprobs[np.arange(n_units), list(path)].sum()) if legal else -np.inf

    best = max(itertools.product(range(len(tags)), repeat=n_units), key=total)
    assert total(tuple(best_tags(scores, scheme=scheme))) == pytest.approx(total(best))


@given(seed=st.integers(0, 10_000), temperature=st.floats(0.2, 5.0))
def test_temperature_changes_confidence_but_no_span(seed: int, temperature: float) -> None:
    scores = scores_of(np.random.default_rng(seed).normal(size=(12, 5)), tags_for(["A", "B"]))
    before = decode(scores, scheme="IOB2")
    after = decode(scores, scheme="IOB2", temperature=temperature)
    assert [span.key for span in before] == [span.key for span in after]
    assert all(span.score is not None and 0.0 <= span.score <= 1.0 for span in after)


def test_spans_carry_the_characters_of_their_units() -> None:
    tags = tags_for(["A", "B"])
    path = encode([(0, 2, "A"), (2, 3, "A"), (4, 5, "B")], 6)
    spans = decode(certain(path, tags), scheme="IOB2")
    assert [span.key for span in spans] == [(0, 5, "A"), (6, 8, "A"), (12, 14, "B")]
    assert all(span.score is not None and span.score > 0.999 for span in spans)


def test_confidence_is_the_probability_of_the_whole_span() -> None:
    tags = ["O", "B-A", "I-A"]
    probabilities = np.array([[0.2, 0.8, 0.0], [0.1, 0.0, 0.9], [0.5, 0.2, 0.3]])
    scores = scores_of(np.log(probabilities + 1e-9), tags)
    (span,) = decode(scores, scheme="IOB2")
    assert span.score == pytest.approx(0.8 * 0.9 * 0.7, abs=1e-6)


def test_without_viterbi_the_best_tag_of_each_unit_stands() -> None:
    tags = ["O", "B-A", "I-A", "B-B", "I-B"]
    logits = np.log(np.array([[0.1, 0.6, 0.1, 0.1, 0.1], [0.05, 0.05, 0.4, 0.05, 0.45]]))
    scores = scores_of(logits, tags)
    assert [s.key for s in decode(scores, scheme="IOB2", viterbi=False)] == [(0, 2, "A"), (3, 5, "B")]
    assert [s.key for s in decode(scores, scheme="IOB2")] == [(0, 5, "A")]


def test_part_of_speech_gives_one_span_a_unit() -> None:
    spans = decode(certain(["NOUN", "NOUN", "VERB"], ["NOUN", "VERB"]), scheme="plain")
    assert [span.key for span in spans] == [(0, 2, "NOUN"), (3, 5, "NOUN"), (6, 8, "VERB")]


def test_an_empty_document_has_no_spans() -> None:
    assert decode(scores_of(np.zeros((0, 3)), ["O", "B-A", "I-A"]), scheme="IOB2") == []


def test_tags_that_allow_no_legal_path_still_give_one() -> None:
    assert len(best_tags(scores_of(np.zeros((3, 1)), ["I-A"]), scheme="IOB2")) == 3


def test_scores_that_do_not_fit_their_units_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit 2 units and 3 tags"):
        TokenScores(np.zeros((2, 2), dtype=np.float32), np.arange(2), np.arange(2), ("O", "B-A", "I-A"))


def test_a_hundred_thousand_units_decode() -> None:
    rng = np.random.default_rng(0)
    scores = scores_of(rng.normal(size=(100_000, 9)), tags_for(["A", "B", "C", "D"]))
    path = best_tags(scores, scheme="IOB2")
    _, step_ok, _ = transitions(read_tags(scores.tags, "IOB2"))
    assert step_ok[path[:-1], path[1:]].all()


@pytest.mark.parametrize("scheme", SCHEMES)
@given(seed=st.integers(0, 10_000), lengths=st.lists(st.integers(0, 6), max_size=6))
def test_documents_decoded_together_have_the_spans_that_each_has_alone(
    scheme: Scheme, seed: int, lengths: list[int]
) -> None:
    tags = tags_for(["A", "B"], scheme)
    rng = np.random.default_rng(seed)
    scores = [scores_of(rng.normal(scale=3, size=(n_units, len(tags))), tags) for n_units in lengths]
    assert decode_all(scores, scheme=scheme) == [decode(one, scheme=scheme) for one in scores]


def said(path: list[str], doubt: float = 0.0) -> TokenScores:
    """Scores of this path of the tags of A, each tag as sure as the doubt leaves it."""
    tags = tags_for(["A", "B"])
    likely = np.full((len(path), len(tags)), doubt / len(tags))
    likely[np.arange(len(path)), [tags.index(tag) for tag in path]] += 1.0 - doubt
    return scores_of(np.log(likely + 1e-9), tags)


@pytest.mark.parametrize("doubt", [0.0, 0.2])
def test_where_b_and_i_may_be_iob1_or_iob2_the_scores_of_the_document_say_it(doubt: float) -> None:
    iob1 = said(["O", "I-A", "I-A", "O", "I-A", "B-A"], doubt)
    assert [span.key for span in decode(iob1, scheme="IOB")] == [(3, 8, "A"), (12, 14, "A"), (15, 17, "A")]
    iob2 = said(["B-A", "I-A", "O", "B-A", "B-A", "B-B"], doubt)
    assert [span.key[:2] for span in decode(iob2, scheme="IOB")] == [(0, 5), (9, 11), (12, 14), (15, 17)]
    assert speaks_iob1(iob1, scheme="IOB")
    assert not speaks_iob1(iob2, scheme="IOB")


def test_a_model_of_iob2_that_is_unsure_where_a_span_began_is_still_read_as_iob2() -> None:
    tags = tags_for(["A"])
    scores = scores_of(np.log(np.array([[0.5, 0.4, 0.1], [0.3, 0.1, 0.6]])), tags)
    assert [tags[tag] for tag in best_tags(scores, scheme="IOB", viterbi=False)] == ["O", "I-A"]
    assert [span.key for span in decode(scores, scheme="IOB")] == [(0, 5, "A")]


@given(
    seed=st.integers(0, 10_000),
    lengths=st.lists(st.integers(0, 6), max_size=6),
    shift=st.sampled_from([-4.0, 0.0, 4.0]),
)
def test_an_open_scheme_is_read_as_one_of_the_two_whatever_else_is_read(
    seed: int, lengths: list[int], shift: float
) -> None:
    tags = tags_for(["A", "B"])
    rng = np.random.default_rng(seed)
    scores = []
    for n_units in lengths:
        logits = rng.normal(scale=3, size=(n_units, len(tags)))
        logits[:, [1, 3]] += shift  # a model that likes B, or does not
        scores.append(scores_of(logits, tags))
    together = decode_all(scores, scheme="IOB")
    for one, found in zip(scores, together, strict=True):
        assert found == decode(one, scheme="IOB1" if speaks_iob1(one, scheme="IOB") else "IOB2")
