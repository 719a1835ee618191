"""Reads of one moment: what others write meanwhile is not seen, keeps nobody waiting, and no write joins."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support.store_making import add_model, make_store, predict_all, say

from spanloop.store import Store
from spanloop.store.tables.annotations import PAGE


def log_is_free(store: Store) -> bool:
    """Whether the whole write-ahead log can be moved into the file: nobody holds an earlier moment."""
    busy, pages, moved = store.rows("PRAGMA wal_checkpoint(PASSIVE)")[0]
    return (busy, pages) == (0, moved)


def test_all_reads_of_a_block_are_of_its_first_moment(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store, Store.open(store.path) as other:
        with store.reading():
            other.labels.rename("PER", "PERSON")
            assert store.labels.names() == store.moment().names == ["PER", "LOC"]
            with store.reading():
                other.annotations.add(say(1, spans="0-3:PERSON"))
                assert store.annotations.count() == 0
            assert store.annotations.count() == 0
        assert store.labels.names() == ["PERSON", "LOC"]
        assert store.annotations.count() == 1


def test_another_thread_of_the_same_store_reads_on_its_own(tmp_path: Path) -> None:
    seen: list[list[str]] = []
    with make_store(tmp_path) as store, store.reading():
        thread = threading.Thread(
            target=lambda: (store.labels.rename("PER", "PERSON"), seen.append(store.labels.names()))
        )
        thread.start()
        thread.join()
        assert seen == [["PERSON", "LOC"]]
        assert store.labels.names() == ["PER", "LOC"]


def test_a_write_in_a_block_is_refused_and_one_around_it_is_seen(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        with store.reading():
            for write in (
                lambda: store.labels.rename("PER", "PERSON"),
                lambda: store.annotations.add(say(1)),
                lambda: store.run("DELETE FROM leases"),
            ):
                with pytest.raises(RuntimeError, match="a write inside reading"):
                    write()
            assert store.labels.names() == ["PER", "LOC"]
        with store.write():
            store.labels.rename("PER", "PERSON")
            with store.reading():
                assert store.labels.names() == ["PERSON", "LOC"]
            store.labels.rename("LOC", "PLACE")
        assert store.labels.names() == ["PERSON", "PLACE"]


def test_nothing_is_held_after_a_block_that_fails_or_gold_that_is_read_halfway(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store, Store.open(store.path) as other:
        for number in (1, 2, 3):
            store.annotations.add(say(number))
        with pytest.raises(KeyError), store.reading():
            raise KeyError
        golds = store.annotations.gold()
        next(golds)
        documents = store.documents.iterate()
        next(documents)
        other.annotations.add(say(1, spans=""))
        assert log_is_free(other)
        store.annotations.add(say(2, spans=""))  # who reads halfway may write
        with store.reading():
            store.labels.names()
            other.annotations.add(say(3, spans=""))
            assert not log_is_free(other)
        assert log_is_free(other)
        assert [gold.document.id for gold in golds] == [2, 3]


def test_gold_has_one_set_of_names_whatever_becomes_of_the_labels_between_two_pages(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2 * PAGE + 1, labels=["PER", "LOC", "ODD"]) as store:
        with store.write():
            for number in range(1, 2 * PAGE + 2):
                store.annotations.add(say(number, spans="0-3:PER 8-11:LOC 15-19:ODD"))
        golds = store.annotations.gold()
        found = [next(golds)]
        store.labels.rename("PER", "PERSON")
        store.labels.merge("LOC", "PERSON")
        store.labels.retire("ODD")
        found += golds
    assert {tuple(span.label for span in gold.spans) for gold in found} == {("PER", "LOC", "ODD")}


def test_a_prediction_is_read_by_the_names_of_a_moment(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        predict_all(store, add_model(store))
        moment = store.moment()
        store.labels.rename("PER", "PERSON")
        store.labels.retire("PERSON")
        then, now = store.predictions.get(1, names=moment.readings), store.predictions.get(1)
        assert then is not None
        assert now is not None
        assert [span.label for span in then.spans] == ["PER"]
        assert now.spans == ()
