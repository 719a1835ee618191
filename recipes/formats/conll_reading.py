"""Sentences of rows as entries, whatever file they stand in: columns of CoNLL, or words with bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from spanloop.plugin.tagging.reading import Reading, read_tags
from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.conll_columns import Columns, columns_said, guess, is_tag
from spanloop.recipes.formats.conll_rows import Sentence
from spanloop.recipes.formats.entry import Entry, ReadOptions
from spanloop.recipes.formats.tagged import join_tokens, spans_of_tags
from spanloop.store.records import Span

Sentences = Callable[[], Iterator[Sentence]]


@dataclass(frozen=True, slots=True)
class _File:
    """What holds for all of a file: its columns, what the tags of each mean, whether it marks documents."""

    path: Path
    columns: Columns
    readings: tuple[Reading, ...]
    has_documents: bool


def read_rows(path: Path, options: ReadOptions, width: int, sentences: Sentences) -> Iterator[Entry]:
    """One entry a sentence, or a document where ``options.by`` says so.

    Args:
        path: The file, for names and messages.
        options: How to read.
        width: Columns of every row.
        sentences: Reads the file from its beginning; it is asked several times, since what the tags mean, all
            of them together, must be known first.

    Yields:
        Texts that are their tokens joined by a space, sentences by a line end. Where the file marks
        documents, they are the groups.

    Raises:
        FormatError: No column can be the tokens, or what ``options`` say does not fit.
    """
    unit = options.by or "sentence"
    if unit not in ("sentence", "document"):
        raise FormatError(path, None, f"CoNLL has no {unit}s: --by sentence or document")
    file = _survey(path, options, width, sentences)
    if unit == "sentence":
        for sentence in sentences():
            yield _entry(file, [sentence], options)
        return
    for _, several in groupby(sentences(), key=attrgetter("document")):
        yield _entry(file, list(several), options)


def _survey(path: Path, options: ReadOptions, width: int, sentences: Sentences) -> _File:
    """A first pass through the file. FormatError where no column can be the tokens."""
    columns = _columns(path, width, options, sentences)
    tags: list[dict[str, None]] = [{} for _ in columns.tags]
    further: dict[int, int] = {}
    has_documents = False
    for sentence in sentences():
        has_documents = has_documents or sentence.document > 0
        for seen, column in zip(tags, columns.tags, strict=True):
            seen.update((row[column], None) for row in sentence.rows)
        for column in range(width):
            if column not in (columns.token, *columns.tags):
                tagged = sum(is_tag(row[column]) for row in sentence.rows)
                further[column] = further.get(column, 0) + tagged
    if options.columns is None and (width > 2 or columns.token):
        options.notes.add(_told(path, columns, width, further))
    readings = tuple(read_tags(sorted(seen), of_model=False) for seen in tags)
    return _File(path, columns, readings, has_documents)


def _columns(path: Path, width: int, options: ReadOptions, sentences: Sentences) -> Columns:
    if options.columns is not None:
        return columns_said(path, options.columns, width)
    labels = options.labels if options.task == "tags" else ()
    found = guess((sentence.rows for sentence in sentences()), width, labels)
    if found is None:
        raise FormatError(
            path,
            None,
            "its tokens would be nothing but numbers: say what each column is, e.g. --columns -,token,tag",
        )
    return found


def _told(path: Path, columns: Columns, width: int, further: dict[int, int]) -> str:
    said = f"{path.name}: the {width} columns are read as {columns.spelled(width)}"
    others = [f"column {column + 1} ({n:,})" for column, n in further.items() if n]
    if others:
        said += f"; tags that are not read stand in {', '.join(others)}"
    return f"{said}; --columns says it otherwise"


def _entry(file: _File, several: Sequence[Sentence], options: ReadOptions) -> Entry:
    """One document of one or more sentences; sentences are parted by a line end."""
    texts: list[str] = []
    spans: list[Span] = []
    offset = 0
    for sentence in several:
        for number, row in enumerate(sentence.rows):
            if not row[file.columns.token]:
                raise FormatError(file.path, sentence.line + number, "a tag without a token")
        text, ranges = join_tokens([row[file.columns.token] for row in sentence.rows])
        shifted = [(start + offset, end + offset) for start, end in ranges]
        for column, reading in zip(file.columns.tags, file.readings, strict=True):
            tags = [row[column] for row in sentence.rows]
            spans.extend(spans_of_tags(shifted, tags, task=options.task, reading=reading))
        texts.append(text)
        offset += len(text) + 1
    first = several[0]
    group = f"{options.name_of(file.path)}#{first.document}" if file.has_documents else None
    key = first.name if len(several) == 1 else None
    return Entry(text="\n".join(texts), line=first.line, key=key, group=group, spans=tuple(spans))
