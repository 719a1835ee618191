"""Whether a submit that comes again is the annotation that is stored under its uuid.

What the person kept decides, by label id: since then labels may have been renamed, merged or retired, and
what became of the suggestions is told from their names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanloop.store.errors import StoreError
from spanloop.store.records import Annotation, NewAnnotation

if TYPE_CHECKING:
    from spanloop.store.store import Store


def check_repeated(store: Store, annotation: NewAnnotation, stored: Annotation) -> None:
    """Raise StoreError unless this is the stored annotation, sent again."""
    if _without_spans(annotation) != _without_spans(stored) or not _keeps_the_same(store, annotation, stored):
        raise StoreError(
            f"uuid {annotation.uuid!r} is taken by another annotation (document id {stored.document_id}, by"
            f" {stored.annotator}): a revision needs a uuid of its own"
        )


def _without_spans(annotation: NewAnnotation) -> tuple[object, ...]:
    """What a repeated submit says again, beside its spans; the time it took may differ."""
    return (
        annotation.document_id,
        annotation.annotator,
        annotation.origin,
        annotation.answer,
        annotation.ranges,
        annotation.prediction_id,
        annotation.comment,
        annotation.flagged,
    )


def _keeps_the_same(store: Store, annotation: NewAnnotation, stored: Annotation) -> bool:
    """Whether both keep the same characters under the same labels. A name that no label has any more is taken
    for the one that the label had then."""
    meant = {
        name: {label_id, current_id}
        for name, label_id, current_id in store.rows(
            "SELECT l.name, l.id, c.current_id FROM labels l JOIN current_labels c ON c.id = l.id"
        )
    }
    then = {
        (start, end): {label_id, current_id}
        for start, end, label_id, current_id in store.rows(
            "SELECT s.start_char, s.end_char, s.label_id, c.current_id FROM annotation_spans s"
            " JOIN current_labels c ON c.id = s.label_id"
            " WHERE s.annotation_id = ? AND s.action <> 'rejected'",
            (stored.id,),
        )
    }
    now = {(span.start, span.end): span.label for span in annotation.spans if span.action != "rejected"}
    return now.keys() == then.keys() and all(
        label not in meant or meant[label] & then[place] for place, label in now.items()
    )
