"""Bring documents into the project, with the spans that the files know. Twice the same file adds nothing."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spanloop.recipes.active_learning import strategies
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.entry_checks import As, CheckedEntry, EntryChecks, Overlaps
from spanloop.recipes.files.fit import Fit
from spanloop.recipes.files.import_report import ImportReport
from spanloop.recipes.files.project_file import refuse_whole_projects
from spanloop.recipes.files.spoken import known_labels, spoken_labels
from spanloop.recipes.formats.entry import ORIGINALS, Entry, ReadOptions, Unit
from spanloop.recipes.formats.sources import Source, sources
from spanloop.recipes.progress import Progress, silent
from spanloop.store import Store, StoreError
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import AnnotatedSpan, NewAnnotation, NewDocument, NewModel, Span, Split

if TYPE_CHECKING:
    from spanloop.recipes.near_duplicates.at_import import Twins

BATCH = 1_000
NAMESPACE = uuid.UUID("6f1c4d0e-7b0a-4c55-9a3f-0f4f2f2f9a51")


def import_files(
    db: str | Path,
    files: Sequence[str | Path],
    *,
    format: str | None = None,
    split: Literal["auto", "pool", "eval"] = "auto",
    as_: As = "auto",
    annotator: str = "import",
    labels: Sequence[str] | None = None,
    on_conflict: Literal["error", "skip"] = "error",
    overlaps: Overlaps | None = None,
    by: Unit | None = None,
    columns: Sequence[str] | None = None,
    tag_names: Sequence[str] | None = None,
    encoding: str | None = None,
    near_duplicates: bool = True,
    progress: Progress | None = None,
) -> ImportReport:
    """Import files in their order, 1,000 documents a transaction. The same file again adds nothing.

    Args:
        db: The project file.
        files: Files, compressed ones, zips and folders of files; ``-`` is standard input.
        format: Their format by name; None: as each looks. A whole project comes in by `import_project`.
        split: Where the documents go; ``auto``: as the file says, else by a hash of the group.
        as_: What spans are; ``auto``: annotations, or what the file says.
        annotator: Whose spans they are, where the file does not say. Their origin is then ``import``.
        labels: Those that the files speak of, None: all. Of others their annotations say nothing.
        on_conflict: What a known key with another text is: an error, or to be skipped.
        overlaps: Spans that share characters are an error, or go to the ledger while their document stays
            without gold; None: ``ledger`` for exports of other tools, ``error`` for formats of our own.
        by: What one document is, for plain text and CoNLL; None: as the format has it.
        columns: What columns are: ``token``, ``tag``, ``-``; ``text=NAME`` for CSV. None: as they look.
        tag_names: The tags that whole numbers stand for, from 0 on, where the file does not say.
        encoding: How the files are encoded; None: UTF-8, or what they declare by their first bytes.
        near_duplicates: Whether a new text that nearly repeats another (Jaccard 0.8 of three-token sequences,
            from 8 tokens up) joins its group and split. Not where a split is given.
        progress: Called with how far it is.

    Returns:
        What became of the documents and their spans.

    Raises:
        RecipeError: A file cannot be read; as FormatError it names file and line. The batches before are in.
    """
    refuse_whole_projects(db, files, format)
    report, show = ImportReport(), progress or silent
    with Store.open(db) as store:
        fit, before = Fit(store), _splits(store)
        how = ReadOptions(by=by, columns=columns, tag_names=tag_names)
        twins = _twins(store, progress) if near_duplicates and split == "auto" else None
        spoken = None if labels is None else spoken_labels(store, labels)
        for source in sources(files, format=format, encoding=encoding, notes=how.notes):
            path, allowed = source.shown, overlaps or ("ledger" if source.fmt.foreign else "error")
            _Import(
                store, path, split, as_, annotator, spoken, on_conflict, allowed, report, show, twins, fit
            ).run(source, how)
        _look_back(report, store, before, fit, how)
    return report


def _look_back(
    report: ImportReport, store: Store, before: dict[str, int], fit: Fit, how: ReadOptions
) -> None:
    """What can be said only when all files are in."""
    after = _splits(store)
    report.splits = {name: after[name] - before[name] for name in after}
    report.notes = tuple(how.notes.lines())
    report.language, report.misfit = fit.chosen, fit.misfit()
    report.look_at_draw(store)


def _twins(store: Store, progress: Progress | None) -> Twins:
    from spanloop.recipes.near_duplicates.at_import import Twins

    return Twins(store, progress)


def _splits(store: Store) -> dict[str, int]:
    return {split: store.documents.count(split) for split in ("pool", "eval")}


@dataclass(slots=True)
class _Import:
    """One file on its way into the store."""

    store: Store
    path: Path
    split: Literal["auto", "pool", "eval"]
    as_: As
    annotator: str
    spoken: tuple[str, ...] | None
    on_conflict: Literal["error", "skip"]
    overlaps: Overlaps
    report: ImportReport
    progress: Progress
    twins: Twins | None
    fit: Fit
    originals: bool = False
    occurrences: Counter[str] = field(default_factory=Counter)

    def run(self, source: Source, how: ReadOptions) -> None:
        self.originals = source.fmt.originals
        labels = self.store.labels.names()
        options = replace(how, task=self.store.project.task, labels=tuple(labels))
        entries = source.entries(options)
        checks = EntryChecks(self.path, self.store.named, set(labels), self.as_, self.overlaps, self.spoken)
        done = 0
        while batch := list(islice(entries, BATCH)):
            checked = [checks.check(entry) for entry in batch if entry.text.strip()]
            checks.refuse_unknown_labels(checked)
            self.fit.look(checked)
            self._store(checked)
            self.report.empty += len(batch) - len(checked)
            done += len(batch)
            self.progress(done, None, f"importing {self.path.name}")

    def _store(self, checked: Sequence[CheckedEntry]) -> None:
        with self.store.write():
            documents = [self._document(item.entry) for item in checked]
            alike, sketches = [False] * len(documents), list[bytes]()
            if self.twins is not None:
                documents, alike, sketches = self.twins.follow(documents)
            try:
                added = self.store.documents.add(
                    documents, on_conflict=self.on_conflict, occurrences=self.occurrences
                )
            except StoreError as error:
                raise RecipeError(f"{self.path}: {error}") from error
            if self.twins is not None:
                self.twins.keep([(p.document_id, s) for p, s in zip(added, sketches, strict=True) if p.new])
            for item, place, near in zip(checked, added, alike, strict=True):
                self.report.added += place.new
                self._count_drawn(item.entry, place.new)
                self.report.near_duplicates += place.new and near
                self.report.already_there += not place.new and not item.entry.continues
                if not place.new and not item.entry.continues and self.split != "auto":
                    stored = self.store.documents.get(place.document_id)
                    self.report.other_split += stored is not None and stored.split != self.split
                if item.spans is not None and not self._is_prediction(item) and item.usable:
                    self._annotate(item, place.document_id, place.key)
                self._note_refused(item, place.document_id)
            if self.originals:
                pairs = ((p.document_id, i.entry.original) for i, p in zip(checked, added, strict=True))
                self.store.originals.add(ORIGINALS, [(n, body) for n, body in pairs if body is not None])
            self._predict(checked, [(place.document_id, place.key) for place in added])

    def _count_drawn(self, entry: Entry, new: bool) -> None:
        """What is given a split is not drawn."""
        given = entry.split if self.split == "auto" else self.split
        self.report.drawn += new and given is None
        self.report.given_eval += new and given == "eval"

    def _is_prediction(self, item: CheckedEntry) -> bool:
        """Whether a model said it: the line itself decides unless ``--as`` does."""
        said = self.as_ == "auto" and item.entry.predicted_by is not None
        return item.spans is not None and (said or self.as_ == "predictions")

    def _document(self, entry: Entry) -> NewDocument:
        split: Split | None = entry.split if self.split == "auto" else self.split
        return NewDocument(text=entry.text, key=entry.key, meta=entry.meta, group=entry.group, split=split)

    def _annotate(self, item: CheckedEntry, document_id: int, key: str) -> None:
        entry = item.entry
        annotator = entry.annotator or self.annotator
        spans = tuple(AnnotatedSpan(span.start, span.end, span.label) for span in item.spans or ())
        refused = tuple(AnnotatedSpan(s.start, s.end, s.label, "rejected") for s in entry.negatives)
        known = known_labels(entry, self.store.labels.names(), self.spoken)
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
        self.report.kept += len(spans) if done.new and entry.answer == "accept" else 0

    def _predict(self, checked: Sequence[CheckedEntry], places: Sequence[tuple[int, str]]) -> None:
        """Store what models said, one row of ``models`` a name."""
        said: dict[str, list[tuple[CheckedEntry, int, str]]] = {}
        for item, (document_id, key) in zip(checked, places, strict=True):
            if self._is_prediction(item) and not item.conflicts:
                said.setdefault(item.entry.predicted_by or self.annotator, []).append(
                    (item, document_id, key)
                )
        for name, items in said.items():
            self._predict_by(name, items)

    def _predict_by(self, name: str, items: Sequence[tuple[CheckedEntry, int, str]]) -> None:
        digest = hashlib.sha256(f"import\x1f{name}".encode()).hexdigest()
        model = self.store.models.add(NewModel(hash=digest, kind="import", name=name))
        seed = self.store.project.seed
        rows = {
            document_id: (document_id, item.spans or (), {"random": strategies.random(seed, key)})
            for item, document_id, key in items
            if self.store.predictions.get(document_id, model.id) is None
        }
        self.store.predictions.add(model.id, list(rows.values()))
        self.report.predicted += len(rows)
        self.report.kept += sum(len(spans) for _, spans, _ in rows.values())

    def _note_refused(self, item: CheckedEntry, document_id: int) -> None:
        """Write the spans that could not be kept into the ledger, once however often the file is imported."""
        self.report.ledger += self.store.ledger.add(list(self._events(item, document_id)))
        self.report.moved += self.store.ledger.add(list(self._moves(item, document_id)))

    def _events(self, item: CheckedEntry, document_id: int) -> Iterator[AlignmentEvent]:
        for span, reason in item.refused:
            action = "conflict" if reason == "overlap" else "dropped"
            yield self._event(item, document_id, span, action, reason)
        for span, reason in item.entry.refused:
            yield self._event(item, document_id, span, "dropped", reason)

    def _moves(self, item: CheckedEntry, document_id: int) -> Iterator[AlignmentEvent]:
        for before, after, reason in item.entry.moved:
            event = self._event(item, document_id, before, "snapped", reason)
            yield replace(event, placed_start=after.start, placed_end=after.end)

    def _event(
        self, item: CheckedEntry, document_id: int, span: Span, action: str, reason: str
    ) -> AlignmentEvent:
        return AlignmentEvent(
            document_id=document_id,
            start=span.start,
            end=span.end,
            label=span.label,
            action=action,
            reason=reason,
            source=str(self.path),
            line=item.entry.line,
        )


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
