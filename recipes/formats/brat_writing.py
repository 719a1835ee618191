"""A folder as brat opens it: ``NAME.txt`` and ``NAME.ann`` a document, the labels in ``annotation.conf``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote

from spanloop.recipes.formats.entry import Entry, WriteOptions, Written
from spanloop.recipes.formats.tagged import refuse_blanks
from spanloop.store.records import Span

_BLANK = re.compile(r"\s")
_LONGEST = 150
"""Bytes of a file's name without its ending: with it and a temporary name, 255 are allowed."""


def write(path: Path, entries: Iterable[Entry], options: WriteOptions) -> Written:
    """Fill the folder ``path``, which is there and empty.

    A file is named by the document's id, in which what no file name holds is spelled ``%2F``; an id that is
    too long, or there already in other letters, gets a hash. RecipeError for a label with a blank inside,
    which brat cannot tell from the offsets.
    """
    refuse_blanks(options.labels, "brat")
    documents = spans = 0
    names: set[str] = set()
    for entry in entries:
        name = _name(entry, documents, names)
        with (path / f"{name}.txt").open("w", encoding="utf-8", newline="") as file:
            file.write(entry.text)
        if entry.spans is not None:
            with (path / f"{name}.ann").open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(_lines(entry.text, entry.spans))
        documents, spans = documents + 1, spans + len(entry.spans or ())
    sections = ["[entities]", *options.labels, "", "[relations]", "", "[events]", "", "[attributes]"]
    (path / "annotation.conf").write_text("\n".join(sections) + "\n", encoding="utf-8")
    return Written(documents=documents, spans=spans)


def _name(entry: Entry, number: int, names: set[str]) -> str:
    key = entry.key or f"{number + 1}"
    name = file_name(key)
    if len(name.encode()) > _LONGEST or name.lower() in names:
        name = f"{name[: _LONGEST - 20]}~{sha256(key.encode()).hexdigest()[:16]}"
    names.add(name.lower())
    return name


def file_name(key: str) -> str:
    """The id as a file is called, without its ending."""
    name = quote(key, safe=" +,()@=")
    return f"%2E{name[1:]}" if name.startswith(".") else name


def key_of(name: str) -> str:
    """The id of a file that we named, and the name of any other."""
    key = unquote(name)
    return key if file_name(key) == name else name


def _lines(text: str, spans: Iterable[Span]) -> Iterator[str]:
    """Text-bound annotations; line ends inside a span are blanks in its copy of the text."""
    for number, span in enumerate(spans, start=1):
        said = _BLANK.sub(" ", text[span.start : span.end])
        yield f"T{number}\t{span.label} {span.start} {span.end}\t{said}\n"
