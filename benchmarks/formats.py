"""How fast each format is read and written, and how much memory that takes.

Every format writes the same documents to a file and reads them back, each in a process of its own, whose peak
of memory is counted from after the imports. The documents are made up: 20 to 60 words, 2 to 4 spans each.

    python benchmarks/formats.py --json formats.json   # 10,000 documents, a table, and the same as JSON
    python benchmarks/formats.py --documents 1000 --format jsonl --format conll
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from common import arguments, keep, say

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions
from spanloop.recipes.formats.registry import by_name, formats
from spanloop.store.records import Span, Task

LABELS = ("PER", "ORG", "LOC", "MISC")
WORDS = ("Ann", "met", "the", "garden", "in", "Oslo", "naïve", "北京", "😀", "leeks,", "plot", "14.")
MOST_SECONDS, MOST_MIB = 10, 200


def documents(number: int, task: Task) -> Iterator[Entry]:
    """The same documents every time, made as they are asked for."""
    choice = random.Random(1)
    for count in range(number):
        words = choice.choices(WORDS, k=choice.randint(20, 60))
        words[0] = f"{count}:"
        tokens, at = [], 0
        for word in words:
            tokens.append((at, at + len(word)))
            at += len(word) + 1
        chosen = tokens if task == "tags" else tokens[:: len(tokens) // choice.randint(2, 4)]
        spans = tuple(Span(start, end, choice.choice(LABELS)) for start, end in chosen)
        yield Entry(
            text=" ".join(words),
            key=f"d{count}",
            group=f"g{count // 10}",
            split="eval" if count % 5 == 0 else "pool",
            meta={"source": "made"},
            spans=spans,
            tokens=tuple(tokens),
        )


def peak_mib() -> float:
    """The most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one(name: str, way: str, path: Path, number: int) -> dict[str, Any]:
    """Write or read in this process; its figures."""
    fmt = by_name(name)
    task = task_of(fmt)
    warm_up(fmt, task)
    before, begin = peak_mib(), time.perf_counter()
    if way == "out":
        assert fmt.write is not None
        fmt.write(path, documents(number, task), WriteOptions(task=task, labels=LABELS))
    else:
        options = ReadOptions(task=task, labels=LABELS)
        found = sum(1 for _ in fmt.read(path, options))
        assert found == number, (name, found)
    seconds = time.perf_counter() - begin
    return {
        "format": name,
        "way": way,
        "documents": number,
        "seconds": round(seconds, 2),
        "documents_per_second": round(number / seconds),
        "peak_mib": round(peak_mib() - before, 1),
    }


def task_of(fmt: Format) -> Task:
    """CoNLL-U carries one tag a token, the others spans."""
    return "tags" if fmt.name.startswith("conllu") else "spans"


def warm_up(fmt: Format, task: Task) -> None:
    """One document out and in, so that what is imported for it is not counted."""
    folder = Path(tempfile.mkdtemp())
    try:
        path = place(fmt, folder)
        assert fmt.write is not None
        fmt.write(path, documents(1, task), WriteOptions(task=task, labels=LABELS))
        for _ in fmt.read(path, ReadOptions(task=task, labels=LABELS)):
            pass
    finally:
        shutil.rmtree(folder)


def place(fmt: Format, folder: Path) -> Path:
    """Where a file, or the folder, of this format goes."""
    if fmt.folder is None:
        return folder / f"file{next(iter(fmt.suffixes), '.txt')}"
    (folder / "whole").mkdir(exist_ok=True)
    return folder / "whole"


def size_mib(path: Path) -> float:
    """Of a file, or of all in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 2**20


def measure(names: list[str], number: int) -> Iterator[dict[str, Any]]:
    """A row a format and way, each from a process of its own."""
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            path = place(by_name(name), Path(folder))
            for way in ("out", "in"):
                say(f"{name} {way} ...")
                command = [sys.executable, __file__, "--one", name, way, str(path), str(number)]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise RecipeError(f"{name} {way}: {done.stderr.strip().splitlines()[-1]}")
                row = cast("dict[str, Any]", json.loads(done.stdout))
                yield row | {"file_mib": round(size_mib(path), 1)}


def table(rows: list[dict[str, Any]]) -> str:
    """The rows for benchmarks/README.md, a line a format."""
    lines = [
        "| format | file MiB | out: documents/s | seconds | peak MiB"
        " | in: documents/s | seconds | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    by_format: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        by_format.setdefault(row["format"], {})[row["way"]] = row
    for name, ways in by_format.items():
        cells = [name, str(ways["out"]["file_mib"])]
        for way in ("out", "in"):
            row = ways[way]
            cells += [f"{row['documents_per_second']:,}", f"{row['seconds']:.1f}", f"{row['peak_mib']:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument(
        "--documents", type=int, default=10_000, metavar="N", help="how many (default: 10,000)"
    )
    parser.add_argument("--format", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, way, path, number = options.one
        print(json.dumps(one(name, way, Path(path), int(number))))
        return
    writing = [name for name, fmt in formats().items() if fmt.write is not None]
    unknown = set(options.format or ()) - set(writing)
    if unknown or options.documents < 1:
        parser.error(f"no such format: {', '.join(sorted(unknown))}; there are {', '.join(writing)}")
    rows = list(measure(options.format or writing, options.documents))
    print(table(rows))
    for row in rows:
        if row["seconds"] > MOST_SECONDS or row["peak_mib"] > MOST_MIB:
            print(f"beyond the aim of {MOST_SECONDS} s and {MOST_MIB} MiB: {row['format']} {row['way']}")
    keep(options, rows)


if __name__ == "__main__":
    main()
