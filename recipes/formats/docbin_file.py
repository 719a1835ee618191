"""What stands in a ``.spacy`` file (a DocBin: msgpack, compressed by zlib), read without trusting it.

spaCy's own reader inflates whatever it is given and believes every type and length. This one inflates up to a
limit, builds no object that nobody asked for, and hands on only what we read of a Doc: its words, entities
and tags, and the note that our own writer left.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import numpy as np
import spacy
from numpy.typing import NDArray
from spacy.attrs import ENT_IOB, ENT_TYPE, ORTH, POS, TAG
from spacy.tokens import Doc
from spacy.vocab import Vocab
from srsly.msgpack import Unpacker
from srsly.msgpack.exceptions import UnpackException

from spanloop.recipes.errors import FormatError

ALWAYS = 256 * 2**20
"""Inflated bytes that any file may have: some ten million tokens."""
TIMES = 100
"""Beyond them, so many times the file's own size: corpora reach 6, one sentence over and over reaches 150."""
_COLUMNS = (ORTH, ENT_IOB, ENT_TYPE, TAG, POS)
_STRINGS = frozenset(bytes([first]) for first in (*range(0xA0, 0xC0), 0xD9, 0xDA, 0xDB))
"""How a string begins in msgpack."""


class DamagedError(ValueError):
    """The bytes are no DocBin; says what is wrong with them."""


@dataclass(slots=True)
class DocBinFile:
    """What a file says, as it stands there; `docs` looks whether it fits together."""

    attrs: list[int] = field(default_factory=list)
    tokens: bytes = b""
    spaces: bytes = b""
    lengths: bytes = b""
    strings: set[str] = field(default_factory=set)
    unknown_spaces: list[bool] = field(default_factory=list)
    user_data: list[bytes | None] = field(default_factory=list)
    span_groups: list[bytes | None] = field(default_factory=list)

    def docs(self) -> Iterator[tuple[Doc, bytes | None, bytes | None]]:
        """Each Doc with its user data and its span groups, as msgpack. DamagedError names what does not
        fit."""
        vocab, edges = self._vocab(), self._edges()
        rows: Any = self._rows()  # spaCy's types know no numpy
        spaces = np.frombuffer(self.spaces, np.uint8).astype(bool)
        if not edges[-1] == len(rows) == len(spaces):
            raise DamagedError(
                f"its Docs have {edges[-1]} tokens; there are {len(rows)} with {len(spaces)} spaces"
            )
        columns = [attr for attr in _COLUMNS if attr in self.attrs]
        places = [self.attrs.index(attr) for attr in columns]
        for number, (begin, end) in enumerate(pairwise(edges)):
            known = not _at(self.unknown_spaces, number)
            try:
                doc = Doc(
                    vocab,
                    words=rows[begin:end, places[0]],
                    spaces=spaces[begin:end].tolist() if known else None,
                )
                values: Any = np.ascontiguousarray(rows[begin:end, places])
                doc = doc.from_array(columns, values)
            except (ValueError, KeyError, TypeError, OverflowError, IndexError) as error:
                raise DamagedError(f"Doc {number + 1} cannot be made: {first_line(error)}") from error
            yield doc, _at(self.user_data, number), _at(self.span_groups, number)

    def _vocab(self) -> Vocab:
        vocab = spacy.blank("xx").vocab
        for string in self.strings:
            vocab.strings.add(string)
        return vocab

    def _rows(self) -> NDArray[np.uint64]:
        if ORTH not in self.attrs or len(self.tokens) % (8 * len(self.attrs)):
            raise DamagedError("its tokens are not as wide as its attributes")
        return np.frombuffer(self.tokens, np.uint64).reshape(-1, len(self.attrs))

    def _edges(self) -> list[int]:
        """Where in the rows each Doc begins, and where the last one ends."""
        lengths = np.frombuffer(self.lengths, np.int32) if len(self.lengths) % 4 == 0 else np.array([-1])
        if (lengths < 0).any():
            raise DamagedError("the lengths of its Docs are none")
        return [0, *np.cumsum(lengths, dtype=np.int64).tolist()]


def load(path: Path) -> DocBinFile:
    """Read the file. FormatError where it inflates to too much, DamagedError where it is no DocBin."""
    with path.open("rb") as file:
        inflated = _Inflated(path, file)
        # containers are read piece by piece: one that stands where none should could be of any size
        unpacker = Unpacker(
            inflated, raw=False, max_array_len=0, max_map_len=0, max_buffer_size=inflated.limit
        )
        try:
            found = _read(unpacker)
            while inflated.read(2**16):  # to its checksum: only then is it whole
                pass
        except FormatError:
            raise
        except (ValueError, TypeError, UnpackException, zlib.error, MemoryError) as error:
            raise DamagedError(first_line(error)) from error
    return found


def note(user_data: bytes | None, name: str) -> str | None:
    """The string of that name among a Doc's user data; whatever else stands there is passed over.
    DamagedError where it is no msgpack."""
    if user_data is None:
        return None
    unpacker = Unpacker(raw=False, read_size=1)
    unpacker.feed(user_data)

    def string() -> str | None:
        begin = unpacker.tell()
        if user_data[begin : begin + 1] in _STRINGS:
            return str(unpacker.unpack())
        unpacker.skip()
        return None

    try:
        pairs = [(string(), string()) for _ in range(unpacker.read_map_header())]
    except (ValueError, UnpackException) as error:
        raise DamagedError(f"its user data is damaged: {first_line(error)}") from error
    return next((value for key, value in pairs if key == name), None)


def first_line(error: BaseException) -> str:
    """What an exception says, in one line."""
    said = str(error.args[0]) if error.args else str(error)
    return said.strip().split("\n", 1)[0] or type(error).__name__


class _Inflated:
    """The inflated bytes of a file, to read from; FormatError at the limit."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.limit = max(ALWAYS, TIMES * path.stat().st_size)
        self._path = path
        self._file = file
        self._inflate = zlib.decompressobj()
        self._given = 0

    def read(self, size: int) -> bytes:
        piece = b""
        while not piece and not self._inflate.eof:
            waiting = self._inflate.unconsumed_tail or self._file.read(2**16)
            if not waiting:
                raise DamagedError("it ends in the middle")
            piece = self._inflate.decompress(waiting, size)
        self._given += len(piece)
        if self._given > self.limit:
            raise FormatError(
                self._path,
                None,
                f"it inflates to more than {self.limit // 2**20} MiB, over {TIMES} times its own size, as no "
                "corpus does; if it is one, write it as several files",
            )
        return piece


def _read(unpacker: Unpacker) -> DocBinFile:
    found = DocBinFile()
    there = set()
    for _ in range(unpacker.read_map_header()):
        name = unpacker.unpack()
        there.add(name)
        if name == "attrs":
            found.attrs = [_of(int, unpacker.unpack(), name) for _ in range(unpacker.read_array_header())]
        elif name in ("tokens", "spaces", "lengths"):
            setattr(found, name, _of(bytes, unpacker.unpack(), name))
        elif name == "strings":
            found.strings = {_of(str, unpacker.unpack(), name) for _ in range(unpacker.read_array_header())}
        elif name == "flags":
            found.unknown_spaces = [_unknown_spaces(unpacker) for _ in range(unpacker.read_array_header())]
        elif name in ("user_data", "span_groups"):
            setattr(found, name, [unpacker.unpack() for _ in range(unpacker.read_array_header())])
        else:
            unpacker.skip()
    missing = {"attrs", "tokens", "spaces", "lengths", "strings"} - there
    if missing:
        raise DamagedError(f"it has no {', '.join(sorted(missing))}")
    for data in (*found.user_data, *found.span_groups):
        if data is not None:
            _of(bytes, data, "user_data or span_groups")
    return found


def _unknown_spaces(unpacker: Unpacker) -> bool:
    flags = {str(unpacker.unpack()): unpacker.unpack() for _ in range(unpacker.read_map_header())}
    return flags.get("has_unknown_spaces") is True


def _of(kind: type, value: Any, name: str) -> Any:
    if not isinstance(value, kind):
        raise DamagedError(f"{name!r} has a {type(value).__name__} where {kind.__name__} is expected")
    return value


def _at(values: list[Any], number: int) -> Any:
    """That of the Doc, None where the file has none for it, as those of old versions."""
    return values[number] if number < len(values) else None
