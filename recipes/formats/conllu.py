"""CoNLL-U (Universal Dependencies): ten columns, a sentence a block, its exact text in ``# text =``.

Read in a tags project: the universal part of speech of each word, or with the format ``conllu_xpos`` the
language's own tag; in a spans project the named entities that MISC has (``NER=B-PER``), else texts alone.
Lemmas, features and trees are kept as they stand, to be written again (`conllu_writing`). A multiword token
that its words do not spell stays whole and has no tag, which training takes as unknown.
Source of the format: universaldependencies.org/format.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from spanloop.plugin.tagging.reading import Reading, read_tags
from spanloop.plugin.tagging.schemes import OUTSIDE
from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.conllu_rows import COLUMNS, EXACT, ID, UPOS, XPOS, Sentence, sentences
from spanloop.recipes.formats.conllu_writing import write
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.json_text import NotJson, parse
from spanloop.recipes.formats.lines import numbered_lines
from spanloop.recipes.formats.tagged import find_tokens, spans_of_tags
from spanloop.store.records import Range, Span


def _read(column: int, path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a sentence, or a document between two ``# newdoc`` where ``options.by`` says so.

    Sentences of one document are one group; a sentence's ``sent_id`` is its key.
    """
    unit = options.by or "sentence"
    if unit not in ("sentence", "document"):
        raise FormatError(path, None, f"CoNLL-U has no {unit}s: --by sentence or document")
    reading = _names(path, column) if options.task == "spans" else None
    placed = _placed(path, column, options.name_of(path))
    if unit == "sentence":
        for _, group, sentence in placed:
            yield _entry(path, sentence, group, reading)
        return
    for (_, group), found in groupby(placed, key=itemgetter(0, 1)):
        several = [sentence for _, _, sentence in found]
        yield _joined([_entry(path, sentence, group, reading) for sentence in several], several, group)


def _names(path: Path, column: int) -> Reading:
    """What the tags of named entities in MISC mean, all those of the file; of no tags where it has none."""
    tags = {word.name for s in sentences(path, numbered_lines(path), column) for word in s.words}
    named = {tag for tag in tags if tag is not None}
    return read_tags(sorted({*named, OUTSIDE} if named else named), of_model=False)


def _placed(path: Path, column: int, name: str) -> Iterator[tuple[int, str | None, Sentence]]:
    """Each sentence with the number and the name of its document; before the first mark of one, each is a
    document by itself, without a name; ``name`` is the file's. One sentence is held in memory."""
    group: str | None = None
    number = marked = 0
    for sentence in sentences(path, numbered_lines(path), column):
        if sentence.names_document:
            number, marked = number + 1, marked + 1
            group = sentence.comments.get("newdoc id") or f"{name}#{marked}"
        elif group is None:
            number += 1
        yield number, group, sentence


def _entry(path: Path, sentence: Sentence, group: str | None, reading: Reading | None) -> Entry:
    """``reading``: of the names, None in a tags project."""
    text = _text(path, sentence)
    try:
        tokens = find_tokens(text, [word.form for word in sentence.words])
    except ValueError as error:
        raise FormatError(path, sentence.line, str(error)) from error
    spans: tuple[Span, ...] | None
    if reading is None:
        tags = [word.tag for word in sentence.words]
        spans = tuple(Span(*p, tag) for p, tag in zip(tokens, tags, strict=True) if tag is not None) or None
    elif reading.tags:
        words = [OUTSIDE if word.name is None else word.name for word in sentence.words]
        spans = spans_of_tags(tokens, words, task="spans", reading=reading)
    else:
        spans = None
    return Entry(
        text=text,
        line=sentence.line,
        key=sentence.comments.get("sent_id"),
        group=group,
        spans=spans,
        tokens=tuple(tokens),
        original="\n".join(sentence.lines),
    )


def _text(path: Path, sentence: Sentence) -> str:
    exact, said = sentence.comments.get(EXACT), sentence.comments.get("text")
    if exact is not None:
        try:
            text = parse(exact)
        except NotJson as error:
            raise FormatError(path, sentence.line, f"# {EXACT} is no JSON string: {error}") from error
        if not isinstance(text, str):
            raise FormatError(path, sentence.line, f"# {EXACT} is no JSON string")
        return text
    if said is not None:
        return said
    forms = zip(sentence.words, sentence.spaces, strict=True)
    return "".join(word.form + " " * spaced for word, spaced in forms).rstrip()


def _joined(entries: list[Entry], several: list[Sentence], group: str | None) -> Entry:
    """The sentences of a document as one text: a line end before a paragraph, else a space unless the file
    says that there is none."""
    text, spans, tokens = "", list[Span](), list[Range]()
    for place, (entry, sentence) in enumerate(zip(entries, several, strict=True)):
        if place:
            paragraph = any(name.startswith("newpar") for name in sentence.comments)
            text += "\n" if paragraph else " " if several[place - 1].spaces[-1] else ""
        start = len(text)
        text += entry.text
        spans += [Span(s.start + start, s.end + start, s.label) for s in entry.spans or ()]
        tokens += [(first + start, end + start) for first, end in entry.tokens or ()]
    known = any(entry.spans is not None for entry in entries)
    key = group if group is not None else entries[0].key
    return Entry(
        text,
        entries[0].line,
        key,
        group,
        spans=tuple(spans) if known else None,
        tokens=tuple(tokens),
        original="\n\n".join(entry.original or "" for entry in entries),
    )


def sniff(head: str) -> bool:
    """Ten columns parted by tabs on every line that is no comment, the first a number."""
    lines = [line for line in head.splitlines()[:-1] or head.splitlines() if line.strip() and line[0] != "#"]
    rows = [line.split("\t") for line in lines[:200]]
    return bool(rows) and all(len(row) == COLUMNS and ID.match(row[0]) for row in rows)


def _never(_head: str) -> bool:
    return False


FORMAT = Format(
    name="conllu",
    suffixes=(".conllu",),
    read=partial(_read, UPOS),
    write=partial(write, UPOS),
    sniff=sniff,
    needs_tokens=True,
    originals=True,
    carries=frozenset({"spans", "open_documents", "ids", "groups", "blanks"}),
    title="CoNLL-U (Universal Dependencies)",
    detected="ten columns parted by tabs, the first of them a number",
    tried="UD English EWT as it is published",
)
FORMAT_XPOS = Format(
    name="conllu_xpos",
    suffixes=(),
    read=partial(_read, XPOS),
    write=partial(write, XPOS),
    sniff=_never,
    needs_tokens=True,
    originals=True,
    carries=frozenset({"spans", "open_documents", "ids", "groups", "blanks"}),
    title="CoNLL-U (Universal Dependencies), the tags of its language",
    detected="never: by its name alone",
    tried="UD English EWT as it is published",
)
