"""spanloop.toml: the command line before the file, the file before the default, and what is wrong in it is
named with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from support.commands import done, refused, run

from spanloop.recipes import init
from spanloop.recipes.cli.main import main
from spanloop.recipes.cli.settled import SETTINGS
from spanloop.store import Store

SAID = """
[retrain]
epochs = 3
batch-wordpieces = 300
class_weights = {PER = 2, O = 0.5}
fast = true
promote = "no"
[watch]
every = 50
epochs = 4
[prelabel]
patterns = "mine.jsonl"
"""


@pytest.fixture
def db(tmp_path: Path) -> Path:
    init(tmp_path / "p.db", labels=["PER", "LOC"])
    return tmp_path / "p.db"


def settled(command: str, *typed: object) -> dict[str, Any]:
    """What a command would run with."""
    assert isinstance(main, click.Group)
    parent = click.Context(main)
    context = main.commands[command].make_context(command, [str(one) for one in typed], parent=parent)
    return {**context.params, "said": context.meta.get(SETTINGS)}


def test_what_is_typed_counts_before_the_file_and_the_file_before_the_default(db: Path) -> None:
    defaults = settled("retrain", db)
    db.with_name("spanloop.toml").write_text(SAID)
    found = settled("retrain", db)
    wanted = {"epochs": 3, "batch_wordpieces": 300, "class_weights": {"PER": 2.0, "O": 0.5}, "fast": True}
    assert {name: found[name] for name in wanted} == wanted
    assert found["promote"] == "no"
    said = found.pop("said")
    assert said["path"] == "spanloop.toml"
    assert said["said"]["epochs"] == 3
    assert {n: v for n, v in found.items() if n not in wanted and n != "promote"} == {
        n: v for n, v in defaults.items() if n not in wanted and n not in ("promote", "said")
    }
    typed = settled("retrain", db, "--epochs", 9, "--promote", "auto")
    assert (typed["epochs"], typed["promote"], typed["batch_wordpieces"]) == (9, "auto", 300)


def test_a_watch_trains_as_a_retrain_does_unless_its_table_says_otherwise(db: Path) -> None:
    db.with_name("spanloop.toml").write_text(SAID)
    found = settled("watch", db)
    assert (found["every"], found["epochs"], found["fast"]) == (50, 4, True)


def test_what_a_file_names_lies_beside_it(db: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    config = tmp_path / "other" / "ours.toml"
    config.write_text(SAID)
    assert settled("prelabel", db)["patterns"] is None
    assert settled("prelabel", db, "--config", config)["patterns"] == tmp_path / "other" / "mine.jsonl"


def test_status_shows_it(db: Path) -> None:
    assert done("status", db, "--json")["settings"] is None
    db.with_name("spanloop.toml").write_text(SAID)
    told = done("status", db, "--json")["settings"]
    assert told["path"].endswith("spanloop.toml")
    assert told["settings"]["retrain"]["class_weights"] == {"PER": 2, "O": 0.5}
    assert "  watch: every = 50, epochs = 4" in done("status", db)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("[retrain]\nepochz = 3", "retrain has no option 'epochz' that can stand there; is it 'epochs'?"),
        ("[retrain]\nepochs = 0", "epochs: 0 is not in the range x>=1"),
        ("[retrain]\nepochs = true", "epochs is True, and it takes a text or a number"),
        ("[retrain]\nfast = 1", "fast is 1, and it takes true or false"),
        ("[retrain]\nepochs = [1, 2]", "epochs is a list"),
        ("[retrain]\nbalance = 'never'", "balance: 'never' is not"),
        ("[retrain]\nconfig = 'x.toml'", "has no option 'config'"),
        ("[retrain]\nepochs = ", "is no TOML"),
        (
            "[retrian]\nepochs = 3",
            "'retrian' is none of the tables [retrain], [watch], [correct], [prelabel]",
        ),
        ("epochs = 3", "'epochs' is none of the tables"),
        ("[correct]\ntoken = 'secret'", "correct has no option 'token'"),
    ],
)
def test_what_is_wrong_in_it_is_one_line_with_its_place(db: Path, said: str, line: str) -> None:
    file = db.with_name("spanloop.toml")
    file.write_text(said)
    told = refused("correct" if "correct" in said else "retrain", db)
    assert str(file) in told
    assert line in told


def test_a_file_that_is_named_must_be_there(db: Path, tmp_path: Path) -> None:
    assert "none.toml cannot be read" in refused("retrain", db, "--config", tmp_path / "none.toml")


def test_help_needs_no_project() -> None:
    assert run("retrain", "--help").exit_code == 0


def test_a_round_keeps_what_the_file_said(tmp_path: Path, encoder: Path) -> None:
    from support.projects import build

    db = build(tmp_path, encoder)
    db.with_name("spanloop.toml").write_text("[retrain]\nepochs = 2\n")
    done("retrain", db, "--seed", 3)
    with Store.open(db) as store:
        kept = store.rounds.get(1).parameters
    assert (kept["epochs"], kept["seed"]) == (2, 3)
    assert kept["settings_file"] == {"path": "spanloop.toml", "said": {"epochs": 2}}
