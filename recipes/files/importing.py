"""Bring documents into the project, with the spans that the files know. Twice the same file adds nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spanloop.recipes.files.entry_checks import As, Overlaps
from spanloop.recipes.files.fit import Fit
from spanloop.recipes.files.import_report import ImportReport
from spanloop.recipes.files.one_file import Manner, OnConflict, OneFile
from spanloop.recipes.files.project_file import refuse_whole_projects
from spanloop.recipes.files.spoken import spoken_labels
from spanloop.recipes.formats.counting import Kind
from spanloop.recipes.formats.entry import ReadOptions, Unit
from spanloop.recipes.formats.sources import Source, sources
from spanloop.recipes.progress import Progress, silent
from spanloop.store import Store

if TYPE_CHECKING:
    from spanloop.recipes.near_duplicates.at_import import Twins


def import_files(
    db: str | Path,
    files: Sequence[str | Path],
    *,
    format: str | None = None,
    split: Literal["auto", "pool", "eval"] = "auto",
    as_: As = "auto",
    annotator: str = "import",
    labels: Sequence[str] | None = None,
    on_conflict: OnConflict = "error",
    overlaps: Overlaps | None = None,
    accept_overlaps: bool = False,
    offsets: Kind = "codepoint",
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
        on_conflict: What a known key with another text is: an error, to be skipped with all that is said of
            it, or to come in under a new key that begins with the name of the file.
        overlaps: Which of the spans that share characters stay, as suggestions for whoever confirms the
            document: the ``longest``, ``none``, or ``error``: the file is refused. None: ``longest`` for
            exports of other tools, ``error`` for formats of our own.
        accept_overlaps: What is left where spans overlap is gold without anybody who confirms it.
        offsets: How the files count them; spans that carry their own text tell it.
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
        RecipeError: A file cannot be read; as FormatError it names file and line. The batches before it are
            stored, and a second run goes on from there.
    """
    refuse_whole_projects(db, files, format)
    with Store.open(db) as store:
        spoken = None if labels is None else spoken_labels(store, labels)
        manner = Manner(split, as_, annotator, spoken, on_conflict, overlaps, accept_overlaps, offsets)
        how = ReadOptions(by=by, columns=columns, tag_names=tag_names)
        found = sources(files, format=format, encoding=encoding, notes=how.notes)
        twins = _twins(store, progress) if near_duplicates and split == "auto" else None
        return _bring_in(store, found, how, manner, twins, progress or silent)


def _bring_in(
    store: Store,
    found: Iterable[Source],
    how: ReadOptions,
    manner: Manner,
    twins: Twins | None,
    progress: Progress,
) -> ImportReport:
    """Import one file after the other."""
    report, fit, before = ImportReport(), Fit(store), _splits(store)
    for source in found:
        OneFile(store, source.shown, manner, report, progress, twins, fit).run(source, how)
    after = _splits(store)
    report.splits = {name: after[name] - before[name] for name in after}
    report.language, report.misfit = fit.chosen, fit.misfit()
    report.notes = tuple(how.notes.lines())
    report.look_at_draw(store)
    return report


def _twins(store: Store, progress: Progress | None) -> Twins:
    from spanloop.recipes.near_duplicates.at_import import Twins

    return Twins(store, progress)


def _splits(store: Store) -> dict[str, int]:
    return {split: store.documents.count(split) for split in ("pool", "eval")}
