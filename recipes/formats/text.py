"""Plain text: one document a line, a paragraph (parted by blank lines) or a file. No spans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions, Written
from spanloop.recipes.formats.lines import numbered_lines


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a line unless ``options.by`` says ``paragraph`` or ``file``; blank lines are no documents.

    The paragraphs of one file belong to one group, so that none of them leaks into the eval split.
    """
    unit = options.by or "line"
    if unit == "file":
        text = "\n".join(line for _, line in numbered_lines(path))
        yield Entry(text=text, line=1, key=options.name_of(path))
    elif unit == "paragraph":
        yield from _paragraphs(path, options.name_of(path))
    elif unit == "line":
        for number, line in numbered_lines(path):
            if line.strip():
                yield Entry(text=line, line=number)
    else:
        raise FormatError(path, None, f"plain text has no {unit}s: --by line, paragraph or file")


def _paragraphs(path: Path, group: str) -> Iterator[Entry]:
    lines: list[str] = []
    first = 1
    for number, line in numbered_lines(path):
        if line.strip():
            if not lines:
                first = number
            lines.append(line)
        elif lines:
            yield Entry(text="\n".join(lines), line=first, group=group)
            lines = []
    if lines:
        yield Entry(text="\n".join(lines), line=first, group=group)


def write(path: Path, entries: Iterable[Entry], _options: WriteOptions) -> Written:
    """One text a line. RecipeError where a text has a line end of its own: JSONL carries those."""
    documents = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for entry in entries:
            if "\n" in entry.text or "\r" in entry.text:
                raise RecipeError(
                    f"document {entry.key} has several lines: plain text cannot carry it, JSONL can"
                )
            file.write(entry.text + "\n")
            documents += 1
    return Written(documents=documents, spans=0)


def sniff(_head: str) -> bool:
    """Plain text is what nothing else is: it never claims a file, its suffix does."""
    return False


FORMAT = Format(
    name="text",
    suffixes=(".txt", ".text"),
    read=read,
    write=write,
    sniff=sniff,
    carries=frozenset({"blanks", "open_documents"}),
    title="Plain text",
    detected="the suffix .txt, where nothing else fits",
    tried="files of the tests",
)
