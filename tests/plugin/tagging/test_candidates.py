"""Every span that may be there: its probability is what counting all tag sequences gives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.tagging.candidates import candidates
from spanloop.plugin.tagging.decode import decode
from spanloop.plugin.tagging.schemes import SCHEMES, Scheme, tags_for

TINY = 1e-12


def drawn(seed: int, n_units: int, tags: list[str], scale: float = 2.0) -> TokenScores:
    logits = np.random.default_rng(seed).normal(scale=scale, size=(n_units, len(tags)))
    rows = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    starts = np.arange(n_units) * 3
    return TokenScores(rows.astype(np.float32), starts, starts + 2, tuple(tags))


def all_of(scores: TokenScores, scheme: Scheme, least: float = TINY) -> list[CharSpan]:
    return candidates(scores, [], scheme=scheme, least=least)


def _score(span: CharSpan) -> float:
    assert span.score is not None
    return span.score


@given(seed=st.integers(0, 10_000), n_units=st.integers(0, 4))
def test_in_iob2_a_probability_is_that_of_all_sequences_with_this_very_span(seed: int, n_units: int) -> None:
    tags = tags_for(["A", "B"])
    scores = drawn(seed, n_units, tags)
    counted: dict[tuple[int, int, str], float] = {}
    for path in itertools.product(range(len(tags)), repeat=n_units):
        weight = float(np.exp(sum(float(scores.logprobs[unit, tag]) for unit, tag in enumerate(path))))
        for start, tag in enumerate(path):
            if tags[tag][0] != "B":
                continue
            label, end = tags[tag][2:], start + 1
            while end < n_units and tags[path[end]] == f"I-{label}":
                end += 1
            key = (start * 3, end * 3 - 1, label)
            counted[key] = counted.get(key, 0.0) + weight
    found = {span.key: _score(span) for span in all_of(scores, "IOB2")}
    assert found == pytest.approx(counted, abs=1e-5)


@given(seed=st.integers(0, 10_000), n_units=st.integers(0, 30))
def test_the_probabilities_add_up_to_the_spans_that_are_expected(seed: int, n_units: int) -> None:
    tags = tags_for(["A", "B"])
    scores = drawn(seed, n_units, tags)
    begins = np.exp(scores.logprobs.astype(np.float64))[:, [tag[0] == "B" for tag in tags]].sum()
    assert sum(map(_score, all_of(scores, "IOB2"))) == pytest.approx(float(begins), abs=1e-4)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(seed=st.integers(0, 10_000), n_units=st.integers(1, 12))
def test_spans_that_share_a_unit_exclude_each_other(scheme: Scheme, seed: int, n_units: int) -> None:
    scores = drawn(seed, n_units, tags_for(["A", "B"], scheme))
    found = all_of(scores, scheme)
    for start in scores.starts.tolist():
        assert sum(_score(span) for span in found if span.start <= start < span.end) <= 1 + 1e-5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("temperature", [1.0, 2.5])
@given(seed=st.integers(0, 10_000), n_units=st.integers(0, 12))
def test_what_the_decoder_is_sure_of_is_a_candidate_with_that_confidence(
    scheme: Scheme, temperature: float, seed: int, n_units: int
) -> None:
    tags = tags_for(["A", "B"], scheme)
    if scheme == "plain":
        tags = ["O", *tags]
    scores = drawn(seed, n_units, tags)
    found = {
        span.key: _score(span)
        for span in candidates(scores, [], scheme=scheme, least=TINY, temperature=temperature)
    }
    for span in decode(scores, scheme=scheme, temperature=temperature):
        if scheme in (
            "IOB1",
            "IOB",
        ):  # another spelling of the same span, with B in the place of I, counts as well
            assert found[span.key] >= _score(span) - 1e-5
        else:
            assert found[span.key] == pytest.approx(_score(span), abs=1e-5)


@given(seed=st.integers(0, 10_000), least=st.floats(0.01, 1.0))
def test_a_higher_least_probability_only_removes_candidates(seed: int, least: float) -> None:
    scores = drawn(seed, 10, tags_for(["A", "B"]))
    wide = all_of(scores, "IOB2", least / 2)
    assert all_of(scores, "IOB2", least) == [span for span in wide if _score(span) >= least]


def test_what_was_chosen_is_shown_with_its_own_confidence_however_small() -> None:
    scores = drawn(0, 4, tags_for(["A"]))
    chosen = [CharSpan(0, 5, "A", 0.001)]
    assert chosen[0] in candidates(scores, chosen, scheme="IOB2", least=0.9)


def test_a_part_of_speech_has_a_candidate_a_tag() -> None:
    scores = drawn(1, 3, ["NOUN", "VERB"])
    found = all_of(scores, "plain")
    assert len(found) == 6
    assert sum(map(_score, found)) == pytest.approx(3, abs=1e-5)


def test_a_hundred_thousand_units_of_one_span_are_looked_through_once() -> None:
    rows = np.log(np.tile(np.array([[1e-9, 1e-9, 1.0]]), (100_000, 1))).astype(np.float32)
    rows[0] = np.log([1e-9, 1.0, 1e-9])
    starts = np.arange(len(rows)) * 3
    scores = TokenScores(rows, starts, starts + 2, ("O", "B-A", "I-A"))
    (span,) = all_of(scores, "IOB2", 0.5)
    assert (span.start, span.end) == (0, 299_999)
