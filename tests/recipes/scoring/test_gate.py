"""The promotion gate: intervals that cover the truth, labels not to be spoilt, leaks to be found."""

from __future__ import annotations

import numpy as np
import pytest
from support.store_making import stored

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.metrics.score import ScoreReport, score_spans
from spanloop.recipes.near_duplicates.leaks import find_leaks
from spanloop.recipes.scoring.gate import compare
from spanloop.store.records import Gold

LABELS = ("PER", "LOC")


def report(rng: np.random.Generator, documents: int, recall: dict[str, float]) -> ScoreReport:
    """A report on documents with one span of each label, found with that probability."""
    gold = [[CharSpan(0, 3, "PER"), CharSpan(4, 7, "LOC")] for _ in range(documents)]
    predicted = [[span for span in spans if rng.random() < recall[span.label]] for spans in gold]
    return score_spans(gold, predicted, [[(0, 3), (4, 7)]] * documents, LABELS, bootstrap=0)


def both(documents: int, new: dict[str, float], old: dict[str, float], seed: int = 0):
    rng = np.random.default_rng(seed)
    return compare(report(rng, documents, new), report(rng, documents, old))


def test_the_same_round_differs_by_nothing() -> None:
    same = report(np.random.default_rng(0), 50, {"PER": 0.7, "LOC": 0.7})
    comparison = compare(same, same)
    assert (comparison.overall.gain, comparison.overall.low, comparison.overall.high) == (0, 0, 0)
    assert comparison.acceptable


def test_a_clearly_worse_round_is_refused_and_a_clearly_better_one_taken() -> None:
    low, high = {"PER": 0.4, "LOC": 0.4}, {"PER": 0.8, "LOC": 0.8}
    assert not both(200, low, high).acceptable
    assert both(200, high, low).acceptable
    assert "worse" in both(200, low, high).text()


def test_a_difference_that_chance_can_make_is_accepted() -> None:
    comparison = both(10, {"PER": 0.5, "LOC": 0.5}, {"PER": 0.55, "LOC": 0.55}, seed=3)
    assert comparison.overall.low < 0 < comparison.overall.high
    assert comparison.acceptable


def test_on_few_spans_too_close_to_tell_is_no_reason_to_take_a_lower_score() -> None:
    """One document of fourteen that the new round gets wrong and the old one right: chance can make that."""
    gold = [[CharSpan(0, 3, "PER"), CharSpan(4, 7, "LOC")] for _ in range(14)]
    tokens = [[(0, 3), (4, 7)]] * 14
    right = score_spans(gold, gold, tokens, LABELS, bootstrap=0)
    lower = score_spans(gold, [[], *gold[1:]], tokens, LABELS, bootstrap=0)
    assert compare(lower, right).overall.high == 0
    assert not compare(lower, right).acceptable
    assert (
        "fewer than 30 gold spans, here 28, a round must score at least as well"
        in compare(lower, right).text()
    )
    assert compare(right, lower).acceptable
    assert compare(lower, lower).acceptable
    more = [[*gold, gold[0]], [[], *gold[1:], gold[0]]]  # 30 spans: chance is a reason again
    wider = [score_spans(more[0], said, [*tokens, tokens[0]], LABELS, bootstrap=0) for said in more]
    assert compare(wider[1], wider[0]).acceptable


def test_one_spoilt_label_is_enough_to_refuse() -> None:
    comparison = both(400, {"PER": 0.95, "LOC": 0.2}, {"PER": 0.4, "LOC": 0.7})
    assert comparison.overall.high >= 0
    assert [label.name for label in comparison.spoilt] == ["LOC"]
    assert not comparison.acceptable


def test_rounds_with_other_labels_can_be_compared() -> None:
    gold = [[CharSpan(0, 3, "PER")]] * 20
    old = score_spans(gold, [[CharSpan(0, 3, "DOG")]] * 20, [[(0, 3)]] * 20, ["PER"], bootstrap=0)
    new = score_spans(gold, gold, [[(0, 3)]] * 20, ["PER"], bootstrap=0)
    comparison = compare(new, old)
    assert (comparison.overall.new, comparison.overall.old) == (1, 0)
    with pytest.raises(ValueError, match="cannot be compared"):
        compare(new, report(np.random.default_rng(0), 3, {"PER": 1, "LOC": 1}))


# Leaks


def golds(*texts: str) -> list[Gold]:
    return [Gold(stored(text, str(number)), number, ()) for number, text in enumerate(texts)]


LONG = "the quick brown fox jumps over the lazy dog near the old river bank"


def test_exact_and_near_copies_are_leaks_short_and_different_texts_are_not() -> None:
    train = golds("good morning", LONG, "an entirely different sentence of at least eight words stands here")
    eval_golds = golds(
        LONG.upper(),
        LONG + " today",
        "good morning",
        "nine other words that nobody has ever written down yet",
    )
    leaks = find_leaks(train, eval_golds)
    assert [(leak.eval, leak.train) for leak in leaks.found] == [("0", "1"), ("1", "1")]
    assert leaks.found[0].similarity == 1
    assert leaks.share == 0.5


def test_no_leak_among_nothing() -> None:
    assert find_leaks([], []).share == 0
