"""Bring documents into the project, with the spans that the files know: all of an import or nothing."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import islice
from operator import ge
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from spanloop.recipes.files.entry_checks import As, Overlaps
from spanloop.recipes.files.file_names import described, names_of
from spanloop.recipes.files.first_look import FirstLook
from spanloop.recipes.files.fit import Fit
from spanloop.recipes.files.import_report import ImportReport
from spanloop.recipes.files.looked_at import LookedAt
from spanloop.recipes.files.manner import Manner, OnConflict
from spanloop.recipes.files.one_file import OneFile
from spanloop.recipes.files.project_file import refuse_whole_projects
from spanloop.recipes.files.seldom_collected import seldom_collected
from spanloop.recipes.files.spoken import spoken_labels
from spanloop.recipes.formats.counting import Kind
from spanloop.recipes.formats.entry import Notes, Unit
from spanloop.recipes.formats.sources import Source, kept_sources
from spanloop.recipes.progress import Progress, silent
from spanloop.store import Store, StoreError, StoreUnavailable
from spanloop.store.records import Split
from spanloop.store.tables.people import check_annotator

if TYPE_CHECKING:
    from spanloop.recipes.near_duplicates.at_import import Twins


def import_files(
    db: str | Path,
    files: Sequence[str | Path],
    *,
    format: str | None = None,
    split: Literal["auto", "pool", "eval"] = "auto",
    dev: Split = "pool",
    as_: As = "auto",
    annotator: str | None = None,
    only_labels: Sequence[str] | None = None,
    add_labels: bool = False,
    on_conflict: OnConflict = "error",
    overlaps: Overlaps | None = None,
    accept_overlaps: bool = False,
    accept_empty: bool = False,
    offsets: Kind = "codepoint",
    by: Unit | None = None,
    columns: Sequence[str] | None = None,
    tag_names: Sequence[str] | None = None,
    encoding: str | None = None,
    near_duplicates: bool = True,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Read all files, tell what is wrong with them, then store what they say: all of it or nothing.

    Args:
        db: The project file.
        files: Files, compressed ones, zips and folders of files; ``-`` is standard input.
        format: Their format by name; None: as each looks. A whole project comes in by `import_project`.
        split: Where documents go; ``auto``: as the file says (``train``, ``test``), else drawn by group.
        dev: Where the documents go that the file calls ``dev`` or ``validation``.
        as_: What spans are; ``auto``: answers, or what the file says; ``review``: the last word.
        annotator: Whose answers they are where the file names nobody; None: nobody's, below people's.
        only_labels: The labels to read, None: all; what a document has of others stays.
        add_labels: Whether labels that the project has not are added.
        on_conflict: A known key with another text is an error, is left out, or gets a new key.
        overlaps: Which of overlapping spans stay, to be confirmed; None: ``longest`` for other tools' files.
        accept_overlaps: What is left where spans overlap is gold without anybody who confirms it.
        accept_empty: So are documents without spans that, as the file is, nobody may have opened.
        offsets: How the files count them; spans that carry their own text tell it.
        by: What one document is, for plain text and CoNLL; None: as the format has it.
        columns: What columns are: ``token``, ``tag``, ``-``; ``text=NAME`` for CSV. None: as they look.
        tag_names: The tags that whole numbers stand for, from 0 on, where the file does not say.
        encoding: How the files are encoded; None: UTF-8, or what they declare by their first bytes.
        near_duplicates: Whether a text that nearly repeats another joins its group, where none is given.
        dry_run: Whether all of it is done on a copy of the project that is gone afterwards.
        progress: Called with how far it is.

    Returns:
        What became of documents and spans, and by whose word documents are gold. The same again adds nothing.

    Raises:
        RecipeError: A file cannot be read; as FormatError with file and line. Nothing is stored then.
    """
    refuse_whole_projects(db, files, format)
    return _import(db, files, dry_run, progress or silent, Manner(
        format, split, dev, as_, annotator, only_labels, add_labels, on_conflict, overlaps, accept_overlaps,
        accept_empty, offsets, by, columns, tag_names, encoding, near_duplicates,
    ))  # fmt: skip


def _import(
    db: str | Path, files: Sequence[str | Path], dry_run: bool, progress: Progress, manner: Manner
) -> ImportReport:
    if manner.annotator is not None:
        check_annotator(manner.annotator)
    notes = Notes()
    with Store.open(db) as store:
        if manner.only_labels is not None:
            manner = replace(manner, only_labels=spoken_labels(store, manner.only_labels))
        with kept_sources(files, format=manner.format, encoding=manner.encoding, notes=notes) as found:
            if not dry_run:
                return _bring_in(store, found, manner, notes, progress)
            with store.copied() as copy:
                report = _bring_in(copy, found, manner, notes, progress)
    report.dry_run, report.number = True, None
    return report


def _bring_in(
    store: Store, found: Sequence[Source], manner: Manner, notes: Notes, progress: Progress
) -> ImportReport:
    """Look at all files, then store what they say."""
    report, fit = ImportReport(), Fit(store)
    with store.importing(), seldom_collected(), LookedAt() as kept:
        cut_short = store.imports.unfinished()
        for one in cut_short:
            store.imports.take_back(one.id, error=one.error or "cut short")
        report.cut_short = tuple(one.id for one in cut_short)
        names = names_of([source.shown for source in found], store.imports.all())
        files = [
            OneFile(store, source, name, manner, notes, report, progress, fit, kept=kept)
            for source, name in zip(found, names, strict=True)
        ]
        in_use = frozenset(store.labels.names())
        first = FirstLook(store, report, manner.on_conflict == "error", in_use)
        for file in files:
            file.look(first)
        labels = first.new_labels(add=manner.add_labels)
        twins = _twins(store, progress) if manner.near_duplicates and manner.split == "auto" else None
        before = _splits(store)
        read = [described(one.path, one.shown, name) for one, name in zip(found, names, strict=True)]
        number = store.imports.begin(read, manner.said())
        with _WholeOrNothing(store, number), store.checkpoints.seldom():
            _add_labels(store, number, labels, report)
            for file in files:
                file.twins, file.import_id = twins, number
                if labels:  # they may change what a file means
                    file.kept = None
                file.run()
            report.notes = tuple(notes.lines())
            _conclude(store, number, files, fit, before, report)
    return report


@dataclass(frozen=True, slots=True)
class _WholeOrNothing(AbstractContextManager[None]):
    """Takes an import back where the block ends with an error, a stop by the keyboard among them."""

    store: Store
    number: int

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or value is None:
            return
        try:
            self.store.imports.take_back(self.number, error=str(value) or kind.__name__)
        except StoreError as error:  # such as the disk that is too full for what was to come in
            why = "; ".join(dict.fromkeys((_reason(value), _reason(error))))
            raise type(error)(
                f"{self.store.named}: import {self.number} ended half-way and could not be taken back"
                f" ({why}): what was there before is as it was; what is half in goes as soon as that is"
                f" mended, with the next spanloop import, or with spanloop check {self.store.named} --repair"
            ) from value


def _reason(error: BaseException) -> str:
    """Why, without the promise that nothing was stored, which each transaction makes of itself."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, StoreUnavailable):
        found = found.__cause__
    return str((found and found.__cause__) or error) or type(error).__name__


def _add_labels(store: Store, number: int, names: Sequence[str], report: ImportReport) -> None:
    if not names:
        return
    with store.write():
        ids = [store.labels.add(name).id for name in names]
        store.imports.added(number, ids)
    report.labels_added = tuple(names)


def _conclude(
    store: Store,
    number: int,
    files: Sequence[OneFile],
    fit: Fit,
    before: dict[str, int],
    report: ImportReport,
) -> None:
    """Count what is there now, and note that the import is whole."""
    after = _splits(store)
    report.splits = {name: after[name] - before[name] for name in after}
    report.language, report.misfit = fit.chosen, fit.misfit()
    report.look_at_draw(store)
    documents = array("q")
    for file in files:
        documents.extend(file.documents)
    if any(map(ge, documents, islice(documents, 1, None))):  # not each once, one behind the other
        documents = array("q", sorted(set(documents)))
    report.look_at_gold(store, documents, number)
    report.number = number
    store.imports.finish(number, report.json())


def _twins(store: Store, progress: Progress | None) -> Twins:
    from spanloop.recipes.near_duplicates.at_import import Twins

    return Twins(store, progress)


def _splits(store: Store) -> dict[str, int]:
    return {split: store.documents.count(split) for split in ("pool", "eval")}
