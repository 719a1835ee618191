"""A Hugging Face data set as a folder: Parquet files with ``tokens`` and ``ner_tags``, and a README card.

``datasets.load_dataset(FOLDER)`` reads it, and so does whatever reads Parquet. The features stand in the
schema of each file, so that ``ner_tags`` have their names there too. pyarrow is imported when it writes, not
before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.plugin.tagging.schemes import OUTSIDE, tags_for
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.entry import Entry, WriteOptions, Written
from spanloop.recipes.formats.tagged import cut_tokens, tags_of_spans

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

ROW_GROUP = 1_000
"""Documents in memory, and in one group of rows."""
SPLITS = {"pool": "train", "eval": "test"}
NO_SPLIT = "train"


def write(path: Path, entries: Iterable[Entry], options: WriteOptions) -> Written:
    """Fill the folder ``path``, which is there and empty: ``data/train-*.parquet`` with the pool,
    ``data/test-*.parquet`` with the documents of eval, ``README.md``.

    A token is cut where a span begins or ends inside it, and counted. RecipeError without pyarrow, and for an
    entry without tokens.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise RecipeError(
            "a Hugging Face data set is written with pyarrow: pip install 'spanloop[parquet]'"
        ) from error
    names = tag_names(options)
    (path / "data").mkdir()
    parts: dict[str, _Part] = {}
    cuts = lost = 0
    try:
        for entry in entries:
            if entry.tokens is None:
                raise RecipeError(f"document {entry.key} has no tokens: a data set is written token by token")
            split = SPLITS.get(entry.split or "", NO_SPLIT)
            if split not in parts:
                parts[split] = _Part(path / "data" / f"{split}-00000-of-00001.parquet", names)
            cut, unplaced = parts[split].add(entry, options)
            cuts, lost = cuts + cut, lost + unplaced
    finally:
        for part in parts.values():
            part.close()
    (path / "README.md").write_text(card(parts, names), encoding="utf-8")
    return Written(
        documents=sum(part.documents for part in parts.values()),
        spans=sum(part.labels.total() for part in parts.values()),
        tokens_cut=cuts,
        spans_lost=lost,
    )


def tag_names(options: WriteOptions) -> list[str]:
    """What the numbers of ``ner_tags`` stand for: outside, then each label, with its B and I where spans are
    marked."""
    if options.task == "tags":
        return [OUTSIDE, *options.labels]
    return tags_for(options.labels, "IOB2")


@dataclass(slots=True)
class _Part:
    """One Parquet file on its way, a group of rows in memory."""

    file: Path
    names: Sequence[str]
    documents: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)
    _writer: ParquetWriter | None = None

    def __post_init__(self) -> None:
        self._numbers = {name: number for number, name in enumerate(self.names)}

    def add(self, entry: Entry, options: WriteOptions) -> tuple[int, int]:
        """Take a document; how many tokens were cut, and how many spans have none."""
        spans = entry.spans or ()
        tokens = cut_tokens(entry.tokens or (), spans)
        tags, unplaced = tags_of_spans(tokens, spans, task=options.task)
        self._rows.append(
            {
                "id": entry.key,
                "tokens": [entry.text[start:end] for start, end in tokens],
                "ner_tags": None if entry.spans is None else [self._numbers[tag] for tag in tags],
                "text": entry.text,
            }
        )
        self.documents += 1
        self.labels.update(span.label for span in spans)
        if len(self._rows) == ROW_GROUP:
            self._flush()
        return len(tokens) - len(entry.tokens or ()), unplaced

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        self._flush()
        if self._writer is not None:
            self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        if not self._rows:
            return
        table = pa.Table.from_pylist(self._rows, schema=_schema(self.names))
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self.file, table.schema)
        self._writer.write_table(table)
        self._rows.clear()


def _schema(names: Sequence[str]) -> pyarrow.Schema:
    """The columns, with the features as the library ``datasets`` writes and reads them."""
    import pyarrow as pa

    text = {"dtype": "string", "_type": "Value"}
    features = {
        "id": text,
        "tokens": {"feature": text, "_type": "Sequence"},
        "ner_tags": {"feature": {"names": list(names), "_type": "ClassLabel"}, "_type": "Sequence"},
        "text": text,
    }
    columns = {
        "id": pa.string(),
        "tokens": pa.list_(pa.string()),
        "ner_tags": pa.list_(pa.int64()),
        "text": pa.string(),
    }
    info = json.dumps({"info": {"features": features}}, ensure_ascii=False)
    return pa.schema(list(columns.items()), metadata={"huggingface": info})


def card(parts: dict[str, _Part], names: Sequence[str]) -> str:
    """The README: what the hub and the library read at its top, and a table for people."""
    files = [f"  - split: {split}\n    path: data/{split}-*" for split in parts]
    classes = [f"          '{number}': {json.dumps(name)}" for number, name in enumerate(names)]
    head = [
        "---",
        "task_categories:",
        "- token-classification",
        "configs:",
        "- config_name: default",
        "  data_files:",
        *files,
        "dataset_info:",
        "  features:",
        "  - name: id\n    dtype: string",
        "  - name: tokens\n    sequence: string",
        "  - name: ner_tags\n    sequence:\n      class_label:\n        names:",
        *classes,
        "  - name: text\n    dtype: string",
        "---",
    ]
    labels = sorted({label for part in parts.values() for label in part.labels})
    table = [
        f"| {' | '.join(['split', 'documents', *labels])} |",
        "|---" * (len(labels) + 2) + "|",
        *(
            f"| {' | '.join([split, str(part.documents), *(str(part.labels[name]) for name in labels)])} |"
            for split, part in parts.items()
        ),
    ]
    about = (
        "One row a document: its `text`, the `tokens` of it, and a number of `ner_tags` for each token. "
        "Written by spanloop. Spans by label:"
    )
    return "\n".join([*head, "", "# Annotated documents", "", about, "", *table, ""])
