"""CoNLL columns: one token a line, a tag in one of the columns, an empty line after each sentence.

Read: the files of CoNLL-2000, 2002 and 2003, GermEval, MultiCoNER, WNUT and their like, in IOB1, IOB2,
BIOES, BILOU and plain tags; tabs or spaces; lines of blanks as sentence ends; comments; ``-DOCSTART-``. Which
columns are read is said by ``--columns``, or guessed and told. Written: token, tab, IOB2 tag. What the format
cannot carry: the spaces between tokens, keys and meta.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from spanloop.plugin.tagging.reading import detect
from spanloop.recipes.formats import conllu
from spanloop.recipes.formats.conll_reading import read_rows
from spanloop.recipes.formats.conll_rows import DOCUMENT_START, cells, is_comment, sentences, width_of
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions, Written
from spanloop.recipes.formats.header import is_header
from spanloop.recipes.formats.lines import lines_of_head, numbered_lines
from spanloop.recipes.formats.tagged import column_tokens, refuse_blanks, tags_of_spans

_SNIFFED = 200
_COLUMNS_2003 = ("token", "-", "-", "tag")
_ENDS_A_COLUMN = re.compile(r"[ \t\r\n]+")


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a sentence, or a document between two ``-DOCSTART-`` lines where ``options.by`` says so.

    The text is the tokens joined by a space. Where the file marks documents, they are the groups. The file is
    read several times: what its tags mean, all of them together, must be known first.
    """
    width = width_of(line for _, line in numbered_lines(path))
    return read_rows(path, options, width, partial(sentences, path, width))


def write(path: Path, entries: Iterable[Entry], options: WriteOptions) -> Written:
    """Token, tab, tag; see `write_columns`."""
    return write_columns(path, entries, options, between="\t", mark=f"{DOCUMENT_START}\tO")


def read_2003(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """As `read`, with the columns of CoNLL-2003 where nobody says others."""
    return read(path, options if options.columns else replace(options, columns=_COLUMNS_2003))


def write_2003(path: Path, entries: Iterable[Entry], options: WriteOptions) -> Written:
    """The four columns of CoNLL-2003 parted by single spaces, with ``-X-`` for the part of speech and ``_``
    for the chunk, which nobody knows here; see `write_columns`. RecipeError for labels with blanks."""
    refuse_blanks(options.labels, "conll2003")
    return write_columns(path, entries, options, between=" -X- _ ", mark=f"{DOCUMENT_START} -X- -X- O")


def write_columns(
    path: Path, entries: Iterable[Entry], options: WriteOptions, *, between: str, mark: str
) -> Written:
    """One token a line and an empty line after each document. A token is cut where a span begins or ends
    inside it, and at blanks, and counted: no span is moved.

    ``mark`` parts the groups. RecipeError for an entry without tokens.
    """
    documents = spans = cuts = lost = 0
    group: str | None = None
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for entry in entries:
            tokens = column_tokens(entry, _ENDS_A_COLUMN, DOCUMENT_START)
            if entry.group is not None and entry.group not in (group, entry.key):
                file.write(f"{mark}\n\n")
            group = entry.group
            entry_spans = entry.spans or ()
            tags, unplaced = tags_of_spans(tokens, entry_spans, task=options.task)
            file.writelines(
                f"{entry.text[s:e]}{between}{tag}\n" for (s, e), tag in zip(tokens, tags, strict=True)
            )
            file.write("\n")
            documents, spans, lost = documents + 1, spans + len(entry_spans) - unplaced, lost + unplaced
            cuts += len(tokens) - len(entry.tokens or ())
    return Written(documents=documents, spans=spans, tokens_cut=cuts, spans_lost=lost)


def sniff(head: str) -> bool:
    """As many columns on every line, two at least, and tags of a scheme in one of them, or the last one all
    outside. Plain tags need a suffix to be known."""
    if head.startswith(("# global.columns", "#begin document", "#FORMAT=")) or conllu.sniff(head):
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
    return (len(rows) > 1 and set(columns[-1]) == {"O"}) or any(
        detect(sorted(set(c))) != "plain" for c in columns
    )


def _never(_head: str) -> bool:
    return False


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
    carries=frozenset({"spans", "empty_documents"}),
)
FORMAT_2003 = Format(
    name="conll2003",
    suffixes=(),
    read=read_2003,
    write=write_2003,
    sniff=_never,
    needs_tokens=True,
    title="CoNLL-2003, four columns",
    detected="never: its files are read as conll",
    skips=("parts of speech and chunks",),
    tried="files of the tests, by its description",
    carries=frozenset({"spans", "empty_documents"}),
)
