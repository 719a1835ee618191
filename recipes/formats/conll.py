"""CoNLL columns: one token a line, a tag in one of the columns, an empty line after each sentence.

Read: the files of CoNLL-2000, 2002 and 2003, GermEval, MultiCoNER, WNUT and their like, in IOB1, IOB2,
BIOES, BILOU and plain tags; tabs or spaces; lines of blanks as sentence ends; comments; ``-DOCSTART-``. Which
columns are read is said by ``--columns``, or guessed and told. Written: token, tab, IOB2 tag. What the format
cannot carry: the spaces between tokens, keys and meta.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from spanloop.plugin.tagging.reading import Reading, detect, read_tags
from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats import conllu
from spanloop.recipes.formats.conll_columns import Columns, columns_said, guess
from spanloop.recipes.formats.conll_rows import (
    DOCUMENT_START,
    Sentence,
    cells,
    is_comment,
    sentences,
    width_of,
)
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions, Written
from spanloop.recipes.formats.header import is_header
from spanloop.recipes.formats.lines import lines_of_head, numbered_lines
from spanloop.recipes.formats.tagged import cut_tokens, join_tokens, spans_of_tags, tags_of_spans
from spanloop.store.records import Span

_SNIFFED = 200


@dataclass(frozen=True, slots=True)
class _File:
    """What holds for all of a file: its columns, what the tags of each mean, whether it marks documents."""

    path: Path
    width: int
    columns: Columns
    readings: tuple[Reading, ...]
    has_documents: bool


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a sentence, or a document between two ``-DOCSTART-`` lines where ``options.by`` says so.

    The text is the tokens joined by a space. Where the file marks documents, they are the groups. The file is
    read twice: what its tags mean, all of them together, must be known first.
    """
    unit = options.by or "sentence"
    if unit not in ("sentence", "document"):
        raise FormatError(path, None, f"CoNLL has no {unit}s: --by sentence or document")
    file = _survey(path, options)
    found = sentences(path, file.width)
    if unit == "sentence":
        for sentence in found:
            yield _entry(file, [sentence], options)
        return
    for _, several in groupby(found, key=attrgetter("document")):
        yield _entry(file, list(several), options)


def _survey(path: Path, options: ReadOptions) -> _File:
    """A first pass through the file. FormatError where no column can be the tokens."""
    width = width_of(line for _, line in numbered_lines(path))
    columns = _columns(path, width, options)
    tags: list[dict[str, None]] = [{} for _ in columns.tags]
    further: dict[int, int] = {}
    has_documents = False
    for sentence in sentences(path, width):
        has_documents = has_documents or sentence.document > 0
        for seen, column in zip(tags, columns.tags, strict=True):
            seen.update((row[column], None) for row in sentence.rows)
        for column in range(width):
            if column not in (columns.token, *columns.tags):
                begun = sum(row[column].startswith("B-") for row in sentence.rows)
                further[column] = further.get(column, 0) + begun
    if options.columns is None and (width > 2 or columns.token):
        options.notes.add(_told(path, columns, width, further))
    readings = tuple(read_tags(sorted(seen), of_model=False) for seen in tags)
    return _File(path, width, columns, readings, has_documents)


def _columns(path: Path, width: int, options: ReadOptions) -> Columns:
    if options.columns is not None:
        return columns_said(path, options.columns, width)
    labels = options.labels if options.task == "tags" else ()
    found = guess((sentence.rows for sentence in sentences(path, width)), width, labels)
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
        said += f"; tags that begin a span and are not read: {', '.join(others)}"
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
    group = f"{file.path.name}#{first.document}" if file.has_documents else None
    key = first.name if len(several) == 1 else None
    return Entry(text="\n".join(texts), line=first.line, key=key, group=group, spans=tuple(spans))


def write(path: Path, entries: Iterable[Entry], options: WriteOptions) -> Written:
    """Token, tab, tag. A token is cut where a span begins or ends inside it, and counted: no span is moved.

    ``-DOCSTART-`` parts the groups. RecipeError for an entry without tokens.
    """
    documents = spans = cuts = lost = 0
    group: str | None = None
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for entry in entries:
            if entry.tokens is None:
                raise RecipeError(f"document {entry.key} has no tokens: CoNLL is written token by token")
            if entry.group is not None and entry.group not in (group, entry.key):
                file.write(f"{DOCUMENT_START}\tO\n\n")
            group = entry.group
            entry_spans = entry.spans or ()
            tokens = cut_tokens(entry.tokens, entry_spans)
            tags, unplaced = tags_of_spans(tokens, entry_spans, task=options.task)
            file.writelines(f"{entry.text[s:e]}\t{tag}\n" for (s, e), tag in zip(tokens, tags, strict=True))
            file.write("\n")
            documents, spans, lost = documents + 1, spans + len(entry_spans) - unplaced, lost + unplaced
            cuts += len(tokens) - len(entry.tokens)
    return Written(documents=documents, spans=spans, tokens_cut=cuts, spans_lost=lost)


def sniff(head: str) -> bool:
    """As many columns on every line, two at least, and tags of a scheme in one of them, or the last one all
    outside. Plain tags need a suffix to be known."""
    if head.startswith(("# global.columns", "#begin document")) or conllu.sniff(head):
        return False
    lines = lines_of_head(head)
    if not lines or is_header(cells(lines[0])):
        return False
    width = width_of(lines)
    lines = [n for n in lines[:_SNIFFED] if not n.startswith(DOCUMENT_START) and not is_comment(n, width)]
    rows = [cells(line) for line in lines]
    if not rows or any(len(row) != width for row in rows):
        return False
    columns = list(zip(*rows, strict=True))
    return (len(rows) > 1 and set(columns[-1]) == {"O"}) or any(detect(c) != "plain" for c in columns)


FORMAT = Format(
    name="conll",
    suffixes=(".conll", ".iob", ".iob2", ".bio", ".tsv"),
    read=read,
    write=write,
    sniff=sniff,
    needs_tokens=True,
    title="CoNLL columns",
    detected="as many columns on every line, and tags such as B-PER in one of them",
    skips=("columns that are neither tokens nor the chosen tags",),
    tried="WNUT-17 and wikigold as they are published; the others by their descriptions",
)
