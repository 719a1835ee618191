"""Opening, creating and transacting on real files."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.store_making import make_store, say

from spanloop.store import Store, StoreError
from spanloop.store.records import NewDocument


def test_a_created_project_says_what_it_was_given(tmp_path: Path) -> None:
    with Store.create(
        tmp_path / "p.db",
        labels=["PER", "Straße 7"],
        base_model="bert",
        lang="de",
        eval_fraction=0.3,
        seed=7,
        instructions="# Look",
    ) as store:
        project = store.project
        assert (project.task, project.base_model, project.lang, project.nlp) == ("spans", "bert", "de", None)
        assert (project.eval_fraction, project.seed, project.instructions) == (0.3, 7, "# Look")
        assert store.labels.names() == ["PER", "Straße 7"]
        assert store.rounds_dir == tmp_path / "p.rounds"
        store.set_project(tokenizer="abc", page={"keys": {"accept": "y"}}, overlap=2)
        assert store.project.page == {"keys": {"accept": "y"}}
        assert store.project.overlap == 2
        with pytest.raises(StoreError, match="no changeable 'task'"):
            store.set_project(task="tags")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.db"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": []}, "at least one label"),
        ({"labels": ["A", "A"]}, "'A' is there already"),
        ({"labels": ["A\x00"]}, "cannot be shown"),
        ({"labels": [" A"]}, "spaces at its edge"),
        ({"labels": ["A\ud800"]}, "cannot be shown"),
        ({"labels": ["A"], "task": "words"}, "'spans' or 'tags'"),
        ({"labels": ["A"], "eval_fraction": 1.5}, "between 0 and 1"),
        ({"labels": ["A"], "base_model": ""}, "CHECK"),
    ],
)
def test_a_project_that_cannot_be_leaves_no_file(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        Store.create(tmp_path / "p.db", **{"base_model": "b", **options})  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_create_never_writes_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "p.db").write_text("mine")
    with pytest.raises(StoreError, match="exists already"):
        Store.create(tmp_path / "p.db", labels=["A"], base_model="b")
    assert (tmp_path / "p.db").read_text() == "mine"
    with pytest.raises(StoreError, match="no folder"):
        Store.create(tmp_path / "nowhere" / "p.db", labels=["A"], base_model="b")


def test_open_refuses_what_is_no_project_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no .*spanloop init"):
        Store.open(tmp_path / "missing.db")
    with pytest.raises(StoreError, match="is a folder"):
        Store.open(tmp_path)
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="is empty"):
        Store.open(tmp_path / "empty.db")
    (tmp_path / "text.db").write_text("hello, I am a text file and long enough to have a header" * 40)
    with pytest.raises(StoreError, match="not a SQLite file"):
        Store.open(tmp_path / "text.db")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StoreError, match="no spanloop project"):
        Store.open(tmp_path / "other.db")
    after = sqlite3.connect(tmp_path / "other.db")
    assert after.execute("PRAGMA journal_mode").fetchone() == ("delete",)  # looked at, not changed
    after.close()


def test_open_refuses_a_newer_schema(tmp_path: Path) -> None:
    make_store(tmp_path).close()
    conn = sqlite3.connect(tmp_path / "project.db")
    conn.execute("PRAGMA user_version = 999")
    conn.close()
    with pytest.raises(StoreError, match=r"schema 999.*pip install -U"):
        Store.open(tmp_path / "project.db")


def test_a_file_cut_short_is_an_error_not_a_crash(tmp_path: Path) -> None:
    make_store(tmp_path, documents=300).close()
    path = tmp_path / "project.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StoreError, match=r"damaged|not a SQLite"), Store.open(path) as store:
        list(store.documents.iterate())


def test_a_read_only_file_is_refused_with_advice() -> None:
    script = (
        "import os, sys\n"
        "from spanloop.store import Store, StoreError\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"  # root may write everything
        "try: Store.open(sys.argv[1])\n"
        "except StoreError as error: print(error)\n"
    )
    with TemporaryDirectory() as name:
        folder = Path(name)
        make_store(folder).close()
        (folder / "project.db").chmod(0o444)
        folder.chmod(0o755)
        command = [sys.executable, "-c", script, str(folder / "project.db")]
        done = subprocess.run(command, capture_output=True, text=True)
    assert "may not be written" in done.stdout, done.stderr


def test_foreign_keys_wal_and_full_synchronous_hold_on_every_connection(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    seen: list[tuple[object, ...]] = []

    def look() -> None:
        seen.append(
            tuple(
                store.db.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("foreign_keys", "journal_mode", "synchronous")
            )
        )

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    look()
    store.queue.next("anna")  # a lease does not wait for the disk
    with store.write():
        look()
    assert seen == [(1, "wal", 2)] * 3
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.labels.all()


def test_threads_that_end_leave_no_connection_behind(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    for _ in range(20):
        thread = threading.Thread(target=store.labels.all)
        thread.start()
        thread.join()
    assert len(store._connections) <= 2
    store.close()


def test_a_write_is_all_or_nothing(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:

        def stopped_halfway() -> None:
            with store.write():
                store.annotations.add(say(1))
                raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            stopped_halfway()
        assert store.annotations.count() == 0
        assert store.queue.counts()["open"] == 2


def test_an_inner_write_that_fails_and_is_caught_leaves_the_outer_whole(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        with store.write():
            store.annotations.add(say(1))
            with pytest.raises(StoreError):
                store.documents.add([NewDocument("new", key="n"), NewDocument("", key="empty")])
            with pytest.raises(StoreError):
                store.annotations.add(say(2, spans="0-900:PER"))
        assert store.annotations.count() == 1
        assert store.documents.by_key("n") is None


def test_of_one_piece_nothing_is_stored_where_a_part_failed_and_was_caught(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:

        def caught() -> None:
            with store.write(one_piece=True):
                store.annotations.add(say(1))
                with suppress(StoreError):
                    store.annotations.add(say(2, spans="0-900:PER"))

        with pytest.raises(RuntimeError, match="one_piece"):
            caught()
        assert store.annotations.count() == 0
        with store.write(one_piece=True):
            store.documents.add([NewDocument("new", key="n")])
        with store.write():  # the one before said nothing of this one
            with suppress(StoreError):
                store.annotations.add(say(2, spans="0-900:PER"))
            store.annotations.add(say(1))
        assert (store.documents.count(), store.annotations.count()) == (3, 1)


def test_writers_in_threads_and_processes_all_get_through(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        script = (
            "import sys\n"
            "from spanloop.store import Store\n"
            "from spanloop.store.records import NewDocument\n"
            "with Store.open(sys.argv[1]) as store:\n"
            "    for number in range(30): store.documents.add([NewDocument(f'{sys.argv[2]} {number}')])\n"
        )
        others = [
            subprocess.Popen([sys.executable, "-c", script, str(store.path), name]) for name in ("one", "two")
        ]

        def add(name: str) -> None:
            for number in range(30):
                store.documents.add([NewDocument(f"{name} {number}")])

        threads = [threading.Thread(target=add, args=(f"thread {n}",)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [process.wait() for process in others] == [0, 0]
        assert store.documents.count() == 1 + 5 * 30
        assert len(set(store.documents.ids())) == 151
