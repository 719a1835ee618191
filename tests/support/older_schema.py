"""A project file as an earlier schema has it: its tables, filled with what it can hold of a file of now."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlite_utils import Database

from spanloop.store.schema import migrations


def step_number(part: str) -> int:
    """The number of the step whose name holds that."""
    return next(n for n, one in enumerate(migrations.STEPS._migrations, start=1) if part in one.name)


def as_schema(path: Path, schema: int) -> None:
    """Put a file of that schema in the place of a closed one."""
    old = path.with_name(f"{path.name}.older")
    with closing(sqlite3.connect(old)) as conn:
        migrations.STEPS.apply(Database(conn), stop_before=[migrations.STEPS._migrations[schema].name])
        triggers = conn.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            conn.execute(f"DROP TRIGGER {name}")
        conn.commit()
        conn.execute("ATTACH DATABASE ? AS now", (str(path),))
        tables = conn.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE '%sqlite_%'"
        ).fetchall()
        for (table,) in tables:
            names = ", ".join(row[1] for row in conn.execute(f"PRAGMA main.table_info({table})"))
            conn.execute(f"DELETE FROM main.{table}")
            conn.execute(f"INSERT INTO main.{table}({names}) SELECT {names} FROM now.{table}")
        for _, sql in triggers:
            conn.execute(sql)
        conn.commit()
        conn.execute("DETACH DATABASE now")
        conn.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
        conn.execute(f"PRAGMA user_version = {schema}")
    old.replace(path)
