"""What the nearest equivalents get wrong in training, each as a test here.

D5: Label Studio's backend trains from its baseline whatever it was asked, skips documents without entities,
keeps one label of several, and trains again on every edit that leaves the count where it was.
D6: prodigy-hf trains on rejected and ignored examples as if they were gold.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.commands import done, jsonl_file, refused
from support.projects import sentences
from support.store_making import say

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.training.retrain import NoRound, RoundReport, retrain
from spanloop.store import Store


@pytest.fixture
def db(tmp_path: Path, encoder: Path) -> Path:
    """24 gold documents in the pool, one of them empty, and 8 for eval; none is open."""
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    pool = [*sentences(23, "p"), {"id": "empty", "text": "No one went anywhere.", "spans": []}]
    import_files(db, [jsonl_file(tmp_path / "pool.jsonl", *pool)])
    import_files(db, [jsonl_file(tmp_path / "eval.jsonl", *sentences(8, "e"))], split="eval")
    return db


def weights(db: Path, number: int) -> dict[str, torch.Tensor]:
    (file,) = db.with_suffix(".rounds").glob(f"{number:04d}/**/*.safetensors")
    return load_file(file)


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def test_d5_a_training_goes_on_from_the_round_or_begins_anew_as_it_was_asked(db: Path) -> None:
    retrain(db, TrainConfig(epochs=4, learning_rate=1e-2))
    first = weights(db, 1)
    done("retrain", db, "--base", "round", "--epochs", 1, "--lr", 1e-7, "--allow-leaks")
    done("retrain", db, "--base", "model", "--epochs", 1, "--lr", 1e-7, "--allow-leaks")
    # Next to nothing is learned at this rate: what comes out is what it began with.
    assert distance(weights(db, 2), first) < 1e-4
    assert distance(weights(db, 3), first) > 1e-2


def test_d5_documents_without_entities_and_all_labels_of_the_others_are_learned_from(db: Path) -> None:
    report = retrain(db, TrainConfig(epochs=1, held_out=0.0))
    assert isinstance(report, RoundReport)
    with Store.open(db) as store:
        trained = store.annotations.gold_of(store.rounds.annotation_ids(1, "train"))
        manifest = store.rounds.get(1).manifest or {}
        assert "empty" in {gold.document.key for gold in trained}
    assert (manifest["documents"], manifest["gold_spans"], manifest["gold_spans_lost"]) == (24, 46, 0)
    assert manifest["tokens_masked"] == 0
    assert set(report.class_weights) == {"O", "PER", "LOC"}


def test_d5_an_edit_trains_once_and_nothing_new_trains_nothing(db: Path) -> None:
    retrain(db, TrainConfig(epochs=1))
    assert isinstance(retrain(db, TrainConfig(epochs=1), if_new=1), NoRound)
    with Store.open(db) as store:
        changed = next(store.documents.iterate())
        store.annotations.add(say(changed.id, spans="0-3:LOC"))
    assert isinstance(retrain(db, TrainConfig(epochs=1), if_new=2), NoRound)
    assert isinstance(retrain(db, TrainConfig(epochs=1), if_new=1), RoundReport)
    assert isinstance(retrain(db, TrainConfig(epochs=1), if_new=1), NoRound)


@pytest.mark.parametrize("answer", ["reject", "ignore"])
def test_d6_what_was_rejected_or_ignored_never_trains(db: Path, tmp_path: Path, answer: str) -> None:
    texts = [{"id": record["id"], "text": record["text"]} for record in sentences(5, "open")]
    import_files(db, [jsonl_file(tmp_path / "open.jsonl", *texts)])
    with Store.open(db) as store:
        for document in store.documents.iterate():
            if str(document.key).startswith("open"):
                store.annotations.add(say(document.id, spans="0-3:PER", answer=answer))
    retrain(db, TrainConfig(epochs=1))
    with Store.open(db) as store:
        trained = store.annotations.gold_of(store.rounds.annotation_ids(1, "train"))
        keys = {str(gold.document.key) for gold in trained}
    assert not {key for key in keys if key.startswith("open")}
    assert len(keys) == 24


def test_d6_with_nothing_accepted_there_is_nothing_to_train_on(tmp_path: Path, encoder: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    texts = [{"id": record["id"], "text": record["text"]} for record in sentences(4, "p")]
    import_files(db, [jsonl_file(tmp_path / "pool.jsonl", *texts)])
    import_files(db, [jsonl_file(tmp_path / "eval.jsonl", *sentences(4, "e"))], split="eval")
    with Store.open(db) as store:
        for document, answer in zip(
            store.documents.iterate(split="pool"), ["reject", "ignore"] * 2, strict=True
        ):
            store.annotations.add(say(document.id, spans="", answer=answer))
    assert "there is no gold in the pool to train on" in refused("retrain", db)
