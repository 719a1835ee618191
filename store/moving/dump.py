"""A project as lines of JSON: a head, a line a row of each table, an end that counts them."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.store.clock import now
from spanloop.store.files.explained import plain_errors
from spanloop.store.moving.tables import moving_tables
from spanloop.store.schema import migrations

if TYPE_CHECKING:
    from spanloop.store.store import Store

VERSION = 1
"""Of the lines; what the rows look like follows from the schema that the head names."""
HEAD, END, BLOB = "spanloop", "end", "base64"


def dump(store: Store, file: Path) -> Counter[str]:
    """Write everything that moves, of one moment, however many write meanwhile.

    Args:
        store: The project.
        file: The file to write; an existing one is written over.

    Returns:
        The number of rows by table.
    """
    written: Counter[str] = Counter()
    with store.reading(), file.open("w", encoding="utf-8", newline="\n") as out, plain_errors(store.named):
        head = {"spanloop": VERSION, "schema": migrations.version(), "project": store.project.uid}
        out.write(_line({**head, "written_at": now()}))
        for table in moving_tables(store):
            order = ", ".join(table.key) or "rowid"
            rows = store.db.conn.execute(
                f"SELECT {', '.join(table.columns)} FROM {table.name} ORDER BY {order}"
            )
            for row in rows:
                values = map(_plain, row)
                out.write(_line({table.name: dict(zip(table.columns, values, strict=True))}))
                written[table.name] += 1
        out.write(_line({END: {"rows": written.total()}}))
    return written


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    return {BLOB: base64.b64encode(value).decode()} if isinstance(value, bytes) else value
