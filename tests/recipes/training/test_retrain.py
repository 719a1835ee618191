"""Rounds over a tiny model: what is trained on and stored, what a failure leaves; then predictions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused
from support.json_shapes import check_shape
from support.projects import build, sentences
from support.store_making import say
from support.tiny_models import build_tiny

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.rounds.reproduce import reproduce
from spanloop.recipes.scoring.evaluate import evaluate
from spanloop.recipes.simulation.answers import simulate_answers
from spanloop.recipes.suggest.predict import predict, predict_to_folder
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.training.first_suggestions import FirstSuggestions
from spanloop.recipes.training.retrain import NoRound, RoundReport, retrain
from spanloop.recipes.web.overview import Overview
from spanloop.recipes.web.settings import PageSettings
from spanloop.store import Store
from spanloop.store.records import Span


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("tiny"), tags=("O", "B-PER", "I-PER", "B-DOG", "I-DOG"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> tuple[Path, RoundReport]:
    """A project after its first round; tests only read it."""
    db = build(tmp_path_factory.mktemp("trained"), encoder)
    report = retrain(db, TrainConfig(epochs=2))
    assert isinstance(report, RoundReport)
    return db, report


# A round


def test_a_round_trains_on_the_gold_of_the_pool_and_on_nothing_else(
    trained: tuple[Path, RoundReport],
) -> None:
    db, report = trained
    with Store.open(db) as store:
        pool = [gold.annotation_id for gold in store.annotations.gold(split="pool")]
        eval_golds = [gold.annotation_id for gold in store.annotations.gold(split="eval")]
        assert store.rounds.annotation_ids(1, "train") == sorted(pool)
        assert store.rounds.annotation_ids(1, "eval") == sorted(eval_golds)
        assert not set(pool) & set(eval_golds)
    assert (report.train_documents, report.train_spans, report.scores.report.documents) == (24, 48, 8)


def test_a_round_is_stored_with_weights_parameters_and_manifest(trained: tuple[Path, RoundReport]) -> None:
    db, report = trained
    with Store.open(db) as store:
        row = store.rounds.get(1)
        model = store.models.get(row.model_id or 0)
    assert (row.state, row.promoted, row.parameters["epochs"]) == ("done", True, 2)
    assert row.class_weights == pytest.approx(dict(report.class_weights))
    assert row.manifest is not None
    assert model is not None
    assert row.manifest["model_hash"] == model.hash
    assert row.manifest["tokens_trained"] > 24 * 5
    assert "torch" in row.manifest["versions"]
    assert (db.parent / str(model.path) / "config.cfg").is_file()
    assert sorted(path.name for path in db.with_suffix(".rounds").iterdir()) == [
        ".lock",
        "0001",
        "project.json",
    ]


def test_the_figures_have_their_shapes(trained: tuple[Path, RoundReport]) -> None:
    db, report = trained
    shown = report.json()
    check_shape("retrain", shown)
    assert shown["seconds"] == report.seconds > 0
    evaluated = done("evaluate", db, "--json")
    assert evaluated["micro"] == json.loads(json.dumps(shown))["micro"]
    assert evaluated["lenient"]["micro"]["f1"] >= evaluated["micro"]["f1"] - 1e-12  # rounded in another order
    status = done("status", db, "--json")
    assert status["promoted"] == 1
    assert status["rounds"][0]["micro"] == evaluated["micro"]


def test_whoever_waits_is_told_when_the_next_documents_have_suggestions(
    trained: tuple[Path, RoundReport],
) -> None:
    db, report = trained
    first = report.first_suggestions
    assert first is not None
    assert first.documents == 1  # the one that is open
    assert first.seconds > report.seconds
    assert f"new suggestions for the next document {first.seconds:.0f} s after the start" in report.text()
    with Store.open(db) as store:
        row = store.rounds.get(1)
        (item,) = store.queue.next("me")
        assert (item.document.key, item.model and item.model.name) == ("open", "round 1")
        shown = Overview(store, PageSettings()).project("me", {})["figures"]  # type: ignore[arg-type]
    assert FirstSuggestions.kept(row.manifest) == first
    assert shown is not None
    assert shown["waited"] == first.seconds
    told = json.loads(
        done("report", db, "-o", db.with_suffix(".json")) and db.with_suffix(".json").read_text()
    )
    assert told["rounds"][0]["first_suggestions"] == report.json()["first_suggestions"]


def test_evaluate_prints_the_layout_of_seqeval(trained: tuple[Path, RoundReport]) -> None:
    lines = done("evaluate", trained[0]).splitlines()
    head = next(line for line in lines if "precision" in line)
    assert head.split()[:4] == ["precision", "recall", "f1-score", "support"]
    for name in ("PER", "LOC", "micro avg", "macro avg", "weighted avg"):
        row = next(line for line in lines if line.strip().startswith(name))
        assert len(row.replace(name, "").split()) >= 4
        assert row.index(name) + len(name) == lines[lines.index(head) + 2].index("PER") + 3


@pytest.mark.slow
def test_the_round_is_a_pipeline_that_spacy_loads_without_us(trained: tuple[Path, RoundReport]) -> None:
    db, _ = trained
    code = (
        "import sys, spacy; nlp = spacy.load(sys.argv[1]); doc = nlp('Ann met Bob in York');"
        "print(nlp.pipe_names, type(doc.ents).__name__)"
    )
    folder = db.with_suffix(".rounds") / "0001"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "['hf_token_classifier'] tuple\n"


def test_the_same_seed_gives_the_same_weights(
    trained: tuple[Path, RoundReport], tmp_path: Path, encoder: Path
) -> None:
    again = build(tmp_path, encoder)
    retrain(again, TrainConfig(epochs=2))
    with Store.open(trained[0]) as one, Store.open(again) as two:
        assert one.models.all()[0].hash == two.models.all()[0].hash
        assert one.rounds.scores(1) == two.rounds.scores(1)


def test_a_cancelled_round_is_marked_and_leaves_nothing_else(db: Path) -> None:
    before = done("status", db, "--json")

    def ctrl_c(done: int, total: int | None, what: str) -> None:
        if what.startswith("train"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain(db, TrainConfig(epochs=1), progress=ctrl_c)
    after = done("status", db, "--json")
    assert after["rounds"] == [
        {
            "round": 1,
            "state": "cancelled",
            "promoted": False,
            "error": "cancelled by hand",
            "trainer": None,
            "pipeline": None,
            "micro": None,
            "macro": None,
            "accuracy": None,
            "gold": None,
            "today": None,
        }
    ]
    assert {**after, "rounds": []} == before
    assert {path.name for path in db.with_suffix(".rounds").iterdir()} <= {
        ".lock",
        ".training",
        "project.json",
    }
    second = retrain(db, TrainConfig(epochs=1))
    assert isinstance(second, RoundReport)
    assert (second.number, second.promoted) == (2, True)
    assert {path.name for path in db.with_suffix(".rounds").iterdir()} == {".lock", "0002", "project.json"}


def test_a_failed_round_says_why(db: Path) -> None:
    with Store.open(db) as store:
        store.set_project(base_model="no/such/model")
    assert "no/such/model" in refused("retrain", db)
    (row,) = done("status", db, "--json")["rounds"]
    assert row["state"] == "failed"
    with Store.open(db) as store:
        assert "no/such/model" in (store.rounds.get(1).error or "")


def test_only_one_process_trains_a_project(db: Path) -> None:
    from filelock import FileLock

    db.with_suffix(".rounds").mkdir()
    with FileLock(db.with_suffix(".rounds") / ".lock"):
        assert "another process is training" in refused("retrain", db)


def test_if_new_counts_what_came_since_the_last_round(trained: tuple[Path, RoundReport]) -> None:
    waiting = retrain(trained[0], if_new=1)
    assert isinstance(waiting, NoRound)
    assert "0 new annotations since round 1" in waiting.reason


def test_promotion_compares_on_the_same_eval_gold(db: Path) -> None:
    first = retrain(
        db, TrainConfig(epochs=20, learning_rate=1e-2, batch_wordpieces=128, class_weights="none")
    )
    second = retrain(db, TrainConfig(epochs=1, learning_rate=1e-9, class_weights="none"))
    assert isinstance(first, RoundReport)
    assert isinstance(second, RoundReport)
    assert first.scores.headline.f1 > second.scores.headline.f1
    assert not second.promoted
    assert second.first_suggestions is None  # those of round 1 stay in use
    assert f"against {first.scores.headline.f1:.4f} " in second.reason
    assert "worse" in second.reason
    assert "round 2 is promoted" in done("rounds", db, "promote", 2)
    assert done("status", db, "--json")["promoted"] == 2
    assert "round 1 is promoted" in done("rounds", db, "rollback")
    third = retrain(db, TrainConfig(epochs=1, learning_rate=1e-9, class_weights="none"), base="round")
    assert isinstance(third, RoundReport)
    assert third.scores.headline.f1 == pytest.approx(first.scores.headline.f1)  # it went on from round 1


def test_leaks_are_refused_unless_they_are_meant(db: Path, tmp_path: Path) -> None:
    text = "Ann met the same eight words in Berlin once more"
    twice = {"text": text, "spans": [[0, 3, "PER"]]}
    done("import", db, jsonl_file(tmp_path / "a.jsonl", {**twice, "id": "in-pool"}), "--split", "pool")
    done("import", db, jsonl_file(tmp_path / "b.jsonl", {**twice, "id": "in-eval"}), "--split", "eval")
    message = refused("retrain", db)
    assert "1 eval document of 9 (11.1%)" in message
    assert "in-eval is like in-pool" in message
    assert done("status", db, "--json")["rounds"] == []
    allowed = retrain(db, TrainConfig(epochs=1), allow_leaks=True)
    assert isinstance(allowed, RoundReport)
    assert "Beware: 1 eval document of 9" in allowed.text()
    assert [leak.eval for leak in allowed.leaks.found] == ["in-eval"]


def test_class_weights_by_label_and_unknown_ones(db: Path) -> None:
    assert "there are no class weights 'heavy'" in refused("retrain", db, "--class-weights", "heavy")
    assert "PER=much" in refused("retrain", db, "--class-weights", "PER=much")
    report = done("retrain", db, "--class-weights", "PER=4,LOC=2", "--epochs", 1, "--json")
    assert report["class_weights"]["PER"] == pytest.approx(2 * report["class_weights"]["LOC"])


def test_adapters_that_cannot_be_had_are_refused_before_a_round_begins(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)  # as where it is not installed
    assert "pip install 'spanloop[lora]'" in refused("retrain", db, "--lora", 4)
    assert done("status", db, "--json")["rounds"] == []


def test_a_cancelled_training_goes_on_from_its_checkpoint_to_the_same_weights(
    db: Path, tmp_path: Path, encoder: Path
) -> None:
    (tmp_path / "whole").mkdir()
    whole = build(tmp_path / "whole", encoder)
    retrain(whole, TrainConfig(epochs=4, checkpoint_seconds=0.0))

    def stop_late(done: int, total: int | None, what: str) -> None:
        if what.startswith("train") and total and done > 0.6 * total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain(db, TrainConfig(epochs=4, checkpoint_seconds=0.0), progress=stop_late)
    assert list((db.with_suffix(".rounds") / ".training").glob("checkpoint-*"))
    retrain(db, TrainConfig(epochs=4, checkpoint_seconds=0.0))
    with Store.open(whole) as one, Store.open(db) as two:
        assert one.models.all()[0].hash == two.models.all()[0].hash


def test_a_round_is_reproduced_whatever_order_its_documents_were_answered_in(db: Path) -> None:
    with Store.open(db) as store:
        first = next(store.documents.iterate())
        store.annotations.add(say(first.id, "import", "0-3:LOC"))
    retrain(db, TrainConfig(epochs=1))
    assert reproduce(db, 1).same


def test_what_undersampling_leaves_out_is_told(db: Path, tmp_path: Path) -> None:
    empty = [{"text": f"Nothing to see on day {day}", "spans": []} for day in range(10)]
    done("import", db, jsonl_file(tmp_path / "empty.jsonl", *empty), "--split", "pool")
    with Store.open(db) as store:
        bare = sum(not gold.spans for gold in store.annotations.gold(split="pool"))
    told = retrain(db, TrainConfig(epochs=1, undersample=0.5, held_out=0))
    assert isinstance(told, RoundReport)
    assert told.json()["documents_left_out"] == round(bare / 2) > 0
    assert f"{round(bare / 2)} documents of them without any span left out" in told.text()
    assert "left out" not in retrain(db, TrainConfig(epochs=1, held_out=0)).text()


def test_fast_takes_fewer_epochs_and_can_be_reproduced(db: Path) -> None:
    retrain(db, TrainConfig(fast=True))
    with Store.open(db) as store:
        row = store.rounds.get(1)
    assert row.parameters["fast"] is True
    assert (row.manifest or {})["epochs"] == 11  # of 18
    assert reproduce(db, 1).same


def test_a_renamed_label_keeps_its_score_and_a_retired_one_is_left_out(
    trained: tuple[Path, RoundReport], tmp_path: Path
) -> None:
    import shutil

    source = trained[0]
    db = tmp_path / "p.db"
    with Store.open(source) as store, store.write():
        shutil.copy(source, db)
    shutil.copytree(source.with_suffix(".rounds"), db.with_suffix(".rounds"))
    before = evaluate(db).report
    done("labels", db, "rename", "PER", "HUMAN")
    after = evaluate(db).report
    assert after.labels["HUMAN"] == before.labels["PER"]
    assert after.micro == before.micro
    prelabel(db)
    with Store.open(db) as store:
        labels = {s.label for d in store.documents.iterate() for s in store.predictions.get(d.id).spans}  # type: ignore[union-attr]
        assert labels <= {"HUMAN", "LOC"}


# Prelabel


def test_prelabel_resumes_and_adds_nothing_twice(trained: tuple[Path, RoundReport], tmp_path: Path) -> None:
    db, _ = trained
    first = prelabel(db, limit=10)
    rest = prelabel(db)
    again = prelabel(db)
    assert (first.documents, rest.documents, again.documents) == (10, 22, 0)  # one has its own already
    assert "every document has its prediction" in again.text()
    with Store.open(db) as store:
        model_id = store.rounds.get(1).model_id or 0
        document = store.documents.by_key("open")
        assert document is not None
        assert store.predictions.get(document.id, model_id) is not None
        assert store.tokenizations.get(document.id) == [(0, 3), (4, 6), (7, 11)]
        assert store.queue.standing()[0] == "bald_spans"


def test_prelabel_with_an_untrained_encoder_stores_nothing(db: Path, encoder: Path) -> None:
    message = refused("prelabel", db, "--model", encoder)
    assert "encoder without trained labels" in message
    assert "spanloop retrain" in message
    with Store.open(db) as store:
        assert store.models.all() == []


def test_prelabel_with_a_foreign_model_puts_unknown_labels_into_the_ledger(db: Path, tiny: Path) -> None:
    report = prelabel(db, model=str(tiny))
    assert report.documents == 33
    with Store.open(db) as store:
        reasons = store.ledger.counts()["by_reason"]
        assert reasons["label not in project"] > 0
        assert {s.label for d in store.documents.iterate() for s in store.predictions.get(d.id).spans} == {
            "PER"
        }  # type: ignore[union-attr]


def test_prelabel_with_patterns_of_spacy_and_prodigy(db: Path, tmp_path: Path) -> None:
    patterns = [
        {"label": "PER", "pattern": "Ann"},
        {"label": "LOC", "pattern": [{"lower": "york"}]},
        {"label": "DOG", "pattern": "Rex", "id": "x"},
    ]
    report = prelabel(db, patterns=jsonl_file(tmp_path / "patterns.jsonl", *patterns))
    assert (report.documents, report.strategy) == (33, "random")
    with Store.open(db) as store:
        found = store.documents.by_key("p0")
        assert found is not None
        prediction = store.predictions.get(found.id)
        assert prediction is not None
        assert [(s.start, s.end, s.label) for s in prediction.spans] == [(0, 3, "PER"), (21, 25, "LOC")]
    other = jsonl_file(tmp_path / "other.jsonl", {"label": "DOG", "pattern": "Rex"})
    assert "knows none of this project's labels" in refused("prelabel", db, "--patterns", other)
    (tmp_path / "bad.jsonl").write_text('{"label": "PER"}\n')
    assert "bad.jsonl:1: a pattern is" in refused("prelabel", db, "--patterns", tmp_path / "bad.jsonl")


def test_prelabel_with_a_spacy_pipeline(db: Path, tmp_path: Path) -> None:
    import spacy

    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PER", "pattern": "Bob"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "pipeline")
    report = prelabel(db, pipeline=str(tmp_path / "pipeline"))
    assert (report.documents, report.spans) == (33, 7)


# Predict


def test_predict_reads_texts_and_files_with_a_project_or_a_round(
    trained: tuple[Path, RoundReport], tmp_path: Path
) -> None:
    db, _ = trained
    file = jsonl_file(tmp_path / "in.jsonl", *sentences(3, "x"))
    by_project = list(predict(["Ann met Bob", str(file)], model=str(db)))
    by_round = list(predict(["Ann met Bob", str(file)], model=str(db.with_suffix(".rounds") / "0001")))
    assert [p.entry for p in by_project] == [p.entry for p in by_round]
    assert [p.entry.key for p in by_project] == [None, "x0", "x1", "x2"]
    lines = done("predict", "--model", db, "--tags", *(str(one["text"]) for one in sentences(9, "y"))).split(
        "\n"
    )
    assert any(lines), "a model that finds nothing shows nothing of how it is told"
    assert all(re.fullmatch(r"Word: \S+, Label: [BI]-(PER|LOC)", line) for line in lines if line)
    assert len(done("predict", "--model", db, "--json", "Ann ran", file)["documents"]) == 4


def test_predict_writes_one_file_an_input(trained: tuple[Path, RoundReport], tmp_path: Path) -> None:
    file = jsonl_file(tmp_path / "in.jsonl", *sentences(3, "x"))
    saved = predict_to_folder([str(file), "typed in"], model=str(trained[0]), out=tmp_path / "out")
    assert [(file.path.name, file.documents) for file in saved.files] == [("in.jsonl", 3), ("texts.jsonl", 1)]
    assert len((tmp_path / "out" / "in.jsonl").read_text().splitlines()) == 3


# The stand-in for the person


def test_simulated_answers_stop_when_the_queue_is_empty(tmp_path: Path, encoder: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    records = sentences(5, "p")
    import_files(db, [jsonl_file(tmp_path / "a.jsonl", *records)], as_="documents")
    gold = {str(r["id"]): [Span(*span) for span in r["spans"]] for r in records}  # type: ignore[attr-defined]
    with Store.open(db) as store:
        assert simulate_answers(store, gold, 3) == 3
        assert simulate_answers(store, gold, 10) == 2
        assert simulate_answers(store, gold, 10) == 0
        found = {
            g.document.key: [(s.start, s.end, s.label) for s in g.spans] for g in store.annotations.gold()
        }
        assert found == {str(r["id"]): [tuple(s) for s in r["spans"]] for r in records}  # type: ignore[attr-defined]
        assert store.annotations.count(origin="simulated") == 5


def test_simulated_answers_need_gold(tmp_path: Path, encoder: Path) -> None:
    db = build(tmp_path, encoder)
    with Store.open(db) as store, pytest.raises(RecipeError, match="'open' has no gold"):
        simulate_answers(store, {}, 1)
