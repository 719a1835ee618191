"""Old rounds give their disk back: which stay, what stays known of those that go, and that nothing stumbles
over their absence."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import done, refused
from support.rounds_making import finish_round
from support.store_making import make_store

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.rounds.prune import check_keep, prune
from spanloop.store import Store
from spanloop.store.records import Score

F1 = {1: 0.4, 2: 0.9, 3: 0.5, 4: 0.6, 5: 0.7, 6: 0.6}


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """Six finished rounds, of which the second is the best; 1, 3 and 4 were promoted, one after another."""
    with make_store(tmp_path, documents=1) as store:
        for number, f1 in F1.items():
            assert finish_round(store) == number
            store.rounds.add_scores(number, [Score("eval", "strict", "micro", None, f1, f1, f1, 9)])
        for number in (1, 3, 4):
            store.rounds.promote(number)
        return store.path


def folders(db: Path) -> list[int]:
    with Store.open(db) as store:
        return store.rounds_folder.numbers()


def test_what_no_rule_keeps_goes_and_stays_known(db: Path) -> None:
    told = done("rounds", db, "prune", "--keep", "promoted,best,last=1", "--json")
    assert told["removed"] == [1, 3, 5]
    assert [(row["round"], row["why"]) for row in told["kept"]] == [
        (2, "best on today's gold"), (4, "promoted"), (6, "last=1"),
    ]  # fmt: skip
    assert told["freed_bytes"] > 0
    assert folders(db) == [2, 4, 6]
    assert not list(db.with_suffix(".rounds").glob(".*"))
    rows = {row["round"]: row for row in done("rounds", db, "--json")["rounds"]}
    assert {number: row["micro"]["f1"] for number, row in rows.items()} == F1
    assert [rows[number]["pipeline"] for number in (1, 2, 3)] == ["pruned", "here", "pruned"]
    assert "pruned: figures alone" in done("rounds", db)
    assert done("check", db) == f"{db} is sound\n"
    assert done("rounds", db, "prune", "--keep", "best,last=1", "--json")["removed"] == []


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (["last=2"], [4, 5, 6]),
        (["last=0"], [4]),
        (["previous"], [3, 4]),
        (["1", "5"], [1, 4, 5]),
        (["promoted"], [4]),
    ],
)
def test_the_promoted_round_stays_and_each_rule_keeps_its_own(
    db: Path, keep: list[str], left: list[int]
) -> None:
    before = folders(db)
    assert prune(db, keep=keep, dry_run=True).removed == tuple(set(before) - set(left))
    assert folders(db) == before
    prune(db, keep=keep)
    assert folders(db) == left


def test_figures_go_only_where_that_is_asked_for(db: Path) -> None:
    prune(db, keep=["last=1"], keep_scores=False)
    with Store.open(db) as store:
        assert {row.number for row in store.rounds.all() if store.rounds.scores(row.number)} == {4, 6}
        assert len(store.rounds.all()) == 6


def test_the_best_is_that_on_todays_gold_where_all_were_scored_on_it(db: Path) -> None:
    with Store.open(db) as store:
        store.labels.add("ORG")  # so that the figures of their days are of other labels
    told = prune(db, keep=["best"], dry_run=True)
    assert [(row.round, row.why) for row in told.kept] == [
        (2, "best by the figure of its day"),
        (4, "promoted"),
    ]
    with Store.open(db) as store:
        for number in F1:
            f1 = 1 - F1[number]
            figure = Score("eval", "strict", "micro", None, f1, f1, f1, 9)
            store.eval_gold.keep(number, store.eval_gold.now(), [figure])
            if number == 5:  # one of them lacks a figure still, and figures of different gold do not compare
                assert [row.round for row in prune(db, keep=["best"], dry_run=True).kept] == [2, 4]
    assert [(row.round, row.why) for row in prune(db, keep=["best"], dry_run=True).kept] == [
        (1, "best on today's gold"),
        (4, "promoted"),
    ]


@pytest.mark.parametrize("rule", ["bets", "last", "last=-1", "last=x", "", "²"])
def test_a_rule_that_is_none_is_refused_before_anything_goes(db: Path, rule: str) -> None:
    with pytest.raises(RecipeError, match="promoted, previous, best, last=N"):
        check_keep([rule])
    assert "says of no round that it is kept" in refused("rounds", db, "prune", "--keep", f"{rule},best")
    assert folders(db) == [1, 2, 3, 4, 5, 6]


def test_one_that_was_killed_leaves_nothing_that_looks_like_a_round(db: Path) -> None:
    """Between the mark in the store and the removal, and in the midst of the removal."""
    with Store.open(db) as store:
        store.rounds.prune(5, scores=True)
    assert done("check", db) == f"{db} is sound\n"
    assert done("rounds", db, "--json")["rounds"][4]["pipeline"] == "here"
    half = db.with_suffix(".rounds") / ".0006.leaving.part"
    half.mkdir()
    (half / "0.bin").write_bytes(b"half")
    assert prune(db, keep=["promoted"]).removed == (1, 2, 3, 5, 6)
    assert folders(db) == [4]
    assert not half.exists()


def test_a_folder_that_holds_something_else_is_left_alone(db: Path) -> None:
    """As where an older state of the project was put back beside the rounds of a later one."""
    folder = db.with_suffix(".rounds") / "0001"
    (folder / "round.json").write_text('{"project": "another"}')
    (folder / "0.bin").write_bytes(b"somebody's")
    told = prune(db, keep=["promoted"])
    assert (told.left_alone, told.removed) == ((1,), (2, 3, 5, 6))
    assert (folder / "0.bin").read_bytes() == b"somebody's"


def test_a_missing_folder_is_no_problem_any_more_once_it_is_pruned(db: Path) -> None:
    folder = db.with_suffix(".rounds") / "0001"
    (folder.rename(db.with_name("elsewhere")))
    assert "round 1 has no folder" in done_or_not("check", db)
    prune(db, keep=["2", "3", "5", "6"])
    assert done("check", db) == f"{db} is sound\n"
    db.with_name("elsewhere").rename(folder)  # it comes back, as from a backup: it counts again
    assert done("rounds", db, "--json")["rounds"][0]["pipeline"] == "here"
    done("rounds", db, "promote", 1)


def done_or_not(*arguments: object) -> str:
    from support.commands import run

    return str(run(*arguments).stdout)


def test_a_pruned_round_is_not_promoted_and_a_rollback_passes_it_over(db: Path) -> None:
    prune(db, keep=["1"])
    for number in (3, 5):
        line = refused("rounds", db, "promote", number)
        assert f"round {number} has no folder" in line
        assert "pruned" in line
    told = done("rounds", db, "rollback")
    assert "passed over, since the folder is not there any more: round 3" in told
    assert "round 1 is promoted" in told
    prune(db, keep=["promoted"])
    assert "there is nothing to go back to" in refused("rounds", db, "rollback")


def test_where_nothing_is_left_to_go_back_to_it_says_why(db: Path) -> None:
    prune(db, keep=["promoted"])
    assert "of the rounds that were promoted before (3, 1) none has its folder" in refused(
        "rounds", db, "rollback"
    )
    with Store.open(db) as store:
        promoted = store.rounds.promoted()
    assert promoted is not None
    assert promoted.number == 4


def test_a_backup_knows_that_the_other_rounds_were_left_out_on_purpose(db: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    done("backup", db, copy)
    assert done("check", copy) == f"{copy} is sound\n"
    assert [row["pipeline"] for row in done("rounds", copy, "--json")["rounds"]].count("pruned") == 5
    assert [row["pipeline"] for row in done("rounds", db, "--json")["rounds"]] == ["here"] * 6
