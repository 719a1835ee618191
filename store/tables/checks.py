"""What every set of spans must satisfy before it is stored."""

from __future__ import annotations

from collections.abc import Iterable

from spanloop.store.errors import StoreError
from spanloop.store.records import AnnotatedSpan, Range, Span


def check_spans(spans: Iterable[Span | AnnotatedSpan], text: str, where: str) -> None:
    """Raise StoreError, naming ``where``, unless all spans lie inside the text and none overlaps another."""
    last: Span | AnnotatedSpan | None = None
    for span in sorted(spans, key=_position):
        if not 0 <= span.start < span.end <= len(text):
            raise StoreError(
                f"{where}: span {span.start}-{span.end} {span.label} lies outside the text of {len(text)}"
                " characters"
                " or is empty"
            )
        if last is not None and span.start < last.end:
            raise StoreError(
                f"{where}: spans {last.start}-{last.end} {last.label} and {span.start}-{span.end}"
                f" {span.label} overlap"
            )
        last = span


def check_ranges(ranges: tuple[Range, ...], text: str, where: str) -> None:
    """Raise StoreError unless there are ranges and they lie inside the text, in order and apart."""
    if not ranges:
        raise StoreError(f"{where}: no range was looked at: leave ranges out if it was the whole document")
    end_before = 0
    for start, end in ranges:
        if not end_before <= start < end <= len(text):
            raise StoreError(
                f"{where}: range {start}-{end} is outside the text, empty, or not behind the one before"
            )
        end_before = end


def _position(span: Span | AnnotatedSpan) -> tuple[int, int]:
    return span.start, span.end
