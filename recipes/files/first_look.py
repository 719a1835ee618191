"""The first look at all files of an import: what is wrong with them is told before anything is stored.

Of each document that has an id of its own a few numbers are kept, about 120 bytes, and no text: Python's own
hashes, of 64 bits, which are keyed by chance for each process.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from pathlib import Path

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.files.entry_checks import CheckedEntry
from spanloop.recipes.files.import_report import ImportReport
from spanloop.recipes.project.labels import refuse_tags
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.tables.label_names import check_new_name

SHOWN = 20  # unknown labels that a message names


@dataclass(slots=True)
class _Unknown:
    file: Path
    line: int | None
    spans: int = 0


@dataclass(slots=True)
class FirstLook:
    """What the files say that the project has not, and what they say twice."""

    store: Store
    report: ImportReport
    refuse_other_text: bool
    labels: frozenset[str]
    unknown: dict[str, _Unknown] = field(default_factory=dict)
    _places: dict[int, int] = field(default_factory=dict)  # by the hash of an id: its place in the arrays
    _lines: array[int] = field(default_factory=lambda: array("q"))
    _texts: array[int] = field(default_factory=lambda: array("q"))
    _said: array[int] = field(default_factory=lambda: array("q"))
    _file: Path | None = None

    def note(self, file: Path, item: CheckedEntry) -> None:
        """Look at the next document. FormatError where its id stood before, in this file, with another
        text."""
        for span in (*(item.spans or ()), *item.negatives):
            if span.label not in self.labels:
                found = self.unknown.setdefault(span.label, _Unknown(file, item.entry.line))
                found.spans += 1
        if item.entry.key is not None and not item.entry.continues:
            self._note_key(file, item)

    def _note_key(self, file: Path, item: CheckedEntry) -> None:
        entry = item.entry
        if file is not self._file and file != self._file:
            self._places, self._file = {}, file
            self._lines, self._texts, self._said = array("q"), array("q"), array("q")
        key = hash(str(entry.key))
        text, said = hash(entry.text), hash((entry.annotator, item.spans, entry.answer))
        place = self._places.get(key)
        if place is None:
            self._places[key] = len(self._lines)
            self._lines.append(entry.line or 0)
            self._texts.append(text)
            self._said.append(said)
            return
        if self._texts[place] != text:
            if self.refuse_other_text:
                raise FormatError(
                    file,
                    entry.line,
                    f"the id {entry.key!r} stands on line {self._lines[place]} with another text: give one "
                    "of the two another id, or bring this one in under a key of its file with --on-conflict "
                    "new-key",
                )
        elif self._said[place] != said and item.spans is not None and entry.annotator is None:
            self.report.said_twice += 1
            if self.report.first_said_twice is None:
                self.report.first_said_twice = (
                    f"{file}, lines {self._lines[place]} and {entry.line}, id {entry.key!r}"
                )

    def new_labels(self, *, add: bool) -> list[str]:
        """The labels that the project has not, in the order of the files.

        Args:
            add: Whether they may be added.

        Returns:
            Their names, each one that a label can have.

        Raises:
            FormatError: There are some, and they may not be added.
            RecipeError: One cannot be the name of a label.
        """
        names = list(self.unknown)
        if not names:
            return []
        first = self.unknown[names[0]]
        if not add:
            told = ", ".join(
                f"{name!r} ({counted(self.unknown[name].spans, 'span')})" for name in names[:SHOWN]
            )
            more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
            what = "the label" if len(names) == 1 else "the labels"
            verb = "is" if len(names) == 1 else "are"
            raise FormatError(
                first.file,
                first.line,
                f"{what} {told}{more} {verb} not of this project: --add-labels adds what is new, "
                f"--only-labels takes some; or add by hand: spanloop labels {self.store.named} add "
                f"{_quoted(names[0])}",
            )
        known = [label.name for label in self.store.labels.all(retired=True)]
        refuse_tags(names, self.store.labels.names(), self.store.project.task)
        for number, name in enumerate(names):
            if name not in known:
                check_new_name(name, [*known, *names[:number]])
            else:
                raise RecipeError(
                    f"the label {name!r} is retired, and files use it: bring it back with "
                    f"`spanloop labels {self.store.named} add {name}`, or leave its spans out "
                    "with --only-labels"
                )
        return names


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f'"{name}"'
