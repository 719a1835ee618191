"""A sentence a line, its tokens as ``word|POS|tag``, parted by blanks: the form of WikiNER and its like."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from spanloop.plugin.tagging.reading import detect
from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.conll_reading import read_rows
from spanloop.recipes.formats.conll_rows import Sentence
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.lines import lines_of_head, numbered_lines

BAR = "|"


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a line; an empty line parts documents, which are the groups."""
    first = next((line for _, line in numbered_lines(path) if line.strip()), "")
    width = max(2, len(first.split()[0].split(BAR))) if first.strip() else 2
    return read_rows(path, options, width, partial(_sentences, path, width))


def _sentences(path: Path, width: int) -> Iterator[Sentence]:
    document, parted = 0, False
    for line, text in numbered_lines(path):
        if not text.strip():
            parted = True
            continue
        document, parted = document + parted, False
        # a word may be a bar itself, so the columns are counted from behind
        rows = [item.rsplit(BAR, width - 1) for item in text.split()]
        wrong = next((row for row in rows if len(row) != width), None)
        if wrong is not None:
            raise FormatError(
                path, line, f"{len(wrong)} columns where {width} are expected: {BAR.join(wrong)[:60]!r}"
            )
        yield Sentence(line, document, rows)


def sniff(head: str) -> bool:
    """Every item of every line has as many bars, and tags of a scheme behind the last one."""
    items = [item.rsplit(BAR) for line in lines_of_head(head)[:50] for item in line.split()]
    widths = {len(item) for item in items if BAR not in item}
    if len(items) < 3 or min((len(item) for item in items), default=1) < 2 or len(widths) > 2:
        return False
    tags = {item[-1] for item in items}
    return tags == {"O"} or detect(sorted(tags)) != "plain"


FORMAT = Format(
    name="pipes",
    suffixes=(),
    read=read,
    write=None,
    sniff=sniff,
    title="word|POS|tag lines",
    detected="every word with as many bars, and a tag behind the last one",
    skips=("columns that are neither words nor the chosen tags",),
    tried="a file written as WikiNER is",
)
