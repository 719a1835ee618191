"""What alignment did to a span, as a row of the ledger. Offsets are those of ``records``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AlignmentEvent:
    """A span that could not stay where it was meant: what it was, what was done, why."""

    document_id: int
    start: int
    end: int
    label: str
    action: str  # snapped, dropped, split, trimmed, conflict
    reason: str
    placed_start: int | None = None
    placed_end: int | None = None
    model_id: int | None = None
    annotation_id: int | None = None
    source: str | None = None  # import file
    line: int | None = None
    import_id: int | None = None
