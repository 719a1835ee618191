"""What an export takes: every filter alone, all of them together, and a line for what cannot be."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from support.clock import Clock
from support.commands import run
from support.store_making import add_model, make_store, predict_all, say

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.export import export
from spanloop.recipes.files.importing import import_files
from spanloop.store import Store
from spanloop.store.records import NewDocument

MAY, JUNE = "2026-05-01T00:00:00.000Z", "2026-06-01T00:00:00.000Z"

FILTERS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "label": ({"labels": ["LOC"]}, {"d2", "d4", "e1"}),
    "several labels": ({"labels": ["LOC", "PER"]}, {"d1", "d2", "d3", "d4", "e1"}),
    "flagged": ({"flagged": True}, {"d1", "d2"}),
    "annotator": ({"annotator": "ben"}, {"d2", "d3", "e1"}),
    "split": ({"split": "eval"}, {"e1"}),
    "since": ({"since": "2026-06-01"}, {"d3", "d4", "e1", "d5"}),
}
GOLD = {"d1", "d2", "d3", "d4", "d5", "e1"}


@pytest.fixture
def db(tmp_path: Path, clock: Clock) -> Path:
    """Six documents with gold, of one split and the other, by three people, at two times; one without."""
    with make_store(tmp_path, documents=6, lang="en") as store:
        store.documents.add([NewDocument("Bob was in Rome", key="e1", split="eval")])
        store.annotations.add(say(1, "anna", flagged=True, created_at=MAY))
        store.annotations.add(
            say(2, "ben", "0-3:PER 15-19:LOC", flagged=True, comment="which?", created_at=MAY)
        )
        store.annotations.add(say(3, "ben", created_at=JUNE))
        store.annotations.add(say(4, "anna", "15-19:LOC", created_at=JUNE))
        store.annotations.add(say(5, "anna", "", created_at=JUNE))
        store.annotations.add(say(7, "ben", "11-15:LOC", created_at=JUNE))
        return store.path


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(("one", "other"), [*product(FILTERS, FILTERS)])
def test_two_filters_give_what_fits_both(db: Path, tmp_path: Path, one: str, other: str) -> None:
    expected = GOLD & FILTERS[one][1] & FILTERS[other][1]
    given = FILTERS[one][0] | FILTERS[other][0]
    if FILTERS[one][0].keys() == FILTERS[other][0].keys():  # the later one counts
        expected = GOLD & FILTERS[other][1]
    if expected:
        export(db, tmp_path / "x.jsonl", **given)
        assert {line["id"] for line in written(tmp_path / "x.jsonl")} == expected
    else:
        with pytest.raises(
            RecipeError, match=r"^no gold.* fit .*: leave one of them out$|^there are no flagged gold in"
        ):
            export(db, tmp_path / "x.jsonl", **given)
        assert not (tmp_path / "x.jsonl").exists()


def test_a_document_with_the_label_keeps_its_other_spans(db: Path, tmp_path: Path) -> None:
    """Without them the file would say that the other spans are none."""
    export(db, tmp_path / "x.jsonl", labels=["LOC"])
    labels = [[span["label"] for span in line["spans"]] for line in written(tmp_path / "x.jsonl")]
    assert labels == [["PER", "LOC"], ["LOC"], ["LOC"]]


def test_all_since_a_moment_are_those_that_came_or_were_answered_since(
    db: Path, tmp_path: Path, clock: Clock
) -> None:
    with Store.open(db) as store:
        store.documents.add([NewDocument("somebody else", key="late")])
    with pytest.raises(RecipeError, match="no documents fit --since 2099"):
        export(db, tmp_path / "x.jsonl", what="all", since="2099-01-01")
    export(db, tmp_path / "x.jsonl", what="all", since="1999-01-01T00:00")
    assert len(written(tmp_path / "x.jsonl")) == 8


def test_answers_are_everybodys_newest_and_come_in_as_such_again(db: Path, tmp_path: Path) -> None:
    with Store.open(db) as store:
        store.annotations.add(say(1, "ben", "8-11:PER", comment="no, Bob", created_at=JUNE))
        store.annotations.add(say(6, "ben", "", answer="ignore", created_at=JUNE))
        store.annotations.add(say(1, "anna", "0-3:PER 8-11:PER", created_at=JUNE))
    file = tmp_path / "x.jsonl"
    done = export(db, file, what="answers")
    assert (done.documents, done.uncarried) == (8, {})
    assert [(line["id"], line["annotator"]) for line in written(file)][:2] == [("d1", "ben"), ("d1", "anna")]
    (tmp_path / "again").mkdir()
    with make_store(tmp_path / "again", lang="en") as other:
        import_files(other.path, [file])
        again = {(a.document_id, a.annotator): a for _, a in other.picking.answers()}
        keys = {document.id: document.key for document in other.documents.iterate()}
    with Store.open(db) as store:
        before = {(d.key, a.annotator): a for d, a in store.picking.answers()}
    assert {(keys[number], who) for number, who in again} == set(before)
    for (number, who), answer in again.items():
        asked = before[keys[number], who]
        assert [(s.start, s.end, s.label) for s in answer.spans] == [
            (s.start, s.end, s.label) for s in asked.spans
        ]
        assert (answer.origin, answer.answer, answer.comment) == ("human", asked.answer, asked.comment)
        assert (answer.flagged, answer.created_at) == (asked.flagged, asked.created_at)


def test_answers_of_one_person_and_of_predictions_with_a_label(db: Path, tmp_path: Path) -> None:
    export(db, tmp_path / "a.jsonl", what="answers", annotator="ben")
    assert [line["id"] for line in written(tmp_path / "a.jsonl")] == ["d2", "d3", "e1"]
    with Store.open(db) as store:
        predict_all(store, add_model(store))
    done = export(db, tmp_path / "p.jsonl", what="predictions", labels=["PER"], flagged=True)
    assert (done.documents, [line["id"] for line in written(tmp_path / "p.jsonl")]) == (2, ["d1", "d2"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label", "PERSON"], "--label: there is no label 'PERSON'; the labels are PER, LOC"),
        (["--annotator", "eve"], "--annotator: 'eve' has answered nothing; those who have are anna, ben"),
        (["--since", "yesterday"], "--since: 'yesterday' is no day or moment: write 2026-01-31 or"),
        (["--since", "2026-05-01", "--what", "predictions"], "predictions keep no time: leave --since out"),
        (["--format", "spanloop", "--label", "PER"], "--format spanloop writes everything"),
    ],
)
def test_what_cannot_be_is_one_line(db: Path, tmp_path: Path, options: list[str], message: str) -> None:
    result = run("export", db, tmp_path / "x.jsonl", *options)
    assert result.exit_code != 0
    assert message in result.stderr
    assert not (tmp_path / "x.jsonl").exists()


def test_flags_and_comments_are_in_the_file_or_told_by_name(db: Path, tmp_path: Path) -> None:
    done = export(db, tmp_path / "x.jsonl", flagged=True)
    assert done.uncarried == {}
    assert [(line["flagged"], line.get("comment")) for line in written(tmp_path / "x.jsonl")] == [
        (True, None),
        (True, "which?"),
    ]
    told = export(db, tmp_path / "x.conll")
    assert {name: told.uncarried[name] for name in ("flags", "comments")} == {"flags": 2, "comments": 1}
    assert "flags (2), comments (1)" in told.text()
