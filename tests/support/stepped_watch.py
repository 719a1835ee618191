"""``spanloop watch`` whose pauses end when a test says so: it writes a line when it has looked, and looks
again when it reads one."""

from __future__ import annotations

import sys

from spanloop.recipes.cli.main import main
from spanloop.recipes.rounds import watch


def pause(_seconds: float) -> None:
    sys.stdout.write("looked\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    watch.sleep = pause
    main(["watch", *sys.argv[1:]])
