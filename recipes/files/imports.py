"""The imports of a project: listed, and taken back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report, Shape
from spanloop.recipes.table import counted, table
from spanloop.store import Store
from spanloop.store.tables.imports import Import

STATES = {
    "running": "runs, or was cut short",
    "leaving": "half taken back",
    "undone": "taken back",
    "done": "",
}


@dataclass(frozen=True, slots=True)
class ImportedFile(Shape):
    """A file that an import read."""

    path: str
    """Where it lay."""
    called: str
    """What it is called in the keys and groups of its documents."""
    bytes: Count
    """Its size."""
    sha256: str
    """Its hash."""


@dataclass(frozen=True, slots=True)
class ImportRow(Shape):
    """One import."""

    number: Count
    """Its number."""
    state: str
    """`done`, `undone` (taken back), or of one that was cut short `running` or `leaving`."""
    files: tuple[ImportedFile, ...]
    """The files, as they were then."""
    options: dict[str, Any]
    """The options that were given."""
    counts: dict[str, Any]
    """What its report said."""
    started_at: str
    """When it began, UTC, ISO 8601."""
    finished_at: str | None
    """When it was whole; null where it was not."""
    undone_at: str | None
    """When it was taken back; null where it was not."""
    error: str | None
    """Why it was cut short; null where it was not."""

    @classmethod
    def of(cls, one: Import) -> ImportRow:
        files = tuple(ImportedFile(f.path, f.called, f.bytes, f.sha256) for f in one.files)
        return cls(
            one.id, one.state, files, dict(one.options), dict(one.counts), one.started_at, one.finished_at,
            one.undone_at, one.error,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Imports(Report):
    """The imports of a project."""

    imports: tuple[ImportRow, ...]
    """Every import, the oldest first."""

    def text(self) -> str:
        if not self.imports:
            return "no import yet; bring documents in with: spanloop import DB FILE"
        rows = [
            (
                f"{one.number}",
                one.started_at,
                f"{one.counts.get('added', 0):,}",
                f"{one.counts.get('annotated', 0):,}",
                ", ".join(Path(file.path).name for file in one.files),
                STATES[one.state] + (f" ({one.error})" if one.error else ""),
            )
            for one in self.imports
        ]
        return table(("import", "begun at", "documents", "answers", "files", ""), rows, right=[0, 2, 3])


@dataclass(frozen=True, slots=True)
class Undone(Report):
    """What taking an import back did."""

    number: Count
    """The import."""
    documents: Count
    """Documents that went."""
    annotations: Count
    """Answers that went."""
    predictions: Count
    """Suggestions of the files that went."""
    ledger: Count
    """Rows of the ledger that went."""
    labels: tuple[str, ...]
    """Labels that it had added and that went."""
    labels_kept: tuple[str, ...]
    """Labels that it had added and that stay, since something else knows them."""
    stayed: dict[str, Count]
    """Documents that stay, by the reason."""
    withdrawn: Count
    """Answers that stay, since a round was trained on them or a version has them, and count no more."""

    def text(self) -> str:
        lines = [
            f"import {self.number} is taken back: {counted(self.documents, 'document')} and "
            f"{counted(self.annotations, 'answer')} went"
        ]
        rest = {
            "suggestions of the files went": self.predictions,
            "rows of the ledger went": self.ledger,
            "answers stay for the rounds and versions that have them, and count no more": self.withdrawn,
        }
        lines += [f"{number:,} {what}" for what, number in rest.items() if number]
        lines += [f"{counted(number, 'document')} stay: {why}" for why, number in self.stayed.items()]
        for names, what in ((self.labels, "went"), (self.labels_kept, "stay, since something else has them")):
            if names:
                lines.append(f"labels that it had added and that {what}: {', '.join(names)}")
        return "\n".join(lines)


def list_imports(db: str | Path) -> Imports:
    """The imports of a project.

    Args:
        db: The project file.

    Returns:
        Every import, the oldest first.

    Raises:
        StoreError: There is no such project.
    """
    with Store.open(db) as store:
        return Imports(tuple(map(ImportRow.of, store.imports.all())))


def undo_import(db: str | Path, number: int, *, progress: Progress | None = None) -> Undone:
    """Take an import back: its documents where nobody has answered them, its answers, its suggestions.

    Args:
        db: The project file.
        number: The import.
        progress: Called with how far it is.

    Returns:
        What went, and what stays and why. What stays because somebody is working on it goes when the same
        is asked again later.

    Raises:
        StoreError: There is no such project or import.
    """
    show = progress or silent
    with Store.open(db) as store, store.importing():
        total = store.imports.get(number).counts.get("added")
        done = store.imports.take_back(
            number, progress=lambda looked_at: show(looked_at, total, f"taking import {number} back")
        )
    return Undone(
        number, done.documents, done.annotations, done.predictions, done.ledger, tuple(done.labels),
        tuple(done.labels_kept), done.stayed, done.withdrawn,
    )  # fmt: skip
