"""The queue: no collisions, nothing twice, leases that run out, a tenth at random, and never a scan."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest
from support.clock import Clock
from support.store_making import add_model, make_store, predict_all, say

from spanloop.store import Store, StoreError
from spanloop.store.queue import queue
from spanloop.store.records import NewDocument, Span
from spanloop.store.tables.leases import LONGEST_SECONDS


def drawn(store: Store, annotator: str = "anna", n: int = 1, **options: object) -> list[int | None]:
    options = {"random_share": 0.0, **options}
    return [item.document.id for item in store.queue.next(annotator, n=n, **options)]  # type: ignore[arg-type]


def test_without_a_model_documents_come_as_they_were_imported(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        (item,) = store.queue.next("anna", random_share=0)
        assert (item.document.key, item.prediction, item.model, item.drawn) == ("d1", None, None, "strategy")
        assert drawn(store, "ben") == [2]


def test_the_highest_score_comes_first_with_its_suggestion(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=5) as store:
        model_id = add_model(store)
        predict_all(store, model_id)
        store.documents.add([NewDocument("came later")])
        store.queue.prioritise("entropy")
        assert store.queue.standing() == ("entropy", model_id)
        (item,) = store.queue.next("anna", random_share=0)
        assert item.document.key == "d5"
        assert item.model == store.models.get(model_id)
        assert item.prediction is not None
        assert [(s.start, s.end, s.label, s.score) for s in item.prediction.spans] == [(0, 3, "PER", 0.9)]
        assert drawn(store, "ben", n=5) == [4, 3, 2, 1, 6]  # a document without a score comes last
        store.predictions.add(model_id, [(6, [], {"entropy": 99.0})])
        store.queue.release("ben")
        assert drawn(store, "ben") == [6]  # new scores of the standing model count at once


def test_scores_of_the_promoted_round_come_before_newer_ones(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        done = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[])
        first = add_model(store, "first", kind="round", round=done.number)
        store.rounds.finish(done.number, model_id=first, scores=[], manifest=None)
        store.rounds.promote(done.number)
        predict_all(store, first)
        second = add_model(store, "second")
        store.predictions.add(second, [(d, [Span(8, 11, "PER")], {"entropy": -float(d)}) for d in (1, 2, 3)])
        store.queue.prioritise("entropy")
        (item,) = store.queue.next("anna", random_share=0)
        assert (item.document.id, item.prediction.model_id if item.prediction else None) == (3, first)
        store.queue.prioritise("entropy", second)
        assert drawn(store, "ben") == [1]
        with pytest.raises(StoreError, match="no model has scores of the strategy 'mnlp'"):
            store.queue.prioritise("mnlp")


def test_a_lease_is_kept_until_it_is_answered_released_or_over(tmp_path: Path, clock: Clock) -> None:
    with make_store(tmp_path, documents=3) as store:
        assert drawn(store) == [1]
        assert drawn(store) == [1]  # a reload gets the same again
        assert drawn(store, exclude=[1]) == [2]  # a prefetch does not
        assert drawn(store, n=2) == [1, 2]
        assert drawn(store, "ben") == [3]
        assert drawn(store, "čen") == []
        store.queue.release("anna", 2)
        assert drawn(store, "čen") == [2]
        store.annotations.add(say(1))
        assert drawn(store) == []
        store.queue.release("ben")
        assert drawn(store, lease_seconds=60) == [3]
        clock.forward(59.999)
        assert drawn(store, "ben") == []
        clock.forward(0.001)
        assert drawn(store, "ben") == [3]


def test_renewing_holds_a_document_unless_it_has_gone_to_another(tmp_path: Path, clock: Clock) -> None:
    with make_store(tmp_path, documents=1) as store:
        assert not store.queue.renew("anna", 1)
        drawn(store, lease_seconds=60)
        assert store.queue.renew("anna", 1, lease_seconds=60)
        clock.forward(60)
        assert store.queue.renew("anna", 1, lease_seconds=60)  # over, but nobody else came
        clock.forward(60)
        assert drawn(store, "ben") == [1]
        assert not store.queue.renew("anna", 1)


@pytest.mark.parametrize("days", [1, 365])
def test_a_clock_that_is_set_back_keeps_nobody_waiting(tmp_path: Path, clock: Clock, days: int) -> None:
    with make_store(tmp_path, documents=1) as store:
        assert drawn(store) == [1]
        assert drawn(store, "ben") == []
        clock.forward(-days * 86_400)
        assert store.queue.holders([1]) == {}
        assert drawn(store, "ben") == [1]
        assert not store.queue.renew("anna", 1)
        assert store.queue.holders([1]) == {1: ["ben"]}


def test_however_the_clock_is_set_a_lease_runs_no_longer_than_the_longest(
    tmp_path: Path, clock: Clock
) -> None:
    with make_store(tmp_path, documents=1) as store:
        for jump in (-7_200.0, -1_201.0, -1_200.0, -600.0, -1.0, 0.0, 599.0):
            assert drawn(store) == [1]
            clock.forward(jump)
            waited = 0.0
            while drawn(store, "ben") == []:
                clock.forward(60)
                waited += 60
            assert waited <= LONGEST_SECONDS, jump
            store.queue.release("ben")
            store.queue.release("anna")
        with pytest.raises(ValueError, match="longer than any"):
            store.queue.next("anna", lease_seconds=LONGEST_SECONDS + 1)


def test_who_holds_on_keeps_a_document_though_the_clock_goes_to_and_fro(tmp_path: Path, clock: Clock) -> None:
    with make_store(tmp_path, documents=1) as store:
        assert drawn(store) == [1]
        for jump in (86_400.0, -172_800.0, 30.0):
            clock.forward(jump)
            assert store.queue.renew("anna", 1)
            assert drawn(store, "ben") == []
            assert drawn(store) == [1]


def test_reopening_gives_an_answered_document_back(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        drawn(store)
        store.annotations.add(say(1))
        assert store.queue.reopen(1, "anna").document.id == 1
        assert store.queue.counts()["gold"] == 1  # what was said stands until it is said anew
        assert drawn(store) == [1]
        store.annotations.add(say(1, spans="15-19:LOC"))
        assert drawn(store) == [2]
        assert [g.spans[0].label for g in store.annotations.gold()] == ["LOC"]
        with pytest.raises(StoreError, match="no document 9"):
            store.queue.reopen(9, "anna")


def test_an_answer_by_another_ends_a_lease(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        assert drawn(store) == [1]
        store.annotations.add(say(1, "ben"))
        assert drawn(store) == [2]


def test_ignored_documents_come_last_or_never(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        store.annotations.add(say(1, answer="ignore", spans=""))
        store.annotations.add(say(2))
        assert store.queue.counts() == {
            "total": 3, "gold": 1, "open": 1, "skipped": 1, "conflict": 0, "rejected": 0
        }  # fmt: skip
        assert drawn(store, n=5) == [3]
        assert drawn(store, n=5, ignored="last") == [3, 1]
        store.annotations.add(say(3, answer="ignore", spans=""))
        store.annotations.add(say(1, answer="ignore", spans=""))  # again: now 3 has waited longer
        assert drawn(store, n=5) == []
        assert drawn(store, ignored="last") == [3]
        store.annotations.add(say(1))
        store.annotations.add(say(3))
        assert store.queue.counts()["skipped"] == 0


def test_overlap_gives_a_document_to_so_many_people_and_to_nobody_twice(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=4) as store:
        store.set_project(overlap=2)
        people = ["anna", "ben", "čen"]
        got: dict[str, list[int]] = {name: [] for name in people}
        choice = random.Random(0)
        for _ in range(50):
            name = choice.choice(people)
            for document_id in drawn(store, name):
                assert document_id is not None
                got[name].append(document_id)
                store.annotations.add(say(document_id, name))
        assert all(len(ids) == len(set(ids)) for ids in got.values())
        assert sorted(i for ids in got.values() for i in ids) == [1, 1, 2, 2, 3, 3, 4, 4]
        assert store.queue.counts()["open"] == 0


def test_documents_that_wait_for_a_second_person_come_first(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=5) as store:
        store.set_project(overlap=2)
        for document_id in (4, 5):
            store.annotations.add(say(document_id, "ben"))
        assert drawn(store, "anna", n=3) == [4, 5, 1]
        assert drawn(store, "ben", n=5) == [1, 2, 3]
        assert drawn(store, "čen", n=5) == [
            2,
            3,
        ]  # two leases fill document 1, one person and one lease 4 and 5


def test_a_tenth_is_drawn_at_random_the_same_way_every_time(tmp_path: Path) -> None:
    orders = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with make_store(tmp_path / name, documents=60, seed=3) as store:
            predict_all(store, add_model(store))
            store.queue.prioritise("entropy")
            items = store.queue.next("anna", n=40)
            orders.append([item.document.id for item in items])
            assert [number for number, item in enumerate(items, 1) if item.drawn == "random"] == [
                10,
                20,
                30,
                40,
            ]
            at_random = [item.document.id for item in items if item.drawn == "random"]
            assert at_random != sorted(at_random, reverse=True)
            store.annotations.add(say(items[9].document.id))
            assert store.row("SELECT drawn FROM annotations") == ("random",)
    assert orders[0] == orders[1]


def test_the_strategy_random_needs_no_model_and_takes_new_documents_in(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=40) as store:
        order = drawn(store, n=40, strategy="random")
        assert order != sorted(order)  # type: ignore[type-var]
        assert store.queue.standing() == ("random", None)
        store.documents.add([NewDocument("later")])
        assert store.row("SELECT count(*) FROM queue_order WHERE place < 0") == (41,)


def test_many_at_once_never_get_the_same_document(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=120) as store:
        got: list[int | None] = []

        def work(name: str) -> None:
            while ids := drawn(store, name):
                got.extend(ids)
                for document_id in ids:
                    store.annotations.add(say(document_id or 0, name, uuid=f"{name} {document_id}"))

        threads = [threading.Thread(target=work, args=(f"person {n}",)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(got) == list(range(1, 121))  # type: ignore[type-var]


def test_splits_do_not_mix(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.documents.add(
            [NewDocument("p", key="p", split="pool"), NewDocument("e", key="e", split="eval")]
        )
        assert [i.document.key for i in store.queue.next("anna", n=5, split="eval")] == ["e"]
        assert [i.document.key for i in store.queue.next("anna", n=5)] == ["p"]


@pytest.mark.parametrize("sql", [queue._BY_STRATEGY, queue._BY_CHANCE])
def test_the_next_document_is_found_by_index(tmp_path: Path, sql: str) -> None:
    with make_store(tmp_path, documents=5) as store:
        named = {"annotator": "anna", "split": "pool", "now": "2026", "latest": "2027", "exclude": "[]"}
        plan = [row[3] for row in store.db.conn.execute("EXPLAIN QUERY PLAN " + sql, named)]
        on_queue = [line for line in plan if line.partition(" ")[2].startswith(("q ", "queue "))]
        assert on_queue
        by_index = ("INDEX queue_by_chance", "PRIMARY KEY (generation=? AND split=? AND answered_by=?)")
        assert all(line.startswith("SEARCH") and any(i in line for i in by_index) for line in on_queue), plan
        assert [line for line in plan if "TEMP B-TREE" in line] == ["USE TEMP B-TREE FOR ORDER BY"], plan


def test_a_document_is_judged_without_reading_the_others(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=5) as store:
        plan = [
            row[3]
            for row in store.db.conn.execute(
                "EXPLAIN QUERY PLAN SELECT verdict, precedence FROM verdicts WHERE document_id = 3"
            )
        ]
        assert not [line for line in plan if line.startswith(("SCAN a", "SCAN s", "SCAN b", "SCAN q"))], plan


def test_holders_names_who_has_a_document_until_the_lease_ends(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        store.queue.next("anna")
        store.queue.reopen(1, "bert")
        store.queue.reopen(2, "bert", lease_seconds=-1)
        assert store.queue.holders([1, 2, 3]) == {1: ["anna", "bert"]}
        store.annotations.add(say(1, "anna"))
        assert store.queue.holders([1, 2, 3]) == {1: ["bert"]}
        assert store.queue.holders([]) == {}


def test_eval_is_drawn_by_chance_whatever_the_queue_stands_by(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.documents.add(NewDocument(f"text {n}", key=str(n), split="eval") for n in range(30))
        model_id = add_model(store)
        predict_all(store, model_id)
        store.queue.prioritise("entropy", model_id)
        by_score = [str(n) for n in reversed(range(30))]
        drawn = [item.document.key for item in store.queue.next("anna", n=30, split="eval", random_share=0)]
        again = [item.document.key for item in store.queue.next("ben", n=30, split="eval")]
    assert sorted(drawn, key=str) == sorted(by_score, key=str)
    assert drawn[:10] != by_score[:10]
    assert again == []  # each is leased to anna
