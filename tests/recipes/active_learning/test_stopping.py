"""Advice on stopping: kappa and its bound by hand, curves whose truth is known, one shape in three places."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.store_making import add_model, make_store, say

from spanloop.recipes.active_learning.advice import advice
from spanloop.recipes.active_learning.outlook import outlook
from spanloop.recipes.active_learning.stopping import (
    SEED_POINTS,
    Scored,
    change_at_most,
    kappa,
    learning_curve,
    may_stop,
)
from spanloop.recipes.rounds.status import status
from spanloop.recipes.web.overview import Overview
from spanloop.recipes.web.settings import PageSettings
from spanloop.store import Store
from spanloop.store.records import NewDocument, Score, Span


def test_kappa_and_its_bound_by_hand() -> None:
    # 8 of 10 agree; by chance 0.7 * 0.7 + 0.3 * 0.3 = 0.58 would
    first = ["O"] * 7 + ["PER"] * 3
    second = ["O"] * 6 + ["PER"] + ["O"] + ["PER"] * 2
    assert kappa(first, second) == pytest.approx((0.8 - 0.58) / (1 - 0.58))
    assert (kappa(first, first), kappa([], []), kappa(["O"], ["O"])) == (1.0, None, 1.0)
    assert change_at_most(0.99) == pytest.approx(4 * 0.01 / 0.99)
    assert (change_at_most(1.0), change_at_most(0.5), change_at_most(-0.1)) == (0.0, None, None)


def rounds_on(slope: float, noise: float, rng: random.Random, sizes: int = 5) -> list[Scored]:
    """Rounds whose true F1 is 1 - 0.5 (tokens / 1,000) ** -slope, scored with an error."""
    tokens = [1_000.0 * 1.5**step for step in range(sizes)]
    f1 = [1 - 0.5 * (n / 1_000) ** -slope + rng.gauss(0, noise) for n in tokens]
    return [Scored(n, y, y - 0.03, y + 0.03) for n, y in zip(tokens, f1, strict=True)]


@pytest.mark.parametrize("slope", [0.02, 0.15, 0.4])
def test_the_interval_of_a_gain_holds_the_true_one_nine_times_in_ten(slope: float) -> None:
    rng, held = random.Random(3), 0
    for _ in range(300):
        curve = learning_curve(rounds_on(slope, 0.01, rng))
        assert curve is not None
        last = curve.tokens / 1_000
        truth = 0.5 * (last**-slope - (2 * last) ** -slope)
        gain = curve.gain(curve.tokens)
        assert gain.low <= gain.expected <= gain.high
        held += gain.low <= truth <= gain.high + 1e-9
    assert held >= 0.87 * 300


def test_stopping_is_advised_where_curves_are_flat_and_never_where_they_rise() -> None:
    rng = random.Random(4)
    flat = [learning_curve(rounds_on(0.005, 0.002, rng, 9)) for _ in range(50)]
    steep = [learning_curve(rounds_on(0.2, 0.01, rng)) for _ in range(50)]
    assert sum(may_stop(curve, 1_000) for curve in flat) >= 45
    assert not any(may_stop(curve, 50_000) for curve in steep)
    # where hardly anything waits there is nothing to gain either
    assert all(may_stop(curve, 10) for curve in steep)


def test_stopping_where_it_is_advised_hardly_ever_costs_a_point() -> None:
    """Over curves of every slope and height, asked after each round until all is annotated."""
    rng, lost, saved = random.Random(6), [], []
    for _ in range(400):
        slope, missing, sampled = rng.uniform(0, 0.5), rng.uniform(0.08, 0.6), rng.uniform(0.008, 0.02)
        sizes = [1_000 * 1.3**step for step in range(11)]
        true = {n: max(1 - missing * (n / sizes[-1]) ** -slope, 0.02) for n in sizes}
        common, rounds, stopped = rng.gauss(0, 0.84 * sampled), list[Scored](), sizes[-1]
        for n in sizes:
            f1 = true[n] + common + rng.gauss(0, 0.55 * sampled) + rng.gauss(0, SEED_POINTS)
            rounds.append(Scored(n, f1, f1 - 1.96 * sampled, f1 + 1.96 * sampled))
            if may_stop(learning_curve(rounds), sizes[-1] - n):
                stopped = n
                break
        lost.append(true[sizes[-1]] - true[stopped])
        saved.append(1 - stopped / sizes[-1])
    assert sum(one <= 0.01 for one in lost) >= 0.95 * len(lost)
    early = [one for one in saved if one > 0]
    assert len(early) > 40
    assert sum(early) / len(early) > 0.25


def test_rounds_that_seem_to_fall_are_no_surer_than_flat_ones() -> None:
    sizes = (1_000, 2_000, 3_000)
    falling, flat = (
        learning_curve([Scored(n, f1, f1 - 0.03, f1 + 0.03) for n, f1 in zip(sizes, values, strict=True)])
        for values in ((0.40, 0.38, 0.35), (0.38, 0.38, 0.38))
    )
    assert falling is not None
    assert flat is not None
    assert falling.slope == flat.slope == 0
    assert falling.gain(9_000).high >= flat.gain(9_000).high * 0.95 > 0.01
    assert not may_stop(falling, 9_000)


def test_fewer_than_three_sizes_tell_nothing() -> None:
    two = [Scored(100, 0.4), Scored(200, 0.5)]
    assert learning_curve(two) is None
    assert learning_curve([*two, Scored(200, 0.51), Scored(0, 0.1)]) is None
    assert not may_stop(None, 0)
    # a model that finds nothing yet is at the beginning of its curve, not at the end
    begun = learning_curve([Scored(n, 0.02, 0.0, 0.04) for n in (100, 200, 400, 800, 1_600)])
    assert begun is not None
    assert begun.gain(1_000).high < 0.1
    assert not may_stop(begun, 10)
    perfect = learning_curve([Scored(n, 1.0) for n in (100, 200, 300)])
    assert perfect is not None
    assert 0 <= perfect.gain(1_000).high <= 0.01


def rounds_in(store: Store, f1: list[float]) -> None:
    """Rounds that learned from more and more of the pool, all on the same eval gold, each with its word."""
    ids = [store.annotations.add(say(d.id)).annotation_id for d in store.documents.iterate()]
    split = {d.id: d.split for d in store.documents.iterate()}
    eval_ids = [i for i, document in zip(ids, split, strict=True) if split[document] == "eval"]
    pool = [i for i in ids if i not in eval_ids]
    store.tokenizations.put("t", [(d, [(0, 3), (4, 7), (8, 11), (12, 14), (15, 19)]) for d in split])
    store.set_project(tokenizer="t")
    for place, value in enumerate(f1):
        learned = pool[: 4 * 2**place]
        number = store.rounds.start(parameters={}, seed=0, train_ids=learned, eval_ids=eval_ids).number
        model_id = add_model(store, f"round {number}", kind="round", round=number)
        said = [Span(0, 3, "PER", 0.9)], [Span(0, 3, "PER", 0.9), Span(15, 19, "LOC", 0.6)]
        store.predictions.add(model_id, [(d, said[d % 2 if place else 0], {}) for d in split])
        scores = [
            Score("eval", "strict", average, label, value, value, v, 60, v - 0.02, v + 0.02)
            for average, label, v in (
                ("micro", None, value),
                (None, "PER", 0.9),
                (None, "LOC", 2 * value - 0.9),
            )
        ]  # type: ignore[arg-type]
        store.rounds.finish(number, model_id=model_id, scores=scores, manifest=None)


def test_status_page_and_report_say_the_same_with_figures(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=32) as store, store.write():
        assert advice(store, outlook(store)) is None
        store.documents.add(
            NewDocument(f"Eve met Bob in Rome {n}", key=f"e{n}", split="eval") for n in range(3)
        )
        rounds_in(store, [0.5, 0.6, 0.68, 0.75])
        store.documents.add(NewDocument(f"Ann met Bob in Rome {n}", key=f"w{n}") for n in range(9))
    with Store.open(store.path) as store:
        told = advice(store, outlook(store))
        shown = Overview(store, PageSettings()).project("anna", {})["advice"]  # type: ignore[arg-type]
    assert told is not None
    assert shown == told.lines()
    assert "\n".join(shown) in status(store.path).text()
    assert (told.rounds, told.f1, told.f1_low, told.label) == (4, 0.75, 0.73, "LOC")
    assert told.kappa == 1.0
    assert told.watched == 32
    assert told.gain is not None
    assert 0 < told.gain.low < told.gain.high
    assert not told.stop
    assert told.verdict().startswith("Going on still pays: ")
    assert "LOC would gain most" in told.text()
