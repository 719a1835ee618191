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
from spanloop.store.records import Span

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
    about = example.get("metadata")
    own = example.get("example_id", example.get("id"))
    for place, person in enumerate(people or [None]):
        said = [(s, one) for s, one in spans if person is None or person in _people(one.get("annotated_by"))]
        wrong = [span for span, one in said if one.get("correct") is False]
        yield Entry(
            text=example["content"],
            line=line,
            key=None if own is None else str(own),
            meta=about if isinstance(about, Mapping) else {},
            spans=None if person is None and not spans else _without(said, wrong),
            negatives=tuple(wrong),
            annotator=person,
            continues=place > 0,
        )


def _without(said: list[tuple[Span, Any]], wrong: list[Span]) -> tuple[Span, ...]:
    return tuple(span for span, _ in said if span not in wrong)


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
    title="LightTag's JSON",
    detected="an object with examples, which have annotations",
    skips=("relations", "classifications"),
    tried="a file written from LightTag's documentation",
)
