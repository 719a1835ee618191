"""Which folder of rounds is whose, whatever the files are called; what is in it is what was put there."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support.rounds_making import finish_round

from spanloop.store import Store, StoreError


def project(path: Path) -> Store:
    return Store.create(path, labels=["PER"], base_model="offline")


def with_a_round(path: Path) -> Path:
    with project(path) as store:
        store.rounds.promote(finish_round(store))
    return path


def sound(path: Path) -> list[str]:
    """What is wrong with a project."""
    with Store.open(path) as store:
        return [f"{problem.what}: {problem.advice}" for problem in store.check()]


def typed(line: str) -> None:
    """Do what a message says to type."""
    subprocess.run(line, shell=True, check=True)


def after(word: str, message: str) -> str:
    """The command in a message that begins with that word."""
    return word + message.split(f" {word}", 1)[1].split(", or", 1)[0]


def test_two_projects_that_share_a_stem_have_a_folder_each(tmp_path: Path) -> None:
    with project(tmp_path / "garden.db") as one, project(tmp_path / "garden.sqlite") as two:
        assert one.project.uid != two.project.uid
        assert one.rounds_dir == tmp_path / "garden.rounds"  # left to the .db of that name, used or not
        assert two.rounds_dir == tmp_path / "garden.sqlite.rounds"
        finish_round(one)
        assert finish_round(two) == 1
        assert one.rounds_dir == tmp_path / "garden.rounds"
        assert two.rounds_dir == tmp_path / "garden.sqlite.rounds"
        assert two.models.all()[0].path == "garden.sqlite.rounds/0001"
        assert one.check() == two.check() == []


def test_a_project_beside_the_folder_of_a_deleted_one_takes_another_name(tmp_path: Path) -> None:
    with_a_round(tmp_path / "p.db").unlink()
    with project(tmp_path / "p.db") as store:
        assert finish_round(store) == 1
        assert store.rounds_dir == tmp_path / "p.db.rounds"
        (tmp_path / "p.db.rounds" / "project.json").write_text('{"damaged')
        assert store.rounds_dir.name == f"p.db.{store.project.uid[:12]}.rounds"


def test_a_copy_beside_its_original_is_told_to_take_rounds_of_its_own(tmp_path: Path) -> None:
    original = with_a_round(tmp_path / "my b.db")
    copy = Path(shutil.copy(original, tmp_path / "my b.bak"))
    (message,) = sound(copy)
    assert "round 1 (promoted) has no folder" in message
    typed(after("cp -r", message))
    assert sound(copy) == sound(original) == []
    with Store.open(copy) as store, Store.open(original) as other:
        assert finish_round(store) == finish_round(other) == 2
        assert store.rounds_dir == tmp_path / "my b.bak.rounds"
        assert store.models.all()[0].path == "my b.bak.rounds/0001"
    assert sound(copy) == sound(original) == []


def test_a_copy_that_has_begun_its_own_folder_takes_single_rounds(tmp_path: Path) -> None:
    copy = Path(shutil.copy(with_a_round(tmp_path / "b.db"), tmp_path / "b.bak"))
    with Store.open(copy) as store:
        finish_round(store)
    (message,) = sound(copy)
    typed(after("cp -r", message))
    assert sound(copy) == []
    assert sound(tmp_path / "b.db") == []


def test_a_project_that_was_moved_finds_its_rounds_or_says_what_to_type(tmp_path: Path) -> None:
    moved = with_a_round(tmp_path / "p.db").rename(tmp_path / "q.db")
    (message,) = sound(moved)
    typed(after("mv", message))
    assert sound(moved) == []
    (tmp_path / "elsewhere").mkdir()
    shutil.move(moved, tmp_path / "elsewhere" / "r.sqlite3")
    (message,) = sound(tmp_path / "elsewhere" / "r.sqlite3")
    assert f"copy the rounds that lay beside the project file to {tmp_path}/elsewhere/r.rounds" in message
    assert "spanloop rounds" in message
    shutil.move(tmp_path / "q.rounds", tmp_path / "elsewhere" / "r.rounds")
    assert sound(tmp_path / "elsewhere" / "r.sqlite3") == []
    with Store.open(tmp_path / "elsewhere" / "r.sqlite3") as store:
        finish_round(store)
        mark = json.loads((store.rounds_dir / "project.json").read_text("utf-8"))
        assert mark == {"project": store.project.uid, "file": "r.sqlite3"}


def test_an_older_state_put_back_leaves_the_later_rounds_alone(tmp_path: Path) -> None:
    path = with_a_round(tmp_path / "p.db")
    older = path.read_bytes()
    with Store.open(path) as store:
        finish_round(store)
    path.write_bytes(older)
    with Store.open(path) as store:
        assert finish_round(store) == 3
        assert (store.rounds.folder(2) / "0.bin").read_bytes() == b"2" * 10
    (message,) = sound(path)
    assert "p.rounds/0002 belongs to no round" in message


def test_files_that_are_not_those_of_the_round_are_never_used(tmp_path: Path) -> None:
    path, other = with_a_round(tmp_path / "p.db"), with_a_round(tmp_path / "q.db")
    (other.with_suffix(".rounds") / "0001" / "0.bin").write_bytes(b"of another project")
    shutil.rmtree(tmp_path / "p.rounds" / "0001")
    shutil.copytree(tmp_path / "q.rounds" / "0001", tmp_path / "p.rounds" / "0001")
    (message,) = sound(path)
    assert f"{tmp_path}/p.rounds/0001 is not what round 1 was" in message
    with (
        Store.open(path) as store,
        pytest.raises(StoreError, match=r"promote another round: spanloop rounds"),
    ):
        store.rounds_folder.sound(store.rounds.get(1))
    assert "is not what round 1 was" in sound(other)[0]


@pytest.mark.parametrize(
    "change", ["one byte", "a file less", "a file more", "another name", "cut in two", "nothing that counts"]
)
def test_the_hash_sees_whatever_changed(tmp_path: Path, change: str) -> None:
    with project(tmp_path / "p.db") as store:
        folder = store.rounds.folder(finish_round(store, files=3, size=3_000_000))
        first = folder / "0.bin"
        if change == "one byte":
            with first.open("r+b") as file:
                file.seek(2_500_000)
                file.write(b"x")
        elif change == "a file less":
            first.unlink()
        elif change == "a file more":
            (folder / "new").touch()
        elif change == "another name":
            first.rename(folder / "00.bin")
        elif change == "cut in two":  # the same bytes in the same order
            content = first.read_bytes()
            first.write_bytes(content[:100])
            (folder / "0.bin2").write_bytes(content[100:])
        else:
            (folder / ".DS_Store").touch()
        assert bool(store.check()) == (change != "nothing that counts")


def test_only_the_very_run_that_made_a_folder_removes_it(tmp_path: Path) -> None:
    with project(tmp_path / "p.db") as store:
        first = finish_round(store)
        row = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[])
        shutil.copytree(store.rounds.folder(first), store.rounds.folder(row.number))  # put there by hand
        store.rounds_folder.discard(row)
        assert store.rounds.folder(row.number).is_dir()
        shutil.rmtree(store.rounds.folder(row.number))
        draft = store.rounds_dir / ".0002.part"
        draft.mkdir()
        store.rounds_folder.take_in(draft, row)
        store.rounds_folder.discard(row)
        assert not store.rounds.folder(row.number).exists()
        assert store.rounds.folder(first).is_dir()


def of_before(path: Path) -> None:
    """Make the project what it was before schema 14: nothing says whose folder and which files they are."""
    (path.with_suffix(".rounds") / "project.json").unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("UPDATE rounds SET files_hash = NULL")


def test_a_folder_of_before_is_taken_over_and_belongs_to_the_db(tmp_path: Path) -> None:
    path = with_a_round(tmp_path / "p.db")
    of_before(path)
    copy = Path(shutil.copy(path, tmp_path / "p.bak"))
    assert sound(path) == []
    (message,) = sound(copy)
    assert f"cp -r {tmp_path}/p.rounds {tmp_path}/p.bak.rounds" in message
    with Store.open(copy) as store:
        assert store.rounds_folder.claim() == tmp_path / "p.bak.rounds"
    with Store.open(path) as store:
        assert store.rounds_folder.claim() == tmp_path / "p.rounds"
        assert store.rounds.folder(1).is_dir()


def test_a_folder_of_before_goes_on_beside_a_file_of_any_name(tmp_path: Path) -> None:
    path = with_a_round(tmp_path / "garden.db").rename(tmp_path / "garden.sqlite")
    of_before(path)
    assert sound(path) == []
    with Store.open(path) as store:
        assert finish_round(store) == 2
        assert store.rounds_dir == tmp_path / "garden.rounds"


@pytest.mark.parametrize("left", ["nothing in it", "half a temporary file"])
def test_what_a_killed_claim_leaves_is_gone_on_with(tmp_path: Path, left: str) -> None:
    (tmp_path / "p.rounds").mkdir()
    if left == "half a temporary file":
        (tmp_path / "p.rounds" / ".project.json.77.part").write_text('{"pro')
    with project(tmp_path / "p.db") as store:
        finish_round(store)
        assert store.rounds_dir == tmp_path / "p.rounds"
        assert store.check() == []


CLAIM = """
import sys
from spanloop.store import Store
with Store.open(sys.argv[1]) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    print(store.rounds_folder.claim().name)
"""


def test_projects_that_claim_at_once_get_a_folder_each(tmp_path: Path) -> None:
    files = [tmp_path / f"p.{suffix}" for suffix in ("db", "sqlite", "bak")]
    for file in files:
        project(file).close()
    together = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for file in [*files, *files]
    ]
    for process in together:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in together:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate()[0].strip() for process in together]
    assert said[:3] == said[3:]
    assert len(set(said[:3])) == 3
    assert set(said) <= {"p.rounds", *(f"{file.name}.rounds" for file in files)}


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "p.rounds").symlink_to(tmp_path / "gone")
    (tmp_path / "p.db.rounds").write_text("a file")
    with project(tmp_path / "p.db") as store:
        finish_round(store)  # by the name that nobody else takes
        assert os.readlink(tmp_path / "p.rounds") == str(tmp_path / "gone")
        assert (tmp_path / "p.db.rounds").read_text() == "a file"
        (tmp_path / store.rounds_dir.name).rename(tmp_path / "away")
        (tmp_path / f"p.db.{store.project.uid[:12]}.rounds").write_text("another")
        with pytest.raises(StoreError, match=r"give .*p\.db another name"):
            store.rounds_folder.claim()


def test_every_copy_of_an_older_file_becomes_the_same_project(tmp_path: Path) -> None:
    dump = Path(__file__).parents[1] / "schema" / "dumps" / "0013.sql"
    for name in ("p.db", "p-of-last-week.db"):
        conn = sqlite3.connect(tmp_path / name)
        conn.executescript(dump.read_text(encoding="utf-8"))
        conn.execute(f"PRAGMA application_id = {0x73706C70}")
        conn.execute("PRAGMA user_version = 13")
        conn.close()
    with Store.open(tmp_path / "p.db") as one, Store.open(tmp_path / "p-of-last-week.db") as two:
        assert one.project.uid == two.project.uid != ""
        with pytest.raises(StoreError, match="no changeable 'uid'"):
            one.set_project(uid="another")
