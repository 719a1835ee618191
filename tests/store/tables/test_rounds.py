"""Rounds, scores, the ledger and the views that people read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.store_making import add_model, make_store, predict_all, say

from spanloop.store import Store, StoreError
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import Score


def finished(store: Store, micro: float = 0.5) -> int:
    """One finished round with a model of its own; returns its number."""
    number = store.rounds.start(parameters={"epochs": 2}, seed=1, train_ids=[], eval_ids=[]).number
    model_id = add_model(store, f"round {number}", kind="round", round=number)
    store.rounds.finish(number, model_id=model_id, scores=[figure(micro)], manifest={"torch": "2"})
    return number


def figure(
    f1: float | None, average: str | None = "micro", label: str | None = None, **fields: object
) -> Score:
    return Score("eval", "strict", average, label, 0.5, 0.5, f1, 9, **fields)  # type: ignore[arg-type]


def test_a_round_knows_what_went_in_and_what_came_out(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        ids = [store.annotations.add(say(d)).annotation_id for d in (1, 2, 3)]
        started = store.rounds.start(
            parameters={"epochs": 3, "lr": 1e-4},
            seed=7,
            class_weights={"PER": 1.5},
            train_ids=ids[:2],
            eval_ids=ids[2:],
        )
        assert (started.number, started.state, started.parameters["lr"], started.seed) == (
            1,
            "running",
            1e-4,
            7,
        )
        assert store.rounds.annotation_ids(1) == ids[:2]
        assert store.rounds.annotation_ids(1, "eval") == ids[2:]
        assert [g.annotation_id for g in store.annotations.gold_of(store.rounds.annotation_ids(1))] == ids[:2]
        assert store.rounds.folder(1) == tmp_path / "project.rounds" / "0001"
        scores = [figure(0.5, f1_low=0.4, f1_high=0.6), figure(0.3, "macro"), figure(None, None, "PER")]
        done = store.rounds.finish(1, model_id=add_model(store), scores=scores, manifest={"torch": "2"})
        assert (done.state, done.manifest, done.class_weights) == ("done", {"torch": "2"}, {"PER": 1.5})
        assert store.rounds.scores(1) == scores
        assert store.rounds.scores(1, "pool") == []
        store.rounds.add_scores(1, [figure(0.7)])  # scored again on newer gold
        assert figure(0.7) in store.rounds.scores(1)
        assert len(store.rounds.scores(1)) == 3
        with pytest.raises(StoreError, match="round 1 is done, not running"):
            store.rounds.fail(1, "late")
        with pytest.raises(StoreError, match="no round 9"):
            store.rounds.get(9)


def test_parameters_found_on_the_way_are_kept_and_fixed_when_the_round_is_over(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        row = store.rounds.start(parameters={"balance": "auto"}, seed=1, train_ids=[], eval_ids=[])
        settled = store.rounds.set_parameters(1, {**row.parameters, "class_weights": {"PER": 2.5}})
        assert settled.parameters == {"balance": "auto", "class_weights": {"PER": 2.5}}
        assert (settled.state, settled.started_at) == ("running", row.started_at)
        store.rounds.fail(1, "stopped", state="cancelled")
        with pytest.raises(StoreError, match="round 1 is cancelled, not running"):
            store.rounds.set_parameters(1, {})
        assert store.rounds.get(1).parameters == settled.parameters


def test_one_round_is_promoted_and_only_a_finished_one(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        first, second = finished(store), finished(store)
        failed = store.rounds.start(parameters={}, seed=0, parent=second, train_ids=[], eval_ids=[]).number
        store.rounds.fail(failed, "stopped by hand", "cancelled")
        assert store.rounds.promoted() is None
        store.rounds.promote(first)
        store.rounds.promote(second)
        assert [r.promoted for r in store.rounds.all()] == [False, True, False]
        with pytest.raises(StoreError, match="is cancelled: only a finished round"):
            store.rounds.promote(failed)
        assert store.promotions.behind() == [first]


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.sampled_from([1, 2, 3, "back"]), max_size=12))
def test_a_rollback_goes_back_along_the_history_of_promotions(
    tmp_path_factory: pytest.TempPathFactory, acts: list[int | str]
) -> None:
    """Held to a stack: a promotion puts a round on it, a rollback takes one off."""
    with make_store(tmp_path_factory.mktemp("history")) as store:
        for _ in range(3):
            finished(store)
        history: list[int] = []
        for act in acts:
            if act != "back":
                history.append(store.rounds.promote(int(act)).number)
                continue
            while len(history) > 1 and history[-2] == history[-1]:
                history.pop()
            if len(history) < 2:
                with pytest.raises(StoreError, match="nothing to go back to"):
                    store.rounds.rollback()
                continue
            history.pop()
            assert store.rounds.rollback().number == history[-1]
        promoted = store.rounds.promoted()
        assert (promoted and promoted.number) == (history[-1] if history else None)


def test_a_rollback_can_pass_over_rounds_but_only_along_the_way(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        for _ in range(4):
            finished(store)
        for number in (1, 2, 3):
            store.rounds.promote(number)
        assert store.promotions.behind() == [2, 1]
        with pytest.raises(StoreError, match="round 4 was not promoted before"):
            store.rounds.rollback(4)
        assert store.rounds.rollback(1).number == 1
        assert store.promotions.behind() == []


def test_nothing_to_go_back_to(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        with pytest.raises(StoreError, match="nothing to go back to"):
            store.rounds.rollback()
        store.rounds.promote(finished(store))
        with pytest.raises(StoreError, match="nothing to go back to"):
            store.rounds.rollback()


def test_a_round_whose_process_died_is_told_apart_from_one_that_runs(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from spanloop.store import Store\n"
        "store = Store.open(sys.argv[1])\n"
        "store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[])\n"
        "os._exit(1)\n"
    )
    with make_store(tmp_path) as store:
        subprocess.run([sys.executable, "-c", script, str(store.path)], check=False)
        with store.training_lock.held(), Store.open(store.path) as other:
            assert [r.number for r in store.rounds.interrupted()] == [1]
            assert other.rounds.interrupted() == []  # its holder has not said yet that it trains another one
            second = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[])
            store.training_lock.begin(second.number)
            assert [r.number for r in other.rounds.close_interrupted()] == [1]
            assert [(r.state, r.error) for r in store.rounds.all()] == [
                ("failed", "interrupted: its process ended without a word"),
                ("running", None),
            ]
            assert store.rounds.close_interrupted() == []


@pytest.mark.parametrize(
    "score",
    [
        figure(0.5, None, None),
        figure(0.5, "micro", "PER"),
        figure(1.5),
        Score("eval", "accuracy", "micro", None, None, None, 0.5, -1),
    ],
)
def test_an_impossible_figure_is_refused(tmp_path: Path, score: Score) -> None:
    with make_store(tmp_path) as store:
        number = finished(store)
        with pytest.raises(StoreError, match="CHECK"):
            store.rounds.add_scores(number, [score])
        store.rounds.add_scores(number, [Score("eval", "accuracy", None, None, None, None, 0.9, 10)])


def test_the_same_event_twice_is_one_row(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        event = AlignmentEvent(1, 0, 5, "PER", "dropped", "overlap", source="a.jsonl", line=3)
        assert store.ledger.add([event, event]) == 1
        assert store.ledger.add([event]) == 0
        assert store.ledger.add([AlignmentEvent(1, 0, 3, "LOC", "snapped", "token", 0, 4)]) == 1
        assert store.ledger.counts() == {"total": 2, "by_reason": {"overlap": 1, "token": 1}}
        assert [e.line for e in store.ledger.all(reason="overlap")] == [3]
        assert store.rows("SELECT key, characters, source, line FROM ledger WHERE reason = 'overlap'") == [
            ("d1", "Ann m", "a.jsonl", 3)
        ]


def test_the_views_that_people_read(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        number = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[]).number
        model_id = add_model(store, "the model", kind="round", round=number)
        predict_all(store, model_id)
        for document_id in (1, 2):
            prediction = store.predictions.get(document_id)
            assert prediction is not None
            action = "taken" if document_id == 1 else "rejected"
            annotation = say(
                document_id, seconds=3.0 * document_id, prediction_id=prediction.id, action=action
            )
            store.annotations.add(annotation)
        store.annotations.add(say(3, spans="0-3:PER 15-19:LOC"))
        store.rounds.finish(
            number, model_id=model_id, scores=[figure(0.5), figure(0.25, "macro")], manifest=None
        )
        columns = (
            "round, annotator, documents, taken, changed, rejected, added, seconds, seconds_per_document"
        )
        assert store.rows(f"SELECT {columns} FROM effort") == [
            (None, "anna", 1, 0, 0, 0, 2, None, None),
            (1, "anna", 2, 1, 0, 1, 0, 9.0, 4.5),
        ]
        assert [(row["round"], row["taken"], row["rejected"]) for row in store.effort()] == [
            (None, 0, 0),
            (1, 1, 1),
        ]
        assert store.rows("SELECT round, state, f1, macro_f1, trained_on FROM scoreboard") == [
            (1, "done", 0.5, 0.25, 0)
        ]
        assert store.rows("SELECT split, total, gold, open FROM progress") == [
            ("pool", 3, 3, 0),
            ("eval", 0, 0, 0),
        ]
