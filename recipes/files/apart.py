"""What of a file's document goes into the ledger: spans that were set apart or moved, with file and line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from spanloop.recipes.files.entry_checks import CheckedEntry
from spanloop.recipes.formats.placing import OVERLAP
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import Span

UNCONFIRMED_NO = "refused on a document that nobody has confirmed"
"""A no to a suggestion belongs to an answer, and there is none yet."""


def events_of(item: CheckedEntry, document_id: int, file: Path, answered: bool) -> Iterator[AlignmentEvent]:
    """The rows for the spans that are not stored.

    Args:
        item: A document of the file.
        document_id: What it is in the store.
        file: The file.
        answered: Whether it is stored as somebody's answer.

    Yields:
        A row a span, with its reason.
    """
    for span, reason in item.refused:
        action = "conflict" if reason == OVERLAP else "dropped"
        yield _event(item, document_id, file, span, action, reason)
    for span in () if answered else item.negatives:
        yield _event(item, document_id, file, span, "dropped", UNCONFIRMED_NO)


def moves_of(item: CheckedEntry, document_id: int, file: Path) -> Iterator[AlignmentEvent]:
    """The rows for the spans that are stored beside where the file has them."""
    for before, after, reason in item.moved:
        event = _event(item, document_id, file, before, "snapped", reason)
        yield replace(event, placed_start=after.start, placed_end=after.end)


def said_otherwise(item: CheckedEntry, document_id: int, file: Path, reason: str) -> Iterator[AlignmentEvent]:
    """The rows for spans that would have been stored, where that document has others of the same model."""
    for span in item.spans or ():
        yield _event(item, document_id, file, span, "dropped", reason)


def _event(
    item: CheckedEntry, document_id: int, file: Path, span: Span, action: str, reason: str
) -> AlignmentEvent:
    return AlignmentEvent(
        document_id=document_id,
        start=span.start,
        end=span.end,
        label=span.label,
        action=action,
        reason=reason,
        source=str(file),
        line=item.entry.line,
    )
