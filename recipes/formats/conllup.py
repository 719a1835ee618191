"""CoNLL-U Plus: columns that the first line names (``# global.columns = ID FORM … NER``), with the tags of
named entities in one of them, or in MISC.

Source of the format: universaldependencies.org/ext-format.html. The text is ``# text =`` where the words
spell it, else the words joined by a space; the words of a multiword token are read, the token itself is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from spanloop.plugin.tagging.reading import Reading, read_tags
from spanloop.plugin.tagging.schemes import OUTSIDE
from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.conllu_rows import name_in_misc
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.lines import numbered_lines
from spanloop.recipes.formats.tagged import find_tokens, join_tokens, spans_of_tags

GLOBAL = "# global.columns"
_NAMES = ("NER", "NE", "BIO")
_NOTHING = ("_", "*", "")


@dataclass(slots=True)
class _Sentence:
    line: int = 1
    key: str | None = None
    text: str | None = None
    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Columns:
    """``number`` and ``form`` of a word; ``tag``; ``in_misc``: that column is MISC, which has it by name."""

    width: int
    number: int | None
    form: int
    tag: int
    in_misc: bool


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a sentence; documents (``# newdoc``) are the groups. The file is read twice, since what the
    tags mean must be known first."""
    columns = _columns(path, options)
    tags = {tag for _, sentence in _sentences(path, columns) for tag in sentence.tags}
    reading = read_tags(sorted({*tags, OUTSIDE}), of_model=False)
    for group, sentence in _sentences(path, columns):
        yield _entry(sentence, group, options, reading, says_nothing=tags <= {OUTSIDE} and columns.in_misc)


def _columns(path: Path, options: ReadOptions) -> _Columns:
    """FormatError where no column has the words, or it is not clear which one has the tags."""
    _, first = next(numbered_lines(path))
    names = first.partition("=")[2].split()
    if "FORM" not in names:
        raise FormatError(path, 1, f"a first line like {GLOBAL} = ID FORM NER is expected: {first[:60]!r}")
    if options.columns:
        wanted = [name for name in names if name == options.columns[0]]
    elif options.task == "tags":
        wanted = [name for name in ("UPOS", "XPOS") if name in names]
    else:
        wanted = [name for name in names if any(part in _NAMES for part in name.upper().split(":"))]
        wanted = wanted or [name for name in names if name == "MISC"]
    if not wanted:
        raise FormatError(path, 1, f"which column has the tags? --columns takes one of {', '.join(names)}")
    number = names.index("ID") if "ID" in names else None
    tag = names.index(wanted[0])
    return _Columns(len(names), number, names.index("FORM"), tag, wanted[0] == "MISC")


def _sentences(path: Path, columns: _Columns) -> Iterator[tuple[str | None, _Sentence]]:
    group, documents, sentence = None, 0, _Sentence()
    for line, row in numbered_lines(path):
        if not row.strip():
            if sentence.words:
                yield group, sentence
            sentence = _Sentence()
        elif row.startswith("#") and not sentence.words:
            name, _, value = (part.strip() for part in row[1:].partition("="))
            if name.startswith("newdoc"):
                documents += 1
                group = value or f"{path.name}#{documents}"
            sentence.key = value if name == "sent_id" else sentence.key
            sentence.text = value if name == "text" else sentence.text
        else:
            sentence.line = sentence.line if sentence.words else line
            _add(path, line, row, columns, sentence)
    if sentence.words:
        yield group, sentence


def _add(path: Path, line: int, row: str, columns: _Columns, sentence: _Sentence) -> None:
    """The word of a row; ranges (3-4) and empty nodes (8.1) are none."""
    cells = row.split("\t")
    if len(cells) != columns.width:
        raise FormatError(
            path, line, f"{len(cells)} columns where {columns.width} are expected: {row[:60]!r}"
        )
    if columns.number is not None and not cells[columns.number].isdecimal():
        return
    if not cells[columns.form].strip():
        raise FormatError(path, line, "a row without a form")
    value: str | None = cells[columns.tag]
    value = name_in_misc(cells[columns.tag]) if columns.in_misc else value
    sentence.words.append(cells[columns.form])
    sentence.tags.append(OUTSIDE if value is None or value in _NOTHING else value)


def _entry(
    sentence: _Sentence, group: str | None, options: ReadOptions, reading: Reading, *, says_nothing: bool
) -> Entry:
    text, ranges = join_tokens(sentence.words)
    if sentence.text is not None:
        with suppress(ValueError):  # words that the text does not spell: du = de + le
            ranges, text = find_tokens(sentence.text, sentence.words), sentence.text
    spans = spans_of_tags(ranges, sentence.tags, task=options.task, reading=reading)
    return Entry(
        text=text, line=sentence.line, key=sentence.key, group=group, spans=None if says_nothing else spans
    )


def sniff(head: str) -> bool:
    """The first line names the columns."""
    return head.startswith(GLOBAL)


FORMAT = Format(
    name="conllup",
    suffixes=(".conllup",),
    read=read,
    write=None,
    sniff=sniff,
    title="CoNLL-U Plus",
    detected="# global.columns in the first line",
    skips=("columns beside the words and the tags", "multiword tokens, whose words are read"),
    tried="a file written from its description",
)
