"""Bring documents into the project, with the spans that the files know: all of an import or nothing."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from spanloop.recipes.files.entry_checks import As, Overlaps
from spanloop.recipes.files.file_names import described, names_of
from spanloop.recipes.files.first_look import FirstLook
from spanloop.recipes.files.fit import Fit
from spanloop.recipes.files.import_report import ImportReport
from spanloop.recipes.files.manner import Manner, OnConflict
from spanloop.recipes.files.one_file import OneFile
from spanloop.recipes.files.project_file import refuse_whole_projects
from spanloop.recipes.files.spoken import spoken_labels
from spanloop.recipes.formats.entry import Notes, Unit
from spanloop.recipes.formats.sources import Source, kept_sources
from spanloop.recipes.progress import Progress, silent
from spanloop.store import Store
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
    by: Unit | None = None,
    columns: Sequence[str] | None = None,
    tag_names: Sequence[str] | None = None,
    encoding: str | None = None,
    near_duplicates: bool = True,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Import files in their order. All of them are read first, and what is wrong is told before anything is
    stored; then they are stored, 1,000 documents a transaction. An error takes back what is stored by then.

    Args:
        db: The project file.
        files: Files, compressed ones, zips and folders of files; ``-`` is standard input.
        format: Their format by name; None: as each looks. A whole project comes in by `import_project`.
        split: Where the documents go; ``auto``: as the file says (``train`` is the pool, ``test`` is eval),
            else by a hash of the group.
        dev: Where the documents go that the file calls ``dev`` or ``validation``.
        as_: What spans are; ``auto``: answers, or what the file says. ``annotations``: answers whatever the
            file says, the newest of whoever gave them. ``review``: answers with the last word.
        annotator: Whose answers they are, where the file does not say: they count as this person's at the
            page do. None: answers of nobody, which stand below those of people; where people had said
            otherwise before, they are put beside theirs and the document is a conflict.
        only_labels: The labels whose spans are read, None: all. Of others the answers say nothing: what the
            same person, or else the gold, has of them stays.
        add_labels: Whether labels that the project has not are added.
        on_conflict: What a known key with another text is: an error, to be skipped with all that is said of
            it, or to come in under a new key that begins with the name of the file.
        overlaps: Which of the spans that share characters stay: ``longest``: the longest first, ties by
            start; ``none`` of them; ``error``: the file is refused. Those that go are in the ledger; those
            that stay are suggestions for whoever confirms the document. None: ``longest`` for exports of
            other tools, ``error`` for formats of our own.
        accept_overlaps: What is left where spans overlap is gold without anybody who confirms it.
        accept_empty: Documents that the file has no span for are gold too, where a tool writes that of
            documents that nobody opened.
        by: What one document is, for plain text and CoNLL; None: as the format has it.
        columns: What columns are: ``token``, ``tag``, ``-``; ``text=NAME`` for CSV. None: as they look.
        tag_names: The tags that whole numbers stand for, from 0 on, where the file does not say.
        encoding: How the files are encoded; None: UTF-8, or what they declare by their first bytes.
        near_duplicates: Whether a new text that nearly repeats another (Jaccard 0.8 of three-token sequences,
            from 8 tokens up) joins its group and split. Not where a split is given.
        dry_run: Whether all of it is done on a copy of the project that is gone afterwards.
        progress: Called with how far it is.

    Returns:
        What became of the documents and their spans, and how many are gold now by whose word. An answer that
        its giver has given last is not stored again, so the same file again adds nothing.

    Raises:
        RecipeError: A file cannot be read; as FormatError it names file and line. Nothing is stored then.
        StoreError: There is no such project, or nobody can be called so.
    """
    refuse_whole_projects(db, files, format)
    if annotator is not None:
        check_annotator(annotator)
    with Store.open(db) as store:
        manner = Manner(
            format, split, dev, as_, annotator,
            None if only_labels is None else spoken_labels(store, only_labels),
            add_labels, on_conflict, overlaps, accept_overlaps, accept_empty, by,
            None if columns is None else tuple(columns), None if tag_names is None else tuple(tag_names),
            encoding, near_duplicates,
        )  # fmt: skip
        notes = Notes()
        with kept_sources(files, format=format, encoding=encoding, notes=notes) as found:
            if not dry_run:
                return _bring_in(store, found, manner, notes, progress or silent)
            with store.copied() as copy:
                report = _bring_in(copy, found, manner, notes, progress or silent)
        report.dry_run, report.number = True, None
        return report


def _bring_in(
    store: Store, found: Sequence[Source], manner: Manner, notes: Notes, progress: Progress
) -> ImportReport:
    """Look at all files, then store what they say."""
    report, fit = ImportReport(), Fit(store)
    with store.importing():
        cut_short = store.imports.unfinished()
        for one in cut_short:
            store.imports.take_back(one.id, error=one.error or "cut short")
        report.cut_short = tuple(one.id for one in cut_short)
        names = names_of([source.shown for source in found], store.imports.all())
        files = [
            OneFile(store, source, name, manner, notes, report, progress, fit)
            for source, name in zip(found, names, strict=True)
        ]
        first = FirstLook(store, report, refuse_other_text=manner.on_conflict == "error")
        for file in files:
            file.look(first)
        labels = first.new_labels(add=manner.add_labels)
        twins = _twins(store, progress) if manner.near_duplicates and manner.split == "auto" else None
        before = _splits(store)
        read = [described(one.path, one.shown, name) for one, name in zip(found, names, strict=True)]
        number = store.imports.begin(read, manner.said())
        with _WholeOrNothing(store, number):
            _add_labels(store, number, labels, report)
            for file in files:
                file.twins, file.import_id = twins, number
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
        if kind is not None:
            self.store.imports.take_back(self.number, error=str(value) or kind.__name__)


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
    documents = array("q", sorted({number for file in files for number in file.documents}))
    report.look_at_gold(store, documents, number)
    report.number = number
    store.imports.finish(number, report.json())


def _twins(store: Store, progress: Progress | None) -> Twins:
    from spanloop.recipes.near_duplicates.at_import import Twins

    return Twins(store, progress)


def _splits(store: Store) -> dict[str, int]:
    return {split: store.documents.count(split) for split in ("pool", "eval")}
