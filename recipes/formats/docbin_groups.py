"""The span groups of a Doc, ``doc.spans``, as they stand in a ``.spacy`` file: read without trusting them."""

from __future__ import annotations

import struct

from spacy.strings import StringStore
from srsly.msgpack import Unpacker
from srsly.msgpack.exceptions import UnpackException

from spanloop.recipes.formats.docbin_file import DamagedError, first_line
from spanloop.store.records import Span

_EMPTY = b"\x90"
_SPANS = {40: struct.Struct(">QQQllll"), 32: struct.Struct(">QQllll")}
"""How a span is packed, by its bytes; releases before 3.5 have no id."""


def groups_of(packed: bytes | None, strings: StringStore) -> dict[str, tuple[Span, ...]]:
    """The spans of each group by its name; ``strings`` spell their labels. DamagedError where the bytes are
    none."""
    if packed is None or packed == _EMPTY:
        return {}
    unpacker = Unpacker(raw=False, read_size=1)
    unpacker.feed(packed)
    found: dict[str, tuple[Span, ...]] = {}
    try:
        for _ in range(unpacker.read_map_header()):
            group = unpacker.unpack()
            spans = _spans(group, strings)
            for _ in range(unpacker.read_array_header()):
                found[str(unpacker.unpack())] = spans
    except (ValueError, TypeError, KeyError, UnpackException, struct.error) as error:
        raise DamagedError(f"its span groups are damaged: {first_line(error)}") from error
    return {name: spans for name, spans in found.items() if spans}


def _spans(group: bytes, strings: StringStore) -> tuple[Span, ...]:
    unpacker = Unpacker(raw=False, read_size=1)
    unpacker.feed(group)
    spans: list[Span] = []
    for _ in range(unpacker.read_map_header()):
        if unpacker.unpack() != "spans":
            unpacker.skip()
            continue
        for _ in range(unpacker.read_array_header()):
            packed = unpacker.unpack()
            *_, label, _start, _end, start, end = _SPANS[len(packed)].unpack(packed)
            spans.append(Span(start, end, strings[label]))
    return tuple(spans)
