"""The options of a training, for every command that starts one: each is a setting of `retrain`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from spanloop.recipes.cli.options import Real, Seed, Whole

_LAYERS_DIGITS = 4
_BF16 = {"yes": True, "no": False}


def _bf16(_ctx: click.Context, _parameter: click.Parameter, given: str | None) -> str | bool | None:
    return given if given is None else _BF16.get(given, given)


def _freeze(_ctx: click.Context, _parameter: click.Parameter, given: str | None) -> str | int | None:
    if given is None or given in ("none", "embeddings", "half"):
        return given
    if given.isdecimal() and len(given) <= _LAYERS_DIGITS:
        return int(given)
    raise click.BadParameter(f"{given!r} is neither none, embeddings, half nor a number of layers")


_OPTIONS = (
    click.option(
        "--class-weights",
        help="none, sqrt, inverse, effective, focal, or PER=2,O=0.5.  [default: sqrt]",
    ),
    click.option("--beta", type=Real(0, 1, max_open=True), help="Of effective.  [default: by size]"),
    click.option("--focal-gamma", type=Real(0), help="Of focal.  [default: 2]"),
    click.option(
        "--balance",
        type=click.Choice(["auto"]),
        help="Choose weights, oversampling or augmentation by cross-validation; 12 to 16 times as long.",
    ),
    click.option(
        "--base",
        type=click.Choice(["model", "round"]),
        default="model",
        show_default=True,
        help="Train anew, or on from the round.",
    ),
    click.option("--epochs", type=Whole(1), help="Passes over the gold.  [default: by size]"),
    click.option(
        "--lr",
        "learning_rate",
        type=Real(0, min_open=True),
        help="Highest learning rate.  [default: by size]",
    ),
    click.option("--warmup", type=Real(0, 1), help="Share of the steps in which it rises.  [default: 0.1]"),
    click.option("--batch-size", type=Whole(1), help="Wordpieces a batch.  [default: by size]"),
    click.option("--accumulate", type=Whole(1), help="Batches a step: less memory, the same loss."),
    click.option("--weight-decay", type=Real(0), help="Pull of the weights towards 0.  [default: 0.01]"),
    click.option(
        "--fast", is_flag=True, help="Three fifths of the epochs, and the word embeddings stay as they are."
    ),
    click.option(
        "--freeze",
        metavar="none|embeddings|half|LAYERS",
        callback=_freeze,
        help="What of the encoder stays: half or so many of the layers, from below.",
    ),
    click.option("--lora", type=Whole(1), help="Learn adapters of this rank in the encoder's place."),
    click.option(
        "--patience", type=Whole(1), help="Stop when so many epochs brought nothing; keep the best."
    ),
    click.option(
        "--held-out",
        type=Real(0, 0.5),
        help="Share of the gold that calibrates the confidences.  [default: 0.1]",
    ),
    click.option(
        "--oversample",
        type=Real(0, 1),
        help="Repeat documents with labels rarer than this share.",
    ),
    click.option(
        "--undersample",
        type=Real(0, 1),
        help="Leave out this share of the documents without any span.",
    ),
    click.option("--augment", type=Real(0), help="So many new documents for each, rare labels first."),
    click.option(
        "--swap",
        type=click.Choice(["mentions", "tokens"]),
        help="What new documents have others of.  [default: mentions]",
    ),
    click.option(
        "--label-strategy",
        type=click.Choice(["first", "all"]),
        help="Learn from the first wordpiece of a token, or from all.  [default: first]",
    ),
    click.option("--gradient-checkpointing", is_flag=True, help="Less memory, more time."),
    click.option(
        "--bf16",
        type=click.Choice(["auto", "yes", "no"]),
        callback=_bf16,
        help="Compute in bfloat16.  [default: auto, where the processor has it]",
    ),
    click.option("--seed", type=Seed(), help="Of this round.  [default: the project's]"),
)


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a training; they reach it by the names that `retrain` has for them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
