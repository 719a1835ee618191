"""What of a document's metadata looks like spans that nobody read: it is told by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from spanloop.recipes.formats.entry import Entry
from spanloop.recipes.formats.span_shapes import ENDS, STARTS, is_offset

_TAG = re.compile(r"[BIOESLUM][-_].+")
_TAGGED_NAME = re.compile(r"tag|ner|bio|iob|label", re.IGNORECASE)


def unread_spans(entry: Entry) -> Iterator[str]:
    """The names of metadata that look like spans or tags.

    Args:
        entry: A document of a file, whose unknown keys are its metadata.

    Yields:
        Each name; that of a key inside another one with a dot.
    """
    for name, value in entry.meta.items():
        if type(value) is str or not isinstance(value, list | Mapping):
            continue
        if _are_spans(value) or _are_tags(name, value, entry.text):
            yield name
        elif isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner, one in value.items() if _are_spans(one))


def _are_spans(value: Any) -> bool:
    if isinstance(value, Mapping):  # a list of places for each label
        lists = [places for places in value.values() if isinstance(places, list) and places]
        return 0 < len(lists) == len(value) and all(all(map(_is_pair, places)) for places in lists)
    return isinstance(value, list) and bool(value) and all(map(_is_place, value))


def _is_place(item: Any) -> bool:
    if isinstance(item, Mapping):
        return all(any(_is_number(item.get(name)) for name in names) for names in (STARTS, ENDS))
    if not isinstance(item, list) or len(item) != 3:
        return False
    return sum(map(_is_number, item)) == 2 and sum(isinstance(part, str) for part in item) >= 1


def _is_pair(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 2 and all(map(is_offset, item))


def _is_number(value: Any) -> bool:
    return is_offset(value) or (isinstance(value, str) and value.isdecimal())


def _are_tags(name: str, value: Any, text: str) -> bool:
    if not isinstance(value, list) or not value:
        return False
    if all(isinstance(tag, str) for tag in value):
        spelled = [tag for tag in value if _TAG.fullmatch(tag)]
        return bool(spelled) and all(_TAG.fullmatch(tag) or tag in ("O", "_") for tag in value)
    numbers = all(map(is_offset, value))
    return numbers and _TAGGED_NAME.search(name) is not None and len(value) == len(text.split())
