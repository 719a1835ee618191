"""Every setting of a training can be reached by whoever types, and settings that do nothing are refused."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from support.commands import done, refused, run

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.cli.main import main
from spanloop.recipes.cli.training_options import training_options
from spanloop.store import Store

FIELDS = {field.name: field for field in fields(TrainConfig)}
UNREACHABLE = {
    "checkpoint_seconds": "retrain keeps checkpoints by itself; whoever does not need them loses nothing",
}
"""Fields that no option sets, each with the reason."""
OTHER_NAMES = {"batch_wordpieces": "batch_size"}
NO_FIELDS = {
    "balance": "it chooses among fields",
    "base": "it is about the weights to start from",
}


def options_of(command: click.Command) -> dict[str, click.Option]:
    return {option.name or "": option for option in command.params if isinstance(option, click.Option)}


def test_every_setting_of_a_training_is_an_option_or_has_a_reason_not_to_be() -> None:
    @click.command()
    @training_options
    def nothing(**_: Any) -> None:
        """Only its options matter."""

    of_training = set(options_of(nothing))
    settable = {OTHER_NAMES.get(name, name) for name in FIELDS if name not in UNREACHABLE}
    assert of_training == settable | set(NO_FIELDS)
    assert set(UNREACHABLE) <= set(FIELDS)  # a field that is gone needs no reason


@pytest.mark.parametrize("command", ["retrain", "watch"])
def test_whoever_starts_a_training_takes_all_of_them_with_help(command: str) -> None:
    @click.command()
    @training_options
    def nothing(**_: Any) -> None:
        """Only its options matter."""

    taken = options_of(main.commands[command])  # type: ignore[attr-defined]
    for name in options_of(nothing):
        assert len((taken[name].help or "").split()) >= 2, name


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
         "--lr", 0.01, "--batch-size", 64, "--seed", 7),
        {"beta": 0.5, "freeze": "embeddings", "held_out": 0.2, "learning_rate": 0.01, "batch_wordpieces": 64}
        | {"seed": 7, "class_weights": "effective"},
    ),
    (("--lora", 2, "--lr", 0.01), {"lora": 2, "learning_rate": 0.01, "checkpoint_seconds": None}),
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
    assert "'most' is neither none, embeddings, half nor a number of layers" in result.stderr


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
