"""Migrations: one transaction, once, after a copy of the file; and a schema that refuses bad rows."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest
from sqlite_utils import Database
from support.store_making import make_store, say

from spanloop.store import Store, StoreError
from spanloop.store.files.backup import keep_copy
from spanloop.store.schema import migrations


def schema(path: Path) -> list[str]:
    conn = sqlite3.connect(path)
    rows = conn.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name").fetchall()
    conn.close()
    return [row[0] for row in rows]


@pytest.fixture
def next_step() -> Iterator[None]:
    """As if a later release had one more step, which also fills what it adds."""

    def m999_priority_of_people(db: Database) -> None:
        db.execute("CREATE TABLE extra (document_id INTEGER PRIMARY KEY REFERENCES documents(id)) STRICT")
        db.execute("INSERT INTO extra SELECT id FROM documents")

    migrations.STEPS()(m999_priority_of_people)
    yield
    migrations.STEPS._migrations.pop()


def test_every_table_is_strict_and_every_step_is_recorded(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        tables = store.rows(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        loose = [name for name, sql in tables if "STRICT" not in sql and name != "_sqlite_migrations"]
        assert loose == []
        applied = [row[0] for row in store.rows("SELECT name FROM _sqlite_migrations ORDER BY id")]
        assert [name[:5] for name in applied] == [f"m{n:03d}_" for n in range(1, migrations.version() + 1)]
        assert store.row("PRAGMA user_version") == (migrations.version(),)
        assert store.rows("PRAGMA integrity_check") == [("ok",)]


def test_the_steps_are_numbered_from_1_without_a_gap() -> None:
    steps = (files("spanloop.store.schema") / "steps").iterdir()
    names = sorted(step.name for step in steps)
    assert [name[:5] for name in names] == [f"m{n:03d}_" for n in range(1, len(names) + 1)]
    assert [f"{step.name}.sql" for step in migrations.STEPS._migrations] == names


def test_every_view_can_be_read(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        store.annotations.add(say(1))
        names = [name for (name,) in store.rows("SELECT name FROM sqlite_master WHERE type = 'view'")]
        rows = {name: store.rows(f"SELECT * FROM {name}") for name in names}
    assert {"gold", "conflicts", "scoreboard", "effort", "ledger", "progress"} <= set(rows)
    assert [row[0] for row in rows["gold"]] == [1]
    assert not rows["conflicts"]


def test_an_older_file_is_brought_up_to_date_after_a_copy(tmp_path: Path, next_step: None) -> None:
    migrations.STEPS._migrations, later = migrations.STEPS._migrations[:-1], migrations.STEPS._migrations
    with make_store(tmp_path, documents=3) as store:
        store.annotations.add(say(1))
        path = store.path
    old = schema(path)
    migrations.STEPS._migrations = later
    with Store.open(path) as store:
        assert store.row("SELECT count(*) FROM extra") == (3,)
        assert store.annotations.count() == 1
    copy = tmp_path / f"project.db.before-schema-{migrations.version()}"
    assert schema(copy) == old
    conn = sqlite3.connect(copy)
    assert conn.execute("SELECT count(*) FROM annotations").fetchone() == (1,)
    conn.close()


def test_the_copy_of_an_earlier_project_of_that_name_stays(tmp_path: Path, next_step: None) -> None:
    """And what a killed migration copied is not copied twice."""
    all_steps = migrations.STEPS._migrations
    for documents in (3, 5):
        migrations.STEPS._migrations = all_steps[:-1]
        with make_store(tmp_path, documents=documents) as store:
            path = store.path
        migrations.STEPS._migrations = all_steps
        copy = tmp_path / f"{path.name}.before-schema-{migrations.version()}"
        keep_copy(path, copy)  # as one that was killed has it
        Store.open(path).close()
        for name in ("", "-wal", "-shm"):
            path.with_name(path.name + name).unlink(missing_ok=True)
    kept = sorted(tmp_path.glob("*before-schema*"))
    assert kept == [copy, copy.with_name(f"{copy.name}.2")]
    counts = []
    for file in kept:
        with closing(sqlite3.connect(file)) as conn:
            counts += conn.execute("SELECT count(*) FROM documents").fetchone()
    assert counts == [3, 5]


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    make_store(tmp_path, documents=3).close()
    path = tmp_path / "project.db"
    old = schema(path)

    def m998_good(db: Database) -> None:
        db.execute("CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT")

    def m999_bad(db: Database) -> None:
        db.execute("INSERT INTO nowhere VALUES (1)")

    for step in (m998_good, m999_bad):
        migrations.STEPS()(step)
    try:
        with pytest.raises(StoreError, match="nowhere"):
            Store.open(path)
    finally:
        del migrations.STEPS._migrations[-2:]
    assert schema(path) == old
    with Store.open(path) as store:
        assert store.documents.count() == 3


def test_processes_that_open_at_once_migrate_once(tmp_path: Path) -> None:
    make_store(tmp_path, documents=200).close()
    path = tmp_path / "project.db"
    script = (
        "import sys\n"
        "from spanloop.store import Store\n"
        "from spanloop.store.schema import migrations\n"
        "def m999_once(db):\n"
        "    db.execute('CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT')\n"
        "    db.execute('INSERT INTO extra SELECT id FROM documents')\n"
        "migrations.STEPS()(m999_once)\n"
        "sys.stdin.readline()\n"
        "with Store.open(sys.argv[1]) as store: print(store.row('SELECT count(*) FROM extra')[0])\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    together = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in together:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate() for process in together]
    assert [out for out, _ in said] == ["200\n"] * 3, said
    conn = sqlite3.connect(path)
    assert conn.execute("SELECT count(*) FROM _sqlite_migrations WHERE name = 'm999_once'").fetchone() == (1,)
    conn.close()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO queue(document_id, split, shuffle) VALUES (99, 'pool', 1)",
        "UPDATE queue SET state = 'lost'",
        "UPDATE project SET eval_fraction = 2",
        "INSERT INTO project(id, task, base_model, eval_fraction, seed, created_at)"
        " VALUES (2, 'tags', 'b', 0, 0, '')",
        "INSERT INTO annotations(uuid, document_id, annotator, origin, answer, created_at)"
        " VALUES ('u', 1, 'a', 'human', 'perhaps', '')",
        "INSERT INTO predictions(document_id, model_id) VALUES (1, 99)",
        "INSERT INTO documents(key, grp, split, n_chars, text_hash, created_at, text)"
        " VALUES ('k', 'k', 'pool', 4, 0, '', 'abc')",
        "INSERT INTO documents(key, grp, split, n_chars, text_hash, created_at, meta, text)"
        " VALUES ('k', 'k', 'pool', 3, 0, '', '{', 'abc')",
        "INSERT INTO leases VALUES (1, 'a', '2026', 'fate')",
    ],
)
def test_a_bad_row_is_impossible(tmp_path: Path, statement: str) -> None:
    with make_store(tmp_path, documents=1) as store, pytest.raises(StoreError, match="refused a row"):
        store.run(statement)
