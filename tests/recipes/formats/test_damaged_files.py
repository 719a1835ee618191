"""Whatever is wrong with a file, an import ends in one line, and the store is as it was.

The short run tries a hundred files a format; ``SPANLOOP_DAMAGED=20000`` makes it the long one
(``make soak``), which prints how many of them were refused.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from pathlib import Path
from typing import cast, get_args

import pytest
from support.commands import run
from support.damage import damaged, sound_file

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.entry import Format
from spanloop.recipes.formats.registry import by_name, formats
from spanloop.recipes.project.init import init
from spanloop.store import Store
from spanloop.store.records import Task

FILES = int(os.environ.get("SPANLOOP_DAMAGED", "100"))
SEED = os.environ.get("SPANLOOP_DAMAGED_SEED", "1")
FEWER = 8  # the short run tries one of so many files of a format that shares its reader's parts with another
SHARING = {"json", "spacy_json", "doccano", "conll2003", "brat", "webanno", "xmi", "huggingface"}
BATCH = 50  # files into one store, between two looks whether it is sound
LONG = FILES > 1000


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[Task, Path]:
    """An empty project of each task."""
    made = {}
    for task in get_args(Task):
        made[task] = tmp_path_factory.mktemp(task) / "p.db"
        init(made[task], labels=["PER", "LOC"], task=task, eval_fraction=0.2)
    return made


def sound_files(fmt: Format, folder: Path) -> list[tuple[Task, bytes]]:
    """One for each task that the format can carry."""
    found: list[tuple[Task, bytes]] = []
    for task in cast("tuple[Task, ...]", get_args(Task)):
        try:
            found.append((task, sound_file(fmt, task, folder)))
        except RecipeError:
            continue
    return found


def counts(db: Path) -> tuple[int, int]:
    with Store.open(db) as store:
        return store.documents.count(), store.annotations.count()


def problems(db: Path) -> list[str]:
    """What `check` finds, but for groups in both splits: a file may say so, and `check` is there to tell."""
    with Store.open(db) as store:
        found = [problem.what for problem in store.check()]
    return [what for what in found if "lies in both pool and eval" not in what]


def is_one_line(result: object, what: str) -> None:
    """The command did what it was asked to, or said in one line why not."""
    code, error = result.exit_code, result.exception  # type: ignore[attr-defined]
    assert error is None or isinstance(error, SystemExit), f"{what}: {error!r}"
    assert code in (0, 1), what
    if code:
        told = result.stderr  # type: ignore[attr-defined]
        assert (result.stdout, told.count("\n")) == ("", 1), f"{what}: {told}"  # type: ignore[attr-defined]
        assert told.startswith("Error: "), f"{what}: {told}"


def is_taken(template: Path, fmt: Format, content: bytes, folder: Path) -> None:
    """What nobody has damaged is no subject of these tests."""
    file = folder / "sound"
    file.write_bytes(content)
    db = shutil.copy(template, folder / "sound.db")
    assert run("import", db, file, "--format", fmt.name).exit_code == 0


@pytest.mark.parametrize("name", sorted(formats()))
@pytest.mark.timeout(0 if LONG else 600)
def test_a_damaged_file_is_one_line_and_the_store_is_as_it_was(
    name: str, tmp_path: Path, templates: dict[Task, Path]
) -> None:
    fmt = by_name(name)
    sound = sound_files(fmt, tmp_path)
    assert sound, f"the format {name} writes nothing to be damaged"
    for task, content in sound:
        is_taken(templates[task], fmt, content, tmp_path)
    choice = random.Random(f"{SEED} {name}")
    suffix = fmt.suffixes[0] if fmt.suffixes else ".damaged"
    refused = 0
    begin = time.monotonic()
    files = FILES if LONG or (fmt.write is not None and name not in SHARING) else FILES // FEWER
    for first in range(0, files, BATCH):
        task, content = choice.choice(sound)
        db = Path(shutil.copy(templates[task], tmp_path / "p.db"))
        before = counts(db)
        for number in range(first, min(first + BATCH, files)):
            file = tmp_path / f"damaged{suffix}"
            file.write_bytes(damaged(content, choice))
            options = ["--no-near-duplicates"] if number % 4 else []
            options += ["--format", name] if number % 2 or not fmt.suffixes else []
            options += ["--on-conflict", "skip"] if number % 3 else []
            result = run("import", db, file, *options)
            is_one_line(result, f"{name} file {number} (seed {SEED}), left at {file}")
            if result.exit_code:
                refused += 1
                assert counts(db) == before, f"{name} file {number} (seed {SEED}), left at {file}"
            else:
                before = counts(db)
        assert problems(db) == []
        if before[0]:
            whole = run("export", db, tmp_path / "whole.jsonl", "--what", "all", "--overwrite", "--json")
            assert whole.exit_code == 0, f"{name}, files {first} to {first + BATCH} (seed {SEED})"
    seconds = time.monotonic() - begin
    sys.stdout.write(f"{name}: {files} damaged files in {seconds:.0f} s, {refused} refused in one line\n")
    sys.stdout.flush()
