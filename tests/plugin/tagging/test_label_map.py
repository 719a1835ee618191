"""Labels renamed, merged and dropped: what becomes of their probabilities."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from spanloop.plugin.alignment.values import TokenScores
from spanloop.plugin.tagging.decode import decode
from spanloop.plugin.tagging.label_map import (
    LabelMapError,
    read_map,
    renamed,
    tag_map,
    typed_map,
)
from spanloop.plugin.tagging.reading import detect
from spanloop.plugin.tagging.schemes import SCHEMES, Scheme, tags_for

CONLL = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-MISC", "I-MISC")


def scores_of(probabilities: list[list[float]], tags: tuple[str, ...]) -> TokenScores:
    likely = np.array(probabilities, dtype=np.float64).reshape(-1, len(tags))
    rows = np.log(likely + 1e-9).astype(np.float32)
    starts = np.arange(len(rows)) * 3
    return TokenScores(rows, starts, starts + 2, tags)


def drawn(seed: int, n_units: int, tags: tuple[str, ...]) -> TokenScores:
    logits = np.random.default_rng(seed).normal(scale=2, size=(n_units, len(tags)))
    rows: NDArray[np.float64] = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return scores_of(rows.tolist(), tags)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(seed=st.integers(0, 10_000), n_units=st.integers(0, 8))
def test_a_map_that_is_the_identity_gives_the_very_scores_back(
    scheme: Scheme, seed: int, n_units: int
) -> None:
    scores = drawn(seed, n_units, tuple(tags_for(["A", "B"], scheme)))
    assert tag_map(scores.tags, {"A": "A", "B": "B"}).scores(scores) is scores
    assert tag_map(scores.tags, {}).scores(scores) is scores


@pytest.mark.parametrize("names", [{"PER": "HUMAN"}, {"PER": "X", "ORG": "X"}, {"MISC": ""}, {"ORG": "PER"}])
@given(seed=st.integers(0, 10_000), temperature=st.floats(0.3, 3.0))
def test_probabilities_add_up_to_one_whatever_is_merged_at_every_temperature(
    names: dict[str, str], seed: int, temperature: float
) -> None:
    scores = tag_map(CONLL, names).scores(drawn(seed, 5, CONLL))
    for rows in (scores.logprobs, scores.calibrated(temperature)):
        np.testing.assert_allclose(np.exp(rows.astype(np.float64)).sum(axis=1), 1.0, atol=1e-5)


@given(seed=st.integers(0, 10_000), temperature=st.floats(0.3, 3.0))
def test_a_temperature_is_applied_to_the_model_and_its_probabilities_are_added_afterwards(
    seed: int, temperature: float
) -> None:
    before = drawn(seed, 5, CONLL)
    after = tag_map(CONLL, {"PER": "X", "ORG": "X"}).scores(before)
    raw = np.exp(before.calibrated(temperature).astype(np.float64))
    found = np.exp(after.calibrated(temperature).astype(np.float64))
    np.testing.assert_allclose(found[:, after.tags.index("B-X")], raw[:, 1] + raw[:, 3], atol=1e-5)
    np.testing.assert_allclose(found[:, after.tags.index("I-X")], raw[:, 2] + raw[:, 4], atol=1e-5)


@given(seed=st.integers(0, 10_000))
def test_renaming_alone_changes_names_and_no_span_nor_confidence(seed: int) -> None:
    before = drawn(seed, 6, CONLL)
    after = tag_map(CONLL, {"PER": "HUMAN"}).scores(before)
    named = [(s.start, s.end, "HUMAN" if s.label == "PER" else s.label, s.score) for s in _spans(before)]
    assert [(s.start, s.end, s.label, s.score) for s in _spans(after)] == named


def _spans(scores: TokenScores) -> list:  # type: ignore[type-arg]
    return decode(scores, scheme=detect(scores.tags))


def test_a_doubt_between_two_labels_is_none_once_they_are_one() -> None:
    scores = scores_of([[0.04, 0.5, 0, 0.46, 0, 0, 0], [0.04, 0, 0.44, 0, 0.52, 0, 0]], CONLL)
    (one,) = _spans(scores)
    assert one.score == pytest.approx(0.46 * 0.52, abs=1e-5)
    (merged,) = _spans(tag_map(CONLL, {"PER": "X", "ORG": "X"}).scores(scores))
    assert (merged.start, merged.end, merged.label) == (0, 5, "X")
    assert merged.score == pytest.approx(0.96 * 0.96, abs=1e-5)


@given(seed=st.integers(0, 10_000), temperature=st.floats(0.3, 3.0))
def test_the_confidence_of_a_merged_span_adds_up_all_that_it_may_be_to_the_model(
    seed: int, temperature: float
) -> None:
    """So it is as well calibrated as the probabilities of the model's own tags are."""
    before = drawn(seed, 4, CONLL[:5])
    mapped = tag_map(before.tags, {"PER": "X", "ORG": "X"})
    merged = mapped.known_as()
    likely = np.exp(before.calibrated(temperature).astype(np.float64))
    for span in decode(mapped.scores(before), scheme="IOB2", temperature=temperature):
        first, end = np.searchsorted(before.starts, [span.start, span.end]).tolist()
        total = 0.0
        for rows in product(range(len(merged)), repeat=len(before)):
            tags = [merged[row] for row in rows]
            whole = tags[first:end] == ["B-X", *["I-X"] * (end - first - 1)]
            if whole and (end == len(tags) or tags[end] != "I-X"):
                total += float(likely[range(len(rows)), rows].prod())
        assert span.score == pytest.approx(total, abs=1e-5)


def test_neighbours_of_merged_labels_are_two_spans_where_the_second_begins_and_one_where_it_goes_on() -> None:
    merged = tag_map(CONLL, {"PER": "X", "ORG": "X"})
    sure = [0.02, 0.9, 0.0, 0.06, 0.0, 0.0, 0.02]
    begins = scores_of([sure, [0.02, 0.06, 0.0, 0.9, 0.0, 0.0, 0.02]], CONLL)
    goes_on = scores_of([sure, [0.02, 0.0, 0.06, 0.0, 0.9, 0.0, 0.02]], CONLL)
    assert [(s.start, s.end) for s in _spans(merged.scores(begins))] == [(0, 2), (3, 5)]
    assert [(s.start, s.end) for s in _spans(merged.scores(goes_on))] == [(0, 5)]


def test_a_dropped_label_makes_room_for_what_it_won_over() -> None:
    scores = scores_of([[0.05, 0.45, 0, 0, 0, 0.5, 0]], CONLL)
    assert [span.label for span in _spans(scores)] == ["MISC"]
    assert _spans(tag_map(CONLL, {"MISC": ""}).scores(scores)) == []  # O has 0.55 now
    assert [s.label for s in _spans(tag_map(CONLL, {"MISC": "PER"}).scores(scores))] == ["PER"]


def test_labels_without_a_meaning_can_be_called_by_the_tags_that_they_stand_for() -> None:
    tags = ("LABEL_0", "LABEL_1", "LABEL_2")
    mapped = tag_map(tags, {"LABEL_0": "O", "LABEL_1": "B-PER", "LABEL_2": "I-PER"})
    assert mapped.tags == ("O", "B-PER", "I-PER")
    scores = scores_of([[0.1, 0.9, 0], [0.1, 0, 0.9], [0.9, 0.1, 0]], tags)
    assert [(s.start, s.end, s.label) for s in _spans(mapped.scores(scores))] == [(0, 5, "PER")]


def test_a_dropped_part_of_speech_leaves_its_tokens_without_and_joins_no_others() -> None:
    mapped = tag_map(("NOUN", "PUNCT"), {"PUNCT": ""}, every_unit=True)
    scores = scores_of([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]], ("NOUN", "PUNCT"))
    found = decode(mapped.scores(scores), scheme="plain")
    assert [(s.start, s.label) for s in found] == [(0, "NOUN"), (3, "NOUN")]


def test_two_spellings_of_one_tag_are_one() -> None:
    mapped = tag_map(("O", "B-PER", "M-PER", "E-PER", "S-PER", "B-ORG", "I-ORG"), {"ORG": "PER"})
    assert mapped.tags == ("O", "B-PER", "M-PER", "E-PER", "S-PER")
    assert mapped.known_as() == ("O", "B-PER", "M-PER", "E-PER", "S-PER", "B-PER", "M-PER")


def test_a_label_that_the_model_has_not_is_told_with_those_that_it_has() -> None:
    with pytest.raises(LabelMapError, match=r"names 'PERS', .* its labels are PER, ORG, MISC"):
        tag_map(CONLL, {"PERS": "PERSON"})


@given(
    st.dictionaries(
        st.text(min_size=1).map(str.strip).filter(bool), st.text().map(str.strip), min_size=1, max_size=4
    )
)
@example({"{": ""})
@example({"a,b": "c=d"})
def test_a_map_is_read_as_it_is_typed(names: dict[str, str]) -> None:
    assert read_map(typed_map(names)) == names


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("PER", "'PER' is no LABEL=NAME"),
        ("PER=A,PER=B", "names 'PER' twice"),
        ("=A", "'=A' is no LABEL=NAME"),
        ("", "'' is no LABEL=NAME"),
        ('{"A": 1}', "a text as its new name"),
        ("{A", "no JSON object"),
    ],
)
def test_what_is_no_map_is_told_with_what_to_type(text: str, told: str) -> None:
    with pytest.raises(LabelMapError, match=told):
        read_map(text)


def test_labels_are_listed_by_their_new_names_once() -> None:
    names = {"PER": "X", "ORG": "X", "MISC": "", "LABEL_0": "O"}
    assert renamed(["PER", "LOC", "ORG", "MISC", "LABEL_0"], names) == ["X", "LOC"]
