"""Send documents to the review queue: the worst of the last audit, and what people disagree on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

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


def review(db: str | Path, *, top: int | None = None, conflicts: bool = False) -> Sent:
    """Send the ``top`` documents that the last audit doubts most, and with ``conflicts`` all that people
    answered differently, to the review queue. Sending twice changes nothing. RecipeError where nothing was
    asked for, or no audit has been made."""
    if top is None and not conflicts:
        raise RecipeError("say what to review: --top 50 (of the last audit), or --conflicts")
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
        count = store.reviews.send(sent)
        return Sent(Path(db), count, store.reviews.waiting(), changed)


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
