"""Every schema version that was ever released still opens, whole; ``dumps`` keeps a dump of each.

``SPANLOOP_WRITE_SCHEMA=1`` writes the dump of a new version. A dump that exists is never written again: a
step that has been released does not change.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from support.store_making import add_model, make_store, predict_all, say

from spanloop.recipes import labels
from spanloop.store import Store
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import Score
from spanloop.store.schema import migrations
from spanloop.store.tables.drafts import DraftOf

SCHEMAS = Path(__file__).with_name("dumps")
WITH_LABEL_SETS = 19
CURRENT = SCHEMAS / f"{migrations.version():04d}.sql"


def filled(folder: Path) -> Path:
    """A store with something in every table."""
    with make_store(folder, documents=4) as store:
        number = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[]).number
        model_id = add_model(store, kind="round", round=number)
        predict_all(store, model_id)
        ids = [store.annotations.add(annotation).annotation_id for annotation in answers()]
        figure = Score("eval", "strict", "micro", None, 0.5, 0.5, 0.5, 9)
        store.rounds.finish(number, model_id=model_id, scores=[figure], manifest={})
        store.rounds.promote(number)
        store.rounds.start(parameters={}, seed=0, train_ids=ids, eval_ids=[], parent=number)
        store.rounds.fail(2, "an error")
        store.queue.next("čenda")
        store.drafts.put(DraftOf("čenda", 4), "{}")
        store.annotators.add("čenda")
        store.tokenizations.put("t", [(1, [(0, 3)])])
        store.ledger.add([AlignmentEvent(1, 0, 4, "PER", "snapped", "token", model_id=model_id)])
        return store.path


def answers() -> list[object]:
    """A dispute, an import, and someone who saw a part."""
    return [say(1), say(1, "ben", ""), say(2, origin="import"), say(3, ranges=((0, 8),), answer="ignore")]  # type: ignore[list-item]


def restored(dump: Path, path: Path) -> None:
    """A file made from a dump, as it was when that version wrote it."""
    conn = sqlite3.connect(path)
    conn.executescript(dump.read_text(encoding="utf-8"))
    conn.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
    conn.execute(f"PRAGMA user_version = {int(dump.stem)}")
    conn.close()


def schema(path: Path) -> set[tuple[str, str]]:
    """Everything that was created, by kind and text."""
    conn = sqlite3.connect(path)
    rows = conn.execute("SELECT type, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    conn.close()
    return set(rows)


def test_this_version_has_a_dump_and_it_says_what_the_steps_make(tmp_path: Path) -> None:
    path = filled(tmp_path)
    if os.environ.get("SPANLOOP_WRITE_SCHEMA") and not CURRENT.exists():
        SCHEMAS.mkdir(exist_ok=True)
        conn = sqlite3.connect(path)
        CURRENT.write_text("\n".join(conn.iterdump()) + "\n", encoding="utf-8")
        conn.close()
    assert CURRENT.exists(), "a new version: SPANLOOP_WRITE_SCHEMA=1 pytest tests/store/schema"
    restored(CURRENT, tmp_path / "restored.db")
    assert schema(tmp_path / "restored.db") == schema(path), "a released step was edited: add a new one"


@pytest.mark.parametrize("dump", sorted(SCHEMAS.glob("*.sql")), ids=lambda dump: dump.stem)
def test_label_sets_that_were_worked_out_are_counted_as_such(dump: Path, tmp_path: Path) -> None:
    """All answers of before label sets were kept, and none that came since."""
    restored(dump, tmp_path / "old.db")
    with Store.open(tmp_path / "old.db") as store:
        before = store.annotations.count()
        assert store.label_sets.rebuilt == (before if int(dump.stem) < WITH_LABEL_SETS else 0)
        assert before > 0
        store.annotations.add(say(4))
        assert store.label_sets.rebuilt == (before if int(dump.stem) < WITH_LABEL_SETS else 0)
        [knows] = store.annotations.history(4)[-1:]
        assert knows.labels == tuple(store.labels.names())
    assert labels(tmp_path / "old.db").rebuilt == (before if int(dump.stem) < WITH_LABEL_SETS else 0)


@pytest.mark.parametrize("dump", sorted(SCHEMAS.glob("*.sql")), ids=lambda dump: dump.stem)
def test_every_version_opens_and_is_sound(tmp_path: Path, dump: Path) -> None:
    path = tmp_path / "project.db"
    restored(dump, path)
    with Store.open(path) as store:
        assert store.row("PRAGMA user_version") == (migrations.version(),)
        assert [p.what for p in store.check() if "has no folder" not in p.what] == []
        assert store.documents.count() == 4
        assert [g.document.id for g in store.annotations.gold()] == [2]
        assert store.queue.counts()["conflict"] == 1
        assert [round_.state for round_ in store.rounds.all()] == ["done", "failed"]
        assert store.annotations.history(3)[0].ranges == ((0, 8),)
