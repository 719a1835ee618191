"""Thresholds that a round chose: kept with it, used by whatever loads it, told beside every figure, chosen
anew by the next one.

The gold names somebody of whom nobody can know whether it is a person, so that no model is sure of all spans.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.commands import done, jsonl_file
from support.projects import NAMES, PLACES

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.rounds.reproduce import reproduce
from spanloop.recipes.scoring.evaluate import evaluate
from spanloop.recipes.suggest.choice import Choice
from spanloop.recipes.suggest.predict import predict
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.training.retrain import RoundReport, retrain
from spanloop.store import Store

WANTED = 0.99
CONFIG = TrainConfig(
    epochs=8, learning_rate=5e-3, batch_wordpieces=256, bf16=False, held_out=0.4, thresholds=WANTED
)
DOUBTFUL = "Jordan"


def texts(n: int, prefix: str, share: float, seed: int) -> list[dict[str, object]]:
    """Short annotated documents. Each second one is of somebody who is a person in this share of them."""
    rng = np.random.default_rng(seed)
    records: list[dict[str, object]] = []
    for i in range(n):
        doubtful = i % 2 == 0
        name, place = DOUBTFUL if doubtful else NAMES[i % len(NAMES)], PLACES[i % len(PLACES)]
        text = f"{name} met number {prefix}{i} in {place} 😀."
        start = text.index(" in ") + 4
        spans = [[start, start + len(place), "LOC"]]
        if not doubtful or rng.random() < share:
            spans.append([0, len(name), "PER"])
        records.append({"id": f"{prefix}{i}", "text": text, "spans": spans})
    return records


def trained(db: Path, config: TrainConfig = CONFIG, **settings: Any) -> RoundReport:
    report = retrain(db, config, promote="yes", **settings)
    assert isinstance(report, RoundReport)
    return report


def spans_of(db: Path, model_id: int) -> list[tuple[str, float]]:
    """The label and confidence of every span that is stored as a suggestion of this model."""
    with Store.open(db) as store:
        found = [store.predictions.get(document.id, model_id) for document in store.documents.iterate()]
    spans = [span for one in found if one is not None for span in one.spans]
    return [(span.label, span.score) for span in spans if span.score is not None]


def reach(spans: list[tuple[str, float]], thresholds: Mapping[str, float]) -> bool:
    return all(score >= thresholds.get(label, thresholds.get("*", 0.0)) for label, score in spans)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> tuple[Path, RoundReport]:
    """A project whose first round chose thresholds; tests only add to it."""
    folder = tmp_path_factory.mktemp("thresholds")
    db = folder / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    import_files(db, [jsonl_file(folder / "pool.jsonl", *texts(120, "p", 0.75, 1))])
    import_files(db, [jsonl_file(folder / "eval.jsonl", *texts(12, "e", 0.75, 2))], split="eval")
    open_ones = [{"id": one["id"], "text": one["text"]} for one in texts(24, "o", 0.75, 3)]
    import_files(db, [jsonl_file(folder / "open.jsonl", *open_ones)])
    return db, trained(db)


def test_a_round_keeps_what_it_chose_and_says_so(first: tuple[Path, RoundReport]) -> None:
    db, report = first
    picked = report.thresholds
    assert picked is not None
    assert picked.before is not None
    assert picked.after is not None
    assert picked.thresholds["PER"] > 0
    assert picked.before.precision < WANTED <= picked.after.precision
    assert picked.after.spans < picked.before.spans
    assert picked.note in report.text()
    assert report.json()["thresholds"]["thresholds"] == picked.thresholds
    with Store.open(db) as store:
        row = store.rounds.get(1)
        folder = store.rounds_folder.sound(row)
        model = store.models.get(row.model_id or 0)
    assert model is not None
    assert model.read_with == {"thresholds": picked.thresholds}
    assert row.manifest is not None
    assert row.manifest["thresholds"]["thresholds"] == picked.thresholds
    assert row.manifest["thresholds"]["wanted"] == WANTED
    state = json.loads((folder / "hf_token_classifier" / "spanloop.json").read_text("utf-8"))
    assert state["threshold"] == picked.thresholds
    assert state["temperature"] == row.manifest["calibration"]["temperature"] != 1.0


def test_whatever_loads_the_round_goes_by_them_and_says_so(first: tuple[Path, RoundReport]) -> None:
    db, report = first
    assert report.thresholds is not None
    used = report.thresholds.thresholds
    scored = evaluate(db)
    assert dict(scored.used.thresholds) == used
    assert scored.below_threshold > 0
    assert reach([(s.label, s.score or 0.0) for spans in scored.predicted for s in spans], used)
    assert f"read with {scored.used.text()}" in scored.text()
    assert done("evaluate", db, "--json")["used"]["thresholds"] == used
    with Store.open(db) as store:
        model_id = store.rounds.get(1).model_id
    assert model_id is not None
    at_once = len(spans_of(db, model_id))  # of the documents that come first
    by_round = prelabel(db)
    assert by_round.used.thresholds == used
    assert by_round.below_threshold > 0
    suggested = spans_of(db, model_id)
    assert len(suggested) == at_once + by_round.spans
    assert reach(suggested, used)
    without = prelabel(db, choice=Choice(thresholds={"*": 0.0}))
    assert without.documents == by_round.documents + 8
    with Store.open(db) as store:
        every_span = spans_of(db, store.models.all()[-1].id)
    assert len(every_span) == without.spans
    assert sum(reach([one], used) for one in every_span) == len(suggested)
    sentences = [str(record["text"]) for record in texts(24, "q", 0.75, 5)]
    told = list(predict(sentences, model=str(db)))
    shown = [(span.label, span.score or 0.0) for one in told for span in one.entry.spans or ()]
    assert sum(one.below_threshold for one in told) > 0
    assert reach(shown, used)
    every = list(predict(sentences, model=str(db), choice=Choice(thresholds={"*": 0.0})))
    assert sum(len(one.entry.spans or ()) for one in every) == len(shown) + sum(
        one.below_threshold for one in told
    )


def test_the_next_round_calibrates_and_chooses_anew(first: tuple[Path, RoundReport], tmp_path: Path) -> None:
    db, report = first
    # By now people have settled who it is, in many more documents
    import_files(db, [jsonl_file(tmp_path / "more.jsonl", *texts(150, "m", 1.0, 4))])
    going_on = TrainConfig(
        epochs=1, learning_rate=1e-3, batch_wordpieces=256, bf16=False, held_out=0.4, refit=True
    )
    plain = trained(db, going_on, base="round")
    assert plain.thresholds is None, "those of the round that it goes on from are not its own"
    assert evaluate(db).used.thresholds == {}
    held = "108 documents of them to judge a first training and to fit the confidences, then to learn from"
    assert held in plain.text()
    assert (plain.json()["refit"], plain.json()["documents_held_out"]) == (True, 108)
    assert reproduce(db, 2).same
    again = trained(db, CONFIG)
    assert report.thresholds is not None
    assert again.thresholds is not None
    assert again.thresholds.thresholds != report.thresholds.thresholds
    assert again.thresholds.note != report.thresholds.note
    with Store.open(db) as store:
        manifests = [store.rounds.get(number).manifest or {} for number in (1, 2, 3)]
    temperatures = [manifest["calibration"]["temperature"] for manifest in manifests]
    assert len(set(temperatures)) == 3
    assert "wanted" not in (manifests[1]["thresholds"] or {})
    assert [manifest["refit"] for manifest in manifests] == [False, True, False]
    assert prelabel(db).used.thresholds == evaluate(db).used.thresholds
