"""Formats that are written and not read: their files are for other tools."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats import brat_writing, huggingface_writing, webanno_writing
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions


def _read(path: Path, _options: ReadOptions) -> Iterator[Entry]:
    raise FormatError(path, None, "files of this format are written and not read here")


def _never(_head: str) -> bool:
    return False


def _no_folder(_folder: Path) -> bool:
    return False


BRAT = Format(
    name="brat",
    suffixes=(),
    read=_read,
    write=brat_writing.write,
    sniff=_never,
    foreign=True,
    folder=_no_folder,
    reads=False,
    title="brat, a folder",
    detected="never",
    tried="its description",
    carries=frozenset({"spans", "empty_documents", "blanks"}),
)
WEBANNO = Format(
    name="webanno",
    suffixes=(),
    read=_read,
    write=webanno_writing.write,
    sniff=_never,
    needs_tokens=True,
    foreign=True,
    reads=False,
    title="WebAnno TSV 3.3 (INCEpTION)",
    detected="never",
    tried="its description",
    carries=frozenset({"spans", "empty_documents", "blanks"}),
)
HUGGINGFACE = Format(
    name="huggingface",
    suffixes=(),
    read=_read,
    write=huggingface_writing.write,
    sniff=_never,
    needs_tokens=True,
    foreign=True,
    folder=_no_folder,
    reads=False,
    title="a Hugging Face data set, a folder of Parquet",
    detected="never",
    tried="its description",
    extra="parquet",
    carries=frozenset({"spans", "empty_documents", "open_documents", "ids", "splits", "blanks"}),
)
