"""One file on its way into the store, a batch of documents a transaction."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.files.apart import events_of, moves_of
from spanloop.recipes.files.entry_checks import As, CheckedEntry, EntryChecks, Overlaps
from spanloop.recipes.files.fit import Fit
from spanloop.recipes.files.import_report import ImportReport
from spanloop.recipes.files.offsets import Offsets
from spanloop.recipes.files.spoken import known_labels
from spanloop.recipes.files.suggested import Suggested
from spanloop.recipes.formats.counting import Kind
from spanloop.recipes.formats.entry import ORIGINALS, Entry, Format, Notes, ReadOptions
from spanloop.recipes.formats.sources import Source
from spanloop.recipes.formats.unread import unread_spans
from spanloop.recipes.progress import Progress
from spanloop.store import Store, StoreError
from spanloop.store.records import Added, AnnotatedSpan, NewAnnotation, NewDocument, Split
from spanloop.store.tables.free_keys import with_free_keys

if TYPE_CHECKING:
    from spanloop.recipes.near_duplicates.at_import import Twins

OnConflict = Literal["error", "skip", "new-key"]
BATCH = 1_000
NAMESPACE = uuid.UUID("6f1c4d0e-7b0a-4c55-9a3f-0f4f2f2f9a51")


@dataclass(frozen=True, slots=True)
class Manner:
    """How files are imported, as `import_files` was told; ``spoken``: the labels that they speak of."""

    split: Literal["auto", "pool", "eval"] = "auto"
    as_: As = "auto"
    annotator: str = "import"
    spoken: tuple[str, ...] | None = None
    on_conflict: OnConflict = "error"
    overlaps: Overlaps | None = None
    accept_overlaps: bool = False
    offsets: Kind = "codepoint"

    @property
    def counts_tokens(self) -> bool:
        """Whether offsets are numbers of tokens."""
        return self.offsets in ("token", "token-inclusive")

    def rule(self, fmt: Format) -> Overlaps:
        """Which of the spans that overlap stay, in a file of this format."""
        return self.overlaps or ("longest" if fmt.foreign or self.accept_overlaps else "error")


@dataclass(slots=True)
class OneFile:
    """One file on its way into the store."""

    store: Store
    path: Path
    manner: Manner
    report: ImportReport
    progress: Progress
    twins: Twins | None
    fit: Fit
    originals: bool = False
    occurrences: Counter[str] = field(default_factory=Counter)
    apart_now: set[int] = field(default_factory=set)

    def run(self, source: Source, how: ReadOptions) -> None:
        fmt, self.originals = source.fmt, source.fmt.originals
        labels = self.store.labels.names()
        how = replace(
            how, task=self.store.project.task, labels=tuple(labels), tokens=self.manner.counts_tokens
        )
        entries = source.entries(how)
        checks = EntryChecks(
            self.path,
            self.store.named,
            set(labels),
            self.manner.as_,
            self.manner.rule(fmt),
            self.manner.spoken,
            lenient=fmt.foreign,
            accept_overlaps=self.manner.accept_overlaps,
            offsets=self._offsets(source, how),
        )
        done = 0
        while batch := list(islice(entries, BATCH)):
            checked = [checks.check(entry) for entry in batch if entry.text.strip()]
            for entry in batch:
                for name in unread_spans(entry):
                    how.notes.add(f'{self.path}: "{name}" looks like spans and is not read, but kept as meta')
                if not entry.text.strip():
                    self.report.count_empty(entry, self.path)
            checks.refuse_unknown_labels(checked)
            self.fit.look(checked)
            self._store(checked)
            done += len(batch)
            self.progress(done, None, f"importing {self.path.name}")

    def _offsets(self, source: Source, how: ReadOptions) -> Offsets | None:
        """How the file counts them. FormatError for a way of counting in a format that leaves no choice."""
        kind, fmt = self.manner.offsets, source.fmt
        if fmt.offsets:
            again = partial(source.entries, replace(how, notes=Notes(), tokens=True))
            return Offsets(self.path, kind, again, lenient=fmt.foreign)
        if kind != "codepoint":
            raise FormatError(
                self.path, None, f"the format {fmt.name} leaves no choice: import it without --offsets"
            )
        return None

    def _store(self, checked: Sequence[CheckedEntry]) -> None:
        with self.store.write():
            documents = [self._document(item.entry) for item in checked]
            if self.manner.on_conflict == "new-key":
                documents = with_free_keys(self.store, documents, self.path.name)
            alike, sketches = [False] * len(documents), list[bytes]()
            if self.twins is not None:
                documents, alike, sketches = self.twins.follow(documents)
            try:
                skip: Literal["error", "skip"] = "skip" if self.manner.on_conflict == "skip" else "error"
                added = self.store.documents.add(documents, on_conflict=skip, occurrences=self.occurrences)
            except StoreError as error:
                raise RecipeError(f"{self.path}: {error}") from error
            if self.twins is not None:
                self.twins.keep([(p.document_id, s) for p, s in zip(added, sketches, strict=True) if p.new])
            for item, place, near in zip(checked, added, alike, strict=True):
                self._take(item, place, near)
            if self.originals:
                pairs = [(p, i.entry.original) for i, p in zip(checked, added, strict=True)]
                kept = [(p.document_id, body) for p, body in pairs if body is not None and not p.other_text]
                self.store.originals.add(ORIGINALS, kept)
            self._suggest(checked, added)

    def _take(self, item: CheckedEntry, place: Added, near: bool) -> None:
        """Count a document that is in the store now, and keep what was said of it."""
        if place.other_text:
            self.report.count_left_out(item.entry, self.path)
            return
        self.report.added += place.new
        self._count_drawn(item.entry, place.new)
        self.report.near_duplicates += place.new and near
        self.report.already_there += not place.new and not item.entry.continues
        if not place.new and not item.entry.continues and self.manner.split != "auto":
            stored = self.store.documents.get(place.document_id)
            self.report.other_split += stored is not None and stored.split != self.manner.split
        self.report.count_read(item)
        if item.spans is None:
            return
        if self._is_answer(item):
            self._annotate(item, place.document_id, place.key)
        self._note_apart(item, place)

    def _count_drawn(self, entry: Entry, new: bool) -> None:
        """What is given a split is not drawn."""
        given = entry.split if self.manner.split == "auto" else self.manner.split
        self.report.drawn += new and given is None
        self.report.given_eval += new and given == "eval"

    def _is_prediction(self, item: CheckedEntry) -> bool:
        """Whether a model said it: the line itself decides unless ``--as`` does."""
        said = self.manner.as_ == "auto" and item.entry.predicted_by is not None
        return item.spans is not None and (said or self.manner.as_ == "predictions")

    def _is_answer(self, item: CheckedEntry) -> bool:
        """Whether it is stored as what somebody says of the document."""
        return item.spans is not None and not self._is_prediction(item) and item.usable

    def _document(self, entry: Entry) -> NewDocument:
        split: Split | None = entry.split if self.manner.split == "auto" else self.manner.split
        return NewDocument(text=entry.text, key=entry.key, meta=entry.meta, group=entry.group, split=split)

    def _annotate(self, item: CheckedEntry, document_id: int, key: str) -> None:
        entry = item.entry
        annotator = entry.annotator or self.manner.annotator
        spans = tuple(AnnotatedSpan(span.start, span.end, span.label) for span in item.spans or ())
        refused = tuple(AnnotatedSpan(s.start, s.end, s.label, "rejected") for s in item.negatives)
        known = known_labels(entry, self.store.labels.names(), self.manner.spoken)
        done = self.store.annotations.add(
            NewAnnotation(
                uuid=_uuid(entry, annotator, key, spans, known),
                document_id=document_id,
                annotator=annotator,
                origin=entry.origin or ("import" if entry.annotator is None else "human"),
                answer=entry.answer,
                spans=(*spans, *refused),
                ranges=entry.ranges,
                created_at=entry.created_at,
                flagged=entry.flagged,
                comment=entry.comment,
                labels=known,
            )
        )
        self.report.annotated += done.new
        self.report.count_stored(item, new=done.new)
        self.report.count_negatives(item, new=done.new)

    def _suggest(self, checked: Sequence[CheckedEntry], places: Sequence[Added]) -> None:
        """Store what models said, one row of ``models`` a name, and what of an answer waits for somebody who
        confirms it."""
        said: dict[tuple[str, bool], list[tuple[CheckedEntry, Added]]] = {}
        for item, place in zip(checked, places, strict=True):
            if item.spans is None or place.other_text or self._is_answer(item):
                continue
            waits = not self._is_prediction(item)
            by = item.entry.annotator if waits else item.entry.predicted_by
            said.setdefault((by or self.manner.annotator, waits), []).append((item, place))
        for (name, waits), items in said.items():
            Suggested(self.store, self.report, self.path).add(name, items, waits=waits)

    def _note_apart(self, item: CheckedEntry, place: Added) -> None:
        """Write the spans that are not stored, and those that moved, into the ledger, once however often the
        file is imported."""
        answered = self._is_answer(item)
        apart = list(events_of(item, place.document_id, self.path, answered))
        if self.store.ledger.add(apart):
            self.apart_now.add(place.document_id)
        # two opinions on one line may set the same span apart: one row, and both are of this import
        self.report.count_apart(len(apart), new=place.document_id in self.apart_now)
        self.store.ledger.add(list(moves_of(item, place.document_id, self.path)))


def _uuid(
    entry: Entry,
    annotator: str,
    key: str,
    spans: Sequence[AnnotatedSpan],
    spoken: Sequence[str] | None,
) -> str:
    """Named by what was said, so that the same file imported twice says it once."""
    content: list[object] = [annotator, key, entry.answer, [(s.start, s.end, s.label) for s in spans]]
    negatives = [(s.start, s.end, s.label) for s in entry.negatives]
    further = [entry.origin, entry.ranges, negatives, entry.created_at, entry.flagged, entry.comment]
    if any(further):
        content += further
    if spoken is not None:
        content.append({"labels": sorted(spoken)})
    return str(uuid.uuid5(NAMESPACE, json.dumps(content)))
