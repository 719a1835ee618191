"""CoNLL-U (Universal Dependencies): ten columns, a sentence a block, its exact text in ``# text =``.

Read in a tags project: the universal part of speech of each word, or with the format ``conllu_xpos`` the
language's own tag; in a spans project texts alone. Lemmas, features and trees are not read. The words of a
multiword token get their own characters where their forms spell it (``do`` + ``n't``); where they do not
(``du`` = ``de`` + ``le``) the token stays whole and has no tag, which training takes as unknown. Empty nodes
stand nowhere in the text and are left out. Source of the format: universaldependencies.org/format.html.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions, Written
from spanloop.recipes.formats.json_text import NotJson, parse
from spanloop.recipes.formats.lines import numbered_lines
from spanloop.recipes.formats.tagged import cut_tokens, find_tokens
from spanloop.store.records import Range, Span, Task

COLUMNS, UPOS, XPOS, MISC = 10, 3, 4, 9
EXACT = "spanloop_text"
"""The comment that carries a text which ``# text =`` cannot: with line ends, or spaces beyond one."""
_COMMENT = re.compile(r"#\s*([^=]*?)\s*(?:=\s*(.*))?$")
_ID = re.compile(r"(\d{1,9})(?:([-.])(\d{1,9}))?$")
_BLANKS = re.compile(r"\s+")

Word = tuple[str, str | None]
"""A form and its tag; None where it has none of its own."""


@dataclass(slots=True)
class _Sentence:
    line: int
    comments: dict[str, str | None] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)
    spaces: list[bool] = field(default_factory=list)


def _read(column: int, path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a sentence, or a document between two ``# newdoc`` where ``options.by`` says so.

    Sentences of one document are one group; a sentence's ``sent_id`` is its key.
    """
    unit = options.by or "sentence"
    if unit not in ("sentence", "document"):
        raise FormatError(path, None, f"CoNLL-U has no {unit}s: --by sentence or document")
    placed = _placed(path, column)
    if unit == "sentence":
        for _, group, sentence in placed:
            yield _entry(path, sentence, group, options.task)
        return
    for (_, group), found in groupby(placed, key=itemgetter(0, 1)):
        sentences = [sentence for _, _, sentence in found]
        yield _joined(
            [_entry(path, sentence, group, options.task) for sentence in sentences], sentences, group
        )


def _placed(path: Path, column: int) -> Iterator[tuple[int, str | None, _Sentence]]:
    """Each sentence with the number and the name of its document; before the first mark of one, each is a
    document by itself, without a name. One sentence is held in memory."""
    group: str | None = None
    number = marked = 0
    for sentence in _sentences(path, column):
        if "newdoc" in sentence.comments or "newdoc id" in sentence.comments:
            number, marked = number + 1, marked + 1
            group = sentence.comments.get("newdoc id") or f"{path.name}#{marked}"
        elif group is None:
            number += 1
        yield number, group, sentence


def _sentences(path: Path, column: int) -> Iterator[_Sentence]:
    sentence = _Sentence(1)
    covered = 0  # the last word of the multiword token that has been begun
    parts: list[Word] = []
    for line, text in chain(numbered_lines(path), [(0, "")]):
        if not text.strip():
            if sentence.words:
                yield sentence
            sentence, covered, parts = _Sentence(line + 1), 0, []
            continue
        comment = _COMMENT.match(text)
        if comment and text.startswith("#"):
            sentence.comments[comment[1]] = comment[2]
            continue
        columns = text.split("\t")
        number = _ID.match(columns[0])
        if len(columns) != COLUMNS or number is None:
            raise FormatError(path, line, f"ten columns parted by tabs are expected: {text[:60]!r}")
        if number[2] == ".":
            continue
        if int(number[1]) == 0:
            raise FormatError(path, line, "the words of a sentence are numbered from 1, and this one is 0")
        word = (columns[1], None if columns[column] == "_" else columns[column])
        spaced = "SpaceAfter=No" not in columns[MISC].split("|")
        if number[2] == "-":
            covered, parts = int(number[3]), []
            sentence.words.append((columns[1], None))
            sentence.spaces.append(spaced)
        elif int(number[1]) <= covered:
            parts.append(word)
            if int(number[1]) == covered:
                _spell(sentence, parts)
        else:
            sentence.words.append(word)
            sentence.spaces.append(spaced)


def _spell(sentence: _Sentence, parts: list[Word]) -> None:
    """Put the words in the place of their multiword token where their forms spell it."""
    form, spaced = sentence.words[-1][0], sentence.spaces[-1]
    if "".join(word for word, _ in parts) == form:
        sentence.words[-1:] = parts
        sentence.spaces[-1:] = [*[False] * (len(parts) - 1), spaced]


def _entry(path: Path, sentence: _Sentence, group: str | None, task: Task) -> Entry:
    text = _text(path, sentence)
    try:
        tokens = find_tokens(text, [form for form, _ in sentence.words])
    except ValueError as error:
        raise FormatError(path, sentence.line, str(error)) from error
    tags = [tag for _, tag in sentence.words]
    spans = tuple(Span(*place, tag) for place, tag in zip(tokens, tags, strict=True) if tag is not None)
    return Entry(
        text=text,
        line=sentence.line,
        key=sentence.comments.get("sent_id"),
        group=group,
        spans=spans if task == "tags" and spans else None,
        tokens=tuple(tokens),
    )


def _text(path: Path, sentence: _Sentence) -> str:
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
    return "".join(form + " " * spaced for (form, _), spaced in forms).rstrip()


def _joined(entries: list[Entry], sentences: list[_Sentence], group: str | None) -> Entry:
    """The sentences of a document as one text: a line end before a paragraph, else a space unless the file
    says that there is none."""
    text, spans, tokens = "", list[Span](), list[Range]()
    for place, (entry, sentence) in enumerate(zip(entries, sentences, strict=True)):
        if place:
            paragraph = any(name.startswith("newpar") for name in sentence.comments)
            text += "\n" if paragraph else " " if sentences[place - 1].spaces[-1] else ""
        start = len(text)
        text += entry.text
        spans += [Span(s.start + start, s.end + start, s.label) for s in entry.spans or ()]
        tokens += [(first + start, end + start) for first, end in entry.tokens or ()]
    known = any(entry.spans is not None for entry in entries)
    key = group if group is not None else entries[0].key
    return Entry(
        text, entries[0].line, key, group, spans=tuple(spans) if known else None, tokens=tuple(tokens)
    )


def _write(column: int, path: Path, entries: Iterable[Entry], options: WriteOptions) -> Written:
    """A block an entry: a word a token, its tag, ``SpaceAfter=No``. A token is cut where a tag begins or ends
    inside it, and counted. RecipeError in a spans project, and for an entry without tokens."""
    if options.task != "tags":
        raise RecipeError("CoNLL-U carries tags, not spans: use conll, jsonl or spacy")
    documents = spans = cuts = lost = 0
    group: str | None = None
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for entry in entries:
            if entry.tokens is None:
                raise RecipeError(f"document {entry.key} has no tokens: CoNLL-U is written token by token")
            if entry.group not in (None, group, entry.key):
                file.write(f"# newdoc id = {entry.group}\n")
                group = entry.group
            placed = [span for span in entry.spans or () if entry.text[span.start : span.end].strip()]
            tokens = cut_tokens(entry.tokens, placed)
            file.writelines(f"{line}\n" for line in _block(entry, _tagged(tokens, placed), column))
            documents, spans = documents + 1, spans + len(placed)
            cuts, lost = cuts + len(tokens) - len(entry.tokens), lost + len(entry.spans or ()) - len(placed)
    return Written(documents=documents, spans=spans, tokens_cut=cuts, spans_lost=lost)


def _tagged(tokens: list[Range], spans: list[Span]) -> list[tuple[Range, str | None]]:
    """A word a tag, whatever tokens it is made of, and the tokens that have none; in text order."""
    words: list[tuple[Range, str | None]] = [((span.start, span.end), span.label) for span in spans]
    starts, ends = sorted(span.start for span in spans), sorted(span.end for span in spans)
    outside = (place for place in tokens if bisect_right(starts, place[0]) == bisect_right(ends, place[0]))
    return sorted([*words, *((place, None) for place in outside)], key=itemgetter(0))


def _block(entry: Entry, words: list[tuple[Range, str | None]], column: int) -> Iterator[str]:
    if entry.key is not None:
        yield f"# sent_id = {entry.key}"
    plain = _BLANKS.sub(" ", entry.text).strip()
    yield f"# text = {plain}"
    if plain != entry.text:
        yield f"# {EXACT} = {json.dumps(entry.text)}"
    for number, ((start, end), tag) in enumerate(words, start=1):
        columns = [str(number), entry.text[start:end], *["_"] * (COLUMNS - 2)]
        columns[column] = tag or "_"
        if number < len(words) and words[number][0][0] == end:
            columns[MISC] = "SpaceAfter=No"
        yield "\t".join(columns)
    yield ""


def sniff(head: str) -> bool:
    """Ten columns parted by tabs on every line that is no comment, the first a number."""
    lines = [line for line in head.splitlines()[:-1] or head.splitlines() if line.strip() and line[0] != "#"]
    rows = [line.split("\t") for line in lines[:200]]
    return bool(rows) and all(len(row) == COLUMNS and _ID.match(row[0]) for row in rows)


def _never(_head: str) -> bool:
    return False


FORMAT = Format(
    name="conllu",
    suffixes=(".conllu",),
    read=partial(_read, UPOS),
    write=partial(_write, UPOS),
    sniff=sniff,
    needs_tokens=True,
)
FORMAT_XPOS = Format(
    name="conllu_xpos",
    suffixes=(),
    read=partial(_read, XPOS),
    write=partial(_write, XPOS),
    sniff=_never,
    needs_tokens=True,
)
