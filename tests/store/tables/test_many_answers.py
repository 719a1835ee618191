"""Many answers in one call are stored as one after the other would be, whatever they are and whoever said
something before."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.filled_store import rows_of
from support.store_making import make_store, say

from spanloop.store import Store, StoreError
from spanloop.store.records import Annotation, NewAnnotation, NewDocument

DOCUMENTS = 12


def project(folder: Path, overlap: int) -> tuple[Store, int]:
    """A project with documents of both splits, and an import that is on its way in."""
    folder.mkdir()
    store = make_store(folder, DOCUMENTS, labels=["PER", "LOC"])
    store.documents.add(
        [NewDocument(f"Ann met Bob in Oslo {n}", key=f"e{n}", split="eval") for n in range(4)]
    )
    store.set_project(overlap=overlap)
    store.queue.prioritise("random")
    return store, store.imports.begin([], {})


def answers(drawn: random.Random, number: int, count: int) -> list[NewAnnotation]:
    """Answers of every kind; half of the documents get one alone."""
    said = []
    for _ in range(count):
        origin = drawn.choice(["human", "human", "import", "review", "simulated", "machine"])
        one: NewAnnotation = say(
            drawn.randint(1, DOCUMENTS + 4),
            drawn.choice(["anna", "ben"]),
            drawn.choice(["0-3:PER", "0-3:PER 15-19:LOC", "", "0-3:LOC"]),
            origin=origin,
            answer=drawn.choice(["accept", "accept", "accept", "reject", "ignore"]),
            ranges=drawn.choice([None, None, ((0, 3), (15, 19))]),
            action=drawn.choice(["added", "added", "rejected"]),
            labels=drawn.choice([None, None, ("PER", "LOC")]),
            flagged=drawn.random() < 0.2,
            created_at="2026-01-01T00:00:00.000Z",
            import_id=drawn.choice([number, number, number, None]),
        )
        said.append(one)
    return said


def everything(store: Store) -> list[Any]:
    """All that answers leave behind, but for the numbers of the answers."""
    tables = ("queue", "queue_counts", "queue_order", "label_sets")
    told: list[Any] = [sorted(rows_of(store, table)) for table in tables]
    of_all = (store.annotations.history(number) for number in range(1, DOCUMENTS + 5))
    return [*told, [[replace(one, id=0) for one in history] for history in of_all]]


@pytest.mark.parametrize("seed", range(8))
def test_many_at_once_are_as_one_after_the_other(tmp_path: Path, seed: int) -> None:
    drawn = random.Random(seed)
    one, number = project(tmp_path / "one", overlap=1 + seed % 2)
    other, _ = project(tmp_path / "other", overlap=1 + seed % 2)
    with one, other:
        for count in (drawn.randint(0, 4), drawn.randint(5, 25)):
            said = answers(drawn, number, count)
            done = other.annotations.add_all(said)
            for annotation in said:
                one.annotations.add(annotation)
            stored = [other.annotations.get(submitted.annotation_id) for submitted in done]
            assert [(s and s.uuid) for s in stored] == [annotation.uuid for annotation in said]
            assert all(submitted.new for submitted in done)
        again = other.annotations.add_all(said)
        assert [(s.annotation_id, s.new) for s in again] == [(s.annotation_id, False) for s in done]
        assert everything(one) == everything(other)
        for store in (one, other):
            store.imports.finish(number, {})
            assert store.check() == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (say(2, spans="0-99:PER"), "'d2': span 0-99 PER lies outside"),
        (say(2, spans="0-3:PER 2-7:LOC"), "0-3 PER and 2-7 LOC overlap"),
        (say(2, spans="0-3:XXX"), "'d2': there is no label 'XXX'"),
        (say(2, labels=("XXX",)), "there is no label 'XXX'"),
        (say(99), "no document 99"),
        (say(2, answer="maybe"), "'maybe' is none of accept"),
        (say(2, ranges=((0, 9), (8, 12))), "not behind"),
    ],
)
def test_one_that_is_refused_keeps_all_of_them_out(tmp_path: Path, wrong: Annotation, message: str) -> None:
    store, number = project(tmp_path / "p", overlap=1)
    with store:
        before = everything(store)
        with pytest.raises(StoreError, match=message):
            store.annotations.add_all([replace(one, import_id=number) for one in (say(1), wrong, say(3))])
        assert everything(store) == before
