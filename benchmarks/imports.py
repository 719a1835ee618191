"""How long an import takes beside ``sqlite-utils insert`` of the same file, in turn.

Each runs in a process of its own. Documents are made up (seeded, about 150 characters, an id each; with
``--spans`` two spans on average). The yardstick reads the same lines and stores them with the id as the
primary key, so many a transaction as an import stores, and does not wait for the disk: what it would wait is
no merit of ours. Beside it stands the command as it comes, its start included: it commits every hundred
documents, and waits. Seconds of the processor and of the clock are counted from after Python's imports, the
peak of memory from the beginning of the process. A ratio of 0.5 says half the speed.

    python benchmarks/imports.py                                     # 20,000 and 200,000 documents
    python benchmarks/imports.py --documents 1000000 --repeats 1 --kind with --kind again
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from common import arguments, keep, say

WORDS = [f"w{''.join(random.Random(n).choices('abcdefghijklmnop', k=2 + n % 7))}" for n in range(3000)]
KINDS = {
    "sqlite-utils": "sqlite-utils, transactions as ours",
    "insert": "sqlite-utils insert, as it comes",
    "without": "import --no-near-duplicates",
    "with": "import",
    "again": "the same file again",
}
"""What is timed, by the name that a process of its own gets."""


def write_rows(path: Path, documents: int, spans: bool) -> None:
    """A JSONL file of made-up documents."""
    choice = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for number in range(documents):
            words = [*choice.choices(WORDS, k=choice.randint(8, 40)), str(number)]
            row: dict[str, Any] = {"id": f"doc-{number}", "text": " ".join(words), "source": "made up"}
            if spans:
                row["spans"] = list(some_spans(choice, words))
            file.write(json.dumps(row) + "\n")


def some_spans(choice: random.Random, words: list[str]) -> list[dict[str, Any]]:
    """Every twelfth word or so."""
    found, at = [], 0
    for word in words:
        if choice.random() < 0.08:
            found.append({"start": at, "end": at + len(word), "label": choice.choice(["PER", "LOC"])})
        at += len(word) + 1
    return found


def one(kind: str, rows: Path, target: Path) -> dict[str, float]:
    """Import the file, or bring it in by the yardstick: what it took."""
    from sqlite_utils import Database

    from spanloop.recipes.files.importing import import_files
    from spanloop.recipes.files.one_file import BATCH
    from spanloop.store import Store

    if kind in ("without", "with"):
        with Store.create(target, labels=["PER", "LOC"], base_model="offline", lang="en"):
            pass
    begin, clock = time.process_time(), time.perf_counter()
    if kind == "sqlite-utils":
        db = Database(target)
        db.execute("PRAGMA synchronous = OFF")
        with rows.open(encoding="utf-8") as file:
            db.table("documents").insert_all(map(json.loads, file), pk="id", batch_size=BATCH)
        db.close()
    elif kind == "insert":
        command = [sys.executable, "-m", "sqlite_utils", "insert", "--nl", "--pk", "id", "--silent"]
        subprocess.run([*command, str(target), "documents", str(rows)], check=True)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = {"processor": used.ru_utime + used.ru_stime, "clock": time.perf_counter() - clock}
        return {**took, "mib": used.ru_maxrss / 1024}
    else:
        import_files(target, [rows], near_duplicates=kind != "without")
    took = {"processor": time.process_time() - begin, "clock": time.perf_counter() - clock}
    return {**took, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def apart(kind: str, rows: Path, target: Path) -> dict[str, float]:
    """`one` in a process of its own."""
    command = [sys.executable, __file__, "--one", kind, str(rows), str(target)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def compare(
    folder: Path, documents: int, repeats: int, spans: bool, kinds: Sequence[str]
) -> list[dict[str, Any]]:
    """A row for each kind: medians of the repeats, in turn, so that a busy machine slows all."""
    rows = folder / "rows.jsonl"
    write_rows(rows, documents, spans)
    taken: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for number in range(repeats):
        for kind in kinds:
            target = folder / ("with.db" if kind == "again" else f"{kind}.db")
            taken[kind].append(apart(kind, rows, target))
            say(f"{documents:,} documents, {number + 1} of {repeats}: {KINDS[kind]} {taken[kind][-1]}")
        for path in folder.glob("*.db*"):
            path.unlink()
    found = []
    for kind, runs in taken.items():
        ratios = {
            f"{base}, {what}": median(o[what] / r[what] for o, r in zip(taken[base], runs, strict=True))
            for base in ("sqlite-utils", "insert") if base in taken
            for what in ("processor", "clock")
        }  # fmt: skip
        row = {name: median(run[name] for run in runs) for name in runs[0]}
        found.append({"documents": documents, "spans": spans, "what": KINDS[kind], **row, "ratios": ratios})
    return found


def main() -> None:
    """Run it, or one part of it."""
    parser = arguments(__doc__)
    parser.add_argument("--documents", type=int, action="append", help="how many; can be given several times")
    parser.add_argument("--repeats", type=int, default=3, help="of each kind (3)")
    parser.add_argument("--spans", action="store_true", help="documents with spans, stored as answers")
    parser.add_argument(
        "--kind", action="append", choices=KINDS, help="what is timed; again after with; several times (all)"
    )
    parser.add_argument("--folder", type=Path, help="where the files lie meanwhile (the temporary folder)")
    parser.add_argument("--one", nargs=3, metavar=("KIND", "ROWS", "DB"), help="for its own processes")
    options = parser.parse_args()
    if options.one:
        kind, rows, target = options.one
        print(json.dumps(one(kind, Path(rows), Path(target))))
        return
    found: list[dict[str, Any]] = []
    for documents in options.documents or [20_000, 200_000]:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            found += compare(
                Path(name), documents, options.repeats, options.spans, options.kind or list(KINDS)
            )
    compared = [(base, what) for base in ("sqlite-utils", "insert") for what in ("processor", "clock")]
    ratios = [f"{what} to {KINDS[base]}" for base, what in compared]
    heads = ("documents", "what", "processor", "each", "clock", "memory", *ratios)
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for row in found:
        each = row["processor"] / row["documents"] * 1e6
        cells = (
            f"{row['documents']:,}", row["what"], f"{row['processor']:.1f} s", f"{each:.0f} µs",
            f"{row['clock']:.1f} s", f"{row['mib']:.0f} MiB",
            *(f"{row['ratios'].get(f'{base}, {what}', float('nan')):.2f}" for base, what in compared),
        )  # fmt: skip
        print(f"| {' | '.join(cells)} |")
    keep(options, found)


if __name__ == "__main__":
    main()
