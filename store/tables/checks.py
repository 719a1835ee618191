"""What spans and annotations must satisfy before they are stored; every refusal names the document."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, get_args

from spanloop.store.errors import StoreError
from spanloop.store.records import AnnotatedSpan, Answer, Document, NewAnnotation, Origin, Range, Span
from spanloop.store.tables.people import check_annotator

if TYPE_CHECKING:
    from spanloop.store.store import Store


_ORIGINS, _ANSWERS = get_args(Origin), get_args(Answer)


def check_spans(spans: Iterable[Span | AnnotatedSpan], n_chars: int, where: str) -> None:
    """Raise StoreError, naming ``where``, unless all spans lie inside a text of so many characters and none
    overlaps another."""
    last: Span | AnnotatedSpan | None = None
    for span in sorted(spans, key=_position):
        if not 0 <= span.start < span.end <= n_chars:
            raise StoreError(
                f"{where}: span {span.start}-{span.end} {span.label} lies outside the text of {n_chars}"
                " characters"
                " or is empty"
            )
        if last is not None and span.start < last.end:
            raise StoreError(
                f"{where}: spans {last.start}-{last.end} {last.label} and {span.start}-{span.end}"
                f" {span.label} overlap"
            )
        last = span


def check_ranges(ranges: tuple[Range, ...], n_chars: int, where: str) -> None:
    """Raise StoreError unless there are ranges and they lie inside a text of so many characters, in order and
    apart."""
    if not ranges:
        raise StoreError(f"{where}: no range was looked at: leave ranges out if it was the whole document")
    end_before = 0
    for start, end in ranges:
        if not end_before <= start < end <= n_chars:
            raise StoreError(
                f"{where}: range {start}-{end} is outside the text, empty, or not behind the one before"
            )
        end_before = end


def check_annotation(annotation: NewAnnotation, key: str, n_chars: int) -> None:
    """Raise StoreError unless an annotation fits the document of that key, a text of so many characters:
    spans, ranges, and what it says of itself."""
    where = f"document {key!r}"
    if not annotation.uuid:
        raise StoreError(f"{where}: an annotation needs a uuid")
    check_annotator(annotation.annotator)
    for value, allowed in ((annotation.origin, _ORIGINS), (annotation.answer, _ANSWERS)):
        if value not in allowed:
            raise StoreError(f"{where}: {value!r} is none of {', '.join(allowed)}")
    if annotation.seconds is not None and not 0 <= annotation.seconds < float("inf"):
        raise StoreError(f"{where}: {annotation.seconds} is no duration in seconds")
    kept = [span for span in annotation.spans if span.action != "rejected"]
    check_spans(kept, n_chars, where)
    for span in annotation.spans:
        if span.action == "rejected":  # of these some may overlap
            check_spans([span], n_chars, where)
    if annotation.ranges is not None:
        check_ranges(annotation.ranges, n_chars, where)
        for span in kept:
            if not any(start <= span.start and span.end <= end for start, end in annotation.ranges):
                raise StoreError(f"{where}: span {span.start}-{span.end} lies outside the ranges looked at")


def check_labels(store: Store, annotation: NewAnnotation, key: str, labels: Collection[str]) -> None:
    """Raise StoreError unless all labels are among those in use; a rejected span may have a retired one."""
    for span in annotation.spans:
        if span.label not in labels and (span.action != "rejected" or not _is_retired(store, span.label)):
            raise StoreError(
                f"document {key!r}: there is no label {span.label!r}, only {', '.join(labels)}:"
                f" add it with `spanloop labels DB add {span.label}`"
            )


def _is_retired(store: Store, label: str) -> bool:
    return store.row("SELECT 1 FROM labels WHERE name = ?", (label,)) is not None


def check_suggestions(store: Store, annotation: NewAnnotation, document: Document) -> None:
    """Raise StoreError unless the prediction and the suggestions that are named are of this document."""
    where = f"document {document.key!r}"
    if annotation.prediction_id is not None:
        found = store.row(
            "SELECT 1 FROM predictions WHERE id = ? AND document_id = ?",
            (annotation.prediction_id, document.id),
        )
        if found is None:
            raise StoreError(f"{where}: prediction {annotation.prediction_id} is not of this document")
    ids = {span.prediction_span_id for span in annotation.spans} - {None}
    if not ids:
        return
    found = store.row(
        "SELECT count(*) FROM prediction_spans s JOIN predictions p ON p.id = s.prediction_id"
        " WHERE p.document_id = ? AND s.id IN (SELECT value FROM json_each(?))",
        (document.id, json.dumps(sorted(ids, key=str))),
    )
    if found != (len(ids),):
        raise StoreError(f"{where}: a suggestion named by a span is not of this document")


def _position(span: Span | AnnotatedSpan) -> tuple[int, int]:
    return span.start, span.end
