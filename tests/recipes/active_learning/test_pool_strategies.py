"""Strategies that compare documents: values computed by hand, and the laws of a batch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from spanloop.plugin.model.information import information_in
from spanloop.recipes.active_learning import registry
from spanloop.recipes.active_learning.diversity import spread
from spanloop.recipes.active_learning.dropout import places
from spanloop.recipes.active_learning.expected import inverse_frequency, seconds_of
from spanloop.recipes.active_learning.history import distance
from spanloop.recipes.active_learning.pool import Ints, Pool, Spans
from spanloop.recipes.active_learning.strategy import Floats, PoolStrategy, chosen

A, B, C = (0, 3, 1), (8, 11, 1), (8, 11, 2)


@dataclass(frozen=True)
class Known:
    """What is known of three documents, told as numbers; the ids are 0, 1 and 2."""

    lengths: Sequence[float] = (10, 10, 10)
    spans: Mapping[str, Sequence[float]] = field(default_factory=dict)
    gold: Mapping[str, int] = field(default_factory=dict)
    rounds: Sequence[Sequence[Spans | None]] = ()
    vectors: Sequence[Sequence[float]] = ((1, 0), (1, 0), (0, 1))
    learned: Sequence[float] = (0, 0, 0)
    dropped: Sequence[NDArray[np.float32]] = ()

    def tokens(self, ids: Ints) -> Floats:
        return np.array(self.lengths, dtype=np.float64)[ids]

    def expected_spans(self, ids: Ints) -> Mapping[str, Floats]:
        return {label: np.array(n, dtype=np.float64)[ids] for label, n in self.spans.items()}

    def gold_spans(self) -> Mapping[str, int]:
        return self.gold

    def past(self, ids: Ints, at_most: int) -> Sequence[Sequence[Spans | None]]:
        return [[said[place] for place in ids.tolist()] for said in self.rounds[: at_most + 1]]

    def embeddings(self, ids: Ints) -> NDArray[np.float32]:
        return np.array(self.vectors, dtype=np.float32)[ids]

    def information(self, ids: Ints) -> Floats:
        return np.array(self.learned, dtype=np.float64)[ids]

    def passes(self, ids: Ints, passes: int) -> Sequence[NDArray[np.float32]]:
        return [self.dropped[place] for place in ids.tolist()]


def pool_of(known: Known, base: Sequence[float] = (0.3, 0.2, 0.1), groups: str = "abc") -> Pool:
    places = np.arange(len(base))
    return Pool(places, np.array(base), list(groups), places, known)


def scores(name: str, pool: Pool) -> Floats:
    strategy = registry.by_name(name)
    assert isinstance(strategy, PoolStrategy)
    return strategy.scores(pool)


def test_expected_spans_weigh_a_rare_label_and_divide_by_the_seconds() -> None:
    known = Known(lengths=(10, 40, 10), spans={"PER": (3, 3, 0), "LOC": (0, 0, 2)})
    assert inverse_frequency({"PER": 6.0, "LOC": 2.0, "NEVER": 0.0}) == {
        "PER": pytest.approx(8 / 3 / 6),
        "LOC": pytest.approx(8 / 3 / 2),
        "NEVER": 10.0,
    }
    seconds = [float(seconds_of(tokens, spans)) for tokens, spans in ((10, 3), (40, 3), (10, 2))]
    worth = (3 * 4 / 6, 3 * 4 / 6, 2 * 4 / 2)
    assert scores("expected_spans", pool_of(known)) == pytest.approx(np.divide(worth, seconds))


def test_rare_asks_for_the_labels_that_the_gold_lacks() -> None:
    known = Known(spans={"PER": (3, 0, 0), "LOC": (0, 1, 0)}, gold={"PER": 29, "LOC": 1})
    assert scores("rare", pool_of(known)) == pytest.approx([3 / 30, 1 / 2, 0])


def test_a_committee_compares_every_two_rounds_and_fluctuation_each_with_the_one_before() -> None:
    assert (distance(frozenset(), frozenset()), distance(frozenset({A}), frozenset())) == (0, 1)
    assert distance(frozenset({A, B}), frozenset({A, C})) == pytest.approx(1 / 2)
    flips = [frozenset({A}), frozenset({B}), frozenset({A})]  # the first and the last round agree
    rounds = [[flips[n], frozenset({A}), None] for n in range(3)]
    known = Known(rounds=rounds)
    assert scores("committee", pool_of(known)) == pytest.approx([2 / 3, 0, 0], abs=2e-3)
    assert scores("fluctuation", pool_of(known)) == pytest.approx([1, 0, 0], abs=2e-3)
    for name in ("committee", "fluctuation"):  # nothing to compare: the doubt of the one model decides
        alone = scores(name, pool_of(Known(rounds=rounds[:1]), base=(0.1, 0.3, 0.2)))
        assert np.argsort(-alone).tolist() == [1, 2, 0]


def test_bald_finds_the_token_about_which_the_passes_disagree() -> None:
    sure_of_doubt = np.log(np.full((2, 1, 2), 0.5, dtype=np.float32))
    apart = np.log(np.array([[[0.9, 0.1]], [[0.1, 0.9]]], dtype=np.float32))
    by_hand = math.log(2) + 0.9 * math.log(0.9) + 0.1 * math.log(0.1)
    assert information_in(sure_of_doubt) == pytest.approx([0], abs=1e-6)
    assert information_in(apart) == pytest.approx([by_hand], abs=1e-6)
    empty = np.zeros((2, 0, 2), dtype=np.float32)
    known = Known(dropped=(np.concatenate([apart, sure_of_doubt], axis=1), sure_of_doubt, empty))
    assert scores("bald_layer", pool_of(known)) == pytest.approx([by_hand / 2, 0, 0], abs=1e-6)
    assert scores("bald", pool_of(Known(learned=(0.1, 0.3, 0)))) == pytest.approx([0.1, 0.3, 0])


def test_bald_spans_is_the_mean_of_the_places_in_two_orders() -> None:
    assert places(np.array([5.0, 1.0, 5.0, 9.0])) == pytest.approx([1.5 / 3, 0, 1.5 / 3, 1])
    assert places(np.array([3.0])) == pytest.approx([0])
    assert len(places(np.array([]))) == 0
    known = Known(spans={"PER": (0, 1, 3)}, learned=(0.3, 0, 0))
    # by bald: first, then two that are equal; by expected spans: last, in the middle, first
    assert scores("bald_spans", pool_of(known)) == pytest.approx(
        [(1 + 0) / 2, (1 / 4 + 1 / 2) / 2, (1 / 4 + 1) / 2]
    )


def test_diversity_asks_for_what_is_unlike_the_first_before_what_repeats_it() -> None:
    vectors = np.array([[1, 0], [1, 0.01], [-1, 0], [0, 1]], dtype=np.float32)
    worth = np.array([0.9, 0.8, 0.5, 0.4])
    order = spread(vectors, worth, list("abcd"), np.arange(4))
    assert order.tolist()[0] == 0
    assert order.tolist()[-1] == 1  # as doubtful as any, and the same once more
    together = spread(vectors, worth, list("abab"), np.arange(4))  # 2 repeats 0, and 3 repeats 1
    assert together.tolist() == [0, 1, 2, 3]
    known = Known(vectors=vectors)
    pool = pool_of(known, worth, "abcd")
    assert np.argsort(-scores("diversity", pool)).tolist() == order.tolist()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(0, 2**20), st.data())
def test_the_order_of_the_documents_changes_no_batch(count: int, seed: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    vectors, worth = rng.normal(size=(count, 3)).astype(np.float32), rng.random(count).round(1)
    groups, chance = [f"g{n}" for n in rng.integers(0, count, count)], rng.permutation(count)
    moved = np.array(data.draw(st.permutations(range(count))))
    order = spread(vectors, worth, groups, chance)
    again = spread(vectors[moved], worth[moved], [groups[place] for place in moved], chance[moved])
    assert sorted(order.tolist()) == list(range(count))
    assert moved[again].tolist() == order.tolist()
    firsts = len(set(groups))
    assert len({groups[place] for place in order[:firsts]}) == firsts  # no near-duplicates before all others
    taken = chosen(worth, 4, chance)
    assert sorted(moved[chosen(worth[moved], 4, chance[moved])].tolist()) == taken.tolist()


def test_an_empty_pool_gives_no_scores_and_equal_documents_give_numbers() -> None:
    alike = Known(
        spans={"PER": (0, 0, 0)},
        rounds=[[frozenset()] * 3] * 2,
        vectors=((1, 1),) * 3,
        dropped=(np.zeros((2, 0, 2), dtype=np.float32),) * 3,
    )
    for name in registry.NAMES:
        strategy = registry.by_name(name)
        if isinstance(strategy, PoolStrategy):
            for size in (0, 1, 3):
                pool = replace(pool_of(alike, [0.0] * size, "abc"[:size]))
                found = strategy.scores(pool)
                assert found.shape == (size,), name
                assert np.isfinite(found).all(), name
