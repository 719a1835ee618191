"""What passes between a file and the store: one document as a file tells it, and how a format is
described."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from spanloop.store.records import Answer, Origin, Range, Span, Split, Task

Unit = Literal["line", "paragraph", "file", "sentence", "document"]

Feature = Literal[
    "spans",
    "empty_documents",
    "ids",
    "groups",
    "splits",
    "metadata",
    "blanks",
    "scores",
    "models",
    "open_documents",
    "rejected_and_ignored",
    "annotators",
    "reviews",
    "times",
    "flags",
    "comments",
    "parts_looked_at",
    "refused_suggestions",
    "known_labels",
]
"""What a document can have beside its text and its spans; `carrying` says what each is."""

ORIGINALS = "conllu"
"""The format whose lines are kept (`Format.originals`): they serve `conllu_xpos` too."""


# not frozen, though nobody changes one: Python sets the fields of a frozen class one call at a time, which
# took longer than reading the line
@dataclass(slots=True)
class Entry:
    """One document in a file. Offsets are half-open code points into ``text``; ``line`` counts from 1.

    ``spans`` None: the file says nothing about spans, which is not the same as saying that there are none.
    ``tokens`` are the characters of each token, for the formats that write one token a line.

    One entry is one opinion: what several people said of a text are several entries of one ``key``.
    ``annotator``: who said it, where the file knows; ``origin`` None: human with an annotator, else import.
    ``ranges``: the characters looked at, None for all; ``negatives``: suggestions that were refused.
    ``predicted_by``: the model that said it, where no person did. ``created_at``: ISO 8601, UTC.
    ``refused``: spans that have no place in the text, each with its reason, so that the rest cannot be gold;
    ``moved``: as the file says, as they lie, why. ``continues``: the document of the entry before once more.
    ``said``: the text that each span carries itself, in the order of ``spans``, None for one that carries
    none; empty where none does.
    ``labels``: those that it speaks of, None for all (or where the file does not say).
    ``part``: the file's own word for the split, where it is none of ours (``train``). ``opened``: False where
    a tool writes no spans for what nobody has looked at too.
    ``original``: the lines of the file that it stands in, where these say more than an entry keeps.
    """

    text: str
    line: int | None = None
    key: str | None = None
    group: str | None = None
    split: Split | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    spans: tuple[Span, ...] | None = None
    answer: Answer = "accept"
    tokens: tuple[Range, ...] | None = None
    annotator: str | None = None
    origin: Origin | None = None
    ranges: tuple[Range, ...] | None = None
    negatives: tuple[Span, ...] = ()
    created_at: str | None = None
    flagged: bool = False
    comment: str = ""
    predicted_by: str | None = None
    refused: tuple[tuple[Span, str], ...] = ()
    moved: tuple[tuple[Span, Span, str], ...] = ()
    continues: bool = False
    original: str | None = None
    labels: tuple[str, ...] | None = None
    part: str | None = None
    opened: bool = True
    said: tuple[str | None, ...] = ()


@dataclass(slots=True)
class Notes:
    """What a reader guessed, or saw and did not read, each said once, with how often it was met."""

    said: dict[str, int] = field(default_factory=dict)

    def add(self, what: str, times: int = 1) -> None:
        """Say it; the same again is counted."""
        self.said[what] = self.said.get(what, 0) + times

    def lines(self) -> list[str]:
        """Each as one line, with how often it was met where that was more than once."""
        return [what if times == 1 else f"{what} ({times:,} times)" for what, times in self.said.items()]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read. ``by``: what one document is, where a format leaves the choice (None = its own
    default). ``labels``: those of the project, where a file says several things of a token.

    ``columns``: what the columns of a table are, as they were typed; None: as they look. ``tag_names``: the
    tags that whole numbers stand for, from 0 on. ``seen_tags``: every tag of the file, where its reader has
    looked for them. ``tokens``: whether the tokens of the file are wanted where its spans do not need them.
    ``notes``: where the reader says what it guessed. ``called``: what stands for the file in keys and groups,
    empty for its name.
    """

    task: Task = "spans"
    by: Unit | None = None
    labels: tuple[str, ...] = ()
    columns: Sequence[str] | None = None
    tag_names: Sequence[str] | None = None
    seen_tags: tuple[str, ...] = ()
    tokens: bool = False
    notes: Notes = field(default_factory=Notes)
    called: str = ""

    def name_of(self, path: Path) -> str:
        """What stands for a file in keys and groups."""
        return self.called or path.name


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How to write: one tag a token in a tags project. ``labels``: those of the project."""

    task: Task = "spans"
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What a writer did: documents and spans written, tokens cut in two because a span ends inside them, and
    spans the format could not carry (over nothing but whitespace), documents that lost columns they came in
    with."""

    documents: int
    spans: int
    tokens_cut: int = 0
    spans_lost: int = 0
    columns_lost: int = 0


class Reader(Protocol):
    """Streams the entries of a file. Raises FormatError with file and line."""

    def __call__(self, path: Path, options: ReadOptions, /) -> Iterator[Entry]: ...


class Writer(Protocol):
    """Writes the entries to a new file, streaming."""

    def __call__(self, path: Path, entries: Iterable[Entry], options: WriteOptions, /) -> Written: ...


class Sniffer(Protocol):
    """Whether the first characters of a file look like this format."""

    def __call__(self, head: str, /) -> bool: ...


class Parts(Protocol):
    """The files of a folder that stand for documents, in their order; the reader takes each by itself."""

    def __call__(self, folder: Path, /) -> Sequence[Path]: ...


class FolderSniffer(Protocol):
    """Whether a folder is one thing of this format."""

    def __call__(self, folder: Path, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: everything that is known of it, for reading and writing and for the page of formats.

    ``needs_tokens``: its writer wants ``Entry.tokens``; ``binary``: there is no text to sniff, ``magic`` are
    the bytes that it begins with, where it has such.

    ``general``: it claims files that a more special format knows better, so it is asked last. ``foreign``:
    another tool's export, where spans that overlap or lie nowhere are ordinary. ``offsets``: its spans are
    told by offsets, which others may count otherwise. ``originals``: its entries bring the lines that they
    stand in, and its writer writes on them. ``folder``: whether a folder is one thing of this format; None:
    it has files alone. ``carries``: what of a document its writer can hold (`carrying`).
    ``cannot_hold``: letters that no file of it can have; a document with one is refused.
    ``written``: the names (`fnmatch`) of all that its writer puts into a folder, the first of them always.
    ``parts``: the files of such a folder that stand for documents; each is read and told by itself.

    ``title``: what people call it. ``detected``: by what its files are known. ``skips``: what its files
    can have and the reader leaves there. ``tried``: the files that it was tried on. ``extra``: the extra of
    spanloop that reads it, None for all.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Reader
    write: Writer | None
    sniff: Sniffer
    needs_tokens: bool = False
    binary: bool = False
    general: bool = False
    foreign: bool = False
    originals: bool = False
    offsets: bool = False
    carries: frozenset[Feature] = frozenset()
    folder: FolderSniffer | None = None
    written: tuple[str, ...] = ()
    cannot_hold: re.Pattern[str] | None = None
    parts: Parts | None = None
    magic: bytes = b""
    title: str = ""
    detected: str = ""
    skips: tuple[str, ...] = ()
    tried: str = ""
    extra: str | None = None
