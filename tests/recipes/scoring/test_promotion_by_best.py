"""Small losses do not add up: a new round is held to the best one so far, on equal gold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from support.rounds_making import finish_round
from support.store_making import make_store

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.metrics.score import score_spans
from spanloop.recipes.scoring.evaluate import Evaluation
from spanloop.recipes.scoring.promotion import Verdict, held_to_earlier
from spanloop.store import Store, StoreError
from spanloop.store.records import Round

SPAN = CharSpan(0, 3, "PER")


def scored(number: int, missed: range, documents: int = 200) -> Evaluation:
    """A round that misses the spans of these documents, of which each has one."""
    predicted = [() if place in missed else (SPAN,) for place in range(documents)]
    report = score_spans([(SPAN,)] * documents, predicted, [[(0, 3)]] * documents, ["PER"], bootstrap=0)
    return Evaluation(number, "spans", report, 0)


def judged(
    store: Store, new: Evaluation, earlier: Mapping[int, Evaluation | Exception], before: int
) -> Verdict:
    def score_again(row: Round) -> Evaluation:
        found = earlier[row.number]
        if isinstance(found, Exception):
            raise found
        return found

    return held_to_earlier(store, new, store.rounds.get(before), seed=0, score_again=score_again)


def test_three_steps_down_are_refused_although_each_is_too_small_to_tell(tmp_path: Path) -> None:
    """Of 200 documents the rounds miss none, 3, 6: no step is told from chance, two of them are."""
    with make_store(tmp_path) as store:
        first, second = finish_round(store), finish_round(store)
        scores: dict[int, Evaluation | Exception] = {1: scored(1, range(0)), 2: scored(2, range(3))}
        step = judged(store, scored(2, range(3)), scores, first)
        assert (step.good, step.best) == (True, 1)
        store.rounds.set_best(second, step.best)
        third = judged(store, scored(3, range(6)), scores, second)
    assert not third.good
    assert third.best == 1
    assert third.reason.startswith("not promoted over round 2: ")
    assert "; against round 1, the best so far: strict micro F1 " in third.reason
    assert third.reason.count("worse)") == 1


def test_the_best_is_the_one_that_scores_most_on_the_same_gold(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        first, second = finish_round(store), finish_round(store)
        scores: dict[int, Evaluation | Exception] = {1: scored(1, range(20)), 2: scored(2, range(10))}
        store.rounds.set_best(second, second)
        assert judged(store, scored(3, range(5)), scores, second).best == 3
        assert judged(store, scored(3, range(10)), scores, first).best == 3
        assert judged(store, scored(3, range(11)), scores, first).best == 2


def test_a_best_round_that_is_gone_is_said_and_keeps_nothing_back(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        finish_round(store), finish_round(store)
        store.rounds.set_best(2, 1)
        scores = {1: StoreError("its folder is not there"), 2: scored(2, range(10))}
        verdict = judged(store, scored(3, range(5)), scores, 2)
    assert verdict.good
    assert "not compared with round 1, the best so far: its folder is not there" in verdict.reason


def test_too_few_eval_documents_are_said_with_how_many_it_takes(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        finish_round(store)
        few = judged(store, scored(2, range(5), 40), {1: scored(1, range(4, 9), 40)}, 1)
        many = judged(store, scored(2, range(2), 400), {1: scored(1, range(1, 3), 400)}, 1)
    assert "40 eval documents cannot show a difference below " in few.reason
    assert f"annotate more with spanloop correct {store.named} --split eval" in few.reason
    assert "would show 3" not in many.reason
