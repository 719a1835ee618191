"""JSON: an array of records, or an object that has one, with the keys of our JSON Lines or of other tools.

Read: ``[{"text": …, "spans": […]}, …]``, ``{"data": […]}``, and answers of the viewer of Hugging Face
(``features`` and ``rows``), whose tags get their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.carrying import EVERYTHING
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.features import names_of_features, with_names
from spanloop.recipes.formats.header import WRAPPERS, is_wrapped
from spanloop.recipes.formats.json_values import records
from spanloop.recipes.formats.json_writing import write
from spanloop.recipes.formats.jsonl import entry_of

_ARRAY = re.compile(r"\s*\[\s*[{\]]")


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a record. FormatError names the line in an array, else the number of the record."""
    for number, (line, value, about) in enumerate(records(path, *WRAPPERS), start=1):
        try:
            record = _record(value)
            yield entry_of(with_names(record, names_of_features(about.get("features"))), line, options)
        except ValueError as error:
            where = "" if line is not None else f"record {number}: "
            raise FormatError(path, line, f"{where}{error}") from error


def _record(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f'an object like {{"text": …}} is expected, not a {type(value).__name__}')
    if not isinstance(value.get("row"), Mapping):
        return value
    if value.get("truncated_cells"):
        raise ValueError(
            f"{', '.join(map(str, value['truncated_cells']))} of this row is cut off: fetch it whole"
        )
    return dict(value["row"])


def sniff(head: str) -> bool:
    """An array of objects, or an object whose first key is one that holds documents."""
    return _ARRAY.match(head) is not None or is_wrapped(head)


FORMAT = Format(
    name="json",
    suffixes=(".json",),
    read=read,
    write=write,
    sniff=sniff,
    offsets=True,
    general=True,
    carries=EVERYTHING,
    title="JSON, an array of documents",
    detected="an array of objects, or an object with an array under data, rows or documents",
    tried="files written from the description of the Hugging Face viewer's API, and of the tests",
)
