"""The loop with known gold: what is played, what is kept, and what follows from it."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused
from support.projects import build, sentences

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.active_learning.cost import Cost
from spanloop.recipes.simulation.cells import Cell, Cells, MadeBy, made_by
from spanloop.recipes.simulation.compared import areas, reached
from spanloop.recipes.simulation.curves import curves, mean_of
from spanloop.recipes.simulation.simulate import simulate
from spanloop.store import Store

MADE = MadeBy("code", "corpus", {}, "cpu", {}, ())


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """A folder with results, and beside it what printed them."""
    folder = tmp_path_factory.mktemp("simulation")
    pool = jsonl_file(folder / "pool.jsonl", *sentences(20, "p"))
    eval_file = jsonl_file(folder / "eval.jsonl", *sentences(6, "e"))
    command = (
        "simulate", pool, "--eval", eval_file, "--strategies", "random,mnlp", "--budget-tokens", "0.2,0.5,1",
        "--model", encoder, "--epochs", 1, "--results", folder / "results", "--name", "play",
    )  # fmt: skip
    told = done(*command, "--csv", folder / "cells.csv", "--picture", folder / "c.svg", "--json")
    (folder / "told.json").write_text(json.dumps(told), "utf-8")
    (folder / "command.json").write_text(json.dumps([str(word) for word in command]), "utf-8")
    return folder


def test_each_budget_is_a_cell_and_the_first_draw_is_shared(played: Path) -> None:
    cells = json.loads((played / "told.json").read_text("utf-8"))["cells"]
    assert [(c["strategy"], c["budget"]) for c in cells] == [
        (strategy, budget) for strategy in ("random", "mnlp") for budget in (0.2, 0.5, 1)
    ]
    pool = cells[0]["pool"]["tokens"]
    for cell in cells:
        longest = 10  # tokens of a document: the one that reaches the budget is answered as a whole
        assert cell["budget"] * pool - 0.5 <= cell["cost"]["tokens"] < cell["budget"] * pool + longest
        assert cell["cost"]["actions"] >= cell["documents"]
        assert cell["spans"] == 2 * cell["documents"]
    first = [{**cell, "strategy": ""} for cell in (cells[0], cells[3])]
    assert first[0] == first[1]
    assert (cells[2]["micro"], cells[2]["documents"]) == (cells[5]["micro"], 20)
    assert cells[5]["training_seconds"] == 0  # random had trained on all of it
    rows = list(csv.reader((played / "cells.csv").read_text("utf-8").splitlines()))
    assert [row[0] for row in rows] == ["corpus", *["play"] * len(cells)]
    picture = (played / "c.svg").read_text("utf-8")
    assert picture.count("<svg") == 1
    assert not (played / "results" / ".projects").exists()


def test_what_is_there_is_not_played_again_and_a_lost_cell_comes_back_the_same(played: Path) -> None:
    command = json.loads((played / "command.json").read_text("utf-8"))
    told = json.loads((played / "told.json").read_text("utf-8"))
    lost = played / "results" / "play-mnlp-0-0.5.json"
    before = json.loads(lost.read_text("utf-8"))
    lost.unlink()
    again = done(*command, "--json")
    after = json.loads(lost.read_text("utf-8"))
    for cell in (before, after):
        cell.pop("training_seconds")
    assert after == before
    assert [c["micro"] for c in again["cells"]] == [c["micro"] for c in told["cells"]]
    file = played / "results" / "play-random-0-1.json"
    mixed = json.loads(file.read_text("utf-8"))
    kept = file.read_text("utf-8")
    mixed["made_by"]["code"] = "of before"
    file.write_text(json.dumps(mixed), "utf-8")
    assert "was made by other code, and such cells do not compare" in refused(*command)
    file.write_text("{}", "utf-8")
    assert "holds no cell of a simulation" in refused(*command)
    file.write_text(kept, "utf-8")


def test_a_stopped_play_on_a_projects_own_gold_goes_on_where_it_was(tmp_path: Path, encoder: Path) -> None:
    db = build(tmp_path, encoder)
    results = tmp_path / "r"
    first, second = (results / f"p-mnlp@sentences-0-{budget}.json" for budget in (40, 90))

    def stop(*_: object) -> None:
        if first.exists():
            raise KeyboardInterrupt

    settings = TrainConfig(epochs=1)
    with pytest.raises(KeyboardInterrupt):
        simulate(
            from_db=db,
            strategies=["mnlp@sentences"],
            budget_tokens=[40, 90],
            config=settings,
            results=results,
            progress=stop,
        )
    kept = first.stat().st_mtime_ns
    assert not second.exists()
    options = ("--strategies", "mnlp@sentences", "--epochs", 1, "--results", results)
    cells = done("simulate", "--from-db", db, *options, "--budget-tokens", "40,90", "--json")["cells"]
    assert first.stat().st_mtime_ns == kept
    assert [0 <= cell["cost"]["tokens"] - cell["budget"] < 10 for cell in cells] == [True, True]
    assert "made by other budgets before it" in refused(
        "simulate", "--from-db", db, *options, "--budget-tokens", "20,90"
    )
    with Store.open(db) as store:
        assert store.annotations.count(origin="simulated") == 0
    assert "leave the files out" in refused("simulate", "--from-db", db, db)


def test_what_cannot_be_played_is_told(tmp_path: Path) -> None:
    pool = jsonl_file(tmp_path / "pool.jsonl", *sentences(2, "p"))
    assert "must rise" in refused("simulate", pool, "--budget-tokens", "0.5,0.2")
    assert "do not go together" in refused("simulate", pool, "--budget-tokens", "0.5,2000")
    assert "no gold spans" in refused("simulate", jsonl_file(tmp_path / "x.jsonl", {"text": "a"}))
    assert "--from-db" in refused("simulate")


def cell(strategy: str, seed: int, budget: float, micro: float) -> Cell:
    return Cell(
        "c", strategy, seed, budget, 1, 1, Cost(budget * 1000, budget * 100, budget * 10), Cost(1000), micro,
        micro / 2, {}, 1.0, MADE,
    )  # fmt: skip


def test_areas_and_costs_by_hand() -> None:
    chance = [
        cell("random", s, b, f + s / 100) for s in (0, 1, 2) for b, f in ((0.1, 0.2), (0.2, 0.4), (1, 0.8))
    ]
    better = [
        cell("mnlp", s, b, f + s / 100) for s in (0, 1, 2) for b, f in ((0.1, 0.2), (0.2, 0.6), (1, 0.8))
    ]
    (line,) = curves(chance[:3])
    assert line.area("micro") == pytest.approx((0.3 * 0.30103 + 0.6 * 0.69897) / 1, abs=1e-4)
    half = line.reaching(0.5, "micro")
    assert half is not None
    assert (half.tokens, half.actions, half.seconds) == pytest.approx((400, 40, 4))
    assert line.reaching(0.1, "micro") == Cost(100, 10, 1)
    assert line.reaching(0.9, "micro") is None
    found = {(a.strategy, a.figure): a for a in areas([*chance, *better])}
    less = found["mnlp", "micro"].less_random
    assert less is not None
    assert less.mean == pytest.approx(0.1 * 0.30103 + 0.1 * 0.69897)
    assert less.low == pytest.approx(less.mean)  # each seed is compared with itself: all differ alike
    assert found["random", "micro"].less_random is None
    just_begun = [cell("random", 3, 0.1, 0.2), cell("random", 3, 0.2, 0.4), cell("mnlp", 3, 0.1, 0.2)]
    more = {(a.strategy, a.figure): a for a in areas([*chance, *better, *just_begun])}
    assert more["mnlp", "micro"] == found["mnlp", "micro"]  # a seed that has one cell says nothing yet
    rows = {(r.strategy, r.figure, r.aim): r for r in reached([*chance, *better])}
    row = rows["mnlp", "micro", "random at 0.2"]
    assert (row.seeds, row.reached) == (3, 3)
    assert row.cost is not None
    assert row.cost.tokens == pytest.approx(150)
    assert row.tokens_of_random is not None
    assert row.tokens_of_random.mean == pytest.approx(0.75)
    assert row.seconds_of_random is not None
    assert row.seconds_of_random.mean == pytest.approx(0.75)
    full = rows["random", "micro", "90 % of full"]
    assert full.cost is not None
    assert full.cost.tokens == pytest.approx(200 + 800 * 0.8, rel=0.01)


def test_an_interval_over_seeds_is_that_of_student() -> None:
    found = mean_of([1.0, 2.0, 3.0])
    assert found.low is not None
    assert found.value - found.low == pytest.approx(4.302653 / 3**0.5, rel=1e-5)
    assert mean_of([1.0]).low is None


def test_cells_of_other_settings_are_never_mixed(tmp_path: Path) -> None:
    one = made_by("digest", {"fast": True}, (0.1,))
    kept = replace(cell("mnlp", 0, 0.2, 0.5), made_by=one)
    Cells(tmp_path).add(kept)
    assert Cells(tmp_path).get("c", "mnlp", 0, 0.2, one) == kept
    with pytest.raises(Exception, match="made by other corpus, settings, budgets before it"):
        Cells(tmp_path).get("c", "mnlp", 0, 0.2, made_by("other", {}, ()))
