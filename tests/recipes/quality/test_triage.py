"""Triage: what is accepted unseen, seen everywhere, taken back by one command; nothing learns from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.store_making import add_model, make_store, say

from spanloop.recipes import RecipeError, triage
from spanloop.recipes.cli.main import main
from spanloop.recipes.rounds.status import status
from spanloop.recipes.training.input import pool_gold
from spanloop.store import Store
from spanloop.store.records import Span

DOCUMENTS, ANSWERS = 400, 120


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 documents, of which chance drew 120; the model is sure of four fifths, and right there."""
    with make_store(tmp_path_factory.mktemp("triage"), documents=DOCUMENTS) as store, store.write():
        number = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[]).number
        model_id = add_model(store, kind="round", round=number)
        ids = list(store.documents.ids())
        store.predictions.add(
            model_id,
            [(d, [Span(0, 3, "PER", 0.9)], {"mnlp": 2.0 if d % 5 == 0 else 0.01 * d / 400}) for d in ids],
        )
        store.rounds.finish(number, model_id=model_id, scores=[], manifest={})
        store.rounds.promote(number)
        for _ in range(ANSWERS):
            [item] = store.queue.next("anna", random_share=1.0)
            wrong = item.document.id % 5 == 0
            store.annotations.add(say(item.document.id, spans="15-19:LOC" if wrong else "0-3:PER"))
        return store.path


@pytest.fixture
def db(judged: Path, tmp_path: Path) -> Path:
    with Store.open(judged) as store:
        store.backup(tmp_path / "p.db")
    return tmp_path / "p.db"


def test_what_is_accepted_is_seen_everywhere_and_taken_back_whole(db: Path) -> None:
    before = status(db).json()
    told = triage(db, max_error=0.05, dry_run=True)
    assert status(db).json() == before
    done = triage(db, max_error=0.05)
    assert done.accepted == told.accepted > 150
    with Store.open(db) as store:
        accepted = [g for g in store.annotations.gold() if g.annotator == "triage"]
        assert len(accepted) == done.accepted
        assert all(gold.document.id % 5 for gold in accepted)  # those that it is sure of
        assert {gold.annotator for gold in pool_gold(store)} == {"anna"}
    after = status(db)
    assert after.new_annotations == before["new_annotations"]  # nothing that a round would learn from
    assert f"{done.accepted:,} documents accepted unseen" in after.text()
    assert after.json()["accepted_unseen"] == done.accepted
    CliRunner().invoke(main, ["export", str(db), str(db.with_name("g.jsonl"))], catch_exceptions=False)
    lines = [json.loads(line) for line in db.with_name("g.jsonl").read_text().splitlines()]
    assert [line.get("origin") for line in lines].count("machine") == done.accepted
    again = triage(db, max_error=0.05)  # what is left is doubtful, and the bound is of all that was accepted
    assert (again.accepted, again.groups[0].earlier) == (0, done.accepted)
    assert again.groups[0].at_most == done.groups[0].at_most
    assert "No further document" in again.text()
    undone = CliRunner().invoke(main, ["triage", str(db), "--undo"], catch_exceptions=False)
    assert f"{done.accepted} answers of the machine taken back" in undone.stdout
    assert status(db).json() == before


def test_a_bound_that_cannot_be_held_says_how_many_random_answers_are_lacking(db: Path) -> None:
    told = triage(db, max_error=0.01)
    [group] = told.groups
    assert (told.accepted, group.at_most, group.more_needed) == (0, None, 388 - ANSWERS)
    assert "About 268 more random answers would be needed" in told.text()
    every = triage(db, max_error=0.05, confidence=0.9, by_label=True, dry_run=True)
    assert [g.name for g in every.groups] == ["PER"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--undo", "--dry-run"], "--undo takes back all"),
        (["--max-error", "0"], "0.0 is not in the range"),
        (["--confidence", "1"], "1.0 is not in the range"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(db: Path, typed: list[str], said: str) -> None:
    found = CliRunner().invoke(main, ["triage", str(db), *typed])
    assert found.exit_code in (1, 2)
    assert said in found.stderr


def test_a_project_without_a_round_says_what_to_do(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        path = store.path
    with pytest.raises(RecipeError, match=r"no round is promoted yet.*spanloop retrain"):
        triage(path)
