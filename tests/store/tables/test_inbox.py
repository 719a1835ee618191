"""The inbox keeps whatever Python takes for JSON, and a reason whatever it quotes."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from support.store_making import make_store

from spanloop.store import StoreError, StoreUnavailable
from spanloop.store.files.explained import plain_errors


def nested(levels: int) -> Any:
    return {"inside": nested(levels - 1)} if levels else 1


@pytest.mark.parametrize(
    "body", [{"a": "\ud800\0"}, {"a": 10**4000}, nested(200), {"a": math.inf}, {"a": [None, True, 0.1]}]
)
def test_an_event_comes_back_as_it_was(tmp_path: Path, body: Any) -> None:
    with make_store(tmp_path) as store:
        store.inbox.add("labelstudio/1", "X", body)
        event = store.inbox.next()
        assert event is not None
        assert event.body == body
        store.inbox.fail(event.id, "half a pair: \ud800")
        assert [failed.error for failed in store.inbox.failed()] == ["half a pair: \\ud800"]
        assert (store.inbox.waiting(), store.inbox.set_aside()) == (0, 1)


def test_a_value_that_sqlite_cannot_hold_is_refused_in_a_line(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        for value in (10**30, "\ud800", [1], object()):
            with pytest.raises(StoreError) as refused:
                store.row("SELECT ?", (value,))
            assert not isinstance(refused.value, StoreUnavailable)
        with pytest.raises(StoreError), store.write() as db:
            db.conn.executemany("INSERT INTO bridges VALUES (?, ?, ?)", [("labelstudio/1", 10**30, None)])
        assert store.bridges.all() == []


@pytest.mark.parametrize(
    ("said", "later"),
    [
        ("database or disk is full", True),
        ("database is locked", True),
        ("disk I/O error", True),
        ("attempt to write a readonly database", True),
        ("malformed JSON", False),
        ("CHECK constraint failed: json_valid(body)", False),
    ],
)
def test_a_refusal_for_now_is_told_from_one_of_what_was_asked(said: str, later: bool) -> None:
    with pytest.raises(StoreError) as refused, plain_errors(Path("p.db")):
        raise sqlite3.OperationalError(said)
    assert isinstance(refused.value, StoreUnavailable) == later
