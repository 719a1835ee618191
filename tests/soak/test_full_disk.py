"""The disk is full at any byte of any writer: one line, exit code 1, nothing half-made is left, the project
is sound, and the same command works once there is room.

Each command runs on a file system of its own with a random number of bytes free, up to as many as it needs.
``SPANLOOP_FULL_DISKS=500`` makes it the long run (``make soak``).
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import threading
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from support.commands import jsonl_file
from support.full_disk_worker import answer, command
from support.killing import forkserver
from support.projects import build, sentences
from support.small_disk import small_disk
from support.tiny_models import build_tiny

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store

CASES = int(os.environ.get("SPANLOOP_FULL_DISKS", "0"))
"""Of all writers together; each has one at least."""
WRITERS: dict[str, list[str]] = {
    "init": ["init", "FOLDER/other.db", "--labels", "PER,LOC"],
    "import": ["import", "DB", "FOLDER/more.jsonl"],
    "prelabel": ["prelabel", "DB"],
    "retrain": ["retrain", "DB", "--epochs", "1", "--allow-leaks", "--nice", "0"],
    "audit": ["audit", "DB", "--fast"],
    "review": ["review", "DB", "--conflicts"],
    "backup": ["backup", "DB", "FOLDER/copy.db"],
    "package": ["package", "DB", "FOLDER"],
    "predict": ["predict", "--model", "DB", "FOLDER/more.txt", "--out", "FOLDER/predicted"],
    "annotators": ["annotators", "DB", "add", "anna"],
    "labels add": ["labels", "DB", "add", "ORG", "--description", "long " * 3000],
    "labels rename": ["labels", "DB", "rename", "PER", "PERSON"],
    **{
        f"export {name}": ["export", "DB", f"FOLDER/out.{name}", "--format", name]
        for name in ("jsonl", "text", "conll", "spacy", "labelstudio", "prodigy")
    },
    **{
        f"report {suffix}": ["report", "DB", "-o", f"FOLDER/out.{suffix}"]
        for suffix in ("html", "md", "json")
    },
}
SHORT = ("init", "import", "retrain", "backup", "export jsonl", "report html")
"""Whose disk is full in `make test`; `make soak` (or SPANLOOP_FULL_DISKS=1) fills one for every writer."""
OWN = ("p.db-wal", "p.db-shm", "/.lock", "/training.sha256", "/ballast")
"""What may come and go beside an open database, and says what an interrupted training goes on from."""
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(0 if CASES else 600)]


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return forkserver("support.full_disk_worker")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a round, a conflict, and documents that nothing has suggested for yet."""
    folder = tmp_path_factory.mktemp("template")
    db = build(folder, build_tiny(tmp_path_factory.mktemp("tiny"), head=False))
    retrain(db, TrainConfig(epochs=1), allow_leaks=True)
    more = [{"id": f"m{n}", "text": f"Tom met number {n} on a day in {'May ' * 80}"} for n in range(200)]
    import_files(db, [jsonl_file(folder / "open.jsonl", *more[:50])])
    long = [{"id": f"l{n}", "text": f"Eve saw {n} on a day in {'May ' * 2000}"} for n in range(12)]
    long = [{**row, "spans": [[0, 3, "PER"]], "meta": {"source": "a place " * 1000}} for row in long]
    import_files(db, [jsonl_file(folder / "long.jsonl", *long)], split="pool", near_duplicates=False)
    jsonl_file(folder / "more.jsonl", *sentences(6, "n"), *more)
    (folder / "more.txt").write_text("\n".join(str(row["text"]) for row in more[:20]))
    two = [{**sentences(1, "c")[0], "id": "c", "spans": [[0, 3, label]]} for label in ("PER", "LOC")]
    for name, row in zip(("anna", "ben"), two, strict=True):
        import_files(db, [jsonl_file(folder / f"{name}.jsonl", row)], annotator=name)
    return folder


class Disk:
    """A small file system with a project on it, of which a random part is free."""

    def __init__(self, place: Path, template: Path, processes: ForkServerContext) -> None:
        self.place, self.template, self.processes = place, template, processes
        self.folder, self.scratch, self.ballast = place / "work", place / "scratch", place / "ballast"
        self.db = self.folder / "p.db"
        self.said = place.parent / "said"  # on another disk

    def fresh(self) -> None:
        for folder in (self.folder, self.scratch):
            shutil.rmtree(folder, ignore_errors=True)
        self.ballast.unlink(missing_ok=True)
        self.scratch.mkdir()
        shutil.copytree(self.template, self.folder)

    def free(self) -> int:
        at = os.statvfs(self.place)
        return at.f_bavail * at.f_frsize

    def leave(self, room: int) -> None:
        """Fill it but for so many bytes."""
        with self.ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(self.free() - room, 1))

    def files(self) -> dict[str, int]:
        """Each file but those of an open database, with its size; of the database the name alone."""
        found = {f.relative_to(self.place).as_posix(): f for f in self.place.rglob("*") if f.is_file()}
        return {
            name: 0 if name.endswith("p.db") else file.stat().st_size
            for name, file in found.items()
            if not f"/{name}".endswith(OWN)
        }

    def run(self, arguments: list[str]) -> tuple[int, str]:
        """The exit code of the command and what it said on stderr."""
        named = [a.replace("FOLDER", str(self.folder)).replace("DB", str(self.db)) for a in arguments]
        process = self.processes.Process(target=command, args=(named, self.scratch, self.said))
        process.start()
        process.join()
        assert process.exitcode is not None
        return process.exitcode, self.said.with_suffix(".err").read_text("utf-8")

    def need(self, arguments: list[str]) -> int:
        """How many bytes the command takes at most while it runs."""
        self.fresh()
        before, least, over = self.free(), [self.free()], threading.Event()

        def look() -> None:
            while not over.wait(0.001):
                least[0] = min(least[0], self.free())

        looking = threading.Thread(target=look)
        looking.start()
        code, said = self.run(arguments)
        over.set()
        looking.join()
        assert code == 0, said
        return before - min(least[0], self.free())


@pytest.fixture
def disk(tmp_path: Path, template: Path, processes: ForkServerContext) -> Iterator[Disk]:
    with small_disk(tmp_path / "small", "96m"):
        yield Disk(tmp_path / "small", template, processes)


def share(writers: int) -> int:
    return max(1, -(-CASES // writers))


def sound(disk: Disk, half_in: bool = False) -> None:
    """The project is, but for a round whose end could not be written down, and an import that was told to be
    ``half_in``."""
    code, _ = disk.run(["check", "DB"])
    with Store.open(disk.db) as store:
        cut_off = [row.number for row in store.rounds.all() if row.state == "running"]
        cut_short = [one.id for one in store.imports.unfinished()]
        problems = [problem.what for problem in store.check()]
    assert len(cut_short) == half_in
    assert problems == [
        *(f"import {n} has been cut short" for n in cut_short),
        *(f"round {n} says that it is running, but its process has ended" for n in cut_off),
    ]
    assert code == bool(problems)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_one_line_and_leaves_nothing(disk: Disk, writer: str) -> None:
    if not CASES and writer not in SHORT:
        pytest.skip("a full disk for this writer: make soak")
    arguments = WRITERS[writer]
    need = disk.need(arguments)
    choice = random.Random(os.environ.get("SPANLOOP_FULL_DISKS_SEED", "1") + writer)
    wanted, full, enough = share(len(WRITERS) + 1), 0, 0
    while full < wanted:
        assert enough < 20 + 5 * wanted, "it never needs the room that it took"
        disk.fresh()
        before, room = disk.files(), choice.randrange(max(need, 1))
        disk.leave(room)
        code, said = disk.run(arguments)
        if code == 0:
            enough += 1
            continue
        full += 1
        where = f"{writer} with {room:,} of {need:,} bytes free: {said}"
        assert (code, said.count("\n"), said[:7]) == (1, 1, "Error: "), where
        assert "[(" not in said, f"a list instead of a sentence: {where}"
        assert disk.files() == before, where
        disk.ballast.unlink()
        half_in = "could not be taken back" in said
        sound(disk, half_in)
        code, said = disk.run(arguments)
        assert code == 0, f"{where}, and then: {said}"
        if half_in:
            sound(disk)
    sys.stdout.write(f"\n{writer}: {full} full disks of up to {need:,} bytes ({enough} had room enough)\n")


def test_a_full_disk_refuses_an_answer_and_loses_none(disk: Disk) -> None:
    """Over HTTP: the server says that it cannot save now, the page sends the answer again."""
    choice = random.Random(os.environ.get("SPANLOOP_FULL_DISKS_SEED", "1") + "submit")
    acknowledged = 0
    for _ in range(share(len(WRITERS) + 1)):
        disk.fresh()
        before = answered(disk)
        disk.leave(choice.randrange(60_000, 250_000))
        taken, refusal = answer(disk.processes, disk.db, first=0)
        assert refusal.startswith("503 "), refusal
        disk.ballast.unlink()
        assert answered(disk) == sorted([*before, *taken])
        sound(disk)
        further, refusal = answer(disk.processes, disk.db, first=len(taken))
        assert refusal == ""
        assert answered(disk) == sorted([*before, *taken, *further])
        acknowledged += len(taken)
    sys.stdout.write(f"\nsubmit: {share(len(WRITERS) + 1)} full disks, {acknowledged} answers before them\n")


def answered(disk: Disk) -> list[int]:
    """The document of every answer of a person, those that files brought under a name among them."""
    with Store.open(disk.db) as store:
        rows = store.rows("SELECT document_id FROM annotations WHERE origin = 'human' ORDER BY document_id")
        return [number for (number,) in rows]
