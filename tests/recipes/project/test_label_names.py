"""What a label may be called: what is let in comes back from every kind of file, and the rest is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused, run

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.export import export
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.project.labels import refuse_tags
from spanloop.store import Store
from spanloop.store.records import Task

TEXT = "Ann met Bob in Rome"
ODD = (
    "B-",
    "I-",
    "S-",
    "E-mail",
    "S-Bahn",
    "U-Bahn",
    "B-O",
    "M_1",
    "-",
    "__",
    "B-B-x",
    "soft drink",
    "é",
    "=",
    "#x",
)
OUTSIDE = ("O", "_", "[PAD]", "<s>")


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("task", ["spans", "tags"])
def test_what_means_no_label_in_a_tag_file_is_refused(tmp_path: Path, name: str, task: str) -> None:
    db = tmp_path / "p.db"
    assert "call the label otherwise" in refused("init", db, "--labels", f"PER,{name}", "--task", task)
    assert not db.exists()
    done("init", db, "--labels", "PER,LOC", "--task", task)
    assert "call the label otherwise" in refused("labels", db, "add", name)
    assert "call the label otherwise" in refused("labels", db, "rename", "PER", name)
    with Store.open(db) as store:
        assert store.labels.names() == ["PER", "LOC"]
        store.labels.add(name)
    told = run("check", db)
    assert told.exit_code == 1
    assert f"{name!r} means no label" in told.stdout


def test_tags_in_the_place_of_labels_are_refused_with_the_label(tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    assert "type the label alone, PER" in refused("init", db, "--labels", "O-,B-PER,I-PER")
    done("init", db, "--labels", "B-PER,LOC")  # by itself it may be a name, as E-mail is
    assert "B-PER and I-PER are tags" in refused("labels", db, "add", "I-PER")
    assert "B-PER and I-PER are tags" in refused("labels", db, "rename", "LOC", "I-PER")
    done("labels", db, "rename", "B-PER", "I-PER")
    done("init", tmp_path / "tags.db", "--task", "tags", "--labels", "B-NP,I-NP")  # whole tags are its labels


@pytest.mark.parametrize(
    ("task", "suffix"),
    [
        *(("spans", name) for name in ("conll", "jsonl", "spacy", "prodigy.jsonl")),
        *(("tags", name) for name in ("conll", "conllu", "jsonl", "spacy")),
    ],
)
def test_a_label_that_is_let_in_comes_back_from_every_file(tmp_path: Path, task: Task, suffix: str) -> None:
    names = [name for name in (*ODD, *OUTSIDE) if _is_let_in(name, task)]
    assert set(names) == set(ODD)
    db, twin, file = tmp_path / "p.db", tmp_path / "twin.db", tmp_path / f"out.{suffix}"
    for place in (db, twin):
        init(place, labels=names, task=task, eval_fraction=0)
    records = [
        {"id": str(n), "text": f"{TEXT} {n}", "spans": [[0, 3, name], [8, 11, name], [12, 14, names[n - 1]]]}
        for n, name in enumerate(names)
    ]
    import_files(db, [jsonl_file(tmp_path / "in.jsonl", *records)])
    export(db, file, format="prodigy" if suffix == "prodigy.jsonl" else None)
    import_files(twin, [file])
    assert _gold(twin) == _gold(db)
    assert len(_gold(db)) == len(names)


def _is_let_in(name: str, task: Task) -> bool:
    try:
        refuse_tags([name], (), task)
    except RecipeError:
        return False
    return True


def _gold(db: Path) -> dict[str, list[tuple[int, int, str]]]:
    with Store.open(db) as store:
        return {
            g.document.text: [(s.start, s.end, s.label) for s in g.spans] for g in store.annotations.gold()
        }


def test_a_file_whose_letters_are_composed_otherwise_means_the_same_label(tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    assert "type 'Ort\u00e9'" in refused("init", db, "--labels", "Orte\u0301")
    init(db, labels=["Ort\u00e9"], eval_fraction=0)
    record = {"id": "1", "text": TEXT, "spans": [[15, 19, "Orte\u0301"]]}
    import_files(db, [jsonl_file(tmp_path / "in.jsonl", record)])
    assert _gold(db) == {TEXT: [(15, 19, "Ort\u00e9")]}
