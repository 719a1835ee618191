from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloop.plugin.tagging.schemes import tags_for
from spanloop.plugin.training.class_weights import WEIGHTINGS, class_weights, tag_weights

COUNTS = {"O": 9000, "PER": 900, "ORG": 90, "RARE": 10}


@pytest.mark.parametrize("option", WEIGHTINGS)
@given(st.dictionaries(st.sampled_from(["O", "A", "B", "C"]), st.integers(0, 10_000), min_size=1))
def test_the_mean_weight_of_a_training_token_is_one(option: str, counts: dict[str, int]) -> None:
    weights = class_weights(option, counts)
    total = sum(counts.values())
    assert all(math.isfinite(weight) and weight > 0 for weight in weights.values())
    if total:
        assert sum(weights[label] * n for label, n in counts.items()) / total == pytest.approx(1.0)


@pytest.mark.parametrize("option", ["inverse", "sqrt", "effective"])
def test_the_rarer_a_label_the_more_it_weighs(option: str) -> None:
    weights = list(class_weights(option, COUNTS).values())
    assert weights == sorted(weights)
    assert weights[0] < weights[-1]


def test_the_ratios_are_those_of_the_papers() -> None:
    inverse = class_weights("inverse", COUNTS)
    root = class_weights("sqrt", COUNTS)
    effective = class_weights("effective", COUNTS, beta=0.99)
    assert inverse["ORG"] / inverse["PER"] == pytest.approx(10)
    assert root["ORG"] / root["PER"] == pytest.approx(math.sqrt(10))
    assert effective["ORG"] / effective["PER"] == pytest.approx((1 - 0.99**900) / (1 - 0.99**90))


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_effective_weights_do_not_depend_on_the_size_of_the_gold(scale: int, other: int) -> None:
    """The ratio of a middle label to O stays between two and three at any size (but a handful of tokens)."""
    for size in (scale, scale * other):
        weights = class_weights(
            "effective", {"O": 9000 * size, "A": 90 * size, "B": 50 * size, "C": 5 * size}
        )
        assert 2 < weights["B"] / weights["O"] < 3
        assert weights["C"] > weights["B"] > weights["A"] > weights["O"]


@pytest.mark.parametrize("option", ["none", "focal"])
def test_without_weights_all_weigh_one(option: str) -> None:
    assert set(class_weights(option, COUNTS).values()) == {1.0}


def test_weights_of_ones_own_keep_their_ratios() -> None:
    weights = class_weights({"RARE": 5, "O": 0.5}, COUNTS)
    assert weights["RARE"] / weights["PER"] == pytest.approx(5)
    assert weights["O"] / weights["PER"] == pytest.approx(0.5)


def test_a_label_without_tokens_weighs_one() -> None:
    assert class_weights("inverse", {"O": 5, "A": 0})["A"] == 1.0


def test_both_tags_of_a_label_weigh_alike() -> None:
    tags = tags_for(["A", "B"])
    assert tag_weights({"O": 0.5, "A": 2.0, "B": 3.0}, tags, "IOB2") == [0.5, 2.0, 2.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("squared", "unknown class weights 'squared': choose one of none, inverse"),
        ({"NOPE": 1.0}, "'NOPE', which is no label here: O, PER, ORG, RARE"),
        ({"PER": -1.0}, "must be a number from 0 up"),
        ({"PER": float("nan")}, "must be a number from 0 up"),
        (dict.fromkeys(COUNTS, 0.0), "every class weight is 0"),
    ],
)
def test_bad_weights_are_refused(option: str | dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        class_weights(option, COUNTS)
