"""An import is in whole or not at all, is listed, and can be taken back: the project is then as it was."""

from __future__ import annotations

import gc
import random
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.commands import done, jsonl_file, refused
from support.filled_store import rows_of, tables_of
from support.store_making import say

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.files.imports import list_imports, undo_import
from spanloop.recipes.files.one_file import OneFile
from spanloop.recipes.project.init import init
from spanloop.store import Store, StoreUnavailable
from spanloop.store.files.explained import plain_errors

WORDS = ["Ann", "Bob", "Rome", "Oslo", "met", "saw", "in", "near", "the", "old", "town", "hall", "again"]
LABELS = ("PER", "LOC")
UNTOLD = {"imports", "sketches"}  # what was sketched of documents that stay is right, whoever asked for it


@pytest.fixture
def db(tmp_path: Path) -> Path:
    init(tmp_path / "p.db", labels=list(LABELS), eval_fraction=0.3)
    return tmp_path / "p.db"


def everything(db: Path) -> dict[str, list[tuple[object, ...]]]:
    with Store.open(db) as store:
        assert store.check() == []
        return {table: rows_of(store, table) for table in tables_of(store) if table not in UNTOLD}


def lines(drawn: random.Random, labels: tuple[str, ...] = LABELS) -> Iterator[dict[str, Any]]:
    """Documents old and new, near-duplicates, answers with and without names, predictions, silence."""
    for _ in range(drawn.randint(5, 25)):
        text = " ".join(drawn.choices(WORDS, k=12))
        key = f"k{drawn.randint(0, 60)}"
        record: dict[str, Any] = {
            "id": key,
            "text": f"{key} {text}" if drawn.random() < 0.3 else f"{key} same",
        }
        kind = drawn.choice(["spans", "spans", "none", "model"])
        if kind != "none":
            record["spans"] = [[0, 2, drawn.choice(labels)]]
        if kind == "model":
            record["predicted_by"] = "m"
        yield record


@pytest.mark.parametrize("seed", range(6))
def test_import_and_undo_leave_the_project_as_it_was(db: Path, tmp_path: Path, seed: int) -> None:
    """Whatever was there, whatever came in: the queue, groups, splits and the ledger agree afterwards."""
    drawn = random.Random(seed)
    options: dict[str, Any] = {"on_conflict": "skip", "add_labels": True}
    for number in range(drawn.randint(0, 2)):
        file = jsonl_file(tmp_path / f"before{number}.jsonl", *lines(drawn))
        import_files(db, [file], annotator=drawn.choice([None, "anna"]), **options)
    before = everything(db)
    files = [jsonl_file(tmp_path / f"{n}.jsonl", *lines(drawn, (*LABELS, "NEW"))) for n in range(2)]
    how: dict[str, Any] = drawn.choice([{}, {"annotator": "ben"}, {"only_labels": ["PER"]}])
    report = import_files(db, files, **options, **how)
    assert everything(db) != before or not (report.added or report.annotated or report.predicted)
    undone = undo_import(db, report.number or 0)
    assert everything(db) == before
    assert undone.documents == report.added
    again = import_files(db, files, **options, **how)
    assert (again.added, again.annotated) == (report.added, report.annotated)


def test_a_dry_run_tells_everything_and_stores_nothing(db: Path, tmp_path: Path) -> None:
    file = jsonl_file(tmp_path / "a.jsonl", *lines(random.Random(1), (*LABELS, "NEW")))
    options: dict[str, Any] = {"on_conflict": "skip", "add_labels": True}
    before = everything(db)
    told = import_files(db, [file], dry_run=True, **options)
    assert (everything(db), list_imports(db).imports) == (before, ())
    assert told.text().startswith("a dry run: nothing is stored")
    real = import_files(db, [file], **options)
    assert {**told.json(), "dry_run": False, "number": 1} == real.json()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "p.db"]


def test_imports_are_listed_with_their_files(db: Path, tmp_path: Path) -> None:
    assert "no import yet" in done("imports", db)
    file = jsonl_file(tmp_path / "a.jsonl", {"text": "Ann ran", "spans": [[0, 3, "PER"]]})
    done("import", db, file, "--annotator", "anna")
    [one] = done("imports", db, "--json")["imports"]
    assert (one["number"], one["state"], one["options"]) == (1, "done", {"annotator": "anna"})
    assert [(f["path"], f["bytes"]) for f in one["files"]] == [(str(file), file.stat().st_size)]
    assert one["counts"]["annotated"] == 1
    assert "import 1 is taken back: 1 document and 1 answer went" in done("imports", db, "undo", 1)
    assert done("imports", db, "--json")["imports"][0]["state"] == "undone"
    assert "has no import 2; there are: 1" in refused("imports", db, "undo", 2)


def test_what_people_answered_stays_and_is_told(db: Path, tmp_path: Path) -> None:
    rows = [{"id": f"d{n}", "text": f"Ann ran {n}", "spans": [[0, 3, "PER"]]} for n in range(3)]
    import_files(db, [jsonl_file(tmp_path / "a.jsonl", *rows)])
    with Store.open(db) as store:
        store.annotations.add(say(2, "anna", ""))
    assert "1 document stay: answered by somebody" in done("imports", db, "undo", 1)
    with Store.open(db) as store:
        assert [(g.document.key, g.spans) for g in store.annotations.gold()] == [("d1", ())]
        assert store.check() == []


def test_an_error_in_the_middle_of_storing_takes_all_of_it_back(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong after the first look, with all of the file in."""
    file = jsonl_file(tmp_path / "a.jsonl", *({"text": f"Ann ran {n}"} for n in range(1_500)))
    before, run, collected = everything(db), OneFile.run, gc.get_threshold()

    def broken(self: OneFile) -> None:
        run(self)
        raise RecipeError("line 1501 is too much")

    monkeypatch.setattr(OneFile, "run", broken)
    with pytest.raises(RecipeError, match="1501"):
        import_files(db, [file])
    assert everything(db) == before
    [one] = list_imports(db).imports
    assert (one.state, "1501" in (one.error or "")) == ("undone", True)
    assert gc.get_threshold() == collected


@pytest.mark.parametrize("new_label", [False, True])
def test_what_was_looked_at_is_stored_whatever_becomes_of_the_file(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_label: bool
) -> None:
    """But where labels are added, which may change what it means: then it is read again, and held to it."""
    label = "NEW" if new_label else "PER"
    file = jsonl_file(tmp_path / "a.jsonl", {"text": "Ann ran", "spans": [[0, 3, label]]}, {"text": "  "})
    before, run = everything(db), OneFile.run

    def grown(self: OneFile) -> None:
        with file.open("a") as end:
            end.write("{oops\n")
        run(self)

    monkeypatch.setattr(OneFile, "run", grown)
    if new_label:
        with pytest.raises(RecipeError, match=r"a\.jsonl:3"):
            import_files(db, [file], add_labels=True)
        assert everything(db) == before
    else:
        report = import_files(db, [file])
        assert (report.added, report.empty, report.kept) == (1, 1, 1)


def test_an_import_that_cannot_be_taken_back_now_says_so(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why it ended, why it is half in, and what ends that; not that nothing was stored."""
    file = jsonl_file(tmp_path / "a.jsonl", *({"text": f"Ann ran {n}"} for n in range(1_500)))
    before, run = everything(db), OneFile.run

    def broken(self: OneFile) -> None:
        run(self)
        raise RecipeError("line 1501 is too much")

    def full(*_: object) -> None:
        with plain_errors(db):
            raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(OneFile, "run", broken)
        patch.setattr("spanloop.store.tables.take_back._rest", full)
        with pytest.raises(StoreUnavailable) as refused_now:
            import_files(db, [file])
    said = str(refused_now.value)
    assert "import 1 ended half-way and could not be taken back" in said
    assert "1501" in said
    assert "; database or disk is full)" in said
    assert "nothing" not in said
    with Store.open(db) as store:
        assert [p.what for p in store.check()] == ["import 1 has been cut short"]
        assert [p.repaired for p in store.check(repair=True)] == [True]
    assert everything(db) == before
    [one] = list_imports(db).imports
    assert (one.state, "1501" in (one.error or "")) == ("undone", True)


def test_an_import_that_was_cut_short_is_taken_back_by_the_next(db: Path, tmp_path: Path) -> None:
    before = everything(db)
    with Store.open(db) as store:
        number = store.imports.begin([], {})
        store.documents.add(jsonl_documents(), import_id=number)
        assert [p.what for p in store.check()] == [f"import {number} has been cut short"]
        assert [p.repaired for p in store.check(repair=True)] == [True]
    assert everything(db) == before
    with Store.open(db) as store:
        number = store.imports.begin([], {})
        store.documents.add(jsonl_documents(), import_id=number)
    report = import_files(db, [jsonl_file(tmp_path / "a.jsonl", {"text": "Ann"})])
    assert report.cut_short == (number,)
    assert f"taken back first, since cut short: import {number}" in report.text()
    with Store.open(db) as store:
        assert [d.text for d in store.documents.iterate()] == ["Ann"]


def jsonl_documents() -> list[Any]:
    from spanloop.store.records import NewDocument

    return [NewDocument(f"half {n}") for n in range(3)]


def test_two_imports_at_once_come_in_one_after_the_other(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the second does not take the first for one that was cut short."""
    first = jsonl_file(tmp_path / "first.jsonl", {"text": "Ann"})
    second = jsonl_file(tmp_path / "second.jsonl", {"text": "Bob"})
    inside, go_on = threading.Event(), threading.Event()
    run = OneFile.run

    def waiting(self: OneFile) -> None:
        if self.path == first:
            inside.set()
            assert go_on.wait(20)
        run(self)

    monkeypatch.setattr(OneFile, "run", waiting)
    reports: list[Any] = []
    threads = [
        threading.Thread(target=lambda f=f: reports.append(import_files(db, [f]))) for f in (first, second)
    ]
    threads[0].start()
    assert inside.wait(20)
    with Store.open(db) as store:
        assert store.check() == []  # it runs, and is not taken for one that was cut short
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert [report.cut_short for report in reports] == [(), ()]
    with Store.open(db) as store:
        assert sorted(d.text for d in store.documents.iterate()) == ["Ann", "Bob"]


def test_the_ledger_names_file_line_and_import(db: Path, tmp_path: Path) -> None:
    rows = [{"text": "Ann"}, {"text": "Ann ran", "spans": [[0, 3, "PER"], [0, 7, "LOC"]]}]
    file = jsonl_file(tmp_path / "a.jsonl", *rows)
    import_files(db, [file], overlaps="longest")
    with Store.open(db) as store:
        assert store.rows("SELECT source, line, import, label FROM ledger") == [(str(file), 2, 1, "PER")]


def test_a_language_that_an_import_chose_goes_with_it(tmp_path: Path) -> None:
    init(tmp_path / "p.db", labels=["PER"], eval_fraction=0)
    import_files(
        tmp_path / "p.db", [jsonl_file(tmp_path / "a.jsonl", {"text": "王小明去了北京。他很高興。"})]
    )
    with Store.open(tmp_path / "p.db") as store:
        assert store.project.lang is not None
    undo_import(tmp_path / "p.db", 1)
    with Store.open(tmp_path / "p.db") as store:
        assert (store.project.lang, store.project.unit) == (None, "token")
