"""Between the plugin's values and the store's records: the two sides share no class. Offsets are code points
on both sides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from spanloop.plugin.alignment import values
from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.metrics.score import ScoreReport
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import Score, Span

if TYPE_CHECKING:
    pass


def store_spans(spans: Iterable[CharSpan]) -> tuple[Span, ...]:
    """Spans of the plugin as the store takes them, in text order."""
    return tuple(Span(span.start, span.end, span.label, span.score) for span in sorted(spans, key=_start))


def char_spans(spans: Iterable[Span]) -> tuple[CharSpan, ...]:
    """Spans of the store as the plugin takes them."""
    return tuple(CharSpan(span.start, span.end, span.label, span.score) for span in spans)


def _start(span: CharSpan) -> int:
    return span.start


def store_events(
    events: Iterable[values.AlignmentEvent],
    *,
    document_id: int,
    model_id: int | None = None,
    annotation_id: int | None = None,
) -> list[AlignmentEvent]:
    """What alignment did to spans, as rows of the ledger."""
    return [
        AlignmentEvent(
            document_id=document_id,
            start=event.start,
            end=event.end,
            label=event.label,
            action=event.action,
            reason=event.reason,
            placed_start=event.placed_start,
            placed_end=event.placed_end,
            model_id=model_id,
            annotation_id=annotation_id,
        )
        for event in events
    ]


def score_rows(report: ScoreReport, split: str) -> list[Score]:
    """Every figure of a report as a row of the store."""
    return [Score(**row) for row in report.rows(split)]
