"""Steps of work on a store, to be killed in (`killing`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from sqlite_utils import Database

from spanloop.recipes.files import importing, one_file
from spanloop.store import Store
from spanloop.store.records import AnnotatedSpan, NewAnnotation, NewModel, Span
from spanloop.store.schema import migrations
from support.killing import Step, tell

BATCHES, BATCH = 30, 20
EXTRA_ROWS = 60_000


def submit(path: Path) -> Iterator[str]:
    """Answers, one after the other."""
    with Store.open(path) as store:
        for document_id in range(1, BATCHES + 1):
            spans = (AnnotatedSpan(0, 3, "PER"), AnnotatedSpan(8, 11, "PER"))
            store.annotations.add(
                NewAnnotation(f"u{document_id}", document_id, "anna", "human", "accept", spans)
            )
            yield str(document_id)


def import_file(path: Path) -> Iterator[str]:
    """A file of annotated documents, as ``spanloop import`` does it."""
    file = path.with_suffix(".jsonl")
    if not file.exists():
        rows = (
            {"id": f"{batch}-{n}", "text": f"Ann {batch} and number {n} " * 10, "spans": [[0, 3, "PER"]]}
            for batch in range(BATCHES)
            for n in range(BATCH)
        )
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    one_file.BATCH = BATCH
    told: list[str] = []

    def progress(done: int, _total: int | None, what: str) -> None:
        if not what.startswith("importing"):
            return
        told.append(str(done // BATCH - 1))
        tell(told[-1])

    importing.import_files(path, [file], split="pool", progress=progress)
    yield from ()


def predict(path: Path) -> Iterator[str]:
    """Predictions with scores, a document a transaction."""
    with Store.open(path) as store:
        model_id = store.models.add(NewModel("h", "hf", "m")).id
        for document in list(store.predictions.missing(model_id, order="id")):
            document_id = document.id
            store.predictions.add(
                model_id, [(document_id, [Span(0, 3, "PER", 0.5)], {"entropy": 1.0, "mnlp": 2.0})]
            )
            yield str(document_id)


def order(path: Path) -> Iterator[str]:
    """The queue in another order, in many short transactions."""
    from spanloop.store.queue import order as orders

    orders.CHUNK = orders.GAPS = 1
    with Store.open(path) as store:
        for strategy in ("random", "mnlp"):
            store.queue.prioritise(strategy)
            yield strategy


def migrate(path: Path) -> Iterator[str]:
    """Opening the file with a schema that has one more step."""
    if m999_extra.__name__ not in [step.name for step in migrations.STEPS._migrations]:
        migrations.STEPS()(m999_extra)
    with Store.open(path) as store:
        yield str(store.row("SELECT count(*) FROM extra"))


def m999_extra(db: Database) -> None:
    db.execute("CREATE TABLE extra (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
    db.execute(
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {EXTRA_ROWS})"
        " INSERT INTO extra SELECT i, 'a text to fill some pages ' || i FROM n"
    )


STEPS: dict[str, Step] = {
    "submit": submit,
    "import": import_file,
    "predict": predict,
    "order": order,
    "migrate": migrate,
}
