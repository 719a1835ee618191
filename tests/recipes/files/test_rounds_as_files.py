"""The pipelines of the rounds of a project that goes out as lines and comes in again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.commands import done, refused, run
from support.rounds_making import finish_round
from support.store_making import make_store, say

from spanloop.store import Store
from spanloop.store.records import NewDocument, Score


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Three finished rounds, of which the second is promoted and the third has lost its folder."""
    (tmp_path / "here").mkdir()
    with make_store(tmp_path / "here", documents=2) as store:
        [added] = store.documents.add([NewDocument("Ann was in Rome", key="e", split="eval")])
        for number in (1, added.document_id):
            store.annotations.add(say(number))
        for number in (1, 2, 3):
            finish_round(store)
            store.rounds.add_scores(number, [Score("eval", "strict", "micro", None, 0.5, 0.5, 0.5, 9)])
        store.rounds.promote(2)
        shutil.rmtree(store.rounds.folder(3))
        return store.path


def pipelines(db: Path) -> list[str]:
    return [row["pipeline"] for row in done("rounds", db, "--json")["rounds"]]


def test_they_come_along_in_a_folder_where_that_is_asked_for(db: Path, tmp_path: Path) -> None:
    file, new = tmp_path / "whole.jsonl", tmp_path / "there" / "new.db"
    new.parent.mkdir()
    out = done("export", db, file, "--format", "spanloop", "--with-rounds", "--json")
    assert out["rounds"] == [1, 2]
    assert "round 3 has no folder" in out["without"]["3"]
    came = done("import", new, file, "--json")
    assert (came["rounds"], list(came["without"])) == ([1, 2], ["3"])
    assert pipelines(new) == ["here", "here", "missing"]
    with Store.open(db) as before, Store.open(new) as after:
        for number in (1, 2):
            there = after.rounds_folder.sound(after.rounds.get(number))
            assert there == new.with_suffix(".rounds") / f"{number:04d}"
            files = [
                {path.name: path.read_bytes() for path in folder.iterdir()}
                for folder in (there, before.rounds.folder(number))
            ]
            assert files[0] == files[1]
        models = after.rows("SELECT path FROM models WHERE kind = 'round' ORDER BY round")
        assert models[:2] == [("new.rounds/0001",), ("new.rounds/0002",)]
    done("rounds", new, "promote", 1)
    assert "is there already" in refused(
        "export", db, file, "--format", "spanloop", "--with-rounds", "--overwrite"
    )


def test_without_them_every_command_says_that_they_are_missing(db: Path, tmp_path: Path) -> None:
    file, new = tmp_path / "whole.jsonl", tmp_path / "there" / "new.db"
    new.parent.mkdir()
    assert "the rounds 1, 2, 3: --with-rounds writes them" in done("export", db, file, "--format", "spanloop")
    said = done("import", new, file)
    assert "without the pipelines of the rounds 1, 2, 3, which are listed as missing" in said
    assert pipelines(new) == ["missing"] * 3
    assert done("rounds", new).count("its folder is missing") == 3
    assert "the folder of round 2, the promoted one, is not there" in done("status", new)
    assert "round 1 has no folder" in refused("rounds", new, "promote", 1)
    assert "round 2 (promoted) has no folder" in run("check", new).stdout
    line = refused("report", new, "-o", tmp_path / "report.html")
    assert line.startswith(f"no round has its pipeline here, so none can be scored: spanloop rounds {new}")
    # copied beside it afterwards, they count
    shutil.copytree(db.with_suffix(".rounds"), new.with_suffix(".rounds"))
    assert pipelines(new) == ["here", "here", "missing"]


def test_the_folder_of_another_project_is_left_alone(db: Path, tmp_path: Path) -> None:
    """And a pipeline that was changed on the way is none of the round."""
    file = tmp_path / "whole.jsonl"
    done("export", db, file, "--format", "spanloop", "--with-rounds")
    beside = tmp_path / "whole.jsonl.rounds"
    (beside / "0001" / "0.bin").write_bytes(b"changed")
    told = done("import", tmp_path / "new.db", file, "--json")
    assert told["rounds"] == [2]
    assert "is not what the round was" in told["without"]["1"]
    (beside / "project.json").write_text('{"project": "another", "file": "whole.jsonl"}')
    assert done("import", tmp_path / "other.db", file, "--json")["rounds"] == []
    assert run("export", db, tmp_path / "x.jsonl", "--with-rounds").exit_code == 2
    assert "name a file" in refused("export", db, "-", "--format", "spanloop", "--with-rounds")
