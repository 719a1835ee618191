"""What an entry of a file must be before it is stored: its text, its spans, its labels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import Entry
from spanloop.recipes.formats.overlaps import part_overlaps
from spanloop.recipes.formats.writable import unwritable
from spanloop.recipes.table import counted
from spanloop.store.records import Span
from spanloop.store.tables.label_names import find

Overlaps = Literal["error", "ledger"]
As = Literal["auto", "documents", "predictions", "annotations"]


@dataclass(frozen=True, slots=True)
class CheckedEntry:
    """An entry that may be stored: spans inside the text, apart, of known labels; ``refused``: those that are
    not, each with its reason. ``spans`` None: only the document is stored."""

    entry: Entry
    spans: tuple[Span, ...] | None
    refused: tuple[tuple[Span, str], ...] = ()

    @property
    def overlaps(self) -> bool:
        """Whether spans of it share characters."""
        return any(reason == "overlap" for _, reason in self.refused)

    @property
    def conflicts(self) -> bool:
        """Whether spans of it are set apart: what is left is not the whole truth."""
        return bool(self.entry.refused) or self.overlaps

    @property
    def usable(self) -> bool:
        """Spans that overlap cannot be gold; an answer that is none (reject, ignore) counts all the same."""
        return self.entry.answer != "accept" or not self.conflicts


@dataclass(frozen=True, slots=True)
class EntryChecks:
    """The checks of one file's entries; every FormatError names the file and the line.

    ``labels`` are those of the project in ``db``, ``spoken`` those that the file is said to speak of (None:
    all).
    """

    file: Path
    db: Path
    labels: Collection[str]
    as_: As
    overlaps: Overlaps
    spoken: Collection[str] | None = None

    def check(self, entry: Entry) -> CheckedEntry:
        """The entry with its spans sorted, and the overlapping ones set apart. FormatError for what cannot
        be."""
        wrong = unwritable(entry)
        if wrong is not None:
            raise FormatError(self.file, entry.line, wrong)
        if entry.spans is None or self.as_ == "documents":
            if entry.spans is None and self.as_ in ("annotations", "predictions"):
                raise FormatError(self.file, entry.line, f'no "spans" here, and --as {self.as_} needs them')
            return CheckedEntry(entry, None)
        self._refuse_outside_the_text(entry)
        entry = self._composed(entry)
        checked = CheckedEntry(entry, *part_overlaps(entry.spans or ()))
        if checked.overlaps and self.overlaps == "error":
            self._refuse_overlap(checked)
        return checked

    def _composed(self, entry: Entry) -> Entry:
        """The entry with the project's spelling of labels whose letters are composed otherwise."""
        strange = {span.label for span in (*(entry.spans or ()), *entry.negatives)} - set(self.labels)
        known = {name: meant for name in strange if (meant := find(name, self.labels)) is not None}
        if not known:
            return entry
        spans, negatives = (
            tuple(replace(span, label=known.get(span.label, span.label)) for span in given)
            for given in (entry.spans or (), entry.negatives)
        )
        return replace(entry, spans=spans, negatives=negatives)

    def refuse_unknown_labels(self, checked: Sequence[CheckedEntry]) -> None:
        """FormatError that names every label of these entries that the project has not."""
        unknown: dict[str, int | None] = {}
        for item in checked:
            for span in (*(item.spans or ()), *item.entry.negatives):
                if span.label not in self.labels:
                    unknown.setdefault(span.label, item.entry.line)
        if unknown:
            name, line = next(iter(unknown.items()))
            others = f" (further unknown ones: {', '.join(list(unknown)[1:])})" if len(unknown) > 1 else ""
            raise FormatError(
                self.file,
                line,
                f"the label {name!r} is not one of this project's{others}; "
                f"add it with: spanloop labels {self.db} add {_quoted(name)}",
            )
        self._refuse_unspoken(checked)

    def _refuse_unspoken(self, checked: Sequence[CheckedEntry]) -> None:
        """FormatError for a span with a label that the file is said not to speak of."""
        if self.spoken is None:
            return
        for item in checked:
            for span in item.spans or ():
                if span.label not in self.spoken:
                    raise FormatError(
                        self.file,
                        item.entry.line,
                        f"the span {span.start}-{span.end} has the label {span.label!r}, which --labels "
                        f"{','.join(self.spoken)} does not name: name it there too",
                    )

    def _refuse_outside_the_text(self, entry: Entry) -> None:
        for span in (*(entry.spans or ()), *entry.negatives):
            if not 0 <= span.start < span.end <= len(entry.text):
                raise FormatError(
                    self.file,
                    entry.line,
                    f"the span {span.start}-{span.end} {span.label!r} does not lie inside the text of "
                    f"{counted(len(entry.text), 'character')}",
                )

    def _refuse_overlap(self, item: CheckedEntry) -> None:
        spans = [span for span, reason in item.refused if reason == "overlap"]
        one, other = (f"{span.start}-{span.end} {span.label!r}" for span in spans[:2])
        raise FormatError(
            self.file,
            item.entry.line,
            f"the spans {one} and {other} overlap: mend them, or keep such documents without gold and their "
            "spans in the ledger with --overlaps ledger",
        )


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f'"{name}"'
