"""Many hands at once: a wrong answer harms no other one, and each is acknowledged when it is stored."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.processes import PATIENCE_SECONDS, wait_for
from support.store_making import make_store, say

from spanloop.store import Store, StoreError
from spanloop.store.files.group_commit import Turns


def at_once(works: list[Callable[[], None]]) -> None:
    """Run each in a thread of its own, started as nearly together as can be."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> None:
        gate.wait()
        work()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE_SECONDS)
        assert not thread.is_alive()


def test_answers_at_once_are_each_stored_or_refused_for_their_own_fault(tmp_path: Path) -> None:
    refused: list[str] = []
    with make_store(tmp_path, documents=40) as store:
        before = store.row("SELECT count(*) FROM annotations")

        def answer(document_id: int) -> None:
            spans = "0-3:NOSUCH" if document_id % 4 == 0 else "0-3:PER"
            try:
                added = store.annotations.add(say(document_id, f"p{document_id}", spans))
            except StoreError as error:
                refused.append(str(error))
                return
            # by another connection: it was committed when it was acknowledged
            conn = sqlite3.connect(store.path)
            found = conn.execute("SELECT document_id FROM annotations WHERE id = ?", (added.annotation_id,))
            assert found.fetchone() == (document_id,)
            conn.close()

        at_once([lambda i=i: answer(i) for i in range(1, 41)])  # type: ignore[misc]
        assert before == (0,)
        assert len(refused) == 10
        assert all("no label 'NOSUCH'" in line for line in refused)
        assert sorted(store.column("SELECT document_id FROM annotations")) == [
            i for i in range(1, 41) if i % 4
        ]
        assert store.check() == []


def test_answers_at_once_wait_for_fewer_commits_than_there_are_answers(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=60) as store:
        commits: list[str] = []
        original = store._connect

        def connect() -> object:
            db = original()
            db.conn.set_trace_callback(lambda line: commits.append(line) if line == "COMMIT" else None)
            return db

        store._connect = connect  # type: ignore[method-assign, assignment]
        at_once([lambda i=i: store.annotations.add(say(i)) for i in range(1, 61)])  # type: ignore[misc]
        assert store.annotations.count() == 60
        assert 0 < len(commits) < 60


def test_inside_a_transaction_an_answer_is_part_of_it(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:

        def both() -> None:
            with store.write():
                store.annotations.add(say(1))
                store.annotations.add(say(9))

        with pytest.raises(StoreError, match="no document 9"):
            both()
        assert store.annotations.count() == 0


def test_a_commit_that_fails_acknowledges_nothing_to_anybody(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=6) as store:
        store.run(
            "CREATE TABLE late (id INTEGER REFERENCES documents(id) DEFERRABLE INITIALLY DEFERRED) STRICT"
        )
        store.run(
            "CREATE TRIGGER spoil AFTER INSERT ON annotations WHEN NEW.document_id = 3"
            " BEGIN INSERT INTO late VALUES (99); END"
        )
        failed: list[int] = []

        def answer(document_id: int) -> None:
            try:
                store.annotations.add(say(document_id))
            except StoreError:
                failed.append(document_id)

        at_once([lambda i=i: answer(i) for i in range(1, 7)])  # type: ignore[misc]
        stored = list(store.column("SELECT document_id FROM annotations ORDER BY 1"))
        assert 3 in failed
        assert sorted([*stored, *failed]) == [1, 2, 3, 4, 5, 6]


def test_turns_are_taken_in_the_order_of_asking() -> None:
    turns, order = Turns(), list[int]()
    threads = []
    with turns, turns:
        for number in range(8):
            thread = threading.Thread(target=lambda n=number: _take(turns, order, n))  # type: ignore[misc]
            thread.start()
            threads.append(thread)
            wait_for(lambda n=number: len(turns._waiting) > n, pause=0.001)  # type: ignore[misc]
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def _take(turns: Turns, order: list[int], number: int) -> None:
    with turns:
        order.append(number)


def test_a_writer_gets_in_between_the_short_writes_of_another_process(tmp_path: Path) -> None:
    make_store(tmp_path, documents=3).close()
    path = tmp_path / "project.db"
    script = (
        "import sys, time\n"
        "from spanloop.store import Store\n"
        "with Store.open(sys.argv[1]) as store:\n"
        "    print('ready', flush=True)\n"
        "    while True:\n"
        "        with store.write(durable=False): time.sleep(0.02)\n"
        "        time.sleep(0.004)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        try:
            with Store.open(path) as store:
                for number in range(20):
                    store.annotations.add(say(1 + number % 3))
                assert store.annotations.count() == 20
        finally:
            other.kill()


def test_the_log_is_moved_into_the_file_beside_the_writers(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.checkpoints.run_beside()
        texts = [f"{n} {'a long text ' * 400}" for n in range(1500)]

        def write() -> None:  # a thread of its own opens its connection now, and moves nothing itself
            for text in texts:
                with store.write(durable=False):
                    store.run(
                        "INSERT INTO models(hash, kind, name, created_at) VALUES (?, 'hf', ?, '')",
                        (text[:9], text),
                    )

        at_once([write])
        wait_for(lambda: store.path.stat().st_size > 4_000_000)
        assert store.check() == []


def test_others_that_write_one_after_the_other_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of their writes is shorter than the time after which a write gives up, all of them are longer."""
    monkeypatch.setattr("spanloop.store.files.connection.BUSY_SECONDS", 0.4)
    begun = threading.Event()

    def write_often(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            for number in range(8):
                other.execute("BEGIN IMMEDIATE")
                begun.set()
                other.execute(f"PRAGMA application_id = {number}")
                time.sleep(0.2)
                other.execute("COMMIT")

    with make_store(tmp_path, documents=1) as store:
        writer = threading.Thread(target=write_often, args=(store.path,))
        writer.start()
        begun.wait()
        assert store.annotations.add(say(1)).new
        writer.join()


def test_a_lock_that_is_never_given_back_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spanloop.store.files.connection.BUSY_SECONDS", 0.2)
    with make_store(tmp_path, documents=1) as store:
        other = sqlite3.connect(store.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert store.documents.count() == 1  # reading goes on
        with pytest.raises(StoreError, match=r"another process has been writing for .* try again"):
            store.annotations.add(say(1))
        other.execute("COMMIT")
        other.close()
        assert store.annotations.add(say(1)).new
