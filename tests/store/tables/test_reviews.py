"""The review queue: what waits and why, who gets it, and that a review has the last word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clock import Clock
from support.store_making import make_store, say

from spanloop.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path, documents=6) as store:
        store.annotations.add(say(1))
        store.annotations.add(say(2))
        yield store


def keys(store: Store, annotator: str, **options: int) -> list[str | None]:
    return [item.document.key for item in store.reviews.next(annotator, **options)]


def test_the_most_urgent_first_and_to_one_person_alone(store: Store) -> None:
    assert store.reviews.send([(1, "odd", 0.3), (2, "odder", 0.9), (3, "new", 0.5)]) == 3
    assert keys(store, "lea", n=2) == ["d2", "d3"]
    assert keys(store, "ben", n=5) == ["d1"]
    assert keys(store, "lea", n=5) == ["d2", "d3"]  # what she holds
    store.queue.release("ben")
    assert keys(store, "lea", n=5) == ["d2", "d3", "d1"]
    assert store.reviews.next("lea", exclude=[1, 2, 3]) == []


def test_a_clock_that_is_set_back_keeps_no_review_waiting(store: Store, clock: Clock) -> None:
    store.reviews.send([(1, "odd", 0.3)])
    assert keys(store, "lea") == ["d1"]
    assert keys(store, "ben") == []
    clock.forward(-86_400)
    assert keys(store, "ben") == ["d1"]


def test_a_review_has_the_last_word_and_settles(store: Store) -> None:
    store.annotations.add(say(1, "ben", "8-11:PER"))  # differs from anna: a conflict
    assert store.reviews.conflicts() == [(1, "anna, ben")]
    assert list(store.annotations.gold(ids=[1])) == []
    store.reviews.send([(1, "disagreement", 1.0)])
    start = store.reviews.start(1)
    assert start is not None
    assert start.annotator in ("anna", "ben")
    store.annotations.add(say(1, "ben", "0-3:PER"))  # another answer that is no review settles nothing
    assert (store.reviews.waiting(), store.reviews.reason(1)) == (1, "disagreement")
    store.annotations.add(say(1, "lea", "15-19:LOC", origin="review"))
    assert (store.reviews.waiting(), store.reviews.reason(1)) == (0, "")
    (gold,) = store.annotations.gold(ids=[1])
    assert [(s.start, s.end, s.label) for s in gold.spans] == [(15, 19, "LOC")]
    assert store.reviews.conflicts() == []
    again = store.reviews.start(1)
    assert again is not None
    assert again.annotator == "lea"


def test_sent_twice_it_waits_once_and_sent_again_it_waits_again(store: Store) -> None:
    assert store.reviews.send([(1, "a", 0.1)]) == 1
    assert store.reviews.send([(1, "b", 0.2)]) == 0
    assert store.reviews.reason(1) == "b"
    store.annotations.add(say(1, "lea", origin="review"))
    assert store.reviews.send([(1, "c", 0.2)]) == 1


def test_a_document_that_nobody_answered_starts_from_nothing(store: Store) -> None:
    assert store.reviews.start(5) is None
    assert store.reviews.standing(5) is None
