"""``retrain --balance auto``: what is chosen on the pool's gold is trained, kept, told and made again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.commands import done, jsonl_file, refused
from support.json_shapes import check_shape
from support.processes import wait_for
from support.projects import build, sentences

from spanloop.plugin.training.choose_balance import BALANCES
from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.rounds.report import write_report
from spanloop.recipes.rounds.reproduce import reproduce
from spanloop.recipes.scoring.evaluate import evaluate
from spanloop.recipes.training.report import RoundReport
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store

AUTO = ("--balance", "auto", "--epochs", 1)


@dataclass(frozen=True)
class Chosen:
    """A project after a round whose balance was chosen, what the round said of it and how it went."""

    db: Path
    balance: dict[str, Any]
    text: str
    steps: list[tuple[int, int | None, str]]


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Chosen:
    """Tests only read it."""
    db = build(tmp_path_factory.mktemp("chosen"), encoder)
    steps: list[tuple[int, int | None, str]] = []
    told = retrain(db, TrainConfig(epochs=1), balance="auto", progress=lambda *step: steps.append(step))
    assert isinstance(told, RoundReport)
    check_shape("retrain", told.json())
    return Chosen(db, json.loads(json.dumps(told.json()))["balance"], told.text(), steps)


def weights_of(db: Path) -> str:
    """The hash of the newest model."""
    with Store.open(db) as store:
        return store.models.all()[-1].hash


def test_the_round_keeps_what_was_tried_and_the_settings_that_were_chosen(
    chosen: Chosen,
) -> None:
    db, balance = chosen.db, chosen.balance
    assert [way["name"] for way in balance["tried"]] == list(BALANCES)
    figures = {way["name"]: (way["micro_f1"], way["macro_f1"]) for way in balance["tried"]}
    best_micro = max(micro for micro, _ in figures.values())
    near = [macro for micro, macro in figures.values() if micro >= best_micro - 0.005]
    assert figures[balance["chosen"]][1] == max(near)
    assert figures[balance["chosen"]][0] >= best_micro - 0.005
    with Store.open(db) as store:
        row = store.rounds.get(1)
    assert row.parameters["balance"] == "auto"
    assert row.parameters.items() >= BALANCES[balance["chosen"]].items()
    assert row.parameters.keys() >= {"class_weights", "oversample", "augment", "swap", "epochs"}
    assert (row.manifest or {})["balance"] == balance
    (listed,) = done("rounds", db, "--json")["rounds"]
    assert listed["balance"] == balance


def test_its_weights_are_those_of_the_settings_given_by_hand(chosen: Chosen, db: Path) -> None:
    settings = BALANCES[chosen.balance["chosen"]]
    by_hand = retrain(db, TrainConfig(epochs=1, **settings))
    assert isinstance(by_hand, RoundReport)
    assert by_hand.json()["balance"] is None
    assert weights_of(db) == weights_of(chosen.db)
    again = reproduce(chosen.db, 1)
    assert again.same, again.differences


def test_the_report_tells_how_the_round_was_balanced(chosen: Chosen, tmp_path: Path) -> None:
    name = chosen.balance["chosen"]
    for suffix in ("json", "md", "html"):
        write_report(chosen.db, tmp_path / f"r.{suffix}")
    assert json.loads((tmp_path / "r.json").read_text())["rounds"][0]["balance"] == chosen.balance
    assert f"promoted, balance: {name}, new suggestions after " in (tmp_path / "r.md").read_text()
    page = (tmp_path / "r.html").read_text()
    assert "How round 1 balances its labels" in page
    assert all(f"<td>{way}</td>" in page for way in BALANCES)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("--class-weights", "sqrt"), "--class-weights"),  # the default, but given
        (("--oversample", 0), "--oversample"),
        (("--augment", 0.5, "--swap", "tokens"), "--augment and --swap"),
        (("--beta", 0.9), "--beta"),
        (("--focal-gamma", 1), "--focal-gamma"),
    ],
)
def test_it_goes_with_no_way_of_ones_own(db: Path, given: tuple[object, ...], named: str) -> None:
    line = refused("retrain", db, *AUTO, *given)
    assert f"leave {named} out, or --balance" in line
    assert done("rounds", db, "--json")["rounds"] == []


def test_it_goes_on_from_no_round_that_has_seen_the_folds(chosen: Chosen) -> None:
    assert "leave --base round out" in refused("retrain", chosen.db, *AUTO, "--base", "round")
    assert len(done("rounds", chosen.db, "--json")["rounds"]) == 1


def test_too_little_gold_is_said_before_a_round_begins(tmp_path: Path, encoder: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    import_files(db, [jsonl_file(tmp_path / "eval.jsonl", *sentences(3, "e"))], split="eval")
    grouped = [{**record, "group": f"g{k % 2}"} for k, record in enumerate(sentences(8, "p"))]
    import_files(db, [jsonl_file(tmp_path / "pool.jsonl", *grouped)])
    line = refused("retrain", db, *AUTO)
    assert "3 groups of documents" in line
    assert "the pool has 2 groups" in line
    assert "--class-weights sqrt" in line
    assert done("rounds", db, "--json")["rounds"] == []


def test_gold_that_was_only_looked_at_in_part_cannot_judge(tmp_path: Path, encoder: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    import_files(db, [jsonl_file(tmp_path / "eval.jsonl", *sentences(3, "e"))], split="eval")
    in_part = [{**record, "ranges": [[0, 12]]} for record in sentences(6, "p")]
    in_part = [{**record, "spans": record["spans"][:1]} for record in in_part]  # type: ignore[index]
    import_files(db, [jsonl_file(tmp_path / "pool.jsonl", *in_part)])
    line = refused("retrain", db, *AUTO)
    assert "6 gold documents" in line
    assert "--class-weights sqrt" in line


@pytest.mark.parametrize("options", [(), ("--balance", "auto")], ids=["plain", "auto"])
def test_gold_without_a_known_token_is_said_in_one_line(
    tmp_path: Path, encoder: Path, options: tuple[str, ...]
) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    import_files(db, [jsonl_file(tmp_path / "eval.jsonl", *sentences(3, "e"))], split="eval")
    empty = [{"id": f"p{k}", "text": "\u200b" * (k + 1), "spans": []} for k in range(4)]
    import_files(db, [jsonl_file(tmp_path / "pool.jsonl", *empty)])
    line = refused("retrain", db, "--epochs", 1, *options)
    assert "nothing to train on" in line
    assert f"spanloop correct {db}" in line


def test_one_bar_over_trials_and_training(chosen: Chosen) -> None:
    steps = [(share, what) for share, total, what in chosen.steps if total == 1000]
    assert [share for share, _ in steps] == sorted(share for share, _ in steps)
    assert steps[-1][0] == 1000
    assert all(what.endswith(" left") for _, what in steps)
    tries = [(share, what.rsplit(", ", 1)[0]) for share, what in steps if ": try " in what]
    assert 850 < max(share for share, _ in tries) < 1000
    names = [f"train round 1: try {name}, fold {fold} of 3" for name in BALANCES for fold in (1, 2, 3)]
    assert list(dict.fromkeys(what for _, what in tries)) == names


def test_it_is_shown_as_a_table(chosen: Chosen) -> None:
    lines = chosen.text.splitlines()
    head = next(
        k for k, line in enumerate(lines) if line.split() == ["balance", "micro", "F1", "macro", "F1"]
    )
    rows = [line.split() for line in lines[head + 1 : head + 1 + len(BALANCES)]]
    assert [row[0] for row in rows] == list(BALANCES)
    assert [row[0] for row in rows if row[-1] == "chosen"] == [chosen.balance["chosen"]]
    assert "(out of fold: 3 folds of the pool's gold, in " in lines[head + 1 + len(BALANCES)]


def test_a_choice_that_is_cancelled_is_marked_and_looks_like_no_decision(db: Path) -> None:
    def stop_at_the_second_trial(_done: int, _total: int | None, what: str) -> None:
        if "try none, fold 2" in what:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retrain(db, TrainConfig(epochs=1), balance="auto", progress=stop_at_the_second_trial)
    with Store.open(db) as store:
        row = store.rounds.get(1)
        assert row.state == "cancelled"
        assert row.parameters["balance"] == "auto"
        assert not row.parameters.keys() & {"class_weights", "oversample", "augment"}
        assert not store.rounds.folder(1).exists()
    files = {path.name for path in db.with_suffix(".rounds").rglob("*") if path.is_file()}
    assert files <= {".lock", "balance.jsonl", "project.json"}


@pytest.mark.slow
def test_a_killed_choice_is_closed_and_goes_on_where_it_was(chosen: Chosen, db: Path) -> None:
    command = [sys.executable, "-m", "spanloop.recipes", "retrain", str(db), *map(str, AUTO)]
    found = db.with_suffix(".rounds") / ".training" / "balance.jsonl"
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, stderr=nowhere, stdout=nowhere, text=True) as process:
        wait_for(lambda: found.is_file() and found.read_text().endswith("}"), process=process, pause=0.02)
        process.send_signal(signal.SIGKILL)
    tried: list[str] = []
    again = retrain(
        db, TrainConfig(epochs=1), balance="auto", progress=lambda _done, _total, what: tried.append(what)
    )
    assert isinstance(again, RoundReport)
    assert "try none, fold 1 of 3" not in tried[0]
    assert weights_of(db) == weights_of(chosen.db)
    with Store.open(db) as store:
        assert [row.state for row in store.rounds.all()] == ["failed", "done"]
    assert sorted(path.name for path in db.with_suffix(".rounds").iterdir()) == [
        ".lock",
        "0002",
        "project.json",
    ]


def test_tags_are_chosen_by_tags(tmp_path: Path, encoder: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["NOUN", "VERB"], task="tags", model=str(encoder), eval_fraction=0)
    for name, split in (("p", "pool"), ("e", "eval")):
        lines = [{"id": f"{name}{k}", "text": f"ants{name}{k} run"} for k in range(9)]
        tagged = [
            {
                **line,
                "spans": [
                    [0, len(line["text"]) - 4, "NOUN"],
                    [len(line["text"]) - 3, len(line["text"]), "VERB"],
                ],
            }
            for line in lines
        ]
        import_files(db, [jsonl_file(tmp_path / f"{name}.jsonl", *tagged)], split=split)  # type: ignore[arg-type]
    learning = ("--epochs", 8, "--lr", 5e-3, "--batch-wordpieces", 32)
    told = done("retrain", db, "--balance", "auto", *learning, "--json")
    for way in told["balance"]["tried"]:
        # Each token has one tag, so micro F1 over two tags is a share of the 18 tokens.
        assert way["micro_f1"] * 18 == pytest.approx(round(way["micro_f1"] * 18))
        assert way["micro_f1"] > 0


def test_a_label_seen_only_in_eval_is_scored_as_missed(tmp_path: Path, encoder: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    pool = [
        {**record, "spans": [span for span in record["spans"] if span[2] == "PER"]}  # type: ignore[attr-defined]
        for record in sentences(24, "p")
    ]
    import_files(db, [jsonl_file(tmp_path / "pool.jsonl", *pool)])
    import_files(db, [jsonl_file(tmp_path / "eval.jsonl", *sentences(8, "e"))], split="eval")
    for options in (
        {"class_weights": "effective"},
        {"class_weights": "inverse", "oversample": 0.5, "augment": 0.5},
    ):
        trained = retrain(db, TrainConfig(epochs=20, learning_rate=1e-2, batch_wordpieces=128, **options))
        assert isinstance(trained, RoundReport)
        assert trained.class_weights["LOC"] == 1.0
        assert set(trained.class_weights) == {"O", "PER", "LOC"}
        missed = trained.scores.report.labels["LOC"]
        assert (missed.f1, missed.recall, missed.support) == (0.0, 0.0, 8)
        assert trained.scores.report.labels["PER"].f1 > 0.9
        assert trained.scores.report.micro.recall <= 0.5
    assert evaluate(db).report.labels["LOC"].support == 8
