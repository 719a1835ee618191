"""One project under many names: links, folders that are links, another working folder."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from support.rounds_making import finish_round
from support.store_making import make_store, say

from spanloop.store import Store, StoreError
from spanloop.store.files.atomic import name_beside


@pytest.fixture
def real(tmp_path: Path) -> Path:
    (tmp_path / "real").mkdir()
    make_store(tmp_path / "real", documents=2).close()
    return tmp_path / "real" / "project.db"


def test_a_link_is_the_file_it_leads_to(real: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to("real/project.db")
    (tmp_path / "folder").symlink_to("real")
    names = (tmp_path / "link.db", tmp_path / "folder" / "project.db", real)
    for count, name in enumerate(names, 1):
        with Store.open(name) as store:
            assert store.path == real
            assert store.named == name
            assert finish_round(store) == count
            assert store.models.all()[-1].path == f"project.rounds/{count:04d}"
            assert store.check() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link.db", "real"]


def test_a_message_names_what_was_typed(real: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(real)
    with closing(sqlite3.connect(real)) as conn, conn:
        conn.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreError, match=f"^{tmp_path}/link.db has schema 999"):
        Store.open(tmp_path / "link.db")


def test_a_relative_path_outlives_a_change_of_folder(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(real.parent)
    with Store.open("project.db") as store:
        monkeypatch.chdir(tmp_path)
        finish_round(store)
        store.backup("copy.db")
        seen = subprocess.run([sys.executable, "-c", ""], cwd=store.path.parent, check=True)
        assert seen.returncode == 0
    assert (real.parent / "project.rounds" / "0001").is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "real"]
    with Store.open(real) as store:
        assert store.named == real


def test_a_link_that_leads_to_no_file_yet_is_where_the_project_is_made(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.db").symlink_to("real/p.db")
    with Store.create(tmp_path / "link.db", labels=["A"], base_model="b") as store:
        assert store.path == tmp_path / "real" / "p.db"
    assert (tmp_path / "link.db").is_symlink()
    with pytest.raises(StoreError, match=f"{tmp_path}/link.db exists already"):
        Store.create(tmp_path / "link.db", labels=["A"], base_model="b")


def test_links_in_a_circle_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.db").symlink_to("b.db")
    (tmp_path / "b.db").symlink_to("a.db")
    for take in (Store.open, lambda path: Store.create(path, labels=["A"], base_model="b")):
        with pytest.raises(StoreError, match=r"a\.db"):
            take(tmp_path / "a.db")


def test_a_hard_link_is_refused_with_the_line_that_parts_the_two(real: Path) -> None:
    """SQLite has a log beside each name: what one program wrote the other would not see, or damage."""
    other = real.with_name("other.db")
    os.link(real, other)
    for name in (real, other):
        with pytest.raises(StoreError, match=r"another name too .*cp .* && mv ") as refused:
            Store.open(name)
    subprocess.run(str(refused.value).split("its own: ", 1)[1], shell=True, check=True)
    with Store.open(real) as one, Store.open(other) as two:
        one.annotations.add(say(1))
        assert (one.annotations.count(), two.annotations.count()) == (1, 0)


@pytest.mark.parametrize("name", ["project.db", "[a] project.db", f"{'long' * 20}.db"])
@pytest.mark.parametrize("way", ["create", "backup"])
def test_what_was_killed_between_its_two_names_has_made_the_project(real: Path, way: str, name: str) -> None:
    """The draft of a new project, and that in the hidden folder of a backup."""
    path = real.rename(real.with_name(name))
    draft = name_beside(path)
    if way == "backup":
        folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))  # as `backup` makes it
        draft = folder / path.name
    os.link(path, draft)
    with Store.open(path) as store:
        assert store.documents.count() == 2
    assert [found for found in path.parent.rglob("*") if found.is_file()] == [path]
