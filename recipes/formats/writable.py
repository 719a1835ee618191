"""What an entry says must be possible to store, to show in a browser and to write to a file again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from spanloop.recipes.formats.entry import Entry

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_HALF_PAIR = re.compile("[\ud800-\udfff]")


def unwritable(entry: Entry) -> str | None:
    """What of the entry no file can hold, in words; None where there is nothing of the kind."""
    for name, value in _texts(entry):
        found = _UNSTORABLE.search(value)
        if found is not None:
            return f"the {name} has {_called(found[0])} at character {found.start()}: no text can hold it"
    return _unwritable_meta(entry) if entry.meta else None


def _unwritable_meta(entry: Entry) -> str | None:
    """The meta is stored as JSON, and read by a browser, which knows no NaN."""
    try:
        spelled = json.dumps(dict(entry.meta), ensure_ascii=False, allow_nan=False)
    except TypeError as error:  # bytes, a set, a date
        return f"the meta has what JSON has not ({error})"
    except ValueError:
        return "the meta has a number that JSON has not (NaN, or beyond 1e308): write null or a string"
    found = _HALF_PAIR.search(spelled)
    return None if found is None else f"the meta has {_called(found[0])}: no text can hold it"


def _called(letter: str) -> str:
    return "a NUL character" if letter == "\0" else f"half a surrogate pair (U+{ord(letter):04X})"


def _texts(entry: Entry) -> Iterator[tuple[str, str]]:
    """Everything of the entry that is stored as text, with what it is called."""
    yield "text", entry.text
    others = {
        "id": entry.key,
        "group": entry.group,
        "annotator": entry.annotator,
        "comment": entry.comment,
        "model": entry.predicted_by,
    }
    yield from ((name, value) for name, value in others.items() if value)
    for span in (*(entry.spans or ()), *entry.negatives, *(span for span, _ in entry.refused)):
        yield "label", span.label
