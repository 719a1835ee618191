"""``retrain --unlabelled``: which documents a round learns from beside its gold, and that it is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.commands import done, jsonl_file, refused
from support.json_shapes import check_shape
from support.projects import build, sentences
from support.store_making import say

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.quality.audit import audit
from spanloop.recipes.rounds.learning_curve import train_curve
from spanloop.recipes.rounds.model_card import card_facts, model_card
from spanloop.recipes.rounds.reproduce import reproduce
from spanloop.recipes.simulation.simulate import simulate
from spanloop.recipes.training.retrain import RoundReport, retrain
from spanloop.recipes.training.unlabelled import KEPT, drawn
from spanloop.store import Store

OPEN = 30


@pytest.fixture
def db(tmp_path: Path, encoder: Path) -> Path:
    """24 gold documents and 31 open ones in the pool; 8 gold ones and 5 open ones in eval."""
    db = build(tmp_path, encoder)
    for name, number, split in (("o", OPEN, "pool"), ("q", 5, "eval")):
        texts = [{"id": one["id"], "text": one["text"]} for one in sentences(number, name)]
        import_files(db, [jsonl_file(tmp_path / f"{name}.jsonl", *texts)], split=split)  # type: ignore[arg-type]
    return db


def taught(db: Path, number: int) -> list[Any]:
    with Store.open(db) as store:
        manifest = store.rounds.get(number).manifest
        assert manifest is not None
        documents = list(store.documents.fetch(manifest[KEPT]))
        assert len(documents) == len(manifest[KEPT])
    return documents


def round_of(report: object) -> RoundReport:
    assert isinstance(report, RoundReport)
    return report


def test_it_learns_from_open_documents_of_the_pool_and_the_round_comes_out_again(db: Path) -> None:
    told = done("retrain", db, "--epochs", 1, "--unlabelled", 7)
    assert "learned from text without labels too, as a first training saw it: 7 open documents\n" in told
    documents = taught(db, 1)
    assert len({document.id for document in documents}) == 7
    assert {(document.split, document.key[0]) for document in documents} == {("pool", "o")}
    with Store.open(db) as store:
        assert store.rounds.get(1).parameters["unlabelled"] == 7
        manifest = store.rounds.get(1).manifest
        assert manifest is not None
        assert (manifest["documents_unlabelled"], manifest["documents"]) == (7, 24)
        assert manifest["tokens_unlabelled"] > 7 * 5
        card = model_card(card_facts(store, store.rounds.get(1)), "p", ["spanloop"])
        assert "), and on 7 documents without labels as a first training saw them. The documents" in card
        gold = {gold.document.id for gold in store.annotations.gold()}
        # some of them are answered: the round is of what they were then
        for document in documents[:3]:
            store.annotations.add(say(document.id, "human", "0-3:PER"))
    assert not gold & {document.id for document in documents}
    assert reproduce(db, 1).same


def test_what_is_drawn_follows_from_the_seed_and_never_from_the_order_of_the_queue(db: Path) -> None:
    def ids(number: int, seed: int = 0) -> list[int]:
        with Store.open(db) as store:
            found = drawn(store, TrainConfig(unlabelled=number, seed=seed))
            return [document.id or 0 for document in found]

    with Store.open(db) as store:
        waiting = set(store.documents.unanswered("pool"))
        first = {item.document.id for item in store.queue.next("ann", n=6)}
    assert len(waiting) == OPEN + 1
    assert ids(6) == ids(6)
    assert set(ids(6)) != set(ids(6, seed=1))
    found = [len(first & set(ids(6, seed))) for seed in range(200)]
    # what people get first is drawn as often as the rest: 6 of 31, with a standard deviation of 0.011
    assert sum(found) / (6 * len(found)) == pytest.approx(6 / (OPEN + 1), abs=0.03)
    assert ids(0) == []
    assert set(ids(1000)) == waiting
    with Store.open(db) as store:
        before = ids(6)
        store.annotations.add(say(before[0], "human", "0-3:PER"))
        store.annotations.add(say(before[1], "human", answer="ignore"))
        assert len(store.documents.unanswered("pool")) == OPEN - 1
    assert len(ids(1000)) == OPEN - 1
    assert ids(4) == before[2:], "the others stay: a training that was killed goes on"


def test_the_report_says_what_it_came_to(db: Path) -> None:
    report = round_of(retrain(db, TrainConfig(epochs=1, unlabelled=1000, refit=True)))
    assert (
        "learned from text without labels too, as a first training saw it: 31 open documents (1,000 were"
        in report.text()
    )
    assert "(1,000 were asked for, and no more are open)" in report.text()
    assert report.json()["documents_unlabelled"] == 31
    check_shape("retrain", report.json())
    with Store.open(db) as store:
        for document_id in store.documents.unanswered("pool"):
            store.annotations.add(say(document_id, "human"))
    report = round_of(retrain(db, TrainConfig(epochs=1, unlabelled=4), promote="yes"))
    assert "--unlabelled found no open document in the pool: it learned from the gold alone" in report.text()
    assert report.json()["documents_unlabelled"] == 0
    assert "open document" not in round_of(retrain(db, TrainConfig(epochs=1), promote="yes")).text()


def test_what_nobody_has_looked_at_in_an_answered_document_is_learned_too(db: Path) -> None:
    with Store.open(db) as store:
        *waiting, left = store.documents.unanswered("pool")
        for document_id in waiting:
            store.annotations.add(say(document_id, "human", "0-3:PER", ranges=((0, 7),)))
    report = round_of(retrain(db, TrainConfig(epochs=1, unlabelled=9)))
    told = "saw it: 1 open document and the rest of 30 documents answered in part (9 were asked for"
    assert told in report.text()
    assert (report.json()["documents_unlabelled"], report.json()["documents_completed"]) == (1, 30)
    assert taught(db, 1)[0].id == left
    assert reproduce(db, 1).same
    with Store.open(db) as store:
        store.annotations.add(say(left, "human"))
    report = round_of(retrain(db, TrainConfig(epochs=1, unlabelled=9), promote="yes"))
    assert "saw it: the rest of 30 documents answered in part (9 were asked for" in report.text()


def test_a_round_whose_documents_are_gone_is_not_made_again(db: Path, tmp_path: Path) -> None:
    more = [{"id": f"z{n}", "text": f"Nobody met {n}"} for n in range(40)]
    done("import", db, jsonl_file(tmp_path / "z.jsonl", *more), "--split", "pool")
    retrain(db, TrainConfig(epochs=1, unlabelled=71))
    done("imports", db, "undo", max(one["number"] for one in done("imports", db, "--json")["imports"]))
    assert (
        "round 1 learned from 71 open documents beside its gold, and 40 of them were taken out of the project"
        in refused("rounds", db, "reproduce", 1)
    )


def test_what_judges_gold_learns_from_gold_alone(db: Path) -> None:
    for recipe in (audit, train_curve):
        with pytest.raises(RecipeError, match="learns from gold alone: leave unlabelled 3 out"):
            recipe(db, config=TrainConfig(unlabelled=3))


def test_a_simulation_plays_with_it(tmp_path: Path, encoder: Path) -> None:
    pool = jsonl_file(tmp_path / "pool.jsonl", *sentences(20, "p"))
    eval_file = jsonl_file(tmp_path / "eval.jsonl", *sentences(6, "e"))
    results = tmp_path / "results"
    simulate(
        [pool],
        eval_files=[eval_file],
        strategies=["random"],
        budget_tokens=[0.5, 1],
        model=str(encoder),
        config=TrainConfig(epochs=1, unlabelled=5),
        results=results,
    )
    cells = [json.loads(file.read_text("utf-8")) for file in results.rglob("*.json")]
    assert len(cells) == 2
    assert {cell["made_by"]["settings"]["unlabelled"] for cell in cells} == {5}
