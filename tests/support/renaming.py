"""A process that renames a label of a project back and forth until its standard input ends.

``python renaming.py DB ONE OTHER``; it prints a line once it has renamed for the first time.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spanloop.store import Store


@contextmanager
def renaming(db: Path, one: str, other: str) -> Iterator[None]:
    """While the block runs, a process calls the label ``one`` ``other`` and back."""
    command = [sys.executable, __file__, str(db), one, other]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "renaming\n"
        yield
        assert process.poll() is None, "it ended early"
        process.stdin.close()
        assert process.wait() == 0


def main(db: str, one: str, other: str) -> None:
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    first = True
    with Store.open(db) as store:
        while not over.is_set():
            store.labels.rename(one, other)
            if first:
                sys.stdout.write("renaming\n")
                sys.stdout.flush()
                first = False
            store.labels.rename(other, one)


if __name__ == "__main__":
    main(*sys.argv[1:])
