"""One step of work on a store, in a process that may be killed at any moment: ``faults_worker.py STEP FILE``.

Prints ``ready`` when the store is open, one line for everything that was acknowledged, and ``done``.
"""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlite_utils import Database

from spanloop.store import Store, StoreError, migrations
from spanloop.store.records import AnnotatedSpan, Annotation, Document, Model, Span

BATCHES, BATCH = 30, 20


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def submit(store: Store) -> Iterator[str]:
    for document_id in range(1, BATCHES + 1):
        spans = (AnnotatedSpan(0, 3, "PER"), AnnotatedSpan(8, 11, "PER"))
        store.annotations.add(Annotation(f"u{document_id}", document_id, "anna", "human", "accept", spans))
        yield str(document_id)


def add_documents(store: Store) -> Iterator[str]:
    for batch in range(BATCHES):
        store.documents.add(
            Document(f"batch {batch} number {n} " * 20, key=f"{batch}-{n}") for n in range(BATCH)
        )
        yield str(batch)


def predict(store: Store) -> Iterator[str]:
    model_id = store.models.add(Model("h", "hf", "m")).id or 0
    for document in list(store.predictions.missing(model_id, order="id")):
        document_id = document.id or 0
        store.predictions.add(
            model_id, [(document_id, [Span(0, 3, "PER", 0.5)], {"entropy": 1.0, "mnlp": 2.0})]
        )
        yield str(document_id)


def migrate(store: Store) -> Iterator[str]:
    yield str(store.row("SELECT count(*) FROM extra"))


def m999_extra(db: Database) -> None:
    db.execute("CREATE TABLE extra (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")
    db.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
        " INSERT INTO extra SELECT i, 'a text to fill some pages ' || i FROM n"
    )


STEPS: dict[str, Callable[[Store], Iterator[str]]] = {
    "submit": submit,
    "import": add_documents,
    "predict": predict,
    "migrate": migrate,
}


def main() -> None:
    step, path = sys.argv[1], Path(sys.argv[2])
    if len(sys.argv) > 3:  # no file may grow beyond so many bytes: a disk that is full
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
    if step == "migrate":
        migrations.STEPS()(m999_extra)
        tell("ready")
    try:
        with Store.open(path) as store:
            if step != "migrate":
                tell("ready")
            for acknowledged in STEPS[step](store):
                tell(acknowledged)
        tell("done")
    except StoreError as error:
        tell(f"error: {error}")


if __name__ == "__main__":
    main()
