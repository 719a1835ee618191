"""Spans of a file that are suggestions: what a model said, and what of an answer waits to be confirmed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spanloop.recipes.files.apart import said_otherwise
from spanloop.recipes.files.entry_checks import CheckedEntry
from spanloop.recipes.files.import_report import ImportReport
from spanloop.store import Store
from spanloop.store.records import Added, NewModel, Span

OTHERWISE = "the same model has said something else of this document already"

Places = list[tuple[int, int, str]]


@dataclass(frozen=True, slots=True)
class Suggested:
    """Stores them, one row of ``models`` a name, and counts them."""

    store: Store
    report: ImportReport
    file: Path
    import_id: int

    def add(self, name: str, items: Sequence[tuple[CheckedEntry, Added]], *, waits: bool) -> None:
        """Store what the file says by that name. A model says one thing of a document: what it says otherwise
        goes into the ledger.

        Args:
            name: The model, or whose answer it is that waits.
            items: The documents, each with its place in the store.
            waits: Whether they are answers that wait, and no predictions.
        """
        digest = hashlib.sha256(f"import\x1f{name}".encode()).hexdigest()
        model = self.store.models.add(NewModel(hash=digest, kind="import", name=name))
        rows: dict[int, tuple[int, Sequence[Span], dict[str, float]]] = {}
        for item, place in items:
            number, spans = place.document_id, item.spans or ()
            known = rows[number][1] if number in rows else self._stored(number, model.id)
            if known is None:
                rows[number] = (number, spans, {})
                self.report.count_suggested(item.entry, waits=waits)
            elif _places(known) != _places(spans):
                events = list(said_otherwise(item, number, self.file, OTHERWISE))
                events = [replace(event, import_id=self.import_id) for event in events]
                self.report.count_apart(len(events), new=self.store.ledger.add(events) > 0)
                continue
            self.report.count_stored(item, new=known is None)
        self.store.predictions.add(model.id, list(rows.values()), import_id=self.import_id)

    def _stored(self, document_id: int, model_id: int) -> Sequence[Span] | None:
        known = self.store.predictions.get(document_id, model_id)
        return None if known is None else known.spans


def _places(spans: Sequence[Span]) -> Places:
    return sorted((span.start, span.end, span.label) for span in spans)
