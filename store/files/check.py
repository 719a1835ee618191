"""Looking for what should not be: damage, rows that contradict each other, folders that are missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from spanloop.store.errors import StoreError
from spanloop.store.files.import_lock import import_runs

if TYPE_CHECKING:
    from spanloop.store.files.training_lock import Look
    from spanloop.store.store import Store


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong and what to do about it; ``repaired`` if that has just been done."""

    what: str
    advice: str
    repaired: bool = False


def check(store: Store, repair: bool, unfit: Callable[[str], str | None]) -> list[Problem]:
    """All problems of a project; none means that it is sound.

    ``repair`` derives anew what can be derived: queue states, counters, rounds whose process died. It never
    touches a document, a prediction or an annotation. ``unfit`` says what is wrong with the name of a label,
    None where nothing is.
    """
    found = list(_damage(store))
    if found:  # nothing else can be believed
        return found
    rounds = partial(_rounds, before=store.training_lock.look())
    looks: tuple[Callable[[Store, bool], Iterator[Problem]], ...] = (
        _imports, _foreign_keys, _offsets, _texts, _queue, _counters, _order, rounds, _folders, _models
    )  # fmt: skip
    # others may be writing: two reads of two moments would contradict each other
    with nullcontext() if repair else store.reading():
        for look in looks:
            found += look(store, repair)
        found += _labels(store, unfit)
    return found


def _damage(store: Store) -> Iterator[Problem]:
    advice = f"restore a backup, or save what is left: sqlite3 {store.named} .recover | sqlite3 saved.db"
    try:
        lines = [row[0] for row in store.rows("PRAGMA integrity_check(20)")]
    except StoreError as error:  # damage can be such that looking for it fails
        yield Problem(str(error), advice)
        return
    for line in lines:
        if line != "ok":
            yield Problem(f"the file is damaged: {line}", advice)


def _imports(store: Store, repair: bool) -> Iterator[Problem]:
    if import_runs(store.path):
        return
    for one in store.imports.unfinished():
        if repair:
            with store.importing():
                store.imports.take_back(one.id, error=one.error or "cut short")
        yield Problem(
            f"import {one.id} has been cut short",
            "spanloop check --repair, or the next spanloop import, takes it back",
            repair,
        )


def _foreign_keys(store: Store, _: bool) -> Iterator[Problem]:
    for table, row, parent, _number in store.rows("PRAGMA foreign_key_check"):
        yield Problem(
            f"{table} row {row} points at a row of {parent} that is not there",
            "restore a backup: another program wrote to this file without foreign keys",
        )


def _labels(store: Store, unfit: Callable[[str], str | None]) -> Iterator[Problem]:
    for label in store.labels.all(retired=True):
        wrong = unfit(label.name)
        if wrong is not None:
            yield Problem(wrong, f"spanloop labels {store.path} rename OLD NEW")


def _offsets(store: Store, _: bool) -> Iterator[Problem]:
    advice = "another program wrote it: restore a backup, or predict or annotate the document anew"
    for key, model in store.rows(
        "SELECT d.key, m.name FROM predictions p JOIN documents d ON d.id = p.document_id"
        " JOIN models m ON m.id = p.model_id WHERE EXISTS (SELECT 1 FROM prediction_spans s"
        " WHERE s.prediction_id = p.id AND (s.end_char > d.n_chars"
        " OR EXISTS (SELECT 1 FROM prediction_spans t WHERE t.prediction_id = p.id"
        " AND t.start_char > s.start_char AND t.start_char < s.end_char))) LIMIT 20"
    ):
        yield Problem(
            f"the prediction of {model} for {key!r} has spans outside the text or overlapping", advice
        )
    for key, annotation_id in store.rows(
        "SELECT d.key, a.id FROM annotations a JOIN documents d ON d.id = a.document_id WHERE EXISTS ("
        " SELECT 1 FROM annotation_spans s WHERE s.annotation_id = a.id AND (s.end_char > d.n_chars OR ("
        " s.action <> 'rejected' AND EXISTS (SELECT 1 FROM annotation_spans t WHERE t.annotation_id = a.id"
        " AND t.action <> 'rejected' AND t.id <> s.id"
        " AND t.start_char < s.end_char AND s.start_char < t.end_char)))) LIMIT 20"
    ):
        yield Problem(
            f"annotation {annotation_id} of {key!r} has spans outside the text or overlapping",
            advice,
        )


def _texts(store: Store, _: bool) -> Iterator[Problem]:
    for key, grp in store.rows(
        "SELECT min(d.key), d.grp FROM documents d GROUP BY d.grp HAVING count(DISTINCT d.split) > 1 LIMIT 20"
    ):
        yield Problem(
            f"group {grp!r} (document {key!r} and others) lies in both pool and eval",
            "scores on it are too good: leave one side out, or import it anew with --split",
        )


def _queue(store: Store, repair: bool) -> Iterator[Problem]:
    lost = store.rows("SELECT id, split FROM documents WHERE id NOT IN (SELECT document_id FROM queue)")
    if lost:
        if repair:
            with store.write() as db:
                db.conn.executemany("INSERT INTO queue(document_id, split, shuffle) VALUES (?, ?, 0)", lost)
                for document_id, _ in lost:
                    store.queue.states.refresh(document_id)
        yield Problem(f"{len(lost)} documents are not in the queue", "spanloop check --repair", repair)
    stale = store.queue.states.stale()
    if stale:
        if repair:
            with store.write():
                for document_id in stale:
                    store.queue.states.refresh(document_id)
        yield Problem(
            f"{len(stale)} documents stand in the queue otherwise than their annotations say",
            "spanloop check --repair",
            repair,
        )


def _order(store: Store, repair: bool) -> Iterator[Problem]:
    amiss = store.queue.order.amiss()
    if amiss:
        if repair:
            strategy, model_id = store.queue.standing()
            store.queue.order.make(strategy, model_id)
        yield Problem(
            f"{amiss} documents have no place in the order of the queue, or a wrong one",
            "spanloop check --repair",
            repair,
        )


def _counters(store: Store, repair: bool) -> Iterator[Problem]:
    wrong = store.row(
        "SELECT count(*) FROM queue_counts c WHERE c.documents <> (SELECT count(*) FROM queue q"
        " WHERE q.split = c.split AND q.state = c.state AND q.gold = c.gold)"
    )
    if wrong is not None and wrong[0]:
        if repair:
            with store.write():
                store.run(
                    "UPDATE queue_counts SET documents = (SELECT count(*) FROM queue q WHERE"
                    " q.split = queue_counts.split AND q.state = queue_counts.state"
                    " AND q.gold = queue_counts.gold)"
                )
        yield Problem("the counters of the queue are wrong", "spanloop check --repair", repair)


def _rounds(store: Store, repair: bool, before: Look) -> Iterator[Problem]:
    gone = store.rounds.close_interrupted() if repair else store.rounds.interrupted(before)
    for round_ in gone:
        yield Problem(
            f"round {round_.number} says that it is running, but its process has ended",
            "spanloop check --repair, or the next spanloop retrain, closes it",
            repair,
        )


def _folders(store: Store, _: bool) -> Iterator[Problem]:
    for what, advice in store.rounds_folder.amiss():
        yield Problem(what, advice)


def _models(store: Store, _: bool) -> Iterator[Problem]:
    for model in store.models.all():
        if model.kind != "round" and model.path is not None and not (store.path.parent / model.path).exists():
            yield Problem(
                f"model {model.name!r} is not at {store.path.parent / model.path} any more",
                "its predictions stay; copy it back if it is to predict again",
            )
