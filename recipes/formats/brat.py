"""brat's folders: ``NAME.txt`` with a text and ``NAME.ann`` with what is marked in it.

Read are text-bound annotations (T). Those of several pieces go to the ledger; relations, events, attributes,
normalisations and notes are counted and told. Source of the format: brat.nlplab.org/standoff.html.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.brat_writing import write
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.folder_names import IDS, key_of, unquoted
from spanloop.recipes.formats.lines import BYTE_ORDER_MARK, lines_of_head, numbered_lines
from spanloop.store.records import Span

ANN, TXT = ".ann", ".txt"
DISCONTINUOUS = "discontinuous"
_BOUND = re.compile(r"T\S*\t(\S+) (\d{1,15} \d{1,15}(?:;\d{1,15} \d{1,15})*)(?:\t(.*))?$")
_OTHER = re.compile(r"([A-SU-Z*#])\S*\t")
_KINDS = {
    "R": "relations",
    "E": "events",
    "A": "attributes",
    "M": "attributes",
    "N": "normalisations",
    "*": "equivalences",
    "#": "notes",
}


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a text: of a folder with all below it, or of one ``.ann`` with the ``.txt`` beside it. A text
    without ``.ann`` has no spans that anybody gave."""
    for part in parts(path) if path.is_dir() else [path]:
        yield _entry(part, path if path.is_dir() else path.parent, options)


def parts(folder: Path) -> Sequence[Path]:
    """The files that stand for a document each, in the order of their names."""
    marked = {path.with_suffix("") for path in folder.rglob(f"*{ANN}")}
    texts = (path for path in folder.rglob(f"*{TXT}") if path.with_suffix("") not in marked)
    found = [*(path for path in folder.rglob(f"*{ANN}")), *texts]
    return sorted(path for path in found if not path.name.startswith("."))


def is_corpus(folder: Path) -> bool:
    """Whether texts lie in the folder with their annotations beside them."""
    return any(path.with_suffix(TXT).is_file() for path in folder.glob(f"*{ANN}"))


def _entry(path: Path, folder: Path, options: ReadOptions) -> Entry:
    text = _text(path.with_suffix(TXT), path)
    name = path.relative_to(folder).with_suffix("")
    key = "/".join([*map(unquoted, name.parent.parts), key_of(name.name, path.parent)])
    if path.suffix != ANN:
        return Entry(text=text, key=key)
    spans: list[Span] = []
    said: list[str | None] = []
    refused: list[tuple[Span, str]] = []
    others: Counter[str] = Counter()
    for line, row in numbered_lines(path) if path.stat().st_size else ():
        bound = _BOUND.match(row)
        if bound is not None:
            edges = [int(edge) for edge in re.split("[ ;]", bound[2])]
            span = Span(edges[0], edges[-1], bound[1])
            if _is_one(edges, text):
                spans.append(span)
                said.append(bound[3])
            else:
                refused.append((Span(min(edges), max(edges), bound[1]), DISCONTINUOUS))
        elif other := _OTHER.match(row):
            others[_KINDS.get(other[1], "other lines")] += 1
        elif row.strip():
            raise FormatError(path, line, f"T1, label, start, end and text are expected: {row[:60]!r}")
    for kind, number in others.items():
        options.notes.add(f"{kind} of brat are not read", number)
    return Entry(text=text, key=key, spans=tuple(spans), said=tuple(said), refused=tuple(refused))


def _is_one(edges: Sequence[int], text: str) -> bool:
    """Whether the pieces follow each other with nothing but blanks between them, as brat writes a span that
    crosses a line end."""
    gaps = zip(edges[1:-1:2], edges[2::2], strict=True)
    return all(before <= after and not text[before:after].strip() for before, after in gaps)


def _text(path: Path, asked: Path) -> str:
    """The text with its line ends as they are: offsets count them."""
    try:
        return path.read_bytes().removeprefix(BYTE_ORDER_MARK).decode()
    except FileNotFoundError as error:
        raise FormatError(asked, None, f"its text {path.name} is not beside it") from error
    except UnicodeDecodeError as error:
        said = f"byte {error.start + 1} is no UTF-8: convert the file"
        raise FormatError(path, None, said) from error


def sniff(head: str) -> bool:
    """Every line is an annotation of brat, and one of them marks a text."""
    lines = lines_of_head(head)[:100]
    bound = [_BOUND.match(line) is not None for line in lines]
    return any(bound) and all(b or _OTHER.match(line) for b, line in zip(bound, lines, strict=True))


FORMAT = Format(
    name="brat",
    suffixes=(ANN,),
    read=read,
    write=write,
    sniff=sniff,
    foreign=True,
    offsets=True,
    folder=is_corpus,
    written=("annotation.conf", "*.txt", "*.ann", IDS),
    parts=parts,
    carries=frozenset({"spans", "empty_documents", "open_documents", "ids", "blanks"}),
    title="brat's folders of .txt and .ann",
    detected="an .ann beside a .txt, or lines such as T1, label, start, end",
    skips=("relations, events, attributes, normalisations and notes, which are counted",),
    tried="LitBank and the development part of the NCBI disease corpus",
)
