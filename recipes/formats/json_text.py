"""JSON from outside: what is none, or more than any of our files needs, is said in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_DECODER = json.JSONDecoder()

MOST_LEVELS = 100
"""Objects and lists in each other: what is read must be written again, and SQLite ends at 1,000."""


class NotJson(ValueError):
    """Says what is wrong; ``line`` of the text, from 1, None where no one line is to blame."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.line = line


def parse(text: str) -> Any:
    """The value that the text spells. NotJson for text that is no JSON, for more than 100 levels and for
    whole numbers of thousands of digits."""
    try:
        found, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        end = -1
    if end != len(text):  # blanks around it, or something that is told
        with _told():
            found = json.loads(text)
    return _shallow(found, text, 0, len(text))


def parse_at(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at that character, and where it ends. NotJson as `parse`."""
    with _told():
        found, end = _DECODER.raw_decode(text, start)
    return _shallow(found, text, start, end), end


@contextmanager
def _told() -> Iterator[None]:
    """What Python says of text that it cannot read, as NotJson."""
    try:
        yield
    except json.JSONDecodeError as error:
        what = f"this is no JSON ({error.msg} at column {error.colno})"
        raise NotJson(what, error.lineno) from error
    except RecursionError as error:
        raise NotJson(_too_deep()) from error
    except ValueError as error:  # Python reads no whole number of more than 4,300 digits
        raise NotJson("a whole number in it has thousands of digits: write it as a string") from error


def _shallow(found: Any, text: str, start: int, end: int) -> Any:
    # most texts have so few brackets that nobody needs to look how they nest
    brackets = text.count("[", start, end) + text.count("{", start, end)
    if brackets > MOST_LEVELS and _levels_exceed(found, MOST_LEVELS):
        raise NotJson(_too_deep())
    return found


def _too_deep() -> str:
    return f"objects and lists stand in each other more than {MOST_LEVELS} levels deep"


def _levels_exceed(value: Any, most: int) -> bool:
    """Level by level, not by recursion, which such a value would exhaust."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(most):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(level)
