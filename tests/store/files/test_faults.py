"""kill -9 at any moment, a full disk: what was acknowledged is there, nothing is half-written.

The short run kills each step a few times; together with tests/soak/test_kills.py, ``SPANLOOP_KILLS=1000``
makes it the long one (``make soak``).
"""

from __future__ import annotations

import re
import shutil
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from support.faults_worker import BATCH, BATCHES, EXTRA_ROWS, STEPS
from support.filled_store import rows_of, tables_of
from support.killing import LONG, copied, forkserver, kill_often, run
from support.small_disk import small_disk
from support.store_making import add_model, make_store

from spanloop.store import Store, StoreError
from spanloop.store.records import Span

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and RLIMIT_FSIZE are of POSIX systems"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    return forkserver("support.faults_worker")


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each step a folder with a project it can be done on."""
    plain = tmp_path_factory.mktemp("plain")
    with make_store(plain, documents=BATCHES) as store:
        store.set_project(lang="en")  # as projects have that documents came into by an import
    scored = tmp_path_factory.mktemp("scored")
    with make_store(scored, documents=BATCHES) as store:
        everything = range(1, BATCHES + 1)
        scores = [(d, [], {"mnlp": -float(d)}) for d in everything]
        store.predictions.add(add_model(store), scores)
        store.queue.prioritise("mnlp")
    return {step: scored if step == "order" else plain for step in STEPS}


def acknowledged_is_there(step: str, path: Path, said: list[str], template: Path) -> None:
    """Sound right after the fault, before anything is repaired or run again."""
    if step == "migrate":  # either not begun or done: the copy from before opens too
        return
    with Store.open(path) as store:
        problems = [problem.what for problem in store.check()]
        cut_short = [f"import {one.id} has been cut short" for one in store.imports.unfinished()]
        assert problems == (cut_short if step == "import" else [])
        if step == "import":
            import_is_a_unit(store, said, template)
        for line in said:
            if step == "submit":
                (annotation,) = store.annotations.history(int(line))
                assert len(annotation.spans) == 2
            elif step == "predict":
                prediction = store.predictions.get(int(line))
                assert prediction is not None
                assert len(prediction.spans) == 1
            elif step == "order":
                assert store.queue.standing()[0] in (line, "mnlp")
        items = store.queue.next("somebody", n=3)  # whatever happened, there is a next document
        store.queue.release("somebody")
        assert len(items) == (3 if store.queue.counts("pool")["open"] >= 3 else store.queue.counts()["open"])


def import_is_a_unit(store: Store, said: list[str], template: Path) -> None:
    """Whole, gone, or such that repairing leaves exactly what was there before, which is there all along."""
    with Store.open(template / "project.db") as untouched:
        before = stored(untouched)
    assert set(before["documents"]) <= set(rows_of(store, "documents"))
    state = next((one.state for one in store.imports.all()), "none")
    if state in ("running", "done"):  # nothing is taken back: all that was told is in
        for line in said:
            keys = [store.documents.by_key(f"{line}-{n}") for n in range(BATCH)]
            assert all(d is not None and store.annotations.history(d.id) for d in keys)
    assert not said or state != "none"
    if state == "done":
        assert store.documents.count() == BATCHES + BATCHES * BATCH
    else:
        with store.copied() as copy:
            copy.check(repair=True)
            assert copy.check() == []
            assert stored(copy) == before


def what_is_half_in_is_told(path: Path, line: str) -> None:
    """In one line, which promises nothing else; what could be taken back is gone."""
    assert "\n" not in line
    with Store.open(path) as store:
        (one,) = store.imports.all()
    assert one.state in ("running", "leaving", "undone")
    assert ("import 1 ended half-way and could not be taken back" in line) == (one.state != "undone")
    assert ("othing of this step was stored" in line) == (one.state == "undone")


def stored(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """All rows, but of imports themselves and of what was sketched of documents that stay."""
    return {table: rows_of(store, table) for table in set(tables_of(store)) - {"imports", "sketches"}}


def finished_and_sound(processes: ForkServerContext, step: str, path: Path) -> None:
    """Running the step again completes it, and the file is as if nothing had happened."""
    said = run(processes, STEPS[step], path).said
    assert said[-1] == "done", said
    # opened without the worker's extra step the migrated file is too new, so that one is read by itself
    if step == "migrate":
        assert run(processes, STEPS[step], path).said == [f"({EXTRA_ROWS},)", "done"]
        return
    with Store.open(path) as store:
        assert store.check() == []
        assert {one.state for one in store.imports.all()[:-1]} <= {"undone"}
        answers = {"submit": BATCHES, "import": BATCHES * BATCH}
        assert store.annotations.count() == answers.get(step, 0)
        assert store.documents.count() == BATCHES + (BATCHES * BATCH if step == "import" else 0)
        predicted = BATCHES if step in ("predict", "order") else 0
        assert store.row("SELECT count(*) FROM predictions") == (predicted,)
        assert store.row("SELECT count(*) FROM queue_orders") == (1,)
        if step == "order":
            assert [item.document.id for item in store.queue.next("a", n=4, random_share=0)] == [1, 2, 3, 4]


@pytest.mark.timeout(0 if LONG else 300)
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_step_loses_nothing_that_was_acknowledged(
    tmp_path: Path, step: str, templates: dict[str, Path], processes: ForkServerContext
) -> None:
    kill_often(
        step,
        STEPS[step],
        processes,
        templates[step],
        tmp_path / "work",
        lambda path, said: acknowledged_is_there(step, path, said, templates[step]),
        lambda path: finished_and_sound(processes, step, path),
    )


@pytest.mark.parametrize("step", ["submit", "import", "predict"])
def test_a_full_disk_stops_with_a_clear_line_and_loses_nothing(
    tmp_path: Path, step: str, templates: dict[str, Path], processes: ForkServerContext
) -> None:
    path = copied(templates[step], tmp_path / "work")
    said = run(
        processes, STEPS[step], path, limit=190_000
    ).said  # the write-ahead log gets that far and no further
    assert said[-1].startswith("error: ")
    assert "disk" in said[-1]
    assert 0 < len(said) - 1 < BATCHES
    acknowledged_is_there(step, path, said[:-1], templates[step])
    if step == "import":
        what_is_half_in_is_told(path, said[-1])
    finished_and_sound(processes, step, path)


def test_a_full_file_system_stops_with_a_clear_line_and_loses_nothing(
    tmp_path: Path, templates: dict[str, Path], processes: ForkServerContext
) -> None:
    small = tmp_path / "small"
    with small_disk(small, "1m") as grow:
        path = small / "project.db"
        shutil.copy(templates["import"] / "project.db", path)
        said = run(processes, STEPS["import"], path).said
        assert said[-1].startswith("error: ")
        assert "full" in said[-1]
        grow("16m")  # room is made
        acknowledged_is_there("import", path, said[:-1], templates["import"])
        what_is_half_in_is_told(path, said[-1])
        finished_and_sound(processes, "import", path)


def what_is_said_of(path: Path) -> str:
    try:
        with Store.open(path) as store:
            return " ".join(problem.what for problem in store.check())
    except StoreError as error:
        return str(error)


def test_a_truncated_file_is_told_and_left_alone(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=400) as store:
        store.predictions.add(add_model(store), [(d, [Span(0, 3, "PER")], {}) for d in range(1, 401)])
        path = store.path
    whole = path.read_bytes()
    for share in (0.2, 0.5, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        cut = path.read_bytes()
        assert re.search("damaged|not a SQLite file", what_is_said_of(path))
        assert path.read_bytes() == cut
