"""CoNLL columns: one token a line, its tag in the last column, an empty line after each sentence.

Read: IOB1, IOB2, BIOES, BILOU and plain tags; tabs or spaces; lines of blanks as sentence ends;
``-DOCSTART-``. Written: token, tab, IOB2 tag. What the format cannot carry: the spaces between tokens, keys
and meta.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from spanloop.plugin.tagging.reading import Reading, detect, read_tags
from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions, Written
from spanloop.recipes.formats.lines import numbered_lines
from spanloop.recipes.formats.tagged import cut_tokens, join_tokens, spans_of_tags, tags_of_spans
from spanloop.store.records import Span

DOCUMENT_START = "-DOCSTART-"
_COMMENT = re.compile(r"#\s+\w[\w ]*=")
_BLANKS = re.compile(r"[ \t]+")

Row = tuple[str, str]


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a sentence, or a document between two ``-DOCSTART-`` lines where ``options.by`` says so.

    The text is the tokens joined by a space. Where the file marks documents, they are the groups.
    """
    unit, name = options.by or "sentence", options.name_of(path)
    if unit not in ("sentence", "document"):
        raise FormatError(path, None, f"CoNLL has no {unit}s: --by sentence or document")
    reading, has_documents = _survey(path)
    if unit == "sentence":
        for line, number, rows in _sentences(path):
            yield _entry(
                rows, [len(rows)], line, f"{name}#{number}" if has_documents else None, reading, options
            )
        return
    document, first, rows, lengths = -1, 1, list[Row](), list[int]()
    for line, number, sentence in _sentences(path):
        if number != document and rows:
            yield _entry(rows, lengths, first, f"{name}#{document}", reading, options)
            rows, lengths = [], []
        if not rows:
            document, first = number, line
        rows.extend(sentence)
        lengths.append(len(sentence))
    if rows:
        yield _entry(rows, lengths, first, f"{name}#{document}", reading, options)


def _survey(path: Path) -> tuple[Reading, bool]:
    """What the tags of the file mean, all of them together, and whether it marks documents: a first pass,
    since both must be known."""
    tags: set[str] = set()
    documents = False
    for _, number, rows in _sentences(path):
        tags.update(tag for _, tag in rows)
        documents = documents or number > 0
    return read_tags(sorted(tags), of_model=False), documents


def _sentences(path: Path) -> Iterator[tuple[int, int, list[Row]]]:
    """Each sentence: its first line, the number of its document (0 before the first mark), its tokens and
    tags."""
    rows: list[Row] = []
    first, document, width = 1, 0, 0
    for line, text in numbered_lines(path):
        if not text.strip():
            if rows:
                yield first, document, rows
            rows = []
        elif text.startswith(DOCUMENT_START):
            if rows:
                yield first, document, rows
            rows, document = [], document + 1
        elif not (_COMMENT.match(text) and not rows):
            columns = text.split("\t") if "\t" in text else _BLANKS.split(text.strip(" "))
            width = width or len(columns)
            if len(columns) < 2 or len(columns) != width:
                raise FormatError(
                    path, line, f"{len(columns)} columns where {max(width, 2)} are expected: {text[:60]!r}"
                )
            if not columns[0]:
                raise FormatError(path, line, "a tag without a token")
            first = first if rows else line
            rows.append((columns[0], columns[-1]))
    if rows:
        yield first, document, rows


def _entry(
    rows: list[Row], lengths: list[int], line: int, group: str | None, reading: Reading, options: ReadOptions
) -> Entry:
    """One document of one or more sentences; sentences are parted by a line end."""
    texts: list[str] = []
    spans: list[Span] = []
    offset = done = 0
    for length in lengths:
        sentence = rows[done : done + length]
        text, ranges = join_tokens([token for token, _ in sentence])
        shifted = [(start + offset, end + offset) for start, end in ranges]
        spans.extend(spans_of_tags(shifted, [tag for _, tag in sentence], task=options.task, reading=reading))
        texts.append(text)
        offset += len(text) + 1
        done += length
    return Entry(text="\n".join(texts), line=line, group=group, spans=tuple(spans))


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
    """As many columns on every line, two at least, and tags in the last one. Plain tags need a suffix to be
    known."""
    lines = [line for line in head.splitlines()[:-1] or head.splitlines() if line.strip() and line[0] != "#"]
    rows = [line.split("\t") if "\t" in line else _BLANKS.split(line.strip(" ")) for line in lines[:200]]
    widths = {len(row) for row in rows}
    return len(widths) == 1 and widths.pop() >= 2 and detect(row[-1] for row in rows) != "plain"


FORMAT = Format(
    name="conll",
    suffixes=(".conll", ".iob", ".iob2", ".bio", ".tsv"),
    read=read,
    write=write,
    sniff=sniff,
    needs_tokens=True,
)
