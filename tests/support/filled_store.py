"""A store with something in every table that moves, for the tests of what a project takes along."""

from __future__ import annotations

from pathlib import Path

from spanloop.store import Store
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import NewDocument, Score
from spanloop.store.tables.drafts import DraftOf
from spanloop.store.tables.imports import ImportedFile
from support.store_making import add_model, make_store, predict_all, say


def filled_store(folder: Path) -> Store:
    """Disputes, imports, flags, refused suggestions, ranges, reviews; labels renamed, merged and retired;
    rounds, promotions and scores; drafts, links to another tool, a named version."""
    folder.mkdir(exist_ok=True)
    store = make_store(folder, documents=6)
    store.documents.add(
        [NewDocument("Rom 😀 ist e\u0301wig", key="é", meta={"n": 1.5}, group="g", split="eval")]
    )
    number = store.rounds.start(parameters={"epochs": 3}, seed=0, train_ids=[], eval_ids=[]).number
    model_id = add_model(store, kind="round", round=number, path="p.rounds/0001")
    predict_all(store, model_id)
    store.queue.prioritise("entropy", model_id)
    _answer(store)
    figure = Score("eval", "strict", "micro", None, 0.5, 1 / 3, 0.4, 9, 0.1, 0.9)
    store.rounds.finish(number, model_id=model_id, scores=[figure], manifest={"seconds": 1.25})
    store.rounds.promote(number)
    ids = [annotation.id for annotation in store.annotations.history(3)]
    store.rounds.start(parameters={}, seed=0, train_ids=ids, eval_ids=[], parent=number)
    store.rounds.fail(2, "an error")
    store.versions.add("v1")
    for name in ("ORG", "GPE", "OLD"):
        store.labels.add(name, description=f"a {name}")
    store.labels.rename("PER", "PERSON")
    store.labels.merge("GPE", "LOC")
    store.labels.retire("OLD")
    _beside_it(store, model_id)
    return store


def _answer(store: Store) -> None:
    prediction = store.predictions.get(1)
    assert prediction is not None
    store.annotations.add(
        say(
            1,
            action="rejected",
            prediction_id=prediction.id,
            seconds=2.5,
            comment="no\nnot him",
            flagged=True,
        )
    )
    for answer in (
        say(2, spans="0-3:PER 15-19:LOC"),
        say(2, "ben", "0-3:LOC"),
        say(3, origin="import", created_at="2020-01-01T00:00:00.000Z"),
        say(4, ranges=((0, 8),)),
        say(5, answer="ignore"),
        say(7, "ben", "0-3:LOC"),
    ):
        store.annotations.add(answer)
    store.reviews.send([(2, "disagreement", 1.0)])


def _beside_it(store: Store, model_id: int) -> None:
    """What lies beside the answers."""
    store.queue.next("čenda")
    store.drafts.put(DraftOf("čenda", 6), '{"spans": []}')
    store.annotators.add("čenda")
    store.tokenizations.put("t", [(1, [(0, 3)])])
    store.ledger.add([AlignmentEvent(1, 0, 4, "PER", "snapped", "token", model_id=model_id)])
    with store.write():
        store.run("INSERT INTO bridges VALUES ('labelstudio/3', 'http://localhost', NULL)")
        store.run("INSERT INTO task_links VALUES ('labelstudio/3', 5, 1)")
        store.run("INSERT INTO answer_links VALUES ('labelstudio/3', 6, 5, 1, 'x', '2020', 0)")
        store.run(
            "INSERT INTO inbox(source, action, body, received_at) VALUES ('labelstudio/3', 'a', '{}', '2020')"
        )
        store.run("INSERT INTO originals VALUES (1, 'conllu', '1\tAnn')")
        store.run("INSERT INTO scored_again VALUES (1, '[1, 2]', 'a hash', '2020')")
        store.run("INSERT INTO sketches VALUES (1, 1, x'')")
    number = store.imports.begin([ImportedFile("/a.jsonl", "a.jsonl", 12, "ab")], {"split": "auto"})
    store.documents.add([NewDocument("Ann came", key="imported")], import_id=number)
    store.imports.finish(number, {"added": 1})
    store.imports.take_back(number)
    with store.write():
        store.run("INSERT INTO withdrawn SELECT max(id) FROM annotations WHERE answer = 'ignore'")
        store.queue.states.refresh(5)
        store.run("INSERT INTO unaided SELECT 1, id FROM predictions WHERE document_id = 1")
        store.parts.put({4: [(0, 3)]})
        basis = "INSERT INTO triages(model_id, max_error, confidence, basis, created_at)"
        store.run(f"{basis} VALUES (?, 0.02, 0.95, '{{}}', '2020')", (model_id,))
        store.run("INSERT INTO triaged SELECT max(id), 1 FROM annotations")


def rows_of(store: Store, table: str) -> list[tuple[object, ...]]:
    """All rows of a table, in an order of their own."""
    return sorted(store.rows(f"SELECT * FROM {table}"), key=repr)


def tables_of(store: Store) -> list[str]:
    """The names of all tables."""
    return [
        name
        for (name,) in store.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
    ]
