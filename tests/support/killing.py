"""Processes that do one step of work and are killed at a random moment of it.

A step is a function that gets the path of a project and yields one line for everything that was acknowledged.
It may tell with `mark` when it comes into the middle of something, so that kills can be aimed at it and be
counted. The kill is SIGKILL: nothing of the process gets to know of it.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import RecipeError
from spanloop.store import StoreError

Step = Callable[[Path], Iterator[str]]
KILLS = int(os.environ.get("SPANLOOP_KILLS", "14"))
LONG = KILLS > 100
# of all kills; a training takes seconds where the others take a fraction of one
SHARES = {
    "submit": 12,
    "import": 10,
    "predict": 8,
    "order": 8,
    "migrate": 10,
    "near_duplicates": 12,
    "prelabel": 8,
    "retrain": 5,
    "checkpoint": 5,
    "watch": 5,
    "package": 8,
    "backup": 9,
}
PRELOADED = (
    "spacy",
    "torch",
    "transformers.trainer",
    "spanloop.plugin.training.train",
    "spanloop.recipes.convert",
)
ENTERS, LEAVES = "> ", "< "


def kills_of(step: str) -> int:
    return -(-KILLS * SHARES[step] // 100)


def forkserver(*modules: str) -> ForkServerContext:
    """Processes that are forked from one that has imported everything, but has done nothing yet."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", *modules, *PRELOADED])
    return context


# In the process that is killed


def tell(line: str) -> None:
    _ears[-1].send(line)


_ears: list[Connection] = []


def mark(owner: Any, name: str, phase: str) -> None:
    """Have the function ``owner.name`` tell when it begins and when it ends."""
    function = getattr(owner, name)

    @functools.wraps(function)
    def marked(*arguments: Any, **options: Any) -> Any:
        tell(ENTERS + phase)
        try:
            return function(*arguments, **options)
        finally:
            tell(LEAVES + phase)

    setattr(owner, name, marked)


def work(step: Step, path: Path, limit: int | None, ear: Connection) -> None:
    """Send ``ready``, the lines of the step, and ``done`` or its error; with a ``limit`` no file may grow
    beyond so many bytes: a disk that is full."""
    _ears.append(ear)
    if limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    tell("ready")
    try:
        for acknowledged in step(path):
            tell(acknowledged)
        tell("done")
    except (StoreError, RecipeError) as error:
        tell(f"error: {error}")


# In the process that kills


@dataclass(frozen=True, slots=True)
class Kill:
    """So many seconds after the step began, or after it came for the ``nth`` time (from 0) into the middle of
    something."""

    seconds: float
    nth: int | None = None


@dataclass(slots=True)
class Run:
    """What a process got out, and when: seconds after it had begun."""

    told: list[tuple[float, str]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def said(self) -> list[str]:
        """The acknowledged lines."""
        return [line for _, line in self.told if not line.startswith((ENTERS, LEAVES))]

    @property
    def in_the_middle(self) -> str | None:
        """What it was in the middle of at the end."""
        marks = [line for _, line in self.told if line.startswith((ENTERS, LEAVES))]
        return marks[-1].removeprefix(ENTERS) if marks and marks[-1].startswith(ENTERS) else None

    def random_kill(self, choice: random.Random) -> Kill:
        """A moment of this run, every second time inside of one of its middles."""
        entered = [(at, n) for n, (at, line) in enumerate(self.told) if line.startswith(ENTERS)]
        if not entered or choice.random() < 0.5:
            return Kill(choice.uniform(0, self.seconds))
        nth = choice.randrange(len(entered))
        begin, place = entered[nth]
        left = (at for at, line in self.told[place:] if line.startswith(LEAVES))
        return Kill(choice.uniform(0, next(left, self.seconds) - begin), nth)


def run(
    processes: ForkServerContext, step: Step, path: Path, kill: Kill | None = None, limit: int | None = None
) -> Run:
    """Have a process do the step; it is killed if ``kill`` says when."""
    ears, mouth = processes.Pipe(duplex=False)
    process = processes.Process(target=work, args=(step, path, limit, mouth), daemon=True)
    process.start()
    mouth.close()
    assert ears.recv() == "ready"
    got, begin, entered = Run(), time.monotonic(), -1
    if kill is not None and kill.nth is None:
        time.sleep(kill.seconds)
        process.kill()
    while True:
        try:
            line = ears.recv()
        except (EOFError, ConnectionResetError):
            break
        got.told.append((time.monotonic() - begin, line))
        entered += line.startswith(ENTERS)
        if kill is not None and kill.nth == entered:
            time.sleep(kill.seconds)
            process.kill()
            kill = None
    process.join()
    got.seconds = time.monotonic() - begin
    return got


def copied(template: Path, folder: Path) -> Path:
    """A fresh project in the folder."""
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(template, folder)
    (path,) = (file for file in folder.iterdir() if file.suffix == ".db")
    return path


def kill_often(
    name: str,
    step: Step,
    processes: ForkServerContext,
    template: Path,
    folder: Path,
    right_after: Callable[[Path, list[str]], None],
    and_again: Callable[[Path], None],
) -> None:
    """Kill the step as often as its share says, each time on a fresh copy of the template, then look with
    ``right_after`` at what is there and what was acknowledged, and with ``and_again`` whether the next run
    works. A kill that came after the end was none: another one takes its place. Prints the counts."""
    for _ in range(2):  # the first reads files that the others find in memory
        usual = run(processes, step, copied(template, folder))
        assert usual.said[-1] == "done", usual.said
    choice = random.Random(os.environ.get("SPANLOOP_KILLS_SEED", "1") + name)
    wanted, killed, tries = kills_of(name), 0, 0
    middles: dict[str, int] = {}
    while killed < wanted:
        tries += 1
        assert tries < 20 + 5 * wanted, "it ends before it can be killed"
        path = copied(template, folder)
        got = run(processes, step, path, usual.random_kill(choice))
        assert not got.said or not got.said[-1].startswith("error: "), got.said
        if got.said[-1:] == ["done"]:
            usual = got  # how long it takes now, whatever else the machine does
        else:
            killed += 1
            if got.in_the_middle is not None:
                middles[got.in_the_middle] = middles.get(got.in_the_middle, 0) + 1
        right_after(path, [line for line in got.said if line != "done"])
        and_again(path)
    counts = "".join(f", {count} in the middle of {what}" for what, count in sorted(middles.items()))
    sys.stdout.write(f"\n{name}: {killed} kills{counts} ({tries - killed} more came after the end)\n")
