"""Backups open like the project, check says what is wrong and what to do, pruning keeps what is needed."""

from __future__ import annotations

import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support.commands import refused
from support.rounds_making import finish_round
from support.small_disk import small_disk
from support.store_making import add_model, make_store, predict_all, say

from spanloop.store import Store, StoreError


def finished_round(store: Store, with_folder: bool = True) -> int:
    number = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[]).number
    model_id = add_model(store, f"round {number}", kind="round", round=number)
    store.rounds.finish(number, model_id=model_id, scores=[], manifest=None)
    if with_folder:
        store.rounds.folder(number).mkdir(parents=True)
        (store.rounds.folder(number) / "meta.json").write_text("{}")
    return number


def test_a_backup_opens_and_brings_the_promoted_round(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    with make_store(tmp_path, documents=3) as store:
        first, second = finished_round(store), finished_round(store)
        store.rounds.promote(second)
        store.annotations.add(say(1))
        done = store.backup(tmp_path / "kept" / "copy.db")
        assert (done.promoted, done.left_out) == (second, (first,))
        store.annotations.add(say(2))
        with pytest.raises(StoreError, match="exists already"):
            store.backup(tmp_path / "kept" / "copy.db")
        with pytest.raises(StoreError, match="exists already"):
            store.backup(store.path)
        with pytest.raises(StoreError, match="no folder"):
            store.backup(tmp_path / "nowhere" / "copy.db")
    with Store.open(done.path) as copy:
        assert copy.annotations.count() == 1
        assert (copy.rounds.folder(second) / "meta.json").read_text() == "{}"
        assert copy.check() == []  # the first round was left out on purpose, and the copy knows it
        assert [row.pruned_at is not None for row in copy.rounds.all()] == [True, False]


def test_a_backup_taken_while_others_write_is_of_one_moment(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=300) as store:
        stop = threading.Event()

        def write() -> None:
            for document_id in range(1, 301):
                if stop.is_set():
                    return
                store.annotations.add(say(document_id, spans="0-3:PER 15-19:LOC"))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                copied = store.backup(tmp_path / f"copy{number}.db")
                with Store.open(copied.path) as copy:
                    assert copy.check() == []
        finally:
            stop.set()
            writer.join()


PROMOTING = """
import sys
from spanloop.store import Store
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    while True:
        for number in (1, 2):
            store.rounds.promote(number)
"""


def test_a_backup_while_rounds_are_promoted_has_the_round_that_it_says(tmp_path: Path) -> None:
    seen = set()
    with make_store(tmp_path, documents=3) as store:
        for _ in (1, 2):
            store.rounds.promote(finish_round(store, files=50))
        command = [sys.executable, "-c", PROMOTING, str(store.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as promoting:
            assert promoting.stdout is not None
            assert promoting.stdout.readline() == "ready\n"
            try:
                for number in range(20):
                    done = store.backup(tmp_path / f"copy{number}.db")
                    with Store.open(done.path) as copy:
                        promoted = copy.rounds.promoted()
                        assert promoted is not None
                        folder = copy.rounds_folder.sound(promoted)
                        assert (folder / "0.bin").read_bytes()[:1] == str(promoted.number).encode()
                        assert copy.rounds_folder.numbers() == [promoted.number] == [done.promoted]
                    seen.add(done.promoted)
                assert promoting.poll() is None
            finally:
                promoting.kill()
    assert seen == {1, 2}


@pytest.mark.parametrize("size", ["100k", "1m"])
def test_a_backup_onto_a_full_disk_leaves_nothing_and_works_later(tmp_path: Path, size: str) -> None:
    """100k is too little for the file, 1m for the round beside it."""
    with make_store(tmp_path, documents=10) as store:
        store.rounds.promote(finish_round(store, files=20, size=500_000))
        path = store.path
    small = tmp_path / "small"
    with small_disk(small, size) as grow:
        assert "full" in (line := refused("backup", path, small / "copy.db")) or "No space left" in line
        assert list(small.iterdir()) == []
        grow("40m")
        with Store.open(path) as store:
            done = store.backup(small / "copy.db")
        assert sorted(entry.name for entry in small.iterdir()) == ["copy.db", "copy.rounds"]
        with Store.open(done.path) as copy:
            assert copy.check() == []


def test_a_backup_opens_under_any_name(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        store.rounds.promote(finish_round(store))
        beside = store.backup(tmp_path / "project.bak")  # whose stem is the project's
        assert beside.rounds == tmp_path / "project.bak.rounds"
        (tmp_path / "kept").mkdir()
        away = store.backup(tmp_path / "kept" / "copy.db")
        uid = store.project.uid
    assert away.rounds == tmp_path / "kept" / "copy.rounds"
    away.path.rename(tmp_path / "kept" / "back.sqlite")
    away.rounds.rename(tmp_path / "kept" / "back.rounds")
    for path in (beside.path, tmp_path / "kept" / "back.sqlite", tmp_path / "project.db"):
        with Store.open(path) as opened:
            assert opened.project.uid == uid
            assert opened.check() == []
            (model,) = opened.models.all()
            assert model.path is not None
            finish_round(opened)
            assert (path.parent / (opened.models.all()[0].path or "")).is_dir()
            assert opened.rounds_folder.numbers() == [1, 2]


def test_a_backup_put_back_over_the_project_goes_on_with_its_rounds(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        store.rounds.promote(finish_round(store))
        (tmp_path / "kept").mkdir()
        done = store.backup(tmp_path / "kept" / "of-monday.db")
        finish_round(store)
    shutil.copy(done.path, tmp_path / "project.db")
    with Store.open(tmp_path / "project.db") as store:
        assert store.rounds_folder.sound(store.rounds.get(1)).is_dir()
        assert finish_round(store) == 3


@pytest.mark.parametrize("taken", ["file", "link to nowhere", "folder", "both folders of rounds"])
def test_what_lies_where_a_backup_should_go_is_left_alone(tmp_path: Path, taken: str) -> None:
    target = tmp_path / "kept" / "copy.bak"
    target.parent.mkdir()
    if taken == "file":
        target.write_text("mine")
    elif taken == "link to nowhere":
        target.symlink_to("nowhere")
    elif taken == "folder":
        (target / "sub").mkdir(parents=True)
    else:
        for name in ("copy.rounds", "copy.bak.rounds"):
            (target.parent / name / "0001").mkdir(parents=True)
    before = sorted(target.parent.rglob("*"))
    with make_store(tmp_path) as store:
        store.rounds.promote(finish_round(store))
        with pytest.raises(StoreError, match="choose another name for the backup"):
            store.backup(target)
    assert sorted(target.parent.rglob("*")) == before
    assert not target.is_file() or target.read_text() == "mine"


def test_a_backup_without_its_promoted_round_says_so(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        number = finish_round(store)
        store.rounds.promote(number)
        (store.rounds.folder(number) / "0.bin").write_text("damaged")
        done = store.backup(tmp_path / "copy.db")
        assert (done.promoted, done.rounds) == (None, None)
        assert "is not what round 1 was" in (done.missing or "")
    assert not (tmp_path / "copy.rounds").exists()
    with Store.open(done.path) as copy:
        assert copy.documents.count() == 2


def test_what_a_killed_backup_leaves_is_in_the_way_of_nothing(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        store.rounds.promote(finish_round(store))
        (tmp_path / ".copy.db.killed").mkdir()
        (tmp_path / ".copy.db.new").write_text("half a file")
        assert store.backup(tmp_path / "copy.db").promoted == 1
    assert (tmp_path / ".copy.db.new").read_text() == "half a file"


def test_a_sound_project_has_no_problems(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=5) as store:
        store.set_project(overlap=2)
        predict_all(store, add_model(store))
        for annotation in (
            say(1),
            say(1, "ben", ""),
            say(2),
            say(3, answer="ignore"),
            say(4, origin="import"),
        ):
            store.annotations.add(annotation)
        assert store.check() == []


BREAKS: list[tuple[str, str, bool]] = [
    ("UPDATE queue SET state = 'answered' WHERE document_id = 2", "stand in the queue otherwise", True),
    ("UPDATE queue SET answered_by = '[\"x\"]' WHERE document_id = 1", "stand in the queue otherwise", True),
    ("UPDATE queue_counts SET documents = 77 WHERE state = 'open'", "counters", True),
    ("DELETE FROM queue WHERE document_id = 3", "not in the queue", True),
    ("INSERT INTO leases VALUES (99, 'a', '2026', 'random')", "leases row .* points at", False),
    ("UPDATE prediction_spans SET end_char = 500 WHERE id = 1", "prediction of m for 'd1'", False),
    ("INSERT INTO rounds(number, state, parameters, seed, started_at, host, process)"
     " VALUES (1, 'running', '{}', 0, '', ?1, 999999999)", "its process has ended", True),
    ("INSERT INTO documents(key, grp, split, n_chars, text_hash, created_at, text)"
     " VALUES ('x', 'd1', 'eval', 1, 0, '', 'x')", "lies in both pool and eval", False),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "what", "repairable"), BREAKS, ids=[what for _, what, _ in BREAKS])
def test_check_finds_what_another_program_broke(
    tmp_path: Path, statement: str, what: str, repairable: bool
) -> None:
    with make_store(tmp_path, documents=3) as store:
        predict_all(store, add_model(store))
        store.annotations.add(say(1))
        path = store.path
    conn = sqlite3.connect(path)  # foreign keys are off here, as in any other program
    conn.execute(statement, (socket.gethostname(),) if "?1" in statement else ())
    conn.commit()
    conn.close()
    with Store.open(path) as store:
        problems = store.check()
        assert [problem for problem in problems if re.search(what, problem.what)], problems
        assert all(problem.advice for problem in problems)
        repaired = store.check(repair=True)
        assert any(problem.repaired for problem in repaired) == (repairable or "documents(key" in statement)
        left = [problem for problem in store.check() if re.search(what, problem.what)]
        assert bool(left) != repairable


def test_check_names_missing_and_left_over_folders(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        number = finished_round(store, with_folder=False)
        store.rounds.promote(number)
        (store.rounds_dir / "0009").mkdir(parents=True)
        add_model(store, "gone", path="models/gone")
        said = {problem.what.replace(str(tmp_path), ""): problem.advice for problem in store.check()}
        assert list(said) == [
            "round 1 (promoted) has no folder /project.rounds/0001",
            "the folder /project.rounds/0009 belongs to no round",
            "model 'gone' is not at /models/gone any more",
        ]
        assert "promote another round" in next(iter(said.values()))


def test_check_reports_damage_inside_the_file(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2000) as store:
        path = store.path
        (page_of_index,) = store.row("SELECT rootpage FROM sqlite_master WHERE name = 'queue_by_chance'")  # type: ignore[misc]
    content = bytearray(path.read_bytes())
    content[(page_of_index - 1) * 4096 + 200 : page_of_index * 4096] = b"\xff" * (4096 - 200)
    path.write_bytes(content)
    with Store.open(path) as store:
        problems = store.check()
    assert problems
    assert ".recover" in problems[0].advice


def test_pruning_keeps_what_is_needed(tmp_path: Path) -> None:
    def models_of(document_id: int) -> list[int]:
        rows = store.rows("SELECT model_id FROM predictions WHERE document_id = ? ORDER BY 1", (document_id,))
        return [row[0] for row in rows]

    with make_store(tmp_path, documents=3) as store:
        rounds = [finished_round(store) for _ in range(4)]
        models = [store.rounds.get(number).model_id or 0 for number in rounds]
        for model_id in models:
            predict_all(store, model_id)
        started = store.predictions.get(2, models[0])
        assert started is not None
        store.annotations.add(say(2, prediction_id=started.id))
        for number in rounds[:3]:
            store.rounds.promote(number)
        assert store.predictions.prune(rounds=5) == 0
        assert store.predictions.prune(rounds=3) == 2  # model 0 of three documents, but the one started from
        assert store.predictions.prune() == 3  # model 3
        assert models_of(1) == models[1:3]
        assert models_of(2) == models[:3]
        assert store.check() == []
        assert store.rows("SELECT DISTINCT model_id FROM acquisition ORDER BY 1") == [
            (m,) for m in models[1:3]
        ]
        assert store.predictions.prune() == 0


def test_predictions_from_a_file_are_never_pruned(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        imported, old, new = (
            add_model(store, "file", kind="import"),
            add_model(store, "o"),
            add_model(store, "n"),
        )
        for model_id in (imported, old, new):
            predict_all(store, model_id)
        assert store.predictions.prune() == 2
        assert store.predictions.count(imported) == 2


def test_without_a_promoted_round_the_newest_model_is_kept(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        old, new = add_model(store, "old"), add_model(store, "new")
        for model_id in (old, new):
            predict_all(store, model_id)
        assert store.predictions.prune() == 2
        assert store.predictions.count(new) == 2


def test_more_overlap_opens_answered_documents_again(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        store.annotations.add(say(1))
        store.annotations.add(say(2, origin="import"))
        store.set_project(overlap=2)
        assert store.queue.counts()["open"] == 1
        assert [item.document.id for item in store.queue.next("ben")] == [1]
        store.set_project(overlap=1)
        assert store.queue.counts()["open"] == 0
