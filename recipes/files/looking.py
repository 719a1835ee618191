"""What a project of some files would be: format, labels, task and language, looked at and not stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from spanloop.plugin.tagging.reading import detect
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.entry import Notes, ReadOptions
from spanloop.recipes.formats.how_read import HowRead
from spanloop.recipes.formats.sources import Source
from spanloop.recipes.formats.unpacked import STANDARD_INPUT
from spanloop.recipes.languages import Guess, Unit
from spanloop.recipes.languages import guess as guess_language
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report, Shape
from spanloop.recipes.table import counted
from spanloop.store.records import Task

SAMPLE = 200
"""Documents of each file by which task and language are guessed."""
ALL_TAGGED = 0.9
"""From this share of the letters on, each word has a tag of its own."""
SHOWN_LABELS = 12


@dataclass(frozen=True, slots=True)
class FileGuess(Shape):
    """What is in one file."""

    file: str
    """Its name; of a packed file with the name inside."""
    format: str
    """The format that it is read as."""
    documents: Count
    """Documents with text."""
    spans: Count
    """Spans, or words with a tag."""


@dataclass(frozen=True, slots=True)
class Guessed(Report):
    """What a project of these files would be; nothing is stored yet."""

    path: Path
    """The project file that would be made."""
    files: tuple[FileGuess, ...]
    """The files, one after the other."""
    task: str
    """Spans, or one tag a token."""
    labels: dict[str, Count]
    """The labels, and how many spans of the files have each."""
    lang: str | None
    """The language whose tokenizer would cut the texts; null where a pipeline does."""
    unit: Unit
    """What the model gives one tag."""
    language: str | None
    """The line that says how the language was chosen; null where it was given."""
    notes: tuple[str, ...]
    """What was guessed in a file, or is in it and was not read."""
    exit_code: int = field(default=3, metadata={"exclude": True})

    def text(self) -> str:
        return f"{self.found()}\nNothing is stored yet: the same command with --yes makes this project."

    def found(self) -> str:
        """What was found, without what to do next."""
        lines = [
            f"{file.file}: {counted(file.documents, 'document')} with {counted(file.spans, 'span')}, "
            f"read as {file.format} (--format says it otherwise)"
            for file in self.files
        ]
        names = sorted(self.labels, key=lambda name: -self.labels[name])
        shown = ", ".join(f"{name} ({self.labels[name]:,})" for name in names[:SHOWN_LABELS])
        more = f" and {len(names) - SHOWN_LABELS} more" if len(names) > SHOWN_LABELS else ""
        what = "one tag a token" if self.task == "tags" else "spans of text"
        lines += [f"task: {self.task}, {what} (--task)", f"labels: {shown}{more} (--labels)"]
        if self.language is not None:
            lines.append(f"{self.language} (--lang)")
        return "\n".join([*lines, *self.notes])


def look_at_files(
    db: str | Path,
    files: Sequence[str | Path],
    *,
    labels: Sequence[str] | None = None,
    task: Task | None = None,
    lang: str | None = None,
    nlp: str | None = None,
    unit: Unit | None = None,
    reading: HowRead | None = None,
    progress: Progress | None = None,
) -> Guessed:
    """Say what a project of these files would be, and store nothing. The files are read whole.

    Args:
        db: The project file that would be made; it must not be there.
        files: The files, as `import_files` takes them; not standard input, which can be read once.
        labels: The labels, in their order; None: those of the files, the most frequent first.
        task: ``spans`` or ``tags``; None: tags where each word of the first documents has a tag of its own.
        lang: The language of the texts; None, without ``nlp``: by the script of the texts.
        nlp: Instead of a language a spaCy pipeline, by name or folder.
        unit: What the model gives one tag; None: as suits the language.
        reading: How the files are read; None: as each looks.
        progress: Called with how far it is.

    Returns:
        The guess.

    Raises:
        RecipeError: The project is there already, a file cannot be read, or there is no label to be found.
    """
    if Path(db).exists():
        raise RecipeError(f"{db} exists already: choose another name, or: spanloop import {db} FILE")
    if not files:
        raise RecipeError("name the files that the project begins with: --from FILE")
    if any(Path(file) == STANDARD_INPUT for file in files):
        raise RecipeError("--from reads its files twice, standard input can be read once: save it to a file")
    found = _Look(reading or HowRead(), files)
    chosen: Task = task or found.task()
    found.count(chosen, progress or silent)
    names = {name: found.labels[name] for name in labels} if labels else dict(found.labels.most_common())
    if not names:
        raise RecipeError("no span of the files has a label: name the labels with --labels PER,ORG")
    guess = guess_language(found.texts) if lang is None and nlp is None else None
    return Guessed(
        path=Path(db),
        files=tuple(found.files),
        task=chosen,
        labels=names,
        lang=lang if guess is None else guess.lang,
        unit=unit or _unit(guess, chosen),
        language=None if guess is None else guess.text(),
        notes=tuple(found.notes.lines()),
    )


def _unit(guess: Guess | None, task: Task) -> Unit:
    return "token" if guess is None or task == "tags" else guess.unit


@dataclass(slots=True)
class _Look:
    """What is found in files, read twice: the first documents for the task, then all of them."""

    how: HowRead
    given: Sequence[str | Path]
    notes: Notes = field(default_factory=Notes)
    files: list[FileGuess] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)

    def task(self) -> Task:
        """Tags where nearly all letters of the first documents are in words with a tag of their own."""
        options = self.how.options("tags", Notes())
        letters = tagged = 0
        labels: set[str] = set()
        for source in self._sources(options):
            for entry in islice(source.entries(options), SAMPLE):
                letters += sum(map(len, entry.text.split()))
                for span in entry.spans or ():
                    word = entry.text[span.start : span.end]
                    tagged += len(word) if word.split() == [word] else 0
                    labels.add(span.label)
        return "tags" if tagged and tagged >= ALL_TAGGED * letters and detect(labels) == "plain" else "spans"

    def count(self, task: Task, progress: Progress) -> None:
        """Read all of it."""
        options = self.how.options(task, self.notes)
        done = 0
        for source in self._sources(options):
            documents = spans = 0
            for entry in source.entries(options):
                done += 1
                if not entry.text.strip():
                    continue
                documents += not entry.continues
                found = [*(entry.spans or ()), *entry.negatives, *(span for span, _ in entry.refused)]
                spans += len(entry.spans or ())
                self.labels.update(span.label for span in found)
                if documents <= SAMPLE:
                    self.texts.append(entry.text)
                if done % 1_000 == 0:
                    progress(done, None, f"looking at {source.shown.name}")
            self.files.append(FileGuess(str(source.shown), source.fmt.name, documents, spans))

    def _sources(self, options: ReadOptions) -> Iterator[Source]:
        return self.how.sources(self.given, options.notes)
