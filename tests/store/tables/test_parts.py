"""The parts that the queue asks about: asked once, of the same person, and only where they still wait."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.store_making import add_model, make_store, predict_all, say

from spanloop.store import Store, StoreError

FIRST, SECOND = (0, 7), (8, 19)


def opened(store: Store, annotator: str = "anna", **options: object) -> list[int]:
    return [item.document.id for item in store.queue.next(annotator, n=9, random_share=0.0, **options)]  # type: ignore[arg-type]


def test_a_part_is_asked_until_an_answer_has_looked_at_it(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        store.parts.put({1: [FIRST, SECOND]})
        assert store.parts.asked(1, "strategy") == (FIRST, SECOND)
        assert [store.parts.asked(1, drawn) for drawn in ("random", "reopened", None)] == [None] * 3
        assert store.parts.asked(2, "strategy") is None
        assert store.parts.open() == (2, 1)
        store.annotations.add(say(1, ranges=(FIRST,)))
        assert store.parts.asked(1, "strategy") == (SECOND,)
        assert store.parts.looked_at([1, 2]) == {1: (FIRST,)}
        store.annotations.add(say(1, ranges=((0, 19),)))
        assert store.parts.asked(1, "strategy") is None
        store.parts.put({1: [(0, 20)]})
        store.annotations.add(say(1))  # the whole document
        assert (store.parts.waiting(1), store.parts.looked_at([1])) == ((), {1: ()})
        assert store.queue.states.stale() == []


def test_a_document_answered_in_part_comes_again_to_whoever_answered_it(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        store.annotations.add(say(2))
        store.annotations.add(say(1, ranges=(FIRST,)))
        assert opened(store) == opened(store, "ben") == []
        store.parts.put({1: [SECOND], 2: [SECOND]})
        assert store.queue.counts("pool") | {"total": 0} == {
            "total": 0, "gold": 2, "open": 1, "skipped": 0, "conflict": 0, "rejected": 0,
        }  # fmt: skip
        assert opened(store, "ben") == []
        assert opened(store) == [1]
        assert store.parts.answered_in_part() == [1]
        assert (store.queue.states.stale(), store.queue.order.amiss()) == ([], 0)
        store.annotations.add(say(1, "zoe", origin="review"))
        assert opened(store) == []
        assert store.queue.states.stale() == []


def test_where_several_people_are_asked_everybody_gets_whole_documents(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        store.parts.put({1: [SECOND]})
        store.annotations.add(say(1, ranges=(FIRST,)))
        assert opened(store) == [1]
        store.queue.release("anna")
        store.set_project(overlap=2)
        assert (opened(store), opened(store, "ben")) == ([], [1])
        assert store.parts.asked(1, "strategy") is None
        store.set_project(overlap=1)
        store.queue.release("ben")
        assert opened(store) == [1]
        assert store.queue.states.stale() == []


def test_an_order_of_whole_documents_ends_what_was_asked_in_parts(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        model = add_model(store)
        predict_all(store, model)
        store.acquisition.add(model, "entropy@sentences", [(1, 2.0), (2, 1.0)])
        store.parts.put({1: [SECOND]})
        store.annotations.add(say(1, ranges=(FIRST,)))
        store.queue.prioritise("entropy@sentences", model)
        assert opened(store) == [1, 2]
        store.queue.prioritise("entropy", model)
        assert (store.parts.open(), store.queue.counts("pool")["open"]) == ((0, 0), 1)
        with pytest.raises(StoreError, match="prelabel --strategy entropy@sentences` first"):
            store.queue.next("anna", strategy="entropy@sentences")


def test_what_chance_drew_before_stays_a_fair_sample_when_a_part_is_asked(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=6) as store:
        for item in store.queue.next("anna", n=4, random_share=1.0):
            ranges = (FIRST,) if item.document.id % 2 else None
            store.annotations.add(say(item.document.id, ranges=ranges))
        before = store.queue.fair.sample()
        assert len(before.document_ids) == 4
        store.parts.put({number: [SECOND] for number in before.document_ids})
        assert store.parts.open()[0] >= 1
        assert store.queue.fair.sample() == before
