"""LightTag's export: an object with ``examples``, each with its ``content`` and ``annotations`` of several
people.

What a reviewer found wrong (``correct`` false) is a refused suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.json_values import records
from spanloop.recipes.formats.span_shapes import span_of

_HEAD = re.compile(r'"(?:annotated_by|tagged_token_id|example_id|annotations)"\s*:')
_EXAMPLES = re.compile(r'\s*\{.{0,20000}?"examples"\s*:\s*\[', re.DOTALL)


def read(path: Path, _options: ReadOptions) -> Iterator[Entry]:
    """One entry an annotator of each example. FormatError names the number of the example."""
    for number, (line, example, _) in enumerate(records(path, "examples"), start=1):
        try:
            yield from _entries(example, line)
        except ValueError as error:
            raise FormatError(path, line, f"example {number}: {error}") from error


def _entries(example: Any, line: int | None) -> Iterator[Entry]:
    if not isinstance(example, Mapping) or not isinstance(example.get("content"), str):
        raise ValueError('every example needs a "content" that is a string')
    found = example.get("annotations")
    if not isinstance(found, list):
        raise ValueError('"annotations" must be a list')
    spans = [(span_of(one, number), one) for number, one in enumerate(found, start=1)]
    seen = [
        *_people(example.get("seen_by")),
        *(p for _, one in spans for p in _people(one.get("annotated_by"))),
    ]
    people: list[str | None] = [*dict.fromkeys(seen)]
    if people and not all(_people(one.get("annotated_by")) for _, one in spans):
        people.append(None)  # what nobody is named for is somebody's all the same
    about = example.get("metadata")
    own = example.get("example_id", example.get("id"))
    nobody: list[str | None] = [None]
    for place, person in enumerate(people or nobody):
        said = [(s, one) for s, one in spans if person in (_people(one.get("annotated_by")) or nobody)]
        wrong = [span for span, one in said if one.get("correct") is False]
        right = [(span, one) for span, one in said if one.get("correct") is not False]
        values = [one.get("value") for _, one in right]
        yield Entry(
            text=example["content"],
            line=line,
            key=None if own is None else str(own),
            meta=about if isinstance(about, Mapping) else {},
            spans=None if person is None and not spans else tuple(span for span, _ in right),
            said=tuple(value if isinstance(value, str) else None for value in values) if any(values) else (),
            negatives=tuple(wrong),
            annotator=person,
            continues=place > 0,
        )


def _people(said: Any) -> list[str]:
    """Names in a list of names, or of objects with ``annotator``."""
    if not isinstance(said, list):
        return []
    names = [one.get("annotator") if isinstance(one, Mapping) else one for one in said]
    return [name for name in names if isinstance(name, str) and name]


def sniff(head: str) -> bool:
    """An object with ``examples`` and keys that only LightTag has."""
    return _EXAMPLES.match(head) is not None and _HEAD.search(head) is not None


FORMAT = Format(
    name="lighttag",
    suffixes=(".json",),
    read=read,
    write=None,
    sniff=sniff,
    foreign=True,
    offsets=True,
    title="LightTag's JSON",
    detected="an object with examples, which have annotations",
    skips=("relations", "classifications"),
    tried="a file written from LightTag's documentation",
)
