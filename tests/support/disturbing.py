"""A process that does one thing to a project over and over until its standard input ends.

``python disturbing.py DB FOLDER rename|import|export``; it prints a JSON line for each time it was done.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PAIRS = (("PER", "PERSON"), ("LOC", "PLACE"))
EXPORTS = (("jsonl", "gold"), ("conll", "gold"), ("jsonl", "all"), ("labelstudio", "gold"))
PAUSES = {"rename": 0.3, "import": 0.5, "export": 0.0}
"""Seconds after each time."""
DOCUMENTS = 10
Doing = Iterator[dict[str, Any]]


def text_of(key: str) -> str:
    return f"Ann met number {key} in Rome today"


def rename(db: Path, _: Path) -> Doing:
    """One label after the other to its other name and back."""
    from spanloop.store import Store

    with Store.open(db) as store:
        while True:
            for turn in (1, -1):
                for pair in PAIRS:
                    store.labels.rename(*pair[::turn])
                    yield {}


def import_some(db: Path, folder: Path) -> Doing:
    """Further documents without annotations."""
    from spanloop.recipes.files.importing import import_files

    number = 0
    while True:
        number += 1
        keys = [f"i{DOCUMENTS * number + n}" for n in range(DOCUMENTS)]
        file = folder / f"{number}.jsonl"
        file.write_text("".join(json.dumps({"id": key, "text": text_of(key)}) + "\n" for key in keys))
        yield {"added": import_files(db, [file], split="pool").added}


def export(db: Path, folder: Path) -> Doing:
    """One format after the other, each into a file of its own."""
    from spanloop.recipes.files.export import export as recipe

    number = 0
    while True:
        name, what = EXPORTS[number % len(EXPORTS)]
        number += 1
        file, began = folder / f"{number}.{name}", time.monotonic()
        recipe(db, file, format=name, what=what)  # type: ignore[arg-type]
        yield {"file": str(file), "format": name, "what": what, "began": began}


KINDS: dict[str, Callable[[Path, Path], Doing]] = {"rename": rename, "import": import_some, "export": export}


class Disturbance:
    """The process, seen by the test: ``done`` fills with what it prints."""

    def __init__(self, db: Path, folder: Path, kind: str) -> None:
        folder.mkdir()
        self.done: list[dict[str, Any]] = []
        command = [sys.executable, __file__, str(db), str(folder), kind]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.done.extend(json.loads(line) for line in self._process.stdout)

    def stop(self) -> None:
        """Let it finish what it is doing; AssertionError where it had ended by itself."""
        assert self._process.poll() is None, "it ended early"
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._reader.join()
        assert self._process.wait() == 0
        assert self._process.stdout is not None
        self._process.stdout.close()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def main(db: str, folder: str, kind: str) -> None:
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    for done in KINDS[kind](Path(db), Path(folder)):
        sys.stdout.write(json.dumps(done) + "\n")
        sys.stdout.flush()
        if over.wait(PAUSES[kind]):
            break


if __name__ == "__main__":
    main(*sys.argv[1:])
