"""Hugging Face data sets: Parquet files, and folders that the library ``datasets`` saved (Arrow files), with
the names of their tags from the features. pyarrow reads them, a batch of rows at a time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.features import names_of_features, with_names
from spanloop.recipes.formats.huggingface_writing import write
from spanloop.recipes.formats.jsonl import entry_of
from spanloop.store.records import Split

ROWS = 1_000
PARQUET, ARROW = ".parquet", ".arrow"
_SPLITS: Mapping[str, Split] = {"train": "pool", "test": "eval"}
"""The others are what ``--dev`` says."""
_PLAIN = frozenset({str, int, float, bool})
_NAMED = re.compile(r"(train|validation|valid|dev|test)(?=[-_.]|$)")


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a row; ``line`` counts the rows of a file from 1. What a file or its folder is called says
    the split: train is the pool, test is eval, validation and dev are told by that word (`Entry.part`).
    Columns of bytes (pictures, sounds) are told and not read.

    RecipeError without pyarrow; FormatError names file and row.
    """
    for file in parts(path) if path.is_dir() else [path]:
        yield from _entries(file, options)


def parts(folder: Path) -> Sequence[Path]:
    """The files of the data set, in the order of their names."""
    return sorted(path for ending in (PARQUET, ARROW) for path in folder.rglob(f"*{ending}"))


def is_dataset(folder: Path) -> bool:
    """Whether ``datasets`` saved the folder, or Parquet files lie in it or in ``data`` below it."""
    saved = (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file()
    return saved or any(folder.glob(f"*{PARQUET}")) or any(folder.glob(f"data/*{PARQUET}"))


def _entries(path: Path, options: ReadOptions) -> Iterator[Entry]:
    row = 0
    word = _split(path)
    split, part = _SPLITS.get(word or ""), word if word not in _SPLITS else None
    for names, batch in _batches(path):
        for record in batch:
            row += 1
            try:
                named = with_names(record, names)
                known = {key: _spelled(value) for key, value in named.items() if value is not None}
                for key in [key for key, value in known.items() if _has_bytes(value)]:
                    options.notes.add(f'{path.name}: "{key}" has bytes, which are not read')
                    del known[key]
                entry = entry_of(known, row, options)
            except ValueError as error:
                raise FormatError(path, row, str(error)) from error
            said = word is None or entry.split is not None or entry.part is not None
            yield entry if said else replace(entry, split=split, part=part)


def _spelled(value: Any) -> Any:
    """The value as JSON can have it: dates, times and decimals are spelled out."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, dict):
        return {key: _spelled(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_spelled, value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | timedelta) else value


def _has_bytes(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_bytes, value.values()))
    return isinstance(value, bytes) or (isinstance(value, list) and any(map(_has_bytes, value)))


def _split(path: Path) -> str | None:
    """The word that a file or its folder has for its split."""
    found = _NAMED.match(path.name) or _NAMED.fullmatch(path.parent.name)
    return found[1] if found else None


def _batches(path: Path) -> Iterator[tuple[dict[str, list[str]], list[dict[str, Any]]]]:
    """The rows of a file, some at a time, with the names of the classes of its columns."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise RecipeError(
            "a Hugging Face data set is read with pyarrow: pip install 'spanloop[parquet]'"
        ) from error
    try:
        if path.suffix == ARROW:
            with pa.memory_map(str(path)) as file, _arrow(pa, file) as reader:
                names = _names(reader.schema)
                yield from ((names, batch.to_pylist()) for batch in reader)
        else:
            with parquet.ParquetFile(path) as table:
                names = _names(table.schema_arrow)
                yield from ((names, batch.to_pylist()) for batch in table.iter_batches(ROWS))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = str(error).strip().split("\n", 1)[0]
        raise FormatError(path, None, f"pyarrow cannot read it: {said}") from error


def _arrow(pa: Any, file: Any) -> Any:
    """The stream that ``datasets`` writes."""
    return pa.ipc.open_stream(file)


def _names(schema: Any) -> dict[str, list[str]]:
    """The names in the features that the library leaves in the schema."""
    note = (schema.metadata or {}).get(b"huggingface")
    try:
        return names_of_features(json.loads(note)["info"]["features"]) if note else {}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}


def sniff(_head: str) -> bool:
    """Binary: its first bytes or its suffix tell."""
    return False


FORMAT = Format(
    name="huggingface",
    suffixes=(PARQUET, ARROW),
    read=read,
    write=write,
    sniff=sniff,
    needs_tokens=True,
    binary=True,
    magic=b"PAR1",
    folder=is_dataset,
    written=("README.md", "data/*.parquet"),
    parts=parts,
    carries=frozenset({"spans", "empty_documents", "open_documents", "ids", "splits", "blanks"}),
    title="Hugging Face data sets",
    detected="Parquet files, or a folder that the library datasets saved",
    tried="files that pyarrow wrote with the features of conll2003, and Arrow streams; what is written was "
    "loaded by datasets 5.2",
    extra="parquet",
)
