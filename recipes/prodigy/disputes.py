"""What waits for review, as Prodigy's ``review`` view shows it: one version an opinion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from spanloop.recipes.formats.prodigy_task import spans_of
from spanloop.recipes.prodigy.contract import Task, hashed
from spanloop.recipes.prodigy.questions import LEASE_SECONDS, Questions
from spanloop.store import Store
from spanloop.store.records import Annotation, Document, Span, Split


def reviews(store: Store, questions: Questions, split: Split) -> Iterator[Task]:
    """Every disputed document of the split once, then what was sent to review, with the reason in its meta;
    the version that most people share is the default."""
    shown: set[int] = set()
    for document in store.documents.iterate(split=split, state="conflict"):
        shown.add(document.id)
        yield _review(questions, document, _standing(store, document.id))
    while items := store.reviews.next(questions.feeder, exclude=sorted(shown), lease_seconds=LEASE_SECONDS):
        document, number = items[0].document, items[0].document.id
        shown.add(number)
        if document.split == split:
            why = {"why": store.reviews.reason(number), **document.meta}
            yield _review(questions, replace(document, meta=why), _standing(store, number))
        else:
            store.queue.release(questions.feeder, number)


def _standing(store: Store, document: int) -> list[Annotation]:
    """The newest answer of each person that accepts, oldest first; where nobody has said anything, what
    counts as gold."""
    newest: dict[str, Annotation] = {}
    with store.reading():
        for annotation in store.annotations.history(document):
            if annotation.origin == "human" and annotation.answer != "ignore":
                newest[annotation.annotator] = annotation
        start = store.reviews.start(document)
    said = [annotation for annotation in newest.values() if annotation.answer == "accept"]
    return said or ([] if start is None else [start])


def _review(questions: Questions, document: Document, opinions: list[Annotation]) -> Task:
    versions: dict[tuple[Span, ...], list[str]] = {}
    for opinion in opinions:
        versions.setdefault(_spans(opinion), []).append(opinion.annotator)
    versions = versions or {(): [questions.feeder]}
    shared = max(versions, key=lambda spans: len(versions[spans]), default=())
    every = sorted({span for spans in versions for span in spans}, key=lambda span: (span.start, span.end))
    task = questions.document_task(document, None, None, every)
    base = {name: task[name] for name in ("text", "tokens")}
    task["versions"] = [
        {
            **base,
            "spans": spans_of(spans, task["tokens"]),
            "answer": "accept",
            "sessions": names,
            "default": spans == shared,
        }
        for spans, names in versions.items()
    ]
    task["spans"] = spans_of(shared, task["tokens"])
    task["view_id"] = questions.view
    return hashed({name: value for name, value in task.items() if not name.endswith("_hash")})


def _spans(annotation: Annotation) -> tuple[Span, ...]:
    kept = [Span(s.start, s.end, s.label) for s in annotation.spans if s.action != "rejected"]
    return tuple(sorted(kept, key=lambda span: span.start))
