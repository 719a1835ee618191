"""How files are read, where they do not say it themselves: one shape for whoever reads files for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.formats.counting import Kind
from spanloop.recipes.formats.entry import Notes, ReadOptions, Unit
from spanloop.recipes.formats.sources import Source, sources
from spanloop.store.records import Task


@dataclass(frozen=True, slots=True)
class HowRead:
    """How files are read, as `import_files` takes it.

    Attributes:
        format: Their format by name; None: as each looks.
        by: What one document is, for plain text and CoNLL.
        columns: What the columns of a table are.
        tag_names: The tags that whole numbers stand for.
        encoding: How they are encoded; None: UTF-8, or what they declare.
        offsets: How they count the offsets of their spans, where these are stored.
    """

    format: str | None = None
    by: Unit | None = None
    columns: Sequence[str] | None = None
    tag_names: Sequence[str] | None = None
    encoding: str | None = None
    offsets: Kind = "codepoint"

    def options(self, task: Task, notes: Notes | None = None) -> ReadOptions:
        """The same for a reader, which tells ``notes`` what it guesses."""
        return ReadOptions(
            task, self.by, columns=self.columns, tag_names=self.tag_names, notes=notes or Notes()
        )

    def sources(self, files: Iterable[str | Path], notes: Notes | None = None) -> Iterator[Source]:
        """The files behind these names, see `spanloop.recipes.formats.sources.sources`."""
        return sources(files, format=self.format, encoding=self.encoding, notes=notes)
