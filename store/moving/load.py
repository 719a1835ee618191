"""A project file made from the lines that `dump` wrote, by this release or an earlier one."""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from spanloop.store.errors import StoreError
from spanloop.store.files.atomic import name_beside
from spanloop.store.files.connection import Connection
from spanloop.store.files.real_path import real_path
from spanloop.store.files.whole_sqlite import publish_database, remove_database
from spanloop.store.moving.dump import BLOB, END, HEAD, VERSION
from spanloop.store.moving.tables import Table, moving_tables
from spanloop.store.schema import migrations

HEAD_CHARACTERS = 200


def is_dump(file: Path) -> bool:
    """Whether a file begins as one that `dump` wrote."""
    if not file.is_file():
        return False
    with file.open(encoding="utf-8", errors="replace") as lines:
        return lines.read(HEAD_CHARACTERS).startswith(f'{{"{HEAD}":')


def load(file: Path, path: Path) -> Counter[str]:
    """Make the project ``path`` of the lines in ``file``; it appears whole or not at all.

    Args:
        file: What `dump` wrote.
        path: The project file to make.

    Returns:
        The number of rows by table.

    Raises:
        StoreError: With the line, for what no such file holds; for one that is cut off, of a later release,
            or whose rows do not fit each other; and where ``path`` is taken.
    """
    target = real_path(path)
    if target.exists():
        raise StoreError(f"{path} exists already: choose another name")
    if not target.parent.is_dir():
        raise StoreError(f"there is no folder {target.parent}: create it first")
    with loaded(file, target) as (draft, counts):
        try:
            publish_database(draft, target, path)
        except FileExistsError as error:
            raise StoreError(f"{path} exists already: choose another name") from error
    return counts


@contextmanager
def loaded(file: Path, beside: Path) -> Iterator[tuple[Path, Counter[str]]]:
    """The project of the lines as a file with a name of its own, which is gone after the block."""
    draft = name_beside(beside)
    try:
        with Connection(draft, file) as store:
            counts = _fill(store, file)
        yield draft, counts
    finally:
        remove_database(draft)


def _fill(store: Connection, file: Path) -> Counter[str]:
    """Make the tables of the schema that the file is of, fill them, bring them up to date."""
    counts: Counter[str] = Counter()
    with file.open("rb") as raw, store.write() as db:
        lines = _objects(file, raw)
        schema = _schema_of(file, next(lines, (1, {}))[1])
        _make(db, schema)
        db.conn.execute("PRAGMA defer_foreign_keys = ON")
        tables = {table.name: table for table in moving_tables(store)}
        for table in tables.values():
            db.conn.execute(f"DELETE FROM {table.name}")  # the rows that a new project begins with
        told: Any = None
        for number, line in lines:
            if told is not None:
                raise StoreError(f"{file}:{number}: a line behind the end: is this two files in one?")
            name, row = next(iter(line.items())) if len(line) == 1 else ("", None)
            if name == END:
                told = row
            else:
                _insert(db.conn, file, number, tables.get(name), name, row)
                counts[name] += 1
        if not isinstance(told, dict) or told.get("rows") != counts.total():
            raise StoreError(
                f"{file} is cut off: it has {counts.total():,} rows and no end that says so; export it again"
            )
        _refuse_loose_ends(db.conn, file)
        _make(db, migrations.version())
        db.conn.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
        db.conn.execute(f"PRAGMA user_version = {migrations.version()}")
    return counts


def _objects(file: Path, raw: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line with its number."""
    for number, line in enumerate(raw, start=1):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{file}:{number}: no line of JSON, the file is cut off or damaged") from error
        if not isinstance(value, dict):
            raise StoreError(f"{file}:{number}: a line of JSON, but no object")
        yield number, value


def _schema_of(file: Path, head: dict[str, Any]) -> int:
    version, schema = head.get(HEAD), head.get("schema")
    if version is None or type(schema) is not int or schema < 1:
        raise StoreError(f"{file}:1: no project: `spanloop export DB FILE --format spanloop` writes one")
    if version != VERSION or schema > migrations.version():
        raise StoreError(
            f"{file} is of a later release (schema {schema}, this spanloop knows up to"
            f" {migrations.version()}): upgrade with `pip install -U spanloop`"
        )
    return schema


def _make(db: Database, schema: int) -> None:
    """Apply the steps up to that number."""
    later = migrations.STEPS._migrations[schema:]
    migrations.STEPS.apply(db, stop_before=[later[0].name] if later else None)


def _insert(
    conn: sqlite3.Connection, file: Path, number: int, table: Table | None, name: str, row: Any
) -> None:
    where = f"{file}:{number}"
    if table is None or not isinstance(row, dict):
        raise StoreError(f"{where}: {name!r} is no table of this project that an export holds")
    if set(row) != set(table.columns):
        odd = sorted(set(row) ^ set(table.columns))
        raise StoreError(f"{where}: a row of {name} that lacks or adds {', '.join(odd)}")
    try:
        conn.execute(table.insert(), [_value(row[column]) for column in table.columns])
    except (ValueError, binascii.Error, sqlite3.Error, OverflowError) as error:
        raise StoreError(f"{where}: {name} refuses this row: {error}") from error


def _value(value: Any) -> Any:
    if isinstance(value, dict) and list(value) == [BLOB]:
        return base64.b64decode(value[BLOB], validate=True)
    if isinstance(value, dict | list | bool):
        raise ValueError("a value that is neither a text nor a number")
    return value


def _refuse_loose_ends(conn: sqlite3.Connection, file: Path) -> None:
    loose = conn.execute("PRAGMA foreign_key_check").fetchone()
    if loose is not None:
        raise StoreError(f"{file}: a row of {loose[0]} points to one of {loose[2]} that the file lacks")
