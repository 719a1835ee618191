"""How long one round takes as a whole, from the command line to new suggestions.

    python benchmarks/one_round.py wnut17 --sentences 60 1400
    python benchmarks/one_round.py wnut17 --sentences 60 --options "--freeze none --head-rate 1 --epochs 30"

For each size a project is made in a folder of its own: so many sentences of the train split are its gold, the
first 600 of the test split are eval, and 200 more of the train split wait for suggestions. Then `spanloop
retrain` runs as anyone would run it: all that it takes is counted, the start of Python and the imports too.
*processor* is the time of all threads; beside other work the clock says more.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import arguments, corpus, keep

COMMAND = [sys.executable, "-m", "spanloop.recipes"]
WAITING = 200


def main() -> None:
    options = _options()
    print("sentences  seconds  processor  suggestions after  micro F1", flush=True)
    rows = []
    for sentences in options.sentences:
        with tempfile.TemporaryDirectory() as folder:
            db = _project(options.corpus, Path(folder), sentences)
            for seed in options.seeds:
                typed = [*shlex.split(options.options), "--seed", str(seed)]
                rows.append(_round(db, typed) | {"sentences": sentences, "seed": seed})
                shown = "{sentences:9}  {seconds:7.1f}  {processor:9.1f}  {waited:17.1f}  {f1:8.4f}"
                print(shown.format(**rows[-1]), flush=True)
    keep(options, rows)


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument(
        "corpus",
        type=corpus("train.jsonl", "test.jsonl"),
        metavar="CORPUS",
        help="its name, or a folder with train.jsonl and test.jsonl",
    )
    parser.add_argument("--sentences", type=int, nargs="*", default=[60, 1400], help="of gold (60 1400)")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0], help="a round each (0)")
    parser.add_argument("--options", default="", help="of the command beside the seed (none)")
    return parser.parse_args()


def _project(corpus: Path, folder: Path, sentences: int) -> Path:
    """A project with so many sentences of gold."""
    db = folder / "p.db"
    train = (corpus / "train.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    test = (corpus / "test.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    waiting = [{name: json.loads(line)[name] for name in ("id", "text")} for line in train[-WAITING:]]
    labels = {tag[2:] for line in train for tag in json.loads(line)["tags"] if tag != "O"}
    _write(folder / "pool.jsonl", train[:sentences])
    _write(folder / "eval.jsonl", test[:600])
    _write(folder / "open.jsonl", [json.dumps(one) + "\n" for one in waiting])
    _run("init", db, "--labels", ",".join(sorted(labels)), "--lang", "en", "--task", "spans")
    for name, split in (("pool", "pool"), ("eval", "eval"), ("open", "pool")):
        _run("import", db, folder / f"{name}.jsonl", "--split", split)
    return db


def _write(file: Path, lines: Sequence[str]) -> None:
    file.write_text("".join(lines), encoding="utf-8")


def _round(db: Path, typed: Sequence[str]) -> dict[str, Any]:
    """The command from its start to its end."""
    begin, used = time.perf_counter(), os.times()
    told = json.loads(_run("retrain", db, "--json", "--promote", "yes", *typed))
    seconds, now = time.perf_counter() - begin, os.times()
    processor = now.children_user + now.children_system - used.children_user - used.children_system
    waited = told["first_suggestions"]["seconds"]
    return {"seconds": seconds, "processor": processor, "waited": waited, "f1": told["micro"]["f1"]}


def _run(*words: object) -> str:
    done = subprocess.run([*COMMAND, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


if __name__ == "__main__":
    main()
