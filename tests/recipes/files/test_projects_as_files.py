"""The commands that move a project: out as lines and in again, two into one, versions of the gold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused, run
from support.store_making import say

from spanloop.recipes import RecipeError, export, import_files, init
from spanloop.store import Store

LINES = [
    {"id": "a", "text": "Ann met Bob in Rome", "spans": [[0, 3, "PER"], [15, 19, "LOC"]]},
    {"id": "b", "text": "Nobody was there", "spans": []},
    {"id": "c", "text": "Ann is open"},
]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    init(tmp_path / "p.db", labels=["PER", "LOC"], eval_fraction=0)
    import_files(tmp_path / "p.db", [jsonl_file(tmp_path / "x.jsonl", *LINES)])
    return tmp_path / "p.db"


def test_out_and_in_again(db: Path, tmp_path: Path) -> None:
    file, new = tmp_path / "whole.jsonl", tmp_path / "new.db"
    out = done("export", db, file, "--format", "spanloop", "--json")
    assert (out["made"], out["rows"]["documents"], out["rows"]["annotations"]) == (False, 3, 2)
    assert f"{file} is there already" in refused("export", db, file, "--format", "spanloop")
    assert done("import", new, file, "--json")["rows"] == out["rows"]
    with Store.open(db) as before, Store.open(new) as after:
        assert list(after.annotations.gold()) == list(before.annotations.gold())
    assert "spanloop merge" in refused("import", new, file)
    assert run("export", db, tmp_path / "y", "--format", "spanloop", "--split", "eval").exit_code == 2
    assert run("import", tmp_path / "z.db", file, "--split", "eval").exit_code == 2
    with pytest.raises(RecipeError, match="is a whole project"):
        import_files(new, [tmp_path / "x.jsonl", file])
    assert "is no whole project" in refused(
        "import", tmp_path / "z.db", tmp_path / "x.jsonl", "--format", "spanloop"
    )


def test_two_into_one(db: Path, tmp_path: Path) -> None:
    file = tmp_path / "whole.jsonl"
    done("export", db, file, "--format", "spanloop")
    init(tmp_path / "other.db", labels=["PER"], eval_fraction=0)
    first = done("merge", tmp_path / "other.db", file, "--json")
    assert (first["documents"], first["annotations"], first["labels"]) == (3, 2, ["LOC"])
    again = done("merge", tmp_path / "other.db", db)
    assert "0 documents and 0 answers more" in again
    assert "the same file" in refused("merge", db, db)
    assert "there is no" in refused("merge", db, tmp_path / "none.db")


def test_a_version_knows_the_labels_that_its_gold_knew(tmp_path: Path) -> None:
    """And goes on to, whatever becomes of labels and answers: CORP and GROUP were made one label before it,
    and GROUP came back after it."""
    db, text = tmp_path / "p.db", "Ann met Bob in Rome"
    init(db, labels=["PER", "CORP", "GROUP"], eval_fraction=0)
    lines = [{"id": key, "text": f"{text} {key}", "spans": [[0, 3, "PER"]]} for key in ("a", "b", "c")]
    import_files(db, [jsonl_file(tmp_path / "a.jsonl", lines[0])])
    done("labels", db, "add", "LOC")
    import_files(db, [jsonl_file(tmp_path / "b.jsonl", lines[1])])
    done("labels", db, "add", "ORG")
    for part in ("CORP", "GROUP"):
        done("labels", db, "merge", part, "ORG")
    with Store.open(db) as store:  # two people, each of whom knows what the other does not
        import_files(db, [jsonl_file(tmp_path / "c.jsonl", {"id": "c", "text": f"{text} c"})])
        number = store.documents.by_key("c").id  # type: ignore[union-attr]
        store.annotations.add(say(number, "anna", "0-3:PER", labels=("PER", "LOC")))
        store.annotations.add(say(number, "ben", "8-11:ORG", labels=("ORG",)))
    done("data", db, "tag", "v1")
    export(db, tmp_path / "v1.jsonl")
    records = [json.loads(line) for line in (tmp_path / "v1.jsonl").read_text().splitlines()]
    assert {record["id"]: record.get("known_labels") for record in records} == {
        "a": ["PER", "ORG"],
        "b": None,
        "c": None,
    }
    assert [span["label"] for span in records[2]["spans"]] == ["PER", "ORG"]
    assert done("data", db, "--json")["versions"][0]["documents"] == 3

    done("labels", db, "add", "GROUP")
    done("labels", db, "rename", "LOC", "PLACE")
    import_files(db, [jsonl_file(tmp_path / "d.jsonl", {**lines[0], "spans": []})], annotator="later")
    with Store.open(db) as store:
        store.annotations.add(say(number, "ben", ""))
    export(db, tmp_path / "again.jsonl", tagged="v1")
    assert (tmp_path / "again.jsonl").read_text() == (tmp_path / "v1.jsonl").read_text()

    init(tmp_path / "new.db", labels=["PER", "LOC", "ORG"], eval_fraction=0)
    import_files(tmp_path / "new.db", [tmp_path / "again.jsonl"])
    with Store.open(tmp_path / "new.db") as store:
        unknown = {gold.document.key: gold.unknown for gold in store.annotations.gold()}
    assert unknown == {"a": ("LOC",), "b": (), "c": ()}


def test_versions_of_the_gold(db: Path, tmp_path: Path) -> None:
    """What was gold under a name stays what it was, whatever is answered and renamed since."""
    assert "no version yet" in done("data", db)
    done("data", db, "tag", "v1")
    export(db, tmp_path / "v1.jsonl")
    done("labels", db, "rename", "PER", "PERSON")
    done("labels", db, "add", "ORG")
    assert done("data", db, "diff", "v1", "--json") == {
        "schema": 1,
        "first": "v1",
        "second": "now",
        "same": 2,
        "added": [],
        "removed": [],
        "changed": [],
        "labels": [
            {"label": "PERSON", "before": 1, "after": 1, "gone": 0, "new": 0},
            {"label": "LOC", "before": 1, "after": 1, "gone": 0, "new": 0},
        ],
        "label_changes": ["PER is called PERSON", "ORG is new"],
    }
    answers = [
        {"id": "a", "text": LINES[0]["text"], "spans": [[8, 11, "PERSON"], [15, 19, "ORG"]]},
        {"id": "c", "text": LINES[2]["text"], "spans": [[0, 3, "PERSON"]]},
    ]
    import_files(db, [jsonl_file(tmp_path / "y.jsonl", *answers)], annotator="later")
    done("labels", db, "merge", "ORG", "LOC")
    told = done("data", db, "diff", "v1", "--json")
    assert (told["same"], told["added"], told["removed"], told["changed"]) == (1, ["c"], [], ["a"])
    assert [(row["label"], row["gone"], row["new"]) for row in told["labels"]] == [
        ("PERSON", 1, 2),
        ("LOC", 0, 0),
    ]
    done("data", db, "tag", "v2")
    back = done("data", db, "diff", "v2", "v1", "--json")
    assert (back["added"], back["removed"], back["changed"]) == ([], ["c"], ["a"])
    export(db, tmp_path / "again.jsonl", tagged="v1")
    assert (tmp_path / "again.jsonl").read_text() == (tmp_path / "v1.jsonl").read_text()
    assert [json.loads(line)["id"] for line in (tmp_path / "v1.jsonl").read_text().splitlines()] == ["a", "b"]
    assert "there is a version 'v1' already" in refused("data", db, "tag", "v1")
    assert "cannot be called 'now'" in refused("data", db, "tag", "now")
    assert "there is no version 'v3'; there are: v1, v2" in refused("data", db, "diff", "v3")
