"""A project as lines and back: every table, every column, and nothing of a file that is not whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database
from support.filled_store import filled_store, rows_of, tables_of

from spanloop.store import Store, StoreError
from spanloop.store.moving.dump import dump
from spanloop.store.moving.load import is_dump, load
from spanloop.store.moving.tables import STAYS, moving_tables
from spanloop.store.schema import migrations

DERIVED = ("queue_counts", "queue_order")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled_store(tmp_path / "there") as store:
        yield store


@pytest.fixture
def lines(store: Store, tmp_path: Path) -> Path:
    dump(store, tmp_path / "whole.jsonl")
    return tmp_path / "whole.jsonl"


def drawn(store: Store, who: str) -> list[str]:
    """The documents that a person gets, in their order."""
    return [item.document.key for item in store.queue.next(who, n=10)]


def test_what_comes_back_is_what_went_out(store: Store, lines: Path, tmp_path: Path) -> None:
    counts = load(lines, tmp_path / "here.db")
    with Store.open(tmp_path / "here.db") as here:
        for table in tables_of(store):
            if table not in STAYS or table in DERIVED:
                assert rows_of(here, table) == rows_of(store, table), table
            if table not in STAYS:
                assert counts[table] == len(rows_of(store, table))
        assert list(here.annotations.gold()) == list(store.annotations.gold())
        assert here.rows("SELECT * FROM conflicts") == store.rows("SELECT * FROM conflicts") != []
        assert here.queue.counts() == store.queue.counts()
        assert here.queue.order.standing() == store.queue.order.standing()
        assert here.queue.states.stale() == []
        dump(here, tmp_path / "again.jsonl")
        store.run("DELETE FROM leases")
        assert drawn(here, "dora") == drawn(store, "dora") != []
    first, second = (path.read_text("utf-8").splitlines() for path in (lines, tmp_path / "again.jsonl"))
    assert first[1:] == second[1:]


def test_every_table_moves_with_all_its_columns_or_says_why_not(store: Store, lines: Path) -> None:
    """Whoever adds a table fills it in tests/support/filled_store.py, or names it with a reason in STAYS."""
    written: dict[str, set[str]] = {}
    for line in lines.read_text("utf-8").splitlines()[1:-1]:
        for table, row in json.loads(line).items():
            written.setdefault(table, set()).update(row)
    for table in tables_of(store):
        if table in STAYS:
            assert table not in written
        else:
            visible = {column for _, column, *_ in store.rows(f"PRAGMA table_info({table})")}
            assert written.get(table) == visible, f"{table} has no row in the filled store, or lacks a column"
    assert set(STAYS) <= set(tables_of(store))
    assert moving_tables(store)[-1].name == "queue"


def test_a_file_of_an_earlier_release_is_brought_up_to_date(tmp_path: Path) -> None:
    def m999_notes(db: Database) -> None:
        db.execute("ALTER TABLE documents ADD COLUMN note TEXT NOT NULL DEFAULT ''")
        db.execute("CREATE TABLE notes (document_id INTEGER REFERENCES documents(id)) STRICT")
        db.execute("INSERT INTO notes SELECT id FROM documents")

    with filled_store(tmp_path / "there") as store:
        dump(store, tmp_path / "old.jsonl")
    migrations.STEPS()(m999_notes)
    try:
        load(tmp_path / "old.jsonl", tmp_path / "here.db")
        with Store.open(tmp_path / "here.db") as here:
            assert here.row("PRAGMA user_version") == (migrations.version(),)
            assert here.row("SELECT count(*) FROM notes") == (7,)
    finally:
        migrations.STEPS._migrations.pop()
    assert sorted(path.name for path in tmp_path.glob("*.db*")) == ["here.db"]


def changed(table: str, change: Callable[[dict[str, object]], object]) -> Callable[[list[str]], list[str]]:
    """The lines with the first row of that table another one."""

    def act(lines: list[str]) -> list[str]:
        number = next(i for i, line in enumerate(lines) if line.startswith(f'{{"{table}":'))
        row = json.loads(lines[number])[table]
        return [*lines[:number], json.dumps({table: change(row)}), *lines[number + 1 :]]

    return act


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda lines: lines[:-1], "is cut off"),
        (lambda lines: lines[:9], "is cut off"),
        (lambda lines: lines[:1], "is cut off"),
        (lambda lines: [*lines[:5], lines[5][:20]], ":6: no line of JSON"),
        (lambda lines: [*lines, lines[2]], "behind the end"),
        (lambda lines: [*lines[:4], "[1]", *lines[4:]], ":5: a line of JSON, but no object"),
        (lambda lines: [*lines[:4], '{"leases": {}}', *lines[4:]], ":5: 'leases' is no table"),
        (lambda lines: [*lines[:4], '{"a": 1, "b": 2}', *lines[4:]], ":5: '' is no table"),
        (lambda lines: [lines[0].replace('"schema":', '"schema":9'), *lines[1:]], "of a later release"),
        (lambda lines: ['{"spanloop": 1}', *lines[1:]], ":1: no project"),
        (changed("documents", lambda row: {**row, "text": ""}), "documents refuses this row"),
        (changed("documents", lambda row: {**row, "text": ["a"]}), "neither a text nor a number"),
        (changed("documents", lambda row: {**row, "id": 2**70}), "documents refuses this row"),
        (changed("documents", lambda row: {**row, "more": 1}), "lacks or adds more"),
        (changed("annotation_spans", lambda row: {**row, "label_id": 99}), "points to one of labels"),
        (changed("annotation_spans", lambda row: {**row, "end_char": 999}), "ends behind the text"),
        (changed("annotations", lambda row: 3), "'annotations' is no table"),
    ],
)
def test_a_damaged_file_is_refused_and_leaves_nothing(
    lines: Path, tmp_path: Path, damage: Callable[[list[str]], list[str]], said: str
) -> None:
    lines.write_text("\n".join(damage(lines.read_text("utf-8").splitlines())) + "\n", "utf-8")
    with pytest.raises(StoreError, match=said):
        load(lines, tmp_path / "here.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there", "whole.jsonl"]


def test_a_project_that_is_there_is_never_replaced(store: Store, lines: Path) -> None:
    before = rows_of(store, "documents")
    with pytest.raises(StoreError, match="exists already"):
        load(lines, store.path)
    assert rows_of(store, "documents") == before


def test_only_such_a_file_is_taken_for_one(lines: Path, tmp_path: Path) -> None:
    (tmp_path / "other.jsonl").write_text('{"text": "spanloop"}\n', "utf-8")
    assert is_dump(lines)
    assert not is_dump(tmp_path / "other.jsonl")
    assert not is_dump(tmp_path / "none.jsonl")
    assert not is_dump(tmp_path)
