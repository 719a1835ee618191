"""One file on its way into the store, a batch of documents a transaction."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.files.answers import NOBODY, Answers
from spanloop.recipes.files.apart import events_of, moves_of
from spanloop.recipes.files.entry_checks import CheckedEntry, EntryChecks
from spanloop.recipes.files.first_look import FirstLook
from spanloop.recipes.files.fit import Fit
from spanloop.recipes.files.import_report import ImportReport
from spanloop.recipes.files.looked_at import LookedAt
from spanloop.recipes.files.manner import Manner
from spanloop.recipes.files.offsets import Offsets
from spanloop.recipes.files.suggested import Suggested
from spanloop.recipes.formats.entry import ORIGINALS, Entry, Notes, ReadOptions
from spanloop.recipes.formats.sources import Source
from spanloop.recipes.formats.unread import unread_spans
from spanloop.recipes.progress import Progress
from spanloop.store import Store, StoreError
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import Added, NewDocument, Split
from spanloop.store.tables.free_keys import with_free_keys

if TYPE_CHECKING:
    from spanloop.recipes.near_duplicates.at_import import Twins

BATCH = 10_000
"""Documents of one transaction. The pages of the indices that it changes are written once each, so many small
ones write several times as much; people at the page wait for it two tenths of a second."""
ANSWERED = 4_000
"""The same where there are spans to store as well, which takes three times as long."""


@dataclass(slots=True)
class OneFile:
    """One file on its way into the store; ``called`` is its name in the keys and groups of its documents."""

    store: Store
    source: Source
    called: str
    manner: Manner
    notes: Notes
    report: ImportReport
    progress: Progress
    fit: Fit
    twins: Twins | None = None
    import_id: int = 0
    documents: array[int] = field(default_factory=lambda: array("q"))
    occurrences: Counter[str] = field(default_factory=Counter)
    apart_now: set[int] = field(default_factory=set)
    kept: LookedAt | None = None
    pieces: list[int] = field(default_factory=list)
    seen: Notes = field(default_factory=Notes)

    @property
    def _given(self) -> Split | None:
        """The split that all of its documents are given, whatever it says itself."""
        return None if self.manner.split == "auto" else self.manner.split

    @property
    def path(self) -> Path:
        """What messages and the ledger call it."""
        return self.source.shown

    def look(self, first: FirstLook) -> None:
        """Read it and store nothing: what is wrong with it is a FormatError now."""
        done = 0
        for items in self._entries(self.seen):
            for item in items:
                if item.entry.text.strip():
                    first.note(self.path, item)
            place = None if self.kept is None else self.kept.keep(items)
            if place is None:
                self.kept = None
            else:
                self.pieces.append(place)
            done += len(items)
            self.progress(done, None, f"looking at {self.path.name}")

    def run(self) -> None:
        """Store what it says: as it was looked at, or where that is not kept, read and checked again."""
        answers, done = self._answers(), 0
        if self.kept is None:
            found = self._entries(self.notes)
        else:
            found = map(self.kept.piece, self.pieces)
            for note, times in self.seen.said.items():
                self.notes.add(note, times)
        for items in found:
            checked = [item for item in items if item.entry.text.strip()]
            for item in items if len(checked) < len(items) else ():
                if not item.entry.text.strip():
                    self.report.count_empty(item.entry, self.path)
            with self.store.write():
                before = self.fit.chosen
                self.fit.look(checked)
                if self.fit.chosen != before:
                    self.store.imports.chose(self.import_id, self.fit.given)
            size = BATCH if all(item.spans is None for item in checked) else ANSWERED
            for first in range(0, len(checked), size):
                self._store(checked[first : first + size], answers)
            done += len(items)
            self.progress(done, None, f"importing {self.path.name}")

    def _entries(self, notes: Notes) -> Iterator[list[CheckedEntry]]:
        """Its documents as they were checked, a batch at a time; those without text as they are."""
        checks, entries = self._checks(), self._read(notes)
        while batch := list(islice(entries, BATCH)):
            for entry in batch:
                for name in unread_spans(entry):
                    notes.add(f'{self.path}: "{name}" looks like spans and is not read, but kept as meta')
            yield [
                checks.check(entry) if entry.text.strip() else CheckedEntry(entry, None) for entry in batch
            ]

    def _read(self, notes: Notes, *, tokens: bool = False) -> Iterator[Entry]:
        options = ReadOptions(
            task=self.store.project.task,
            by=self.manner.by,
            labels=tuple(self.store.labels.names()),
            columns=self.manner.columns,
            tag_names=self.manner.tag_names,
            tokens=tokens or self.manner.counts_tokens,
            notes=notes,
            called=self.called,
        )
        return self.source.entries(options)

    def _checks(self) -> EntryChecks:
        return EntryChecks(
            self.path,
            self.store.labels.names(),
            self.store.labels.meanings(),
            self.manner,
            self.manner.rule(self.source.fmt),
            lenient=self.source.fmt.foreign,
            offsets=self._offsets(),
        )

    def _offsets(self) -> Offsets | None:
        """How the file counts them. FormatError for a way of counting in a format that leaves no choice."""
        kind, fmt = self.manner.offsets, self.source.fmt
        if fmt.offsets:
            again = partial(self._read, Notes(), tokens=True)
            return Offsets(self.path, kind, again, lenient=fmt.foreign)
        if kind != "codepoint":
            raise FormatError(
                self.path, None, f"the format {fmt.name} leaves no choice: import it without --offsets"
            )
        return None

    def _answers(self) -> Answers:
        manner = self.manner
        return Answers(
            self.store,
            self.path,
            manner.as_,
            manner.annotator,
            manner.only_labels,
            manner.accept_overlaps,
            self.import_id,
            self.store.labels.meanings(),
            self.report,
        )

    def _store(self, checked: Sequence[CheckedEntry], answers: Answers) -> None:
        # others wait for the lock, which only a look for free keys needs
        coming = None if self.manner.on_conflict == "new-key" else self._coming(checked)
        # what a power cut may take of an import that is not finished goes anyway
        with self.store.write(durable=False, one_piece=True):
            documents, alike, sketches = coming or self._coming(checked)
            try:
                skip: Literal["error", "skip"] = "skip" if self.manner.on_conflict == "skip" else "error"
                added = self.store.documents.add(
                    documents,
                    on_conflict=skip,
                    occurrences=self.occurrences,
                    import_id=self.import_id,
                    answers=lambda places: answers.first(
                        [(i, p) for i, p in zip(checked, places, strict=True) if p.new and self._is_answer(i)]
                    ),
                )
            except StoreError as error:
                raise RecipeError(f"{self.path}: {error}") from error
            if self.twins is not None:
                self.twins.keep([(p.document_id, s) for p, s in zip(added, sketches, strict=True) if p.new])
            self._take_all(checked, added, alike, answers)
            if self.source.fmt.originals:
                pairs = [(p, i.entry.original) for i, p in zip(checked, added, strict=True)]
                kept = [(p.document_id, body) for p, body in pairs if body is not None and not p.other_text]
                self.store.originals.add(ORIGINALS, kept)
            self._suggest(checked, added)

    def _coming(self, checked: Sequence[CheckedEntry]) -> tuple[list[NewDocument], list[bool], list[bytes]]:
        """The documents as they are to be stored, which of them nearly repeat another one, and their
        sketches."""
        entries, given = [item.entry for item in checked], self._given
        documents = [NewDocument(e.text, e.key, e.meta, e.group, given or e.split) for e in entries]
        if self.manner.on_conflict == "new-key":
            documents = with_free_keys(self.store, documents, self.called)
        if self.twins is None:
            return documents, [False] * len(documents), []
        return self.twins.follow(documents)

    def _take_all(
        self,
        checked: Sequence[CheckedEntry],
        added: Sequence[Added],
        alike: Sequence[bool],
        answers: Answers,
    ) -> None:
        """Count the documents that are in the store now, and keep what was said of them."""
        bare = twins = 0
        given: Counter[Split | None] = Counter()
        for item, place, near in zip(checked, added, alike, strict=True):
            if not place.new or not item.bare:
                self._take(item, place, near, answers)
                continue
            self.documents.append(place.document_id)
            bare, twins = bare + 1, twins + near
            given[self._given or item.entry.split] += 1
        self.report.added += bare
        self.report.near_duplicates += twins
        self.report.drawn += given[None]
        self.report.given_eval += given["eval"]

    def _take(self, item: CheckedEntry, place: Added, near: bool, answers: Answers) -> None:
        """Count a document that is in the store now, and keep what was said of it."""
        if place.other_text:
            self.report.count_left_out(item.entry, self.path)
            return
        if not item.entry.continues:
            self.documents.append(place.document_id)
        self.report.added += place.new
        self.report.unopened += item.unopened
        given = self._given or item.entry.split
        self.report.drawn += place.new and given is None  # what is given a split is not drawn
        self.report.given_eval += place.new and given == "eval"
        self.report.near_duplicates += place.new and near
        self.report.already_there += not place.new and not item.entry.continues
        if not place.new and not item.entry.continues and self.manner.split != "auto":
            stored = self.store.documents.get(place.document_id)
            self.report.other_split += stored is not None and stored.split != self.manner.split
        self.report.count_read(item)
        if item.spans is None:
            return
        if not place.new and self._is_answer(item):
            answers.add(item, place)
        if item.refused or item.negatives or item.moved:
            self._note_apart(item, place)

    def _is_prediction(self, item: CheckedEntry) -> bool:
        """Whether a model said it: the line itself decides unless ``--as`` does."""
        said = self.manner.as_ == "auto" and item.entry.predicted_by is not None
        return item.spans is not None and (said or self.manner.as_ == "predictions")

    def _is_answer(self, item: CheckedEntry) -> bool:
        """Whether it is stored as what somebody says of the document."""
        return item.spans is not None and not self._is_prediction(item) and item.usable

    def _suggest(self, checked: Sequence[CheckedEntry], places: Sequence[Added]) -> None:
        """Store what models said, one row of ``models`` a name, and what of an answer waits for somebody who
        confirms it."""
        said: dict[tuple[str, bool], list[tuple[CheckedEntry, Added]]] = {}
        for item, place in zip(checked, places, strict=True):
            if item.spans is None or place.other_text or self._is_answer(item):
                continue
            waits = not self._is_prediction(item)
            entry = item.entry
            if waits and not item.unopened and (entry.flagged or entry.comment or entry.ranges is not None):
                what = "flags, comments and parts looked at are not kept of answers that wait to be confirmed"
                self.notes.add(f"{self.path}: {what}")
            by = item.entry.annotator if waits else item.entry.predicted_by
            said.setdefault((by or self.manner.annotator or NOBODY, waits), []).append((item, place))
        for (name, waits), items in said.items():
            Suggested(self.store, self.report, self.path, self.import_id).add(name, items, waits=waits)

    def _note_apart(self, item: CheckedEntry, place: Added) -> None:
        """Write the spans that are not stored, and those that moved, into the ledger, once however often the
        file is imported."""
        answered = self._is_answer(item)
        apart = self._of_this(events_of(item, place.document_id, self.path, answered))
        if self.store.ledger.add(apart):
            self.apart_now.add(place.document_id)
        # two opinions on one line may set the same span apart: one row, and both are of this import
        self.report.count_apart(len(apart), new=place.document_id in self.apart_now)
        self.store.ledger.add(self._of_this(moves_of(item, place.document_id, self.path)))

    def _of_this(self, events: Iterable[AlignmentEvent]) -> list[AlignmentEvent]:
        return [replace(event, import_id=self.import_id) for event in events]
