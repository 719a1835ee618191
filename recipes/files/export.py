"""Write what the project knows to a file: gold, predictions or every document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.conllu_writing import words_of
from spanloop.recipes.formats.entry import ORIGINALS, Entry, Format, WriteOptions, Writer
from spanloop.recipes.formats.registry import by_name, by_suffix
from spanloop.recipes.formats.tagged import find_tokens
from spanloop.recipes.report import Count, Report
from spanloop.recipes.suggest.refusal import Refusal, Refused, refusals_text
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.files.atomic import file_meant, is_output, is_stream, whole_file
from spanloop.store.records import Document, Gold, Prediction, Range, Span, Split

What = Literal["gold", "predictions", "all"]
Tokens = Literal["project", "file"]


@dataclass(frozen=True, slots=True)
class Exported(Report):
    """A file that was written."""

    path: Path
    """The file."""
    format: str
    """Its format."""
    what: What
    """What was written."""
    documents: Count
    """Documents in the file."""
    spans: Count
    """Spans in the file."""
    tokens_cut: Count
    """Tokens that were cut in two, because a span begins or ends inside."""
    spans_lost: Count
    """Spans over nothing but whitespace, which the format cannot carry."""
    columns_lost: Count
    """Documents whose words are not those that they came in with, so that columns which name other words
    (heads) were left out."""
    partial: Count
    """Documents looked at in part, where the format cannot say so."""
    refused: tuple[Refusal, ...]
    """Documents that the tokenizer cannot cut, which a format of tokens leaves out."""

    @property
    def aside(self) -> bool:
        """Whether standard output has the documents, so that nothing else may be said there."""
        return is_output(self.path)

    def text(self) -> str:
        lines = [
            f"{self.path}: {counted(self.documents, 'document')} with {counted(self.spans, 'span')} "
            f"({self.what}, {self.format})"
        ]
        if self.tokens_cut:
            lines.append(
                f"{counted(self.tokens_cut, 'token')} cut in two, because a span begins or ends inside"
            )
        if self.spans_lost:
            lines.append(f"{counted(self.spans_lost, 'span')} over nothing but whitespace left out")
        if self.columns_lost:
            lines.append(
                f"{counted(self.columns_lost, 'document')} without the heads that came in, because the words "
                "are other ones: --tokens file writes those of the file"
            )
        if self.partial:
            lines.append(
                f"{counted(self.partial, 'document')} looked at in part only, which {self.format} cannot "
                "say: the rest of them reads as empty; jsonl says it"
            )
        if self.refused:
            lines.append(refusals_text(self.refused))
        return "\n".join(lines)


def export(
    db: str | Path,
    file: str | Path,
    *,
    format: str | None = None,
    what: What = "gold",
    split: Split | None = None,
    flagged: bool = False,
    tagged: str | None = None,
    tokens: Tokens = "project",
    overwrite: bool = False,
) -> Exported:
    """Write a file, streaming; it appears only when it is whole.

    Args:
        db: The project.
        file: The file; ``-``: standard output.
        format: Its format by name; None: by its suffix. `export_project` writes the whole project.
        what: Documents with gold; those with a prediction of the promoted round (else of the newest model);
            or all, where documents without gold stand without spans.
        split: Only this split.
        flagged: Only documents on which a flag stands.
        tagged: The gold of this named version, see `tag_version`; None: of this moment.
        tokens: In a format of tokens those of the project's tokenizer, or the words of the file that a
            document came in with (CoNLL-U).
        overwrite: Replace the file if it is there.

    Returns:
        What was written.

    Raises:
        RecipeError: There is nothing to write, or the file cannot be written.
    """
    path = file_meant(file)
    if tagged is not None and what != "gold":
        raise RecipeError("--tagged is about gold: leave --what out")
    fmt = by_suffix(Path(file)) if format is None else by_name(format)
    write = _writer(fmt, file, overwrite)
    with Store.open(db) as store, store.reading(), whole_file(path) as part:
        partial: list[str] = []
        refused: list[Refusal] = []
        entries = _entries(store, what, split) if tagged is None else _tagged(store, tagged, split)
        entries = _noting(_flagged(store, entries) if flagged else entries, partial)
        if fmt.originals or tokens == "file":
            entries = _with_originals(store, entries)
        if fmt.needs_tokens:
            entries = _with_tokens(store, entries, refused, tokens)
        written = write(part, entries, _options(store))
        if not written.documents:
            raise RecipeError(refusals_text(refused) if refused else _nothing(db, what, split, flagged))
    unsaid = 0 if fmt.ranges else len(partial)
    return Exported(
        path=path,
        format=fmt.name,
        what=what,
        **asdict(written),
        partial=unsaid,
        refused=tuple(refused),
    )


def _writer(fmt: Format, file: str | Path, overwrite: bool) -> Writer:
    """What writes the file, once it is sure that it may."""
    path = file_meant(file)
    if fmt.write is None:
        raise RecipeError(f"the format {fmt.name} can be read but not written")
    if fmt.binary and str(file) == "-":
        raise RecipeError(f"{fmt.name} is no text for standard output: name a file in the place of -")
    if path.exists() and not overwrite and not is_stream(path):
        raise RecipeError(f"{path} is there already: another name, or --overwrite")
    if not path.parent.is_dir():
        raise RecipeError(f"there is no folder {path.parent}: make it first, or name another")
    return fmt.write


def _options(store: Store) -> WriteOptions:
    return WriteOptions(task=store.project.task, labels=tuple(store.labels.names()))


def _noting(entries: Iterator[Entry], partial: list[str]) -> Iterator[Entry]:
    """The entries as they pass, the keys of those looked at in part noted."""
    for entry in entries:
        if entry.ranges is not None:
            partial.append(entry.key or "")
        yield entry


def _flagged(store: Store, entries: Iterator[Entry]) -> Iterator[Entry]:
    """Those of the entries on whose document a flag stands."""
    ids = sorted({flag.document_id for flag in store.listing.flags()})
    keys = {document.key for document in store.documents.fetch(ids)}
    return (replace(entry, flagged=True) for entry in entries if entry.key in keys)


def _nothing(db: str | Path, what: What, split: Split | None, flagged: bool) -> str:
    where = f" in the {split} split" if split else ""
    advice = {
        "gold": f"annotate with: spanloop correct {db}",
        "predictions": f"make them with: spanloop prelabel {db}",
        "all": f"import some with: spanloop import {db} FILE",
    }
    noun = {"gold": "gold", "predictions": "predictions", "all": "documents"}[what]
    if flagged:
        also = "" if what == "all" else "; --what all takes those without as well"
        return f"there are no flagged {noun}{where}: the key f of the page flags a document{also}"
    return f"there are no {noun}{where} to export yet; {advice[what]}"


def _entries(store: Store, what: What, split: Split | None) -> Iterator[Entry]:
    if what == "gold":
        names = store.labels.names()
        yield from (_of_gold(gold, names) for gold in store.annotations.gold(split=split))
    elif what == "predictions":
        readings = store.labels.readings()
        for document in store.documents.iterate(split=split):
            prediction = store.predictions.get(document.id, names=readings)
            if prediction is not None:
                yield replace(_entry(document, prediction.spans), predicted_by=_name(store, prediction))
    else:
        golds = store.annotations.gold(split=split)  # in the order of the documents, as they are
        gold, names = next(golds, None), store.labels.names()
        for document in store.documents.iterate(split=split):
            if gold is None or gold.document.id != document.id:
                yield _entry(document, None)
            else:
                yield _of_gold(gold, names)
                gold = next(golds, None)


def _tagged(store: Store, version: str, split: Split | None) -> Iterator[Entry]:
    """The gold of a version, in the order of the documents."""
    golds = sorted(store.versions.gold(version), key=lambda gold: gold.document.id)
    labels = store.versions.labels(version)
    names = [label.name for label_id, label in labels.items() if label.reads_as == label_id]
    return (_of_gold(gold, names) for gold in golds if split in (None, gold.document.split))


def _entry(document: Document, spans: tuple[Span, ...] | None) -> Entry:
    return Entry(
        text=document.text,
        key=document.key,
        group=document.group,
        split=document.split,
        meta=document.meta,
        spans=spans,
    )


def _name(store: Store, prediction: Prediction) -> str | None:
    model = store.models.get(prediction.model_id)
    return None if model is None else model.name


def _of_gold(gold: Gold, names: Sequence[str]) -> Entry:
    """Refused suggestions matter where only they and their like were looked at, and where they are of a label
    that the document does not know; else the spans say all. ``names``: the labels in use
    then."""
    entry = _entry(gold.document, gold.spans)
    if gold.ranges is not None:
        entry = replace(entry, ranges=gold.ranges, negatives=gold.negatives)
    if not gold.unknown:
        return entry
    known = tuple(name for name in names if name not in gold.unknown)
    refused = tuple(span for span in gold.negatives if span.label in gold.unknown)
    return replace(entry, labels=known, negatives=entry.negatives or refused)


def _with_originals(store: Store, entries: Iterator[Entry]) -> Iterator[Entry]:
    """The entries with the lines that they came in as, where such are kept."""
    for entry in entries:
        document = store.documents.by_key(entry.key or "")
        body = None if document is None else store.originals.get(document.id, ORIGINALS)
        yield entry if body is None else replace(entry, original=body)


def _with_tokens(
    store: Store, entries: Iterator[Entry], refused: list[Refusal], wanted: Tokens
) -> Iterator[Entry]:
    """The entries with the characters of their tokens: the words of their file where these are wanted and
    known; else stored ones, else cut by the project's tokenizer. What that refuses is noted and left out."""
    tokenizer: Callable[[str], Sequence[Range]] | None = None
    for entry in entries:
        if wanted == "file" and entry.original is not None:
            yield replace(entry, tokens=tuple(find_tokens(entry.text, words_of(entry.original))))
            continue
        document = store.documents.by_key(entry.key or "")
        tokens = None if document is None else store.tokenizations.get(document.id)
        if tokens is None:
            if tokenizer is None:
                from spanloop.recipes.suggest.pipelines import (
                    project_tokenizer,  # spaCy, only where it is needed
                )

                tokenizer = project_tokenizer(store.project)
            try:
                tokens = list(tokenizer(entry.text))
            except Refused as error:
                refused.append(Refusal(entry.key or "", error.by, str(error)))
                continue
        yield replace(entry, tokens=tuple(tokens))
