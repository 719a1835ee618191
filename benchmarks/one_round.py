"""How long one round takes as a whole, from the command line to new suggestions.

    python benchmarks/one_round.py ../shared/data/wnut17 --sentences 60 1400
    python benchmarks/one_round.py ../shared/data/wnut17 --sentences 60 -- --freeze none --head-rate 1

For each size a project is made in a folder of its own: so many sentences of the train split are its gold, the
first 600 of the test split are eval, and 200 more of the train split wait for suggestions. Then `spanloop
retrain` runs as anyone would run it, with the options behind ``--``: all that it takes is counted, the start
of Python and the imports too. *processor* is the time of all threads; beside other work the clock says more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

COMMAND = [sys.executable, "-m", "spanloop.recipes"]
WAITING = 200


def main() -> None:
    options, settings = _options()
    print("sentences  seconds  processor  suggestions after  micro F1", flush=True)
    for sentences in options.sentences:
        with tempfile.TemporaryDirectory() as folder:
            db = _project(options.corpus, Path(folder), sentences)
            for seed in options.seeds:
                print(_round(db, sentences, [*settings, "--seed", str(seed)]), flush=True)


def _options() -> tuple[argparse.Namespace, list[str]]:
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("corpus", type=Path, help="folder with train.jsonl and test.jsonl")
    parser.add_argument(
        "--sentences", type=int, nargs="*", default=[60, 1400], help="of gold, one size a row"
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    typed = sys.argv[1:]
    end = typed.index("--") if "--" in typed else len(typed)
    return parser.parse_args(typed[:end]), typed[end + 1 :]


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


def _round(db: Path, sentences: int, settings: Sequence[str]) -> str:
    """One row: the command from its start to its end."""
    begin, used = time.perf_counter(), os.times()
    told = json.loads(_run("retrain", db, "--json", "--promote", "yes", *settings))
    seconds, now = time.perf_counter() - begin, os.times()
    processor = now.children_user + now.children_system - used.children_user - used.children_system
    first = told["first_suggestions"]["seconds"]
    f1 = told["micro"]["f1"]
    return f"{sentences:9}  {seconds:7.1f}  {processor:9.1f}  {first:17.1f}  {f1:8.4f}"


def _run(*words: object) -> str:
    done = subprocess.run([*COMMAND, *map(str, words)], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


if __name__ == "__main__":
    main()
