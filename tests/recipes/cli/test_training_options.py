"""Every setting of a training can be reached by whoever types, and settings that do nothing are refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import pytest
from support.commands import done, refused, run
from support.places import ROOT

from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.setting import SettingError, option_name, settings_of
from spanloop.recipes.cli.main import main
from spanloop.recipes.cli.training_options import round_options
from spanloop.store import Store

SETTINGS_OF_A_TRAINING = settings_of(TrainConfig)
NO_FIELDS = {"balance", "base"}
"""They are about fields: who chooses them, and the weights to start from."""
PAGE = ROOT / "docs" / "training.md"
BEGIN = "<!-- settings: generated from TrainConfig by tests/recipes/cli/test_training_options.py -->\n"
END = "<!-- end of the settings -->\n"


def options_of(command: click.Command) -> dict[str, click.Option]:
    return {option.name or "": option for option in command.params if isinstance(option, click.Option)}


@click.command()
@round_options
def nothing(**_: Any) -> None:
    """Only its options matter."""


def test_every_setting_is_an_option_of_its_own_name_and_help() -> None:
    told = options_of(nothing)
    assert set(told) == {name for name, (s, _) in SETTINGS_OF_A_TRAINING.items() if s.option} | NO_FIELDS
    for name in set(told) - NO_FIELDS:
        described, _ = SETTINGS_OF_A_TRAINING[name]
        assert option_name(name) in told[name].opts
        assert (told[name].help or "").startswith(described.help)


@pytest.mark.parametrize("command", ["retrain", "watch"])
def test_whoever_starts_a_training_takes_all_of_them(command: str) -> None:
    assert set(options_of(main.commands[command])) >= set(options_of(nothing))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("command", "but"), [("audit", {"unlabelled"}), ("train-curve", {"unlabelled"}), ("simulate", set())]
)
def test_whatever_trains_takes_the_settings_of_a_training(command: str, but: set[str]) -> None:
    """What asks what gold teaches learns from nothing else."""
    taken = options_of(main.commands[command])  # type: ignore[attr-defined]
    assert set(taken) >= set(options_of(nothing)) - NO_FIELDS - but
    assert not set(taken) & but


def settings_table() -> str:
    rows = ["| setting | without it | takes | |", "|---|---|---|---|"]
    for name, (described, default) in SETTINGS_OF_A_TRAINING.items():
        option = f"`{option_name(name)}`" if described.option else f"`{name}` (no option)"
        short = f", `{described.short}`" if described.short else ""
        told = described.default or ("off" if default in (None, False, 0) else str(default))
        kind = {int: "whole number", float: "number", bool: "on or off", str: ""}[described.kind]
        takes = ", ".join(part for part in (kind, described.range()) if part)
        rows.append(f"| {option}{short} | {told} | {takes} | {described.help} |")
    return "\n".join(rows) + "\n"


def test_the_table_in_the_docs_is_that_of_the_settings() -> None:
    page = PAGE.read_text("utf-8")
    before, rest = page.split(BEGIN)
    found, after = rest.split(END)
    if os.environ.get("SPANLOOP_WRITE_DOCS"):
        PAGE.write_text(before + BEGIN + settings_table() + END + after, "utf-8")
        found = settings_table()
    assert found == settings_table()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"epochs": 0}, "epochs is 0: give from 1"),
        ({"epochs": 1.5}, "epochs is 1.5"),
        ({"epochs": True}, "epochs is True"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0: give above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"held_out": 0.7}, "held_out is 0.7: give from 0 to 0.5"),
        ({"beta": 1.0, "class_weights": "effective"}, "beta is 1.0: give from 0 below 1"),
        ({"swap": "words", "augment": 1}, "swap is 'words': give mentions, tokens"),
        ({"freeze": -1}, "freeze is -1"),
        ({"bf16": "yes"}, "bf16 is 'yes'"),
        ({"class_weights": "square"}, "there are no class weights 'square'"),
        ({"class_weights": {"A{B": float("inf")}}, "the class weight of 'A{B' is inf"),
        (
            {"augment": 1.0, "swap": "tokens", "lora": 2, "patience": 1},
            "lora and patience do not go together",
        ),
    ],
)
def test_a_setting_out_of_its_range_is_refused_where_it_is_made(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingError) as refusal:
        TrainConfig(**given)
    assert told in str(refusal.value)


def test_patience_that_has_nothing_to_watch_is_told(db: Path) -> None:
    assert "--patience had nothing to watch" in done("retrain", db, "--epochs", 1, "--patience", 1)


SETTINGS: list[tuple[tuple[object, ...], dict[str, object]]] = [
    (
        ("--label-strategy", "all", "--accumulate", 2, "--held-out", 0, "--warmup", 0.3, "--bf16", "no"),
        {"label_strategy": "all", "fast": False, "accumulate": 2, "held_out": 0.0, "warmup": 0.3}
        | {"bf16": False},
    ),
    (
        ("--augment", 0.5, "--swap", "tokens", "--oversample", 0.2, "--bf16", "auto", "--fast",
         "--freeze", 1),
        {"fast": True, "freeze": 1, "augment": 0.5, "swap": "tokens", "oversample": 0.2, "bf16": "auto"},
    ),
    (
        ("--class-weights", "focal", "--focal-gamma", 1.5, "--gradient-checkpointing", "--bf16", "yes"),
        {"class_weights": "focal", "focal_gamma": 1.5, "gradient_checkpointing": True, "bf16": True},
    ),
    (
        ("--class-weights", "effective", "--beta", 0.5, "--freeze", "embeddings", "--held-out", 0.2,
         "--lr", 0.01, "--batch-wordpieces", 64, "--seed", 7),
        {"beta": 0.5, "freeze": "embeddings", "held_out": 0.2, "learning_rate": 0.01, "batch_wordpieces": 64}
        | {"seed": 7, "class_weights": "effective"},
    ),
    (("--lora", 2, "--lr", 0.01, "--refit", "--unlabelled", 3),
     {"lora": 2, "learning_rate": 0.01, "checkpoint_seconds": None, "refit": True, "unlabelled": 3}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "meant"), SETTINGS, ids=lambda value: "" if isinstance(value, dict) else None
)
def test_what_is_typed_is_what_the_round_is_trained_with(
    db: Path, typed: tuple[object, ...], meant: dict[str, object]
) -> None:
    done("retrain", db, *typed, "--weight-decay", 0.1, "--epochs", 1, "--json")
    with Store.open(db) as store:
        parameters = store.rounds.get(1).parameters
    asked = {**meant, "weight_decay": 0.1, "epochs": 1}
    assert {name: parameters[name] for name in asked} == asked


def test_freeze_takes_a_word_or_a_number_and_nothing_else(db: Path) -> None:
    result = run("retrain", db, "--freeze", "most")
    assert result.exit_code == 2
    assert "'most' is neither auto, none, embeddings, half nor a number of layers" in result.stderr


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("--swap", "tokens"), "give --augment too"),
        (("--swap", "tokens", "--augment", 0), "give --augment too"),
        (("--beta", 0.5, "--class-weights", "sqrt"), "--beta belongs to --class-weights effective"),
        (("--beta", 0.5), "--beta belongs to --class-weights effective: give that too"),
        (("--focal-gamma", 2), "--focal-gamma belongs to --class-weights focal"),
        (("--lora", 2, "--patience", 1), "--lora and --patience do not go together"),
        (("--lora", 2, "--freeze", "half"), "--lora puts adapters into every layer: leave --freeze out"),
        (("--patience", 2, "--held-out", 0), "leave --held-out 0 out"),
        (("--refit", "--held-out", 0), "--refit learns from the gold held out too: leave --held-out 0 out"),
        (("--refit", "--patience", 2), "--refit and --patience do not go together: leave one of them out"),
        (("--class-weights", "DOG=2"), "'DOG'; the labels are PER, LOC, O"),
        (("--class-weights", "PER=-1"), "the class weight of 'PER' is -1.0"),
        (("--class-weights", "PER=nan"), "the class weight of 'PER' is nan"),
    ],
)
def test_settings_that_would_do_nothing_or_harm_are_refused_before_a_round_begins(
    db: Path, typed: tuple[object, ...], told: str
) -> None:
    assert told in refused("retrain", db, *typed)
    assert done("rounds", db, "--json")["rounds"] == []
