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
    if _all_plain(entry):
        return None
    for name, value in _texts(entry):
        if value.isascii() and "\0" not in value:
            continue
        found = _UNSTORABLE.search(value)
        if found is not None:
            return f"the {name} has {_called(found[0])} at character {found.start()}: no text can hold it"
    if not entry.meta or all(map(_is_plain, entry.meta.items())):
        return None
    return _unwritable_meta(entry)


def _all_plain(entry: Entry) -> bool:
    """Whether a look at an entry without spans shows that nothing is wrong with it, as with most that wait to
    be annotated."""
    text, key = entry.text, entry.key or ""
    if entry.spans or entry.group or not (text.isascii() and key.isascii()) or "\0" in text or "\0" in key:
        return False
    if entry.annotator or entry.comment or entry.predicted_by or entry.negatives or entry.refused:
        return False
    return all(map(_is_plain, entry.meta.items()))


def _is_plain(item: tuple[str, object]) -> bool:
    """Whether a key and its value are such as any file can hold, seen without a look into them."""
    key, value = item
    plain = value is None or type(value) in (int, bool) or (type(value) is str and value.isascii())
    return plain and key.isascii()


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
    if entry.key:
        yield "id", entry.key
    if entry.group:
        yield "group", entry.group
    if entry.annotator:
        yield "annotator", entry.annotator
    if entry.comment:
        yield "comment", entry.comment
    if entry.predicted_by:
        yield "model", entry.predicted_by
    for span in entry.spans or ():
        yield "label", span.label
    for span in (*entry.negatives, *(span for span, _ in entry.refused)):
        yield "label", span.label
