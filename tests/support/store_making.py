"""Small real stores for the tests of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spanloop.store import Store
from spanloop.store.records import (
    Action,
    AnnotatedSpan,
    Annotation,
    Document,
    NewAnnotation,
    NewDocument,
    NewModel,
    Span,
)

TEXT = "Ann met Bob in Rome"  # Ann 0-3, Bob 8-11, Rome 15-19


def make_store(folder: Path, documents: int = 0, **options: Any) -> Store:
    """A project of PER and LOC with so many numbered documents; in the pool unless options say otherwise."""
    options = {"labels": ["PER", "LOC"], "base_model": "offline", "eval_fraction": 0.0, **options}
    store = Store.create(folder / "project.db", **options)
    store.documents.add(
        NewDocument(f"{TEXT} {number}", key=f"d{number}") for number in range(1, documents + 1)
    )
    return store


def stored(text: str, key: str, *, group: str | None = None) -> Document:
    """A document as the store would give it back, for what needs no store."""
    return Document(text, key, {}, group or key, "pool", 1)


def say(
    document_id: int,
    annotator: str = "anna",
    spans: str = "0-3:PER",
    *,
    uuid: str | None = None,
    action: Action = "added",
    **fields: Any,
) -> Annotation:
    """An annotation whose spans are written as ``0-3:PER 15-19:LOC``; its uuid is new unless given."""
    say.count = getattr(say, "count", 0) + 1  # type: ignore[attr-defined]
    annotated = []
    for piece in spans.split():
        place, label = piece.split(":")
        start, end = place.split("-")
        annotated.append(AnnotatedSpan(int(start), int(end), label, action))
    fields = {"origin": "human", "answer": "accept", **fields}
    number = say.count  # type: ignore[attr-defined]
    return NewAnnotation(uuid or f"uuid-{number}", document_id, annotator, spans=tuple(annotated), **fields)


def add_model(store: Store, name: str = "m", **fields: Any) -> int:
    """A model that the store knows; returns its id."""
    model = store.models.add(
        NewModel(hash=f"hash of {name}", kind=fields.pop("kind", "hf"), name=name, **fields)
    )
    return model.id


def predict_all(store: Store, model_id: int, strategy: str = "entropy") -> None:
    """Every document gets one PER span on its first word and its id as acquisition score."""
    store.predictions.add(
        model_id, [(d, [Span(0, 3, "PER", 0.9)], {strategy: float(d)}) for d in store.documents.ids()]
    )
