"""What the first look made of a file, kept until it is stored: no line is read and checked twice, and what is
stored is what was looked at, whatever becomes of the file meanwhile.

In memory up to 16 MiB, beyond that in a temporary file that has no name; as tuples of plain values, which
`marshal` writes faster than any other module and this process alone reads.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Sequence
from dataclasses import fields
from operator import attrgetter
from os import SEEK_END
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any

from spanloop.recipes.files.entry_checks import CheckedEntry
from spanloop.recipes.formats.entry import Entry
from spanloop.store.records import Span

IN_MEMORY = 2**24
_LENGTH = 8
_NAMES = [field.name for field in fields(Entry)]
_SPANS, _NEGATIVES, _REFUSED, _MOVED, _META = (
    _NAMES.index(name) for name in ("spans", "negatives", "refused", "moved", "meta")
)
_values_of: Callable[[Entry], tuple[Any, ...]] = attrgetter(*_NAMES)
# what those that wait to be annotated say, most of the time, and what they then do not say
_SIMPLE = ("text", "line", "key", "group", "split", "meta", "part")
_simple_of: Callable[[Entry], tuple[Any, ...]] = attrgetter(*_SIMPLE)
_more_of: Callable[[Entry], tuple[Any, ...]] = attrgetter(*(name for name in _NAMES if name not in _SIMPLE))
_checked_of: Callable[[CheckedEntry], tuple[Any, ...]] = attrgetter(
    *(field.name for field in fields(CheckedEntry) if field.name != "entry")
)
_NO_MORE, _UNCHECKED = _more_of(Entry("")), _checked_of(CheckedEntry(Entry(""), None))
_values_of_span: Callable[[Span], tuple[Any, ...]] = attrgetter("start", "end", "label", "score", "id")
_Plain = tuple[Any, ...]


class LookedAt:
    """The entries of an import as they were checked, in pieces; close it or use ``with``."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY, prefix="spanloop-")  # noqa: SIM115

    def __enter__(self) -> LookedAt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def keep(self, items: Sequence[CheckedEntry]) -> int | None:
        """Keep the next piece.

        Args:
            items: Entries that were checked.

        Returns:
            The place under which `piece` gives it back; None where it cannot be kept, since the disk is full,
            or a format of somebody else has metadata of classes of its own: then read the file again.
        """
        try:
            body = marshal.dumps([_plain(item) for item in items])
            place = self._file.seek(0, SEEK_END)
            self._file.write(len(body).to_bytes(_LENGTH, "big") + body)
        except (OSError, ValueError):
            return None
        return place

    def piece(self, place: int) -> list[CheckedEntry]:
        """The piece that is kept there."""
        self._file.seek(place)
        body = self._file.read(int.from_bytes(self._file.read(_LENGTH), "big"))
        return [_checked(values) for values in marshal.loads(body)]


def _plain(item: CheckedEntry) -> _Plain:
    """An entry that was checked as a tuple of what every file can hold; a short one says the least."""
    entry = item.entry
    if type(entry.meta) is dict and _checked_of(item) == _UNCHECKED and _more_of(entry) == _NO_MORE:
        return _simple_of(entry)
    values = list(_values_of(entry))
    spans = values[_SPANS]
    values[_META] = dict(values[_META])
    if spans:
        values[_SPANS] = _of_spans(spans)
    if item.entry.negatives or item.entry.refused or item.entry.moved:
        values[_NEGATIVES] = _of_spans(values[_NEGATIVES])
        values[_REFUSED] = _of_reasons(values[_REFUSED])
        values[_MOVED] = _of_moves(values[_MOVED])
    same = item.spans is spans or item.spans == spans
    if same and not (item.negatives or item.refused or item.moved):
        return values, item.accepted, item.unopened, item.others
    return (
        values, item.accepted, item.unopened, item.others, same, None if same else _of_spans(item.spans),
        _of_spans(item.negatives), _of_reasons(item.refused), _of_moves(item.moved),
    )  # fmt: skip


def _checked(plain: _Plain) -> CheckedEntry:
    if len(plain) == len(_SIMPLE):
        text, line, key, group, split, meta, part = plain
        return CheckedEntry(Entry(text, line, key, group, split, meta, part=part), None)
    values, accepted, unopened, others, *apart = plain
    if values[_SPANS]:
        values[_SPANS] = _spans(values[_SPANS])
    if values[_NEGATIVES] or values[_REFUSED] or values[_MOVED]:
        values[_NEGATIVES] = _spans(values[_NEGATIVES])
        values[_REFUSED] = _reasons(values[_REFUSED])
        values[_MOVED] = _moves(values[_MOVED])
    entry = Entry(*values)
    if not apart:
        return CheckedEntry(entry, entry.spans, (), (), (), accepted, unopened, others)
    same, spans, negatives, refused, moved = apart
    own = entry.spans if same else _spans(spans)
    return CheckedEntry(
        entry, own, _spans(negatives) or (), _reasons(refused), _moves(moved), accepted, unopened, others
    )


def _of_spans(spans: Sequence[Span] | None) -> _Plain | None:
    return None if spans is None else tuple(map(_values_of_span, spans))


def _spans(plain: _Plain | None) -> tuple[Span, ...] | None:
    return None if plain is None else tuple(Span(*values) for values in plain)


def _of_reasons(refused: Sequence[tuple[Span, str]]) -> _Plain:
    return tuple((_values_of_span(span), reason) for span, reason in refused)


def _reasons(plain: _Plain) -> tuple[tuple[Span, str], ...]:
    return tuple((Span(*values), reason) for values, reason in plain)


def _of_moves(moved: Sequence[tuple[Span, Span, str]]) -> _Plain:
    return tuple((_values_of_span(before), _values_of_span(after), reason) for before, after, reason in moved)


def _moves(plain: _Plain) -> tuple[tuple[Span, Span, str], ...]:
    return tuple((Span(*before), Span(*after), reason) for before, after, reason in plain)
