"""The order of the queue against sorting by hand, whatever happens while a new one is being written."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest
from support.store_making import add_model, make_store, say

from spanloop.store import Store, StoreError
from spanloop.store.queue import order
from spanloop.store.records import NewDocument


def by_hand(store: Store) -> list[int]:
    """The open documents, best score of the standing strategy first, those without one last."""
    strategy, model_id = store.queue.standing()
    scores = dict(
        store.rows(
            "SELECT document_id, score FROM acquisition WHERE strategy = ? AND model_id = ?",
            (strategy, model_id),
        )
    )
    if strategy == "random":
        scores = dict(store.rows("SELECT document_id, shuffle FROM queue"))
    return sorted(
        store.documents.ids(state="open"), key=lambda i: (i not in scores, -float(scores.get(i, 0)), i)
    )


def as_drawn(store: Store) -> list[int | None]:
    """The open documents as one person who answers nothing would get them."""
    items = store.queue.next("the last", n=10_000, random_share=0)
    store.queue.release("the last")
    return [item.document.id for item in items]


def orders(store: Store) -> list[tuple[object, ...]]:
    return store.rows("SELECT generation, strategy, state FROM queue_orders ORDER BY 1")


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many transactions for few documents."""
    monkeypatch.setattr(order, "CHUNK", 7)
    monkeypatch.setattr(order, "GAPS", 11)
    monkeypatch.setattr(order, "PAUSE_SECONDS", 0.001)


def test_whatever_happens_meanwhile_every_open_document_has_its_place(
    tmp_path: Path, small_steps: None
) -> None:
    choice = random.Random(5)
    with make_store(tmp_path, documents=150) as store, Store.open(store.path) as others:
        models = [add_model(store, "a"), add_model(store, "b")]
        done = threading.Event()

        def work() -> None:
            while not done.wait(0.002):
                document_id = choice.randint(1, store.documents.count())
                what = choice.choice(("answer", "ignore", "score", "import", "overlap"))
                if what == "import":
                    others.documents.add([NewDocument(f"new {choice.random()}")])
                elif what == "score":
                    scores = {"entropy": choice.random(), "mnlp": choice.random()}
                    others.predictions.add(choice.choice(models), [(document_id, [], scores)])
                elif what == "overlap":
                    others.set_project(overlap=choice.choice((1, 2)))
                else:
                    who = choice.choice(("anna", "ben"))
                    others.annotations.add(
                        say(document_id, who, answer="accept" if what == "answer" else "ignore")
                    )

        person = threading.Thread(target=work)
        person.start()
        for _ in range(4):
            store.predictions.add(models[0], [(1, [], {"entropy": 0.5, "mnlp": 0.5})])
            store.predictions.add(models[1], [(1, [], {"entropy": 0.5, "mnlp": 0.5})])
            store.queue.prioritise(choice.choice(("entropy", "mnlp", "random")))
        done.set()
        person.join()
        assert store.queue.order.amiss() == 0
        store.set_project(overlap=1)
        assert as_drawn(store) == by_hand(store)
        assert list(store.documents.ids(state="open", order="queue")) == by_hand(store)
        assert len(orders(store)) == 1
        assert store.check() == []


def test_the_old_order_holds_until_the_new_one_is_whole(
    tmp_path: Path, small_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_store(tmp_path, documents=40) as store:
        model_id = add_model(store)
        store.predictions.add(
            model_id, [(d, [], {"entropy": float(d), "mnlp": -float(d)}) for d in range(1, 41)]
        )
        store.queue.prioritise("entropy")
        fill = order._TAKE_PLACES
        monkeypatch.setattr(
            order, "_TAKE_PLACES", fill.replace("s.place, s.", "s.place / (s.rowid <> 30), s.")
        )
        with pytest.raises(StoreError, match="NOT NULL"):  # fails in the fifth transaction of six
            store.queue.prioritise("mnlp")
        assert store.queue.standing() == ("entropy", model_id)
        assert [state for _, _, state in orders(store)] == ["current", "making"]
        store.annotations.add(say(40))
        assert as_drawn(store) == by_hand(store)[:40] == list(range(39, 0, -1))
        assert store.check() == []
        monkeypatch.setattr(order, "_TAKE_PLACES", fill)
        store.queue.prioritise("mnlp")  # what was left half-made goes
        assert [row[1:] for row in orders(store)] == [("mnlp", "current")]
        assert as_drawn(store) == list(range(1, 40))
        assert store.row("SELECT count(*) FROM queue_order") == (39,)


def test_of_two_orders_at_once_the_later_one_counts(tmp_path: Path, small_steps: None) -> None:
    with make_store(tmp_path, documents=200) as store, Store.open(store.path) as other:
        model_id = add_model(store)
        store.predictions.add(
            model_id, [(d, [], {"entropy": float(d), "mnlp": -float(d)}) for d in range(1, 201)]
        )
        first = threading.Thread(target=store.queue.prioritise, args=("entropy",))
        first.start()
        while ("entropy", "making") not in [row[1:] for row in orders(other)]:
            assert first.is_alive()
        other.queue.prioritise("mnlp")
        first.join()
        assert store.queue.standing() == ("mnlp", model_id)
        assert [row[1:] for row in orders(store)] == [("mnlp", "current")]
        assert as_drawn(store) == by_hand(store)


def test_people_who_ask_for_a_strategy_at_once_order_the_queue_once(
    tmp_path: Path, small_steps: None
) -> None:
    with make_store(tmp_path, documents=60) as store:
        people = [
            threading.Thread(target=store.queue.next, args=(f"p{n}",), kwargs={"strategy": "random"})
            for n in range(5)
        ]
        for person in people:
            person.start()
        for person in people:
            person.join()
        assert store.rows("SELECT max(generation) FROM queue_orders") == [(2,)]
        assert store.row("SELECT count(*) FROM leases") == (5,)


def test_check_gives_back_the_places_that_another_program_took(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=5) as store:
        store.predictions.add(add_model(store), [(d, [], {"entropy": float(d)}) for d in range(1, 6)])
        store.queue.prioritise("entropy")
        store.run("DELETE FROM queue_order WHERE document_id = 3")
        store.run("UPDATE queue_order SET place = 17 WHERE document_id = 4")
        (problem,) = store.check()
        assert "2 documents have no place" in problem.what
        store.check(repair=True)
        assert store.check() == []
        assert as_drawn(store) == [5, 4, 3, 2, 1]


def test_a_score_is_never_changed(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        store.predictions.add(add_model(store), [(1, [], {"entropy": 1.0})])
        with pytest.raises(StoreError, match="immutable"):
            store.run("UPDATE acquisition SET score = 2")
