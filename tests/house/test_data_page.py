"""docs/data.md tells the truth: its schema is that of the migrations, and its queries run."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner
from sqlite_utils.cli import cli as sqlite_utils_cli
from support.places import ROOT
from support.store_making import add_model, make_store, predict_all, say

from spanloop.store import Store
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import Score

PAGE = ROOT / "docs" / "data.md"
SECTION = re.compile(r"(<!-- schema: .*? -->\n)(.*)(<!-- schema end -->)", re.S)


def schema_section(store: Store) -> str:
    """Every table as it is created, every view with its columns."""
    parts = []
    for name, sql in store.rows(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " AND name <> '_sqlite_migrations' ORDER BY rootpage"
    ):
        head, _, body = sql.partition("\n")
        parts.append(f"### `{name}`\n\n```sql\n{head.strip()}\n{indented(body)}\n```\n")
    parts.append("### Views\n\n| view | columns |\n|---|---|\n")
    rows = store.rows("SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY name")
    columns = {name: [row[1] for row in store.rows(f"PRAGMA table_info({name})")] for (name,) in rows}
    parts.append("".join(f"| `{name}` | {', '.join(found)} |\n" for name, found in columns.items()))
    return "\n" + "\n".join(parts[:-1]) + parts[-1] + "\n"


def indented(body: str) -> str:
    """The columns four spaces in, the closing bracket at the margin."""
    *columns, end = dedent(body).splitlines()
    return "\n".join(
        [*(f"    {line}".rstrip() for line in dedent("\n".join(columns)).splitlines()), end.strip()]
    )


def test_the_schema_on_the_page_is_that_of_the_migrations(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        wanted = schema_section(store)
    page = PAGE.read_text(encoding="utf-8")
    if os.environ.get("SPANLOOP_WRITE_DOCS"):
        PAGE.write_text(SECTION.sub(lambda found: found[1] + wanted + found[3], page), encoding="utf-8")
        page = PAGE.read_text(encoding="utf-8")
    found = SECTION.search(page)
    assert found is not None
    assert found[2] == wanted, "write it anew: SPANLOOP_WRITE_DOCS=1 pytest tests/house/test_data_page.py"


def test_every_query_on_the_page_runs_and_finds_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with make_store(tmp_path, documents=3) as store:
        number = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[]).number
        model_id = add_model(store, kind="round", round=number)
        predict_all(store, model_id)
        figure = Score("eval", "strict", "micro", None, 0.5, 0.5, 0.5, 9, 0.4, 0.6)
        store.rounds.finish(number, model_id=model_id, scores=[figure], manifest=None)
        store.queue.next("anna")
        store.annotations.add(say(1, spans="0-3:PER 15-19:LOC", seconds=2.0))
        store.annotations.add(say(2, action="rejected"))
        store.ledger.add([AlignmentEvent(1, 0, 4, "PER", "snapped", "inside a token")])
    commands = re.findall(r"```bash\n(sqlite-utils .*?)\n```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(commands) >= 8
    for command in commands:
        done = CliRunner().invoke(sqlite_utils_cli, shlex.split(command)[1:])
        assert done.exit_code == 0, (command, done.output)
        assert len(done.stdout.splitlines()) > (0 if "--nl" in command else 2), (command, done.stdout)
