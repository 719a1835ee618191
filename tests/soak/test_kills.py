"""kill -9 at any moment of a whole command: what was acknowledged is there, nothing half-made is used, and
the same command works when it is run again.

The short run kills each a time or two; with tests/store/files/test_faults.py,
``SPANLOOP_KILLS=1000`` makes it the long one (``make soak``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from support.commands import jsonl_file
from support.filled_store import rows_of
from support.killing import LONG, copied, forkserver, kill_often, run
from support.long_steps import FAMILIES, STEPS, STORED, VARIANTS, document
from support.projects import build, sentences
from support.tiny_models import build_tiny

from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.rounds.status import status
from spanloop.store import Store

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of POSIX systems"),
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(0 if LONG else 600),
]
in_soak = pytest.mark.skipif("SPANLOOP_KILLS" not in os.environ, reason="kills of this command: make soak")
Kill = Callable[[str, Callable[[Path, list[str]], None], Callable[[Path], None]], None]


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return forkserver("support.long_steps")


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, processes: ForkServerContext) -> Path:
    """A project with a promoted round, and annotations that came after it."""
    folder = tmp_path_factory.mktemp("learned")
    db = build(folder, build_tiny(tmp_path_factory.mktemp("tiny"), head=False))
    assert run(processes, STEPS["retrain"], db).said == ["round 1", "done"]
    import_files(db, [jsonl_file(folder / "new.jsonl", *sentences(6, "n"))], split="pool")
    return folder


@pytest.fixture
def kill(tmp_path: Path, learned: Path, processes: ForkServerContext) -> Kill:
    def of_learned(
        name: str, right_after: Callable[[Path, list[str]], None], and_again: Callable[[Path], None]
    ) -> None:
        kill_often(name, STEPS[name], processes, learned, tmp_path / "work", right_after, and_again)

    return of_learned


def answers(folder: Path) -> int:
    with Store.open(folder / "p.db") as store:
        return store.annotations.count()


def running(store: Store) -> list[int]:
    return [row.number for row in store.rounds.all() if row.state == "running"]


def nothing_unfinished_counts(path: Path, before: int) -> None:
    """A round that was cut off is seen as such, is not promoted, and what is promoted can be loaded."""
    from spanloop.recipes.suggest.pipelines import load_round

    with Store.open(path) as store:
        cut_off = running(store)
        assert [problem.what for problem in store.check()] == [
            f"round {number} says that it is running, but its process has ended" for number in cut_off
        ]
        assert [row.number for row in store.rounds.interrupted()] == cut_off
        assert store.annotations.count() == before
        promoted = store.rounds.promoted()
        assert promoted is not None
        assert promoted.state == "done"
        load_round(store, promoted.number)
    assert ("cut off: its process has ended" in status(path).text()) == bool(cut_off)


def round_is_whole(path: Path) -> None:
    """The newest round is done, those that were cut off are marked, and nothing lies about."""
    with Store.open(path) as store:
        assert store.check() == []
        rounds = store.rounds.all()
        assert rounds[-1].state == "done"
        assert rounds[-1].number > 1
        assert {row.state for row in rounds} <= {"done", "failed"}
        assert all((row.error or "").startswith("interrupted") for row in rounds if row.state == "failed")
        hidden = [entry.name for entry in store.rounds_dir.iterdir() if entry.name.startswith(".")]
        assert hidden in ([], [".lock"])


def documents(path: Path) -> list[tuple[object, ...]]:
    with Store.open(path) as store:
        return rows_of(store, "documents")


def weights(path: Path) -> str:
    """The hash of what the promoted round has learned."""
    with Store.open(path) as store:
        rows = store.rows("SELECT hash FROM models JOIN rounds ON models.id = rounds.model_id WHERE promoted")
        ((found,),) = rows
        return str(found)


def test_killed_in_near_duplicates(tmp_path: Path, processes: ForkServerContext) -> None:
    """The import of texts that nearly repeat each other: what was begun can be taken back whole, the next run
    does so and brings all of it in, and no family is on both sides."""
    folder = tmp_path / "template"
    folder.mkdir()
    init(folder / "p.db", labels=["PER"], eval_fraction=0.5)
    stored = [document(family, v) for v in range(STORED) for family in range(FAMILIES)]
    import_files(folder / "p.db", [jsonl_file(folder / "stored.jsonl", *stored)])
    expected = [f"{family}-{v}" for v in range(STORED, VARIANTS) for family in range(FAMILIES)]

    before = documents(folder / "p.db")

    def right_after(path: Path, said: list[str]) -> None:
        with Store.open(path) as store:
            cut_short = [f"import {one.id} has been cut short" for one in store.imports.unfinished()]
            assert [problem.what for problem in store.check()] == cut_short
            done = int(said[-1]) if said else 0
            assert len(store.documents.known(expected[:done])) == done
            with store.copied() as copy:  # as `check --repair` leaves it: exactly what was there before
                assert [problem.repaired for problem in copy.check(repair=True)] == [True] * len(cut_short)
                assert copy.check() == []
                if cut_short:
                    assert rows_of(copy, "documents") == before
                    assert copy.row("SELECT count(*) FROM sketches") == (len(before),)

    def and_again(path: Path) -> None:
        assert run(processes, STEPS["near_duplicates"], path).said[-1] == "done"
        with Store.open(path) as store:
            assert store.check() == []
            places = dict(store.rows("SELECT key, split FROM documents"))
            assert len(places) == FAMILIES * VARIANTS
            for family in range(FAMILIES):
                assert len({places[f"{family}-{v}"] for v in range(VARIANTS)}) == 1
            assert len(set(places.values())) == 2
            assert store.row("SELECT count(*) FROM sketches") == (len(places),)

    step = STEPS["near_duplicates"]
    kill_often("near_duplicates", step, processes, folder, tmp_path / "work", right_after, and_again)


@in_soak
def test_killed_in_prelabel(kill: Kill, learned: Path, processes: ForkServerContext) -> None:
    """Every document has one prediction of the round at most, and all of them have one in the end."""
    before = answers(learned)

    def and_again(path: Path) -> None:
        assert run(processes, STEPS["prelabel"], path).said == ["prelabelled", "done"]
        every_document_has_suggestions(path)

    kill("prelabel", lambda path, _: nothing_unfinished_counts(path, before), and_again)


def every_document_has_suggestions(path: Path) -> None:
    with Store.open(path) as store:
        assert store.check() == []
        promoted = store.rounds.promoted()
        assert promoted is not None
        assert store.predictions.count(promoted.model_id or 0) == store.documents.count()


def test_killed_in_retrain(kill: Kill, learned: Path, processes: ForkServerContext) -> None:
    before = answers(learned)

    def and_again(path: Path) -> None:
        said = run(processes, STEPS["retrain"], path).said
        round_is_whole(path)
        with Store.open(path) as store:
            promoted = store.rounds.promoted()
            assert promoted is not None
            assert said == [f"round {promoted.number}", "done"]

    kill("retrain", lambda path, _: nothing_unfinished_counts(path, before), and_again)


def test_killed_in_checkpoint(
    kill: Kill, tmp_path: Path, learned: Path, processes: ForkServerContext
) -> None:
    """Whatever became of the checkpoint: the training, started again, learns the same to the bit."""
    before, went_on = answers(learned), 0
    undisturbed = copied(learned, tmp_path / "undisturbed")
    assert run(processes, STEPS["checkpoint"], undisturbed).said == ["round 2", "done"]

    def and_again(path: Path) -> None:
        nonlocal went_on
        with Store.open(path) as store:
            newest = store.rounds.all()[-1]
        # killed before its round began, or in it (a finished one is followed by one that learns the same)
        if newest.number == 1 or newest.state != "done":
            said = run(processes, STEPS["checkpoint"], path).said
            assert said[-1] == "done", said
            went_on += "goes on" in said
        assert weights(path) == weights(undisturbed)

    kill("checkpoint", lambda path, _: nothing_unfinished_counts(path, before), and_again)
    sys.stdout.write(f"checkpoint: {went_on} of the next runs went on from a checkpoint\n")


@in_soak
def test_killed_in_watch(kill: Kill, learned: Path, processes: ForkServerContext) -> None:
    """Started again, it trains what was due and suggests what is owed."""
    before = answers(learned)

    def and_again(path: Path) -> None:
        assert run(processes, STEPS["watch"], path).said == ["stopped", "done"]
        round_is_whole(path)
        every_document_has_suggestions(path)

    kill("watch", lambda path, _: nothing_unfinished_counts(path, before), and_again)


def files_in(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


@in_soak
def test_killed_in_package(kill: Kill, tmp_path: Path, learned: Path, processes: ForkServerContext) -> None:
    """A package is there whole or not at all; what a killed one leaves is hidden and in nobody's way."""
    undisturbed = copied(learned, tmp_path / "undisturbed")
    (name, _) = run(processes, STEPS["package"], undisturbed).said
    whole = files_in(undisturbed.parent / "package" / name)
    before = answers(learned)

    def is_whole(path: Path) -> bool:
        place = path.parent / "package" / name
        assert not place.exists() or files_in(place) == whole
        return place.exists()

    def right_after(path: Path, _said: list[str]) -> None:
        nothing_unfinished_counts(path, before)
        is_whole(path)

    def and_again(path: Path) -> None:
        if not is_whole(path):
            assert run(processes, STEPS["package"], path).said == [name, "done"]
            assert is_whole(path)

    kill("package", right_after, and_again)


def test_killed_in_backup(kill: Kill, learned: Path, processes: ForkServerContext) -> None:
    """The copy is there with its round or not at all, and the project is as it was."""
    (learned / "copy").mkdir(exist_ok=True)
    before = answers(learned)

    def is_whole(path: Path) -> bool:
        copy = path.parent / "copy" / "p.db"
        if copy.exists():
            nothing_unfinished_counts(copy, before)
        return copy.exists()

    def right_after(path: Path, _said: list[str]) -> None:
        nothing_unfinished_counts(path, before)
        is_whole(path)

    def and_again(path: Path) -> None:
        if not is_whole(path):
            assert run(processes, STEPS["backup"], path).said == ["copied", "done"]
            assert is_whole(path)

    kill("backup", right_after, and_again)
