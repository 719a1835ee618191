"""kill -9 at any moment, a full disk: what was acknowledged is there, nothing is half-written.

The short run kills each step a few times; ``SPANLOOP_KILLS=1000`` makes it the long one (``make soak``),
which prints how many of each step were killed before they had ended.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import shutil
import sys
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from support.faults_worker import BATCH, BATCHES, EXTRA_ROWS, LEARNED, STEPS, work
from support.small_disk import small_disk
from support.store_making import add_model, make_store
from support.tiny_models import build_tiny

from spanloop.store import Store, StoreError
from spanloop.store.records import AnnotatedSpan, NewAnnotation, NewDocument, Span

KILLS = int(os.environ.get("SPANLOOP_KILLS", "14"))
# of all kills; a training takes seconds where the others take a fraction of one
SHARES = {"submit": 25, "import": 20, "predict": 15, "order": 10, "migrate": 20, "prelabel": 5, "retrain": 5}
LEARNING = (
    "spacy",
    "torch",
    "transformers.trainer",
    "spanloop.plugin.training.train",
    "spanloop.recipes.convert",
)
LONG = KILLS > 100
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and RLIMIT_FSIZE are of POSIX systems"),
    pytest.mark.slow,
]


def kills_of(step: str) -> int:
    return -(-KILLS * SHARES[step] // 100)


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that are forked from one that has imported everything, but has done nothing yet."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "faults_worker", *LEARNING])
    return context


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory, processes: ForkServerContext) -> dict[str, Path]:
    """For each step a folder with a project it can be done on."""
    plain = tmp_path_factory.mktemp("plain")
    make_store(plain, documents=BATCHES).close()
    scored = tmp_path_factory.mktemp("scored")
    with make_store(scored, documents=BATCHES) as store:
        everything = range(1, BATCHES + 1)
        scores = [(d, [], {"mnlp": -float(d)}) for d in everything]
        store.predictions.add(add_model(store), scores)
        store.queue.prioritise("mnlp")
    learned = tmp_path_factory.mktemp("learned")
    with_a_round(learned, build_tiny(tmp_path_factory.mktemp("tiny"), head=False))
    said = run(processes, "retrain", learned / "project.db")
    assert said == ["round 1", "done"]
    return {step: learned if step in LEARNED else scored if step == "order" else plain for step in STEPS}


def with_a_round(folder: Path, encoder: Path) -> None:
    """Gold to learn from and to be scored on, and some open documents."""
    with make_store(folder, documents=8, base_model=str(encoder), lang="en") as store:
        store.documents.add([NewDocument(f"Eve met Bob {n}", key=f"e{n}", split="eval") for n in range(6)])
        store.documents.add([NewDocument(f"Tom met Ida {n}", key=f"p{n}", split="pool") for n in range(12)])
        for document in list(store.documents.iterate()):
            if not document.key.startswith("d"):
                spans = (AnnotatedSpan(0, 3, "PER"), AnnotatedSpan(8, 11, "PER"))
                said = NewAnnotation(f"u{document.id}", document.id, "anna", "human", "accept", spans)
                store.annotations.add(said)


def run(
    processes: ForkServerContext,
    step: str,
    path: Path,
    kill_after: float | None = None,
    limit: int | None = None,
    times: list[float] | None = None,
) -> list[str]:
    """What a process got out, killed so many seconds after it began; ``times`` gets its duration."""
    ears, mouth = processes.Pipe(duplex=False)
    process = processes.Process(target=work, args=(step, path, limit, mouth), daemon=True)
    process.start()
    mouth.close()
    assert ears.recv() == "ready"
    begin = time.monotonic()
    if kill_after is not None:
        time.sleep(kill_after)
        process.kill()
    lines = []
    while True:
        try:
            lines.append(ears.recv())
        except EOFError:
            break
    process.join()
    if times is not None:
        times.append(time.monotonic() - begin)
    return lines


def copied(template: Path, folder: Path) -> Path:
    """A fresh project in the folder."""
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(template, folder)
    return folder / "project.db"


def acknowledged_is_there(step: str, path: Path, said: list[str]) -> None:
    """Sound right after the fault, before anything is repaired or run again."""
    if step == "migrate":  # either not begun or done: the copy from before opens too
        return
    with Store.open(path) as store:
        problems = [problem.what for problem in store.check()]
        if step == "retrain":
            nothing_unfinished_counts(store, problems)
            return
        assert problems == []
        for line in said:
            if step == "submit":
                (annotation,) = store.annotations.history(int(line))
                assert len(annotation.spans) == 2
            elif step == "import":
                keys = [store.documents.by_key(f"{line}-{n}") for n in range(BATCH)]
                assert all(d is not None and store.annotations.history(d.id) for d in keys)
            elif step == "predict":
                prediction = store.predictions.get(int(line))
                assert prediction is not None
                assert len(prediction.spans) == 1
            elif step == "order":
                assert store.queue.standing()[0] in (line, "mnlp")
        items = store.queue.next("somebody", n=3)  # whatever happened, there is a next document
        store.queue.release("somebody")
        assert len(items) == (3 if store.queue.counts("pool")["open"] >= 3 else store.queue.counts()["open"])


def nothing_unfinished_counts(store: Store, problems: list[str]) -> None:
    """A round that was cut off is seen as such, is not promoted, and what is promoted can be loaded."""
    from spanloop.recipes.rounds.status import status
    from spanloop.recipes.suggest.pipelines import load_round

    running = [row.number for row in store.rounds.all() if row.state == "running"]
    assert problems == [
        f"round {number} says that it is running, but its process has ended" for number in running
    ]
    assert [row.number for row in store.rounds.interrupted()] == running
    assert ("cut off: its process has ended" in status(store.path).text()) == bool(running)
    assert store.annotations.count() == 18
    promoted = store.rounds.promoted()
    assert promoted is not None
    assert promoted.state == "done"
    if promoted.number > 1:
        load_round(store, promoted.number)
    else:
        assert (store.rounds.folder(1) / "meta.json").is_file()


def finished_and_sound(processes: ForkServerContext, step: str, path: Path) -> None:
    """Running the step again completes it, and the file is as if nothing had happened."""
    said = run(processes, step, path)
    assert said[-1] == "done", said
    # opened without the worker's extra step the migrated file is too new, so that one is read by itself
    if step == "migrate":
        assert run(processes, step, path) == [f"({EXTRA_ROWS},)", "done"]
        return
    with Store.open(path) as store:
        assert store.check() == []
        if step in LEARNED:
            round_is_whole(store, step)
            return
        answers = {"submit": BATCHES, "import": BATCHES * BATCH}
        assert store.annotations.count() == answers.get(step, 0)
        assert store.documents.count() == BATCHES + (BATCHES * BATCH if step == "import" else 0)
        predicted = BATCHES if step in ("predict", "order") else 0
        assert store.row("SELECT count(*) FROM predictions") == (predicted,)
        assert store.row("SELECT count(*) FROM queue_orders") == (1,)
        if step == "order":
            assert [item.document.id for item in store.queue.next("a", n=4, random_share=0)] == [1, 2, 3, 4]


def round_is_whole(store: Store, step: str) -> None:
    rounds = store.rounds.all()
    promoted = store.rounds.promoted()
    assert promoted is not None
    if step == "prelabel":
        assert promoted.number == 1
        assert store.predictions.count(promoted.model_id or 0) == store.documents.count()
        return
    assert promoted.number == rounds[-1].number
    assert {row.state for row in rounds[1:]} <= {"done", "failed"}
    assert all((row.error or "").startswith("interrupted") for row in rounds if row.state == "failed")
    leftovers = [entry.name for entry in store.rounds_dir.iterdir() if entry.name.startswith(".")]
    assert leftovers in ([], [".lock"])


@pytest.mark.timeout(0 if LONG else 300)
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_step_loses_nothing_that_was_acknowledged(
    tmp_path: Path, step: str, templates: dict[str, Path], processes: ForkServerContext
) -> None:
    times: list[float] = []
    for _ in range(2):  # the first reads files that the others find in memory
        run(processes, step, copied(templates[step], tmp_path / "work"), times=times)
    choice = random.Random(os.environ.get("SPANLOOP_KILLS_SEED", "1") + step)
    cut_short = 0
    for _ in range(kills_of(step)):
        path = copied(templates[step], tmp_path / "work")
        said = run(processes, step, path, kill_after=choice.uniform(0, times[1]))
        cut_short += "done" not in said
        acknowledged_is_there(step, path, [line for line in said if line != "done"])
        finished_and_sound(processes, step, path)
    sys.stdout.write(f"{step}: {kills_of(step)} kills, {cut_short} before the end\n")


@pytest.mark.parametrize("step", ["submit", "import", "predict"])
def test_a_full_disk_stops_with_a_clear_line_and_loses_nothing(
    tmp_path: Path, step: str, templates: dict[str, Path], processes: ForkServerContext
) -> None:
    path = copied(templates[step], tmp_path / "work")
    said = run(processes, step, path, limit=190_000)  # the write-ahead log gets that far and no further
    assert said[-1].startswith("error: ")
    assert "disk" in said[-1]
    assert 0 < len(said) - 1 < BATCHES
    acknowledged_is_there(step, path, said[:-1])
    finished_and_sound(processes, step, path)


def test_a_full_file_system_stops_with_a_clear_line_and_loses_nothing(
    tmp_path: Path, templates: dict[str, Path], processes: ForkServerContext
) -> None:
    small = tmp_path / "small"
    with small_disk(small, "1m") as grow:
        path = small / "project.db"
        shutil.copy(templates["import"] / "project.db", path)
        said = run(processes, "import", path)
        assert said[-1].startswith("error: ")
        assert "full" in said[-1]
        grow("16m")  # room is made
        acknowledged_is_there("import", path, said[:-1])
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
