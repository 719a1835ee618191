"""A folder as brat opens it: ``NAME.txt`` and ``NAME.ann`` a document, the labels in ``annotation.conf``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from spanloop.recipes.formats.entry import Entry, WriteOptions, Written
from spanloop.recipes.formats.folder_names import FolderNames
from spanloop.recipes.formats.tagged import refuse_blanks
from spanloop.store.records import Span

_BLANK = re.compile(r"\s")


def write(path: Path, entries: Iterable[Entry], options: WriteOptions) -> Written:
    """Fill the folder ``path``, which is there and empty.

    A file is named by the document's id (`FolderNames`). RecipeError for a label with a blank inside, which
    brat cannot tell from the offsets.
    """
    refuse_blanks(options.labels, "brat")
    documents = spans = 0
    names = FolderNames()
    for entry in entries:
        name = names.take(entry.key, documents)
        with (path / f"{name}.txt").open("w", encoding="utf-8", newline="") as file:
            file.write(entry.text)
        if entry.spans is not None:
            with (path / f"{name}.ann").open("w", encoding="utf-8", newline="\n") as file:
                file.writelines(_lines(entry.text, entry.spans))
        documents, spans = documents + 1, spans + len(entry.spans or ())
    names.write_others(path)
    sections = ["[entities]", *options.labels, "", "[relations]", "", "[events]", "", "[attributes]"]
    (path / "annotation.conf").write_text("\n".join(sections) + "\n", encoding="utf-8")
    return Written(documents=documents, spans=spans)


def _lines(text: str, spans: Iterable[Span]) -> Iterator[str]:
    """Text-bound annotations; line ends inside a span are blanks in its copy of the text."""
    for number, span in enumerate(spans, start=1):
        said = _BLANK.sub(" ", text[span.start : span.end])
        yield f"T{number}\t{span.label} {span.start} {span.end}\t{said}\n"
