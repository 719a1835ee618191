"""What an import brought goes with it, and nothing else: afterwards the project is as it was."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from support.filled_store import filled_store, rows_of, tables_of
from support.store_making import add_model, make_store, predict_all, say

from spanloop.store import Store, StoreError
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import NewDocument, Span
from spanloop.store.tables import take_back
from spanloop.store.tables.drafts import DraftOf
from spanloop.store.tables.imports import ImportedFile

FILES = [ImportedFile("/a.jsonl", "a.jsonl", 3, "00")]


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """All that the project says; of imports and scratch numbers nothing."""
    return {
        table: rows_of(store, table)
        for table in tables_of(store)
        if table != "imports" and "_fts_" not in table
    }


def brought(store: Store, seed: int = 0) -> int:
    """An import of documents, answers, suggestions, ledger rows and a label, some for what was there."""
    drawn = random.Random(seed)
    number = store.imports.begin(FILES, {})
    with store.importing():
        label = store.labels.add(f"NEW{seed}")
        store.imports.added(number, [label.id])
        new = store.documents.add(
            [NewDocument(f"Ann saw {seed} {n}", key=f"new-{seed}-{n}") for n in range(5)], import_id=number
        )
        ids = [*(place.document_id for place in new), *list(store.documents.ids())[:3]]
        for document_id in drawn.sample(ids, 5):
            origin = drawn.choice(["human", "import", "review"])
            name = drawn.choice(["LOC", label.name])
            store.annotations.add(say(document_id, "filed", f"0-3:{name}", origin=origin, import_id=number))
        model = add_model(store, f"import {seed}", kind="import")
        store.predictions.add(
            model, [(n, [Span(0, 3, "LOC")], {"random": 0.5}) for n in ids], import_id=number
        )
        event = AlignmentEvent(ids[0], 0, 2, "PER", "dropped", "overlap", line=7, import_id=number)
        store.ledger.add([event])
        store.imports.finish(number, {"added": 5})
    return number


def taken_back(store: Store, number: int) -> take_back.TakenBack:
    with store.importing():
        return store.imports.take_back(number)


@pytest.mark.parametrize("seed", range(4))
def test_an_import_taken_back_leaves_the_project_as_it_was(tmp_path: Path, seed: int) -> None:
    with filled_store(tmp_path) as store:
        store.search.index()
        before = everything(store)
        number = brought(store, seed)
        assert everything(store) != before
        # a model of ours comes across the new documents meanwhile
        store.search.index()
        done = taken_back(store, number)
        assert everything(store) == before
        assert store.check() == [p for p in store.check() if "folder" in p.what or "round" in p.what]
        assert (done.documents, done.stayed, done.withdrawn, done.labels) == (5, {}, 0, [f"NEW{seed}"])
        assert store.imports.get(number).state == "undone"


def test_what_somebody_stands_on_stays_and_is_told(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        number = store.imports.begin(FILES, {})
        new = store.documents.add([NewDocument(f"Ann {n}", key=f"n{n}") for n in range(5)], import_id=number)
        ids = [place.document_id for place in new]
        first = store.annotations.add(say(ids[0], "file", origin="import", import_id=number)).annotation_id
        for document_id in (1, ids[1]):
            store.annotations.add(say(document_id, "file", origin="import", import_id=number))
        store.annotations.add(say(ids[1], "anna", ""))
        store.drafts.put(DraftOf("anna", ids[2]), "{}")
        store.queue.reopen(ids[3], "ben")
        store.rounds.start(parameters={}, seed=0, train_ids=[first], eval_ids=[])
        done = taken_back(store, number)
        assert done.stayed == {
            "a round or a version of the gold has an answer of it": 1,
            "answered by somebody": 1,
            "somebody is working on it": 2,
        }
        assert (done.documents, done.annotations, done.withdrawn) == (1, 2, 1)
        assert {d.key for d in store.documents.iterate()} == {"d1", "n0", "n1", "n2", "n3"}
        assert [gold.document.key for gold in store.annotations.gold()] == ["n1"]  # what anna said
        assert store.queue.counts()["gold"] == 1
        store.drafts.drop(DraftOf("anna", ids[2]))
        store.queue.release("ben")
        assert taken_back(store, number).documents == 2  # once more, when nobody works on them any more
        assert [p.what for p in store.check() if "round" not in p.what] == []


def test_a_number_of_a_document_is_never_given_again(tmp_path: Path) -> None:
    """A page may still have it on the screen."""
    with make_store(tmp_path, documents=1) as store:
        number = store.imports.begin(FILES, {})
        [gone] = store.documents.add([NewDocument("Ann", key="gone")], import_id=number)
        taken_back(store, number)
        [new] = store.documents.add([NewDocument("Bob", key="new")])
        assert new.document_id > gone.document_id


@pytest.mark.parametrize("step", ["_documents", "_annotations", "_predictions", "_rest"])
def test_taking_back_that_was_cut_short_is_completed_by_the_next(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with filled_store(tmp_path) as store:
        before = everything(store)
        number = brought(store)
        monkeypatch.setattr(take_back, "BATCH", 1)
        real: Callable[..., None] = getattr(take_back, step)
        calls = []

        def once(*arguments: object) -> None:
            calls.append(1)
            if len(calls) == 2 or step == "_rest":
                raise KeyboardInterrupt
            real(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(take_back, step, once)
            with pytest.raises(KeyboardInterrupt):
                taken_back(store, number)
        assert [one.id for one in store.imports.unfinished()] == [number]
        taken_back(store, number)
        assert everything(store) == before
        assert store.imports.unfinished() == []


def test_only_what_is_being_taken_back_can_be_deleted(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        number = store.imports.begin(FILES, {})
        [new] = store.documents.add([NewDocument("Ann", key="a")], import_id=number)
        store.annotations.add(say(new.document_id, import_id=number))
        store.imports.finish(number, {})
        for table in ("annotation_spans", "annotations", "documents"):
            with pytest.raises(StoreError, match="are kept"), store.write():
                store.run(f"DELETE FROM {table}")


def test_every_table_that_points_to_a_document_or_an_answer_is_thought_of(tmp_path: Path) -> None:
    """Whoever adds one says in store/tables/take_back.py what becomes of its rows."""
    with make_store(tmp_path) as store:
        pointing: dict[str, set[str]] = {"documents": set(), "annotations": set()}
        for table in tables_of(store):
            for row in store.rows(f"PRAGMA foreign_key_list({table})"):
                if row[2] in pointing:
                    pointing[row[2]].add(table)
    of_documents = {*take_back.GO_WITH_DOCUMENTS, "acquisition", "annotations", "task_links"}
    assert pointing["documents"] == of_documents
    of_answers = {*take_back.STAND_ON_ANSWERS, *take_back.GO_WITH_ANSWERS}
    assert pointing["annotations"] == of_answers | {"reviews", "alignment_events", "withdrawn"}


def test_suggestions_of_a_model_go_with_a_document_and_keep_with_another(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        before = everything(store)
        number = store.imports.begin(FILES, {})
        store.documents.add([NewDocument("Ann", key="a")], import_id=number)
        model = add_model(store)
        predict_all(store, model)
        store.queue.prioritise("entropy", model)
        taken_back(store, number)
        assert store.row("SELECT count(*) FROM acquisition") == (2,)
        assert store.check() == []
        assert rows_of(store, "documents") == before["documents"]
