"""The schema, in numbered steps: what every file goes through once, in order, all in one transaction.

A step is a file of SQL in ``steps``, and every project file records its name. One that has been released is
never edited, not even a comment, because SQLite keeps the text; a change is a new file with the next number.
Offsets are half-open Unicode code points into ``documents.text``. Tables are STRICT, so a wrong type is
refused, and every span table has CHECKs.
"""

from __future__ import annotations

import atexit
import sqlite3
import threading
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from sqlite_utils import Database, Migrations

APPLICATION_ID = 0x73706C70  # "splp": PRAGMA application_id marks a file as ours
STEPS = Migrations("spanloop")
_FOLDER = files("spanloop.store.schema") / "steps"
_ONE_COPY_AT_A_TIME = threading.Lock()


def version() -> int:
    """The schema version this code writes: the number of steps."""
    return len(STEPS._migrations)


def lay(target: sqlite3.Connection) -> None:
    """Give an empty database the whole schema: the steps are taken once a process, in memory, and copied from
    there. They are two dozen and change one another's tables; a copy takes a twentieth of the time."""
    with _ONE_COPY_AT_A_TIME:
        _laid().backup(target)


@cache
def _laid() -> sqlite3.Connection:
    conn = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    atexit.register(conn.close)
    take(Database(conn, recursive_triggers=False, execute_plugins=False))
    return conn


def take(db: Database) -> None:
    """Take the steps that are pending, in the transaction that is open, and mark the file as ours."""
    STEPS.apply(db)
    db.conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.conn.execute(f"PRAGMA user_version = {version()}")


def _step(file: str) -> Callable[[Database], None]:
    """A step that reads its SQL when it runs: most programs open files that are up to date."""

    def step(db: Database) -> None:
        _run(db, (_FOLDER / file).read_text(encoding="utf-8"))

    return step


def _run(db: Database, script: str) -> None:
    """Run the statements one by one; sqlite3's own executescript would commit the transaction it runs in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
    db.execute(statement)  # what follows the last semicolon: nothing, or an error that says so


for _file in sorted(entry.name for entry in _FOLDER.iterdir() if entry.name.endswith(".sql")):
    STEPS(name=_file.removesuffix(".sql"))(_step(_file))
