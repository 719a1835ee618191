"""Thresholds that a round chose: kept with it, used by whatever loads it, and told beside every figure."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import done, jsonl_file
from support.projects import sentences

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.scoring.evaluate import evaluate
from spanloop.recipes.suggest.choice import Choice
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.training.retrain import RoundReport, retrain
from spanloop.store import Store

CONFIG = TrainConfig(
    epochs=8, learning_rate=5e-3, batch_wordpieces=256, bf16=False, held_out=0.4, thresholds=0.97
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> tuple[Path, RoundReport]:
    """A project whose first round chose thresholds; tests only read it."""
    folder = tmp_path_factory.mktemp("thresholds")
    db = folder / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    import_files(db, [jsonl_file(folder / "pool.jsonl", *sentences(120, "p"))])
    import_files(db, [jsonl_file(folder / "eval.jsonl", *sentences(8, "e"))], split="eval")
    report = retrain(db, CONFIG)
    assert isinstance(report, RoundReport)
    return db, report


def test_a_round_keeps_what_it_chose_and_says_so(trained: tuple[Path, RoundReport]) -> None:
    db, report = trained
    picked = report.thresholds
    assert picked is not None
    assert picked.after is not None
    assert picked.after.precision >= 0.97 or "cannot be reached" in picked.note
    assert picked.note in report.text()
    assert report.json()["thresholds"]["thresholds"] == picked.thresholds
    with Store.open(db) as store:
        manifest = store.rounds.get(1).manifest
    assert manifest is not None
    assert manifest["thresholds"]["thresholds"] == picked.thresholds
    assert manifest["thresholds"]["wanted"] == 0.97


def test_whatever_loads_the_round_goes_by_them_and_says_so(trained: tuple[Path, RoundReport]) -> None:
    db, report = trained
    assert report.thresholds is not None
    own = report.thresholds.thresholds
    used = {label: value for label, value in own.items() if value}
    scored = evaluate(db)
    assert {label: value for label, value in scored.used.thresholds.items() if value} == used
    assert all(
        span.score is not None and span.score >= own.get(span.label, own["*"])
        for spans in scored.predicted
        for span in spans
    )
    assert done("evaluate", db, "--json")["used"]["thresholds"] == dict(scored.used.thresholds)
    if used:
        assert f"read with {scored.used.text()}" in scored.text()
    by_round = prelabel(db)
    without = prelabel(db, choice=Choice(thresholds={"*": 0.0}))
    assert by_round.used.thresholds == scored.used.thresholds
    if used:
        assert without.spans == by_round.spans + by_round.below_threshold
    else:
        assert (without.documents, by_round.below_threshold) == (0, 0)  # the same model
