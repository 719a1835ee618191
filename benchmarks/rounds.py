"""Three rounds on a real corpus through the loop, and their report.

    python benchmarks/rounds.py ncbi_disease FOLDER
    python benchmarks/rounds.py ud_en_ewt FOLDER --task tags

Plays the loop: the gold of ``train.jsonl`` answers in the person's place, the first documents drawn at
random, then those that `mnlp` asks for; a random part of ``test.jsonl`` is the eval split. Then `status`,
`evaluate`, `rounds` and `report` are run as anyone would run them. FOLDER gets the project (``mnlp.db``),
``report.html``, ``.md``, ``.json`` and ``log.txt``.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from common import arguments, corpus, keep, say

from spanloop.recipes.simulation.answers import simulate_answers
from spanloop.recipes.simulation.corpus import OfFiles, begin
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store


def main() -> None:
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    scored = _some(options.corpus / "test.jsonl", options.folder / "eval.jsonl", options.eval)
    log = options.folder / "log.txt"
    log.unlink(missing_ok=True)
    train = _some(options.corpus / "train.jsonl", options.folder / "pool.jsonl", options.pool)
    db = options.folder / "mnlp.db"
    played = OfFiles.read(None, [train], [scored], options.task, "en", "offline")
    rows = [{"command": "play", "seconds": _play(db, played, options.documents, options.seed)}]
    for command in ("status", "evaluate", "rounds"):
        rows.append({"command": command, "seconds": _run(log, command, db)})
    for kind in ("html", "md", "json"):
        took = _run(log, "report", db, "-o", options.folder / f"report.{kind}")
        rows.append({"command": f"report.{kind}", "seconds": took})
    keep(options, rows)


def _play(db: Path, played: OfFiles, documents: Sequence[int], seed: int) -> float:
    """Play the rounds; gives the seconds that they took."""
    start = time.monotonic()
    truth = begin(played, db, seed)
    for number, target in enumerate(documents):
        say(f"round {number + 1}: {target} documents ...")
        with Store.open(db) as store:
            missing = target - store.queue.counts("pool")["gold"]
            simulate_answers(store, truth, missing, strategy="mnlp" if number else "random")
        print(retrain(db).text(), flush=True)
        print(prelabel(db, strategy="mnlp").text(), flush=True)
    return time.monotonic() - start


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument(
        "corpus",
        type=corpus("train.jsonl", "test.jsonl"),
        metavar="CORPUS",
        help="its name, or a folder with train.jsonl and test.jsonl",
    )
    parser.add_argument("folder", type=Path, help="where everything goes; it must hold no project yet")
    parser.add_argument(
        "--task", choices=["spans", "tags"], default="spans", help="what the corpus has (spans)"
    )
    parser.add_argument(
        "--documents",
        type=lambda typed: [int(part) for part in typed.split(",")],
        default=[300, 600, 1200],
        help="answered by the end of each round (300,600,1200)",
    )
    parser.add_argument(
        "--pool", type=int, default=10**9, help="documents of the train split, drawn at random"
    )
    parser.add_argument("--eval", type=int, default=500, help="documents of the test split, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the simulation (0)")
    return parser.parse_args()


def _some(source: Path, target: Path, documents: int) -> Path:
    """So many lines of a file, drawn at random with a fixed seed, in the file's order."""
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    chosen = sorted(random.Random(0).sample(range(len(lines)), min(documents, len(lines))))
    target.write_text("".join(lines[i] for i in chosen), encoding="utf-8")
    return target


def _run(log: Path, *command: object) -> float:
    """One command as a process of its own; what it prints goes to the log and the screen. Its seconds."""
    begin = time.monotonic()
    words = [str(word) for word in command]
    say(f"spanloop {' '.join(words)} ...")
    done = subprocess.run(
        [sys.executable, "-m", "spanloop.recipes", *words], check=True, stdout=subprocess.PIPE, text=True
    )
    shown = f"$ spanloop {' '.join(words)}\n{done.stdout}({time.monotonic() - begin:.0f} s)\n"
    print(shown, flush=True)
    with log.open("a", encoding="utf-8") as file:
        file.write(shown + "\n")
    return time.monotonic() - begin


if __name__ == "__main__":
    main()
