"""Send documents to the review queue: the worst of the last audit, what people disagree on or flagged, and
what was annotated before a label was there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.quality.audit import Doubt, kept_doubts
from spanloop.recipes.report import UNTOLD, Count, Report
from spanloop.recipes.table import counted
from spanloop.store import Store

PLACES = 3
"""Places that the reason of a document names; the others are counted."""


@dataclass(frozen=True, slots=True)
class Sent(Report):
    """What was sent to the review queue."""

    path: Path = field(metadata=UNTOLD)
    sent: Count
    """Documents that were sent."""
    waiting: Count
    """Documents that wait for review now."""
    changed: Count
    """Documents that are other than the audit saw them, and were left alone."""

    def text(self) -> str:
        lines = [
            f"{counted(self.sent, 'document')} sent, {counted(self.waiting, 'document')} waiting for review"
        ]
        if self.changed:
            lines.append(f"{counted(self.changed, 'document')} changed since the audit and left alone")
        if self.waiting:
            lines.append(f"Next: spanloop correct {self.path} --review")
        return "\n".join(lines)


def review(
    db: str | Path,
    *,
    top: FromOne | None = None,
    conflicts: bool = False,
    flagged: bool = False,
    unknown_label: str | None = None,
) -> Sent:
    """Send documents to the review queue; sending twice changes nothing.

    Args:
        db: The project.
        top: So many documents that the last audit doubts most.
        conflicts: All that people answered differently.
        flagged: All on which a flag stands.
        unknown_label: A label; all gold documents that were annotated before it was there, those first in
            which the newest model is surest of it.

    Returns:
        How many were sent, and how many wait now.

    Raises:
        RecipeError: Nothing was asked for, or no audit has been made.
        StoreError: There is no such label.
    """
    if top is None and not conflicts and not flagged and unknown_label is None:
        raise RecipeError(
            "say what to review: --top 50 (of the last audit), --conflicts, --flagged or "
            "--unknown-label LABEL"
        )
    with Store.open(db) as store, store.write():
        sent, changed = [], 0
        if top is not None:
            worst = _by_document(kept_doubts(store))[:top]
            for doubts in worst:
                first = doubts[0]
                if store.reviews.standing(first.document_id) == first.annotation_id:
                    sent.append((first.document_id, _reason(doubts), first.doubt))
                else:
                    changed += 1
        if conflicts:
            sent += [(i, f"disagreement between {names}", 1.0) for i, names in store.reviews.conflicts()]
        if flagged:
            sent += [(i, reason, 1.0) for i, reason in _flags(store)]
        if unknown_label is not None:
            reason = f"annotated before {unknown_label!r} was there"
            sent += [(i, reason, score) for i, score in store.label_sets.without(unknown_label)]
        count = store.reviews.send(_together(sent))
        return Sent(Path(db), count, store.reviews.waiting(), changed)


def _flags(store: Store) -> list[tuple[int, str]]:
    """Each flagged document, with who flagged it and what they said."""
    return [
        (flag.document_id, f"flagged by {flag.annotator}" + (f": {flag.comment}" if flag.comment else ""))
        for flag in store.listing.flags()
    ]


def _together(sent: list[tuple[int, str, float]]) -> list[tuple[int, str, float]]:
    """Each document once, with all its reasons and the highest of its priorities."""
    found: dict[int, tuple[str, float]] = {}
    for document_id, reason, priority in sent:
        before, most = found.get(document_id, ("", priority))
        found[document_id] = (f"{before}; {reason}" if before else reason, max(most, priority))
    return [(document_id, reason, priority) for document_id, (reason, priority) in found.items()]


def _by_document(doubts: tuple[Doubt, ...]) -> list[list[Doubt]]:
    """The doubts of each document, worst first, the document with the worst doubt first."""
    found: dict[int, list[Doubt]] = {}
    for doubt in doubts:
        found.setdefault(doubt.document_id, []).append(doubt)
    return list(found.values())


def _reason(doubts: list[Doubt]) -> str:
    named = "; ".join(doubt.reason() for doubt in doubts[:PLACES])
    more = len(doubts) - PLACES
    return f"{named}; and {counted(more, 'more place')}" if more > 0 else named
