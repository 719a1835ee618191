"""Damaged files of every format that is registered, made from what the format's own writer writes.

A format that is compressed is damaged inside as well as outside; one that is JSON or msgpack also at each
place of its structure; one of lines also in single cells. A reader that is added needs no line here, but
a sample (`read_samples`) where there is no writer.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import srsly

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.entry import Entry, Format, WriteOptions
from spanloop.store.records import Span, Task
from support.read_samples import SAMPLES

RAW = {  # JSON that no Python value spells
    "a NaN": "NaN",
    "an infinity": "-Infinity",
    "beyond a float": "1e400",
    "5,000 digits": "9" * 5000,
    "4,000 digits": "9" * 4000,
    "150 levels": '[{"a":' * 75 + "0" + "}]" * 75,
    "100,000 levels": "[" * 100_000 + "]" * 100_000,
    "half a pair": r'"\ud800"',
    "half a pair as a name": r'{"\udfff": 1}',
}
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 0.5, -1e308, 2**31, 2**63, -(2**63), 10**30),
    *("", " ", "x", "PER", "\0", "\x1b[2J", "a\r\nb\u2028c", "😀e\u0301", "y" * 5000, "accept", "eval"),
    *([], {}, [[]], [None], [0, 1, "PER"], {"": {}}, {"text": 1}),
    *("2024-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
]
BYTES = [
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\xfe\xff", b"\xed\xa0\x80", b"\x1f\x8b", b"\xe2\x80\xa8"),
    *(b"\r", b"\n", b"\n\n", b"\t", b'"', b"[" * 2000, b"{" * 50, b"}", b"]", b",", b"x" * 3000),
    *(b"NaN", b"1e400", b"-1", b"9" * 5000, b"\\ud800", b"B-PER", b"1-2", b"8.1", b"#"),
    *(b"-DOCSTART-\tO\n", b"# newdoc\n", b"# spanloop_text = 1\n"),
]


def entries(task: Task) -> list[Entry]:
    """Some of everything that an entry can say, small."""
    made = []
    for number, text in enumerate(["Ann met Bob in Oslo", "Ém 😀 Ida  x", "no names here", "Ann"]):
        tokens = tuple(_tokens(text))
        chosen = tokens if task == "tags" else tokens[:1]
        spans = tuple(Span(start, end, "PER", 0.5 if number == 1 else None) for start, end in chosen)
        about = {"meta": {"n": number, "deep": {"list": [1, None, "é"]}}, "group": "g"} if number % 2 else {}
        made.append(Entry(text=text, key=f"k{number}", spans=spans, tokens=tokens, **about))  # type: ignore[arg-type]
    made.append(Entry(text="Eve saw Tom", key="p", tokens=((0, 3), (4, 7), (8, 11)), split="pool"))
    if task == "spans":
        asked = {"ranges": ((0, 3), (4, 7)), "negatives": (Span(4, 7, "PER"),)}
        made.append(
            Entry(text="Ben ran", key="b", spans=(Span(0, 3, "PER"),), tokens=((0, 3), (4, 7)), **asked)
        )  # type: ignore[arg-type]
        made.append(
            Entry(
                text="Joe sat",
                key="m",
                spans=(Span(0, 3, "PER", 0.25),),
                tokens=((0, 3), (4, 7)),
                predicted_by="m",
            )
        )
    return made


def _tokens(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for word in text.split():
        at = text.index(word, at)
        yield at, at + len(word)
        at += len(word)


def sound_file(fmt: Format, task: Task, folder: Path) -> bytes:
    """A small file as the format's own writer writes it; RecipeError where it cannot carry such."""
    if fmt.write is None:
        if task == "tags":
            raise RecipeError("the samples have spans")
        return SAMPLES[fmt.name].encode()
    if fmt.folder is not None:
        return _of_folder(fmt, task, folder)
    path = folder / f"sound-{fmt.name}-{task}"
    fmt.write(path, entries(task), WriteOptions(task=task))
    return path.read_bytes()


def _of_folder(fmt: Format, task: Task, folder: Path) -> bytes:
    """The first file of a folder that the writer fills; what lies beside it is put beside the files that a
    test makes of it."""
    inside = folder / f"sound-{fmt.name}-{task}"
    inside.mkdir()
    assert fmt.write is not None
    assert fmt.parts is not None
    fmt.write(inside, entries(task), WriteOptions(task=task, labels=("PER",)))
    part = fmt.parts(inside)[0]
    for beside in part.parent.glob(f"{part.stem}.*"):
        for name in ("sound", "damaged"):
            if beside != part:
                (folder / name).with_suffix(beside.suffix).write_bytes(beside.read_bytes())
    return part.read_bytes()


def damaged(sound: bytes, choice: random.Random) -> bytes:
    """The file with one to three damages."""
    content = sound
    for _ in range(choice.choice([1, 1, 1, 2, 3])):
        content = choice.choice(_ways(content))(content, choice)
    return content


Way = Callable[[bytes, random.Random], bytes]


def _ways(content: bytes) -> list[Way]:
    """Whatever can be done to such a file; what knows its structure is done as often as what does not."""
    blunt: list[Way] = [_flip, _cut_off, _repeat, _swap, _cut_out, _insert]
    try:
        inside = zlib.decompress(content)
    except zlib.error:
        return [*blunt, *([_in_json] * 6 if b"{" in content[:2] else [_in_a_cell] * 6)]
    ways: list[Way] = [*blunt[:2], *(lambda c, r, way=way: zlib.compress(way(inside, r), 1) for way in blunt)]  # type: ignore[misc]
    return [*ways, *[_in_msgpack] * 8]


def _place(content: bytes, choice: random.Random) -> tuple[int, int]:
    begin = choice.randrange(len(content) + 1)
    return begin, min(len(content), begin + choice.choice([1, 2, 8, 40, 200]))


def _flip(content: bytes, choice: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(choice.choice([1, 1, 2, 8]) if damaged else 0):
        damaged[choice.randrange(len(damaged))] ^= 1 << choice.randrange(8)
    return bytes(damaged)


def _cut_off(content: bytes, choice: random.Random) -> bytes:
    return content[: choice.randrange(len(content) + 1)]


def _cut_out(content: bytes, choice: random.Random) -> bytes:
    begin, end = _place(content, choice)
    return content[:begin] + content[end:]


def _repeat(content: bytes, choice: random.Random) -> bytes:
    begin, end = _place(content, choice)
    return content[:end] + content[begin:end] * choice.choice([1, 1, 3]) + content[end:]


def _swap(content: bytes, choice: random.Random) -> bytes:
    one, other = sorted([_place(content, choice), _place(content, choice)])
    if one[1] > other[0]:
        return content
    middle = content[one[1] : other[0]]
    return content[: one[0]] + content[slice(*other)] + middle + content[slice(*one)] + content[other[1] :]


def _insert(content: bytes, choice: random.Random) -> bytes:
    begin, end = _place(content, choice)
    return content[:begin] + choice.choice(BYTES) + content[choice.choice([begin, end]) :]


def _in_a_cell(content: bytes, choice: random.Random) -> bytes:
    """One cell of one line, as another one or as something that is none."""
    lines = content.split(b"\n")
    row = choice.randrange(len(lines))
    cells = lines[row].split(b"\t")
    others = [cell for line in lines for cell in line.split(b"\t")]
    cells[choice.randrange(len(cells))] = choice.choice([*others, *BYTES, b""])
    lines[row] = b"\t".join(cells)
    return b"\n".join(lines)


def _in_json(content: bytes, choice: random.Random) -> bytes:
    """One value somewhere in the file, or in one of its lines."""
    try:
        return _changed_json(content, choice)
    except ValueError:
        lines = content.split(b"\n")
        row = choice.randrange(len(lines))
        try:
            lines[row] = _changed_json(lines[row], choice)
        except (ValueError, RecursionError):
            return _insert(content, choice)
        return b"\n".join(lines)
    except RecursionError:
        return _cut_off(content, choice)


def _changed_json(content: bytes, choice: random.Random) -> bytes:
    mark = "a mark that stands nowhere else"
    raw = choice.choice([*RAW.values(), *[None] * 12])
    value = json.loads(content.decode("utf-8"))
    changed = _changed(value, mark if raw else choice.choice(VALUES), choice)
    return json.dumps(changed).replace(f'"{mark}"', raw or "").encode("utf-8")


def _in_msgpack(content: bytes, choice: random.Random) -> bytes:
    """One value somewhere in the message."""
    try:
        message = srsly.msgpack_loads(zlib.decompress(content))
    except (ValueError, zlib.error, TypeError, srsly.msgpack.exceptions.UnpackException):
        return _flip(content, choice)
    value = choice.choice(
        [*VALUES, b"", b"\0" * 7, b"\xff" * 40, bytes(range(80)), *(2**n for n in range(3))]
    )
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        value = 2**64 - 1
    return zlib.compress(srsly.msgpack_dumps(_changed(message, value, choice)), 1)


def _changed(value: Any, by: Any, choice: random.Random) -> Any:
    """The value with something in it replaced, left out, added, or put elsewhere."""
    if not isinstance(value, dict | list) or not value or choice.random() < 0.1:
        if isinstance(value, bytes) and value and choice.random() < 0.7:
            return _flip(value, choice) if choice.random() < 0.7 else _cut_off(value, choice)
        return by
    if isinstance(value, dict):
        key = choice.choice(list(value))
        what = choice.random()
        if what < 0.1:
            return {name: inner for name, inner in value.items() if name != key}
        if what < 0.2:
            return {**value, (by if isinstance(by, str) else "further"): value[key]}
        return {**value, key: _changed(value[key], by, choice)}
    index = choice.randrange(len(value))
    what = choice.random()
    if what < 0.1:
        return value[:index] + value[index + 1 :]
    if what < 0.2:
        return [*value, value[index]]
    return [*value[:index], _changed(value[index], by, choice), *value[index + 1 :]]
