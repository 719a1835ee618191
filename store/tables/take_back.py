"""Taking an import back: what it brought goes, but for what somebody or something stands on.

In short transactions, each whole in itself, so that people go on working and a kill leaves what the next call
completes. Foreign keys are not asked meanwhile, since SQLite would look through whole tables for every row
that goes: what points to a document or an annotation is named below, and a test holds that to the schema.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from spanloop.store.clock import now
from spanloop.store.tables.leases import RUNS, moments

if TYPE_CHECKING:
    from spanloop.store.store import Store

BATCH = 1_000
_THESE = "(SELECT value FROM json_each(:ids))"

STAND_ON_ANSWERS = {
    "round_annotations": "annotation_id",
    "version_gold": "annotation_id",
    "answer_links": "annotation_id",
    "triaged": "annotation_id",
}
"""Tables whose rows keep an answer: it is withdrawn, and stays."""
GO_WITH_ANSWERS = {
    "annotation_spans": "annotation_id",
    "annotation_ranges": "annotation_id",
    "unaided": "annotation_id",
}
"""Tables whose rows go with their answer; `reviews` wait again, and `alignment_events` name it no more."""
GO_WITH_DOCUMENTS = (
    "queue", "tokenizations", "predictions", "leases", "drafts", "reviews", "sketches", "originals",
    "alignment_events", "parts",
)  # fmt: skip
"""Tables whose rows go with their document, and are found by it."""
# the scores stand by model and strategy, of which there are few: found by jumping along the index
_SCORES = """
DELETE FROM acquisition WHERE (model_id, strategy, document_id) IN (
    WITH RECURSIVE kinds(model_id, strategy) AS (
        SELECT m.id, (SELECT min(strategy) FROM acquisition a WHERE a.model_id = m.id) FROM models m
        UNION ALL
        SELECT model_id, (SELECT min(strategy) FROM acquisition a
                          WHERE a.model_id = kinds.model_id AND a.strategy > kinds.strategy)
        FROM kinds WHERE strategy IS NOT NULL)
    SELECT k.model_id, k.strategy, j.value FROM kinds k, json_each(:ids) j WHERE k.strategy IS NOT NULL)
"""
WHY_DOCUMENTS_STAY = {
    "answered by somebody": "SELECT a.document_id FROM annotations a WHERE a.document_id IN {these}"
    " AND a.import IS NOT :number",
    "a round or a version of the gold has an answer of it": "SELECT a.document_id FROM annotations a"
    " WHERE a.document_id IN {these} AND a.import IS :number AND a.id IN {kept}",
    "somebody is working on it": "SELECT d.document_id FROM drafts d WHERE d.document_id IN {these}"
    " UNION SELECT l.document_id FROM leases l WHERE l.document_id IN {these} AND " + RUNS,
    "linked with a task of another tool": "SELECT t.document_id FROM task_links t"
    " WHERE t.document_id IN {these}",
}
"""Queries for the documents among ``these`` that stay, by the reason."""


@dataclass(slots=True)
class TakenBack:
    """What went and what stayed: documents, answers, suggestions, rows of the ledger, names of labels."""

    documents: int = 0
    annotations: int = 0
    predictions: int = 0
    ledger: int = 0
    labels: list[str] = field(default_factory=list)
    stayed: dict[str, int] = field(default_factory=dict)  # documents, by the reason
    withdrawn: int = 0  # answers that stay and say nothing any more
    labels_kept: list[str] = field(default_factory=list)


def take_back(
    store: Store, number: int, error: str | None, progress: Callable[[int], None] | None
) -> TakenBack:
    """See ``Imports.take_back``."""
    with store.write():
        store.run(
            "UPDATE imports SET state = 'leaving', error = coalesce(?, error), last_document ="
            " max(last_document, coalesce((SELECT max(id) FROM documents), 0)) WHERE id = ?",
            (error, number),
        )
    store.queue.order.clear()  # of orders that count no more the triggers know nothing
    done, looked_at = TakenBack(), 0
    with _without_foreign_keys(store):
        for batch in _batches(store, "documents", number):
            with store.write():
                _documents(store, number, batch, done)
            looked_at += len(batch)
            if progress is not None:
                progress(looked_at)
        for batch in _batches(store, "annotations", number):
            with store.write():
                _annotations(store, batch, done)
        for batch in _batches(store, "predictions", number):
            with store.write():
                _predictions(store, batch, done)
        with store.write():
            _rest(store, number, done)
    return done


@contextmanager
def _without_foreign_keys(store: Store) -> Iterator[None]:
    conn = store.db.conn
    conn.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        conn.execute("PRAGMA foreign_keys = ON")


def _batches(store: Store, table: str, number: int) -> Iterator[list[int]]:
    """The ids of the rows that name the import, so many at a time; those that stay are passed once."""
    last = 0
    while True:
        ids = list(
            store.column(
                f"SELECT id FROM {table} WHERE import = ? AND id > ? ORDER BY id LIMIT ?",
                (number, last, BATCH),
            )
        )
        if not ids:
            return
        yield ids
        last = ids[-1]


def _run(store: Store, sql: str, ids: Sequence[int], **more: object) -> int:
    """Run a statement that has ``{these}`` for the ids; how many rows it changed."""
    return store.run(sql.format(these=_THESE), {"ids": json.dumps(list(ids)), **more}).rowcount


def _select(store: Store, sql: str, ids: Sequence[int], **more: object) -> set[int]:
    return set(store.column(sql.format(these=_THESE), {"ids": json.dumps(list(ids)), **more}))


def _documents(store: Store, number: int, batch: list[int], done: TakenBack) -> None:
    """Documents that nobody has answered, with all that hangs on them."""
    answers = _select(
        store,
        "SELECT id FROM annotations WHERE document_id IN {these} AND import = :number",
        batch,
        number=number,
    )
    kept = _kept(store, sorted(answers))
    stay: set[int] = set()
    for reason, query in WHY_DOCUMENTS_STAY.items():
        sql = query.format(these="{these}", kept=f"({', '.join(map(str, sorted(kept))) or 'NULL'})")
        found = _select(store, sql, batch, number=number, **moments()) - stay
        if found:
            done.stayed[reason] = done.stayed.get(reason, 0) + len(found)
        stay |= found
    going = [document_id for document_id in batch if document_id not in stay]
    gone = _select(store, "SELECT id FROM annotations WHERE document_id IN {these}", going)
    done.annotations += _remove_answers(store, sorted(gone))
    of_models = "prediction_id IN (SELECT id FROM predictions WHERE document_id IN {these})"
    _run(store, f"DELETE FROM prediction_spans WHERE {of_models}", going)
    done.predictions += len(
        _select(
            store,
            "SELECT id FROM predictions WHERE document_id IN {these} AND import = :number",
            going,
            number=number,
        )
    )
    done.ledger += len(
        _select(
            store,
            "SELECT id FROM alignment_events WHERE document_id IN {these} AND import = :number",
            going,
            number=number,
        )
    )
    store.search.forget(going)
    # the queue first: its triggers find a place by the scores
    for table in GO_WITH_DOCUMENTS:
        _run(store, f"DELETE FROM {table} WHERE document_id IN {{these}}", going)
    _run(store, _SCORES, going)
    done.documents += _run(store, "DELETE FROM documents WHERE id IN {these}", going)


def _kept(store: Store, answers: list[int]) -> set[int]:
    """Those answers that a round or a version stands on."""
    kept: set[int] = set()
    for table, column in STAND_ON_ANSWERS.items():
        kept |= _select(store, f"SELECT {column} FROM {table} WHERE {column} IN {{these}}", answers)
    return kept


def _annotations(store: Store, batch: list[int], done: TakenBack) -> None:
    """Answers to documents that stay, or were there before."""
    touched = _select(store, "SELECT document_id FROM annotations WHERE id IN {these}", batch)
    kept = _kept(store, batch)
    going = [answer for answer in batch if answer not in kept]
    done.annotations += _remove_answers(store, going)
    done.withdrawn += _run(
        store,
        "INSERT INTO withdrawn SELECT value FROM json_each(:ids) WHERE true ON CONFLICT DO NOTHING",
        sorted(kept),
    )
    for document_id in sorted(touched):
        store.queue.states.refresh(document_id)


def _remove_answers(store: Store, ids: list[int]) -> int:
    for table, column in GO_WITH_ANSWERS.items():
        _run(store, f"DELETE FROM {table} WHERE {column} IN {{these}}", ids)
    for table in ("reviews", "alignment_events"):
        _run(store, f"UPDATE {table} SET annotation_id = NULL WHERE annotation_id IN {{these}}", ids)
    return _run(store, "DELETE FROM annotations WHERE id IN {these}", ids)


def _predictions(store: Store, batch: list[int], done: TakenBack) -> None:
    """Suggestions for documents that stay, unless an answer began from them."""
    begun_from = _select(
        store,
        "SELECT prediction_id FROM annotations WHERE prediction_id IN {these} UNION"
        " SELECT p.prediction_id FROM prediction_spans p JOIN annotation_spans s"
        " ON s.prediction_span_id = p.id WHERE p.prediction_id IN {these}"
        " UNION SELECT prediction_id FROM unaided WHERE prediction_id IN {these}",
        batch,
    )
    going = [number for number in batch if number not in begun_from]
    _run(store, "DELETE FROM prediction_spans WHERE prediction_id IN {these}", going)
    _run(
        store,
        "DELETE FROM acquisition WHERE (model_id, document_id) IN"
        " (SELECT model_id, document_id FROM predictions WHERE id IN {these})",
        going,
    )
    done.predictions += _run(store, "DELETE FROM predictions WHERE id IN {these}", going)


def _rest(store: Store, number: int, done: TakenBack) -> None:
    """What the import left in the ledger and gave the project itself; then it is taken back."""
    done.ledger += store.run("DELETE FROM alignment_events WHERE import = ?", (number,)).rowcount
    store.run(
        "DELETE FROM models WHERE kind = 'import' AND id NOT IN (SELECT model_id FROM predictions)"
        " AND id NOT IN (SELECT model_id FROM acquisition)"
        " AND id NOT IN (SELECT model_id FROM alignment_events WHERE model_id IS NOT NULL)"
        " AND id NOT IN (SELECT model_id FROM queue_orders WHERE model_id IS NOT NULL)"
    )
    store.run(
        "DELETE FROM label_sets WHERE id NOT IN"
        " (SELECT label_set FROM annotations WHERE label_set IS NOT NULL)"
    )
    row = store.row("SELECT labels, made_of FROM imports WHERE id = ?", (number,))
    assert row is not None
    for label_id in json.loads(row[0]):
        _label(store, label_id, done)
    if row[1] is not None and not store.documents.count():
        _settings(store, json.loads(row[1]))
    store.run("UPDATE imports SET state = 'undone', undone_at = ? WHERE id = ?", (now(), number))


def _label(store: Store, label_id: int, done: TakenBack) -> None:
    """A label that the import added goes where nothing else knows it."""
    found = store.row("SELECT name FROM labels WHERE id = ?", (label_id,))
    if found is None:
        return
    used = store.row(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM annotation_spans WHERE label_id = ?1)"
        " OR EXISTS (SELECT 1 FROM prediction_spans WHERE label_id = ?1)"
        " OR EXISTS (SELECT 1 FROM round_labels WHERE label_id = ?1)"
        " OR EXISTS (SELECT 1 FROM version_labels WHERE label_id = ?1 OR reads_as = ?1)"
        " OR EXISTS (SELECT 1 FROM labels WHERE merged_into = ?1)"
        " OR EXISTS (SELECT 1 FROM label_sets s, json_each(s.labels) l WHERE l.value = ?1)",
        (label_id,),
    )
    if used is not None:
        done.labels_kept.append(found[0])
        return
    store.run("DELETE FROM former_names WHERE label_id = ?", (label_id,))
    store.run("DELETE FROM labels WHERE id = ?", (label_id,))
    done.labels.append(found[0])


def _settings(store: Store, given: dict[str, dict[str, str | None]]) -> None:
    """A project without documents has again the settings that it had before its first ones chose them."""
    project = store.project
    if all(getattr(project, name) == value["now"] for name, value in given.items()):
        store.set_project(**{name: value["before"] for name, value in given.items()})
