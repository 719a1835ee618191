"""What is flagged comes back: into a file of its own, and into the review queue with who did it and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.store_making import make_store, say

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.export import export
from spanloop.recipes.quality.review import review
from spanloop.store import Store


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """d1 is flagged by two, d2 was, d3 is and has no gold."""
    with make_store(tmp_path, documents=4) as store:
        store.set_project(overlap=2)
        store.annotations.add(say(1, "anna", flagged=True, comment="two people?"))
        store.annotations.add(say(1, "ben", flagged=True))
        store.annotations.add(say(2, "anna", flagged=True))
        store.annotations.add(say(2, "anna"))
        store.annotations.add(say(3, "anna", "", answer="ignore", flagged=True))
        return store.path


@pytest.mark.parametrize(("what", "found"), [("gold", ["d1"]), ("all", ["d1", "d3"])])
def test_a_file_of_the_flagged_documents(db: Path, tmp_path: Path, what: str, found: list[str]) -> None:
    written = export(db, tmp_path / "f.jsonl", what=what, flagged=True)  # type: ignore[arg-type]
    assert written.documents == len(found)
    lines = (tmp_path / "f.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == found


def test_the_format_of_prodigy_says_that_they_are_flagged(db: Path, tmp_path: Path) -> None:
    export(db, tmp_path / "f.jsonl", format="prodigy", flagged=True)
    assert json.loads((tmp_path / "f.jsonl").read_text(encoding="utf-8"))["flagged"] is True


def test_where_nothing_is_flagged_a_line_says_what_to_do(db: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="there are no flagged gold in the eval split: the key f"):
        export(db, tmp_path / "f.jsonl", split="eval", flagged=True)
    assert not (tmp_path / "f.jsonl").exists()


def test_flagged_documents_are_sent_to_review_once_with_all_reasons(db: Path) -> None:
    assert (review(db, flagged=True).sent, review(db, flagged=True, conflicts=True).sent) == (2, 0)
    with Store.open(db) as store:
        assert store.reviews.reason(1) == "flagged by anna: two people?; flagged by ben"
        assert store.reviews.reason(3) == "flagged by anna"
        store.annotations.add(say(1, "lea", origin="review"))
    assert review(db, flagged=True).waiting == 1  # the review has settled the flags before it


def test_a_conflict_that_is_flagged_waits_with_both_reasons(db: Path) -> None:
    with Store.open(db) as store:
        store.annotations.add(say(1, "ben", "0-3:LOC", flagged=True))
    review(db, flagged=True, conflicts=True)
    with Store.open(db) as store:
        assert store.reviews.reason(1).startswith("disagreement between anna, ben; flagged by anna: two")


def test_review_says_what_can_be_asked_for(db: Path) -> None:
    with pytest.raises(RecipeError, match="--conflicts, --flagged or --unknown-label LABEL"):
        review(db)
