"""Write what the project knows to a file: gold, predictions or every document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.chosen import Choice, What
from spanloop.recipes.formats.carrying import WORDS, Uncarried
from spanloop.recipes.formats.conllu_writing import words_of
from spanloop.recipes.formats.entry import ORIGINALS, Entry, Format, WriteOptions, Writer
from spanloop.recipes.formats.registry import by_name, by_suffix
from spanloop.recipes.formats.tagged import find_tokens
from spanloop.recipes.report import Count, Report
from spanloop.recipes.suggest.refusal import Refusal, Refused, refusals_text
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.files.atomic import file_meant, is_output, is_stream, whole_file, whole_folder
from spanloop.store.records import Range, Split

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
    uncarried: dict[str, Count]
    """Documents of which the format cannot hold something, by what that is."""
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
        if self.uncarried:
            said = ", ".join(
                f"{WORDS[name]} ({number:,})" for name, number in self.uncarried.items() if name in WORDS
            )
            lines.append(f"not in the file, for {self.format} cannot hold it (of so many documents): {said}")
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
    labels: Sequence[str] | None = None,
    flagged: bool = False,
    annotator: str | None = None,
    since: str | None = None,
    tagged: str | None = None,
    tokens: Tokens = "project",
    overwrite: bool = False,
) -> Exported:
    """Write a file, or the folder of a format that is one, streaming; it appears only when it is whole.

    Args:
        db: The project.
        file: The file; ``-``: standard output.
        format: Its format by name; None: by its suffix. `export_project` writes the whole project.
        what: Documents with gold; everybody's newest answers, an entry each; documents with a prediction of
            the promoted round (else of the newest model); or all, where documents without gold stand
            without spans.
        split: Only this split.
        labels: Only documents with a span of one of these labels; all of their spans are written.
        flagged: Only documents on which a flag stands.
        annotator: Only documents that this person has answered; of answers only theirs.
        since: Only what was answered at this moment or later, ISO 8601, UTC where it names no zone; of all
            documents also those that came since.
        tagged: The gold of this named version, see `tag_version`; None: of this moment.
        tokens: In a format of tokens those of the project's tokenizer, or the words of the file that a
            document came in with (CoNLL-U).
        overwrite: Replace the file if it is there; a folder only where nothing but such an export is in it.

    Returns:
        What was written.

    Raises:
        RecipeError: There is nothing to write, or the file cannot be written.
    """
    path = file_meant(file)
    fmt = by_suffix(Path(file)) if format is None else by_name(format)
    write = _writer(fmt, file, overwrite)
    chosen = Choice(what, split, tuple(labels or ()), flagged, annotator, since, tagged)
    uncarried = Uncarried(fmt.carries)
    with Store.open(db) as store, store.reading():
        choice = chosen.check(store)
        with whole_file(path) if fmt.folder is None else whole_folder(path, replace=overwrite) as part:
            refused: list[Refusal] = []
            entries = _fitted(store, choice.entries(store), fmt, refused, tokens)
            written = write(part, uncarried.passing(entries), _options(store, choice))
            if not written.documents:
                raise RecipeError(refusals_text(refused) if refused else choice.nothing(db))
    told = {str(name): number for name, number in uncarried.documents.items()}
    return Exported(path, fmt.name, what, **asdict(written), uncarried=told, refused=tuple(refused))


def _fitted(
    store: Store, entries: Iterator[Entry], fmt: Format, refused: list[Refusal], tokens: Tokens
) -> Iterator[Entry]:
    """The entries with what the format wants beside them: the lines that they came in as, and tokens."""
    if fmt.originals or tokens == "file":
        entries = _with_originals(store, entries)
    return _with_tokens(store, entries, refused, tokens) if fmt.needs_tokens else entries


def _writer(fmt: Format, file: str | Path, overwrite: bool) -> Writer:
    """What writes the file, once it is sure that it may."""
    path = file_meant(file)
    if fmt.write is None:
        raise RecipeError(f"the format {fmt.name} can be read but not written")
    if fmt.folder is not None and path.exists() and not overwrite:
        raise RecipeError(f"{path} is there already: another name, or --overwrite")
    if fmt.folder is not None and path.exists() and (other := _not_of_an_export(fmt, path)):
        raise RecipeError(
            f"{path} is no earlier export to {fmt.name} ({other}) and is not replaced: take another name"
        )
    if fmt.binary and str(file) == "-":
        raise RecipeError(f"{fmt.name} is no text for standard output: name a file in the place of -")
    if path.exists() and not overwrite and not is_stream(path):
        raise RecipeError(f"{path} is there already: another name, or --overwrite")
    if not path.parent.is_dir():
        raise RecipeError(f"there is no folder {path.parent}: make it first, or name another")
    return fmt.write


def _not_of_an_export(fmt: Format, path: Path) -> str | None:
    """What tells that a folder is no export to this format; None where it is one, or empty."""
    if not path.is_dir() or path.is_symlink():
        return "it is no folder"
    files = sorted(found.relative_to(path).as_posix() for found in path.rglob("*") if not found.is_dir())
    if files and fmt.written[0] not in files:
        return f"there is no {fmt.written[0]}"
    for file in files:  # "*" of fnmatch goes into folders too
        if not any(fnmatch(file, name) and file.count("/") == name.count("/") for name in fmt.written):
            return f"{file} is in it"
    return None


def _options(store: Store, choice: Choice) -> WriteOptions:
    return WriteOptions(task=store.project.task, labels=tuple(choice.names(store)))


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
