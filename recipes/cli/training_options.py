"""The options of a training, for every command that starts one: made from the fields of `TrainConfig`, whose
names and help they have."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import click

from spanloop.plugin.training.config import FREEZES, TrainConfig
from spanloop.plugin.training.setting import Setting, SettingError, option_name, settings_of
from spanloop.recipes.cli.options import Real, Seed, Whole
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.training.balance import check_balance

_LAYERS_DIGITS = 4
_BF16 = {"yes": True, "no": False}


def training_options(*, without: Collection[str] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of all settings but those; `config_of` reads them."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name, (described, default) in reversed(settings_of(TrainConfig).items()):
            if described.option and name not in without:
                command = _option(name, described, default)(command)
        return command

    return decorate


def round_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """All options of a training, and those that say from which weights it starts and who balances."""
    command = training_options()(command)
    command = click.option(
        "--base",
        type=click.Choice(["model", "round"]),
        default="model",
        show_default=True,
        help="Train anew, or on from the round.",
    )(command)
    return click.option(
        "--balance",
        type=click.Choice(["auto"]),
        help="Choose weights, oversampling or augmentation by cross-validation; 12 to 16 times as long.",
    )(command)


def config_of(options: dict[str, Any]) -> TrainConfig:
    """The settings among the options, which are taken out of them. RecipeError, in the words of whoever
    typed, for those out of their range and those that do not go together."""
    given = {name: options.pop(name) for name in settings_of(TrainConfig) if name in options}
    typed = [name for name, value in given.items() if value is not None and value is not False]
    check_balance(options.get("balance"), options.get("base", "model"), typed)
    try:
        return TrainConfig(**{name: value for name, value in given.items() if value is not None})
    except SettingError as error:
        raise RecipeError(error.as_typed()) from error


def _option(
    name: str, described: Setting, default: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    names = [option_name(name), *([described.short] if described.short else []), name]
    if described.kind is bool and not described.choices:
        return click.option(*names, is_flag=True, help=described.help)
    told = described.default or ("" if default in (None, 0) else str(default))
    help = described.help + (f"  [default: {told}]" if told else "")
    if name == "class_weights":
        return click.option(*names, callback=_class_weights, help=help)
    if name == "freeze":
        return click.option(*names, metavar=f"{'|'.join(FREEZES)}|LAYERS", callback=_freeze, help=help)
    if name == "thresholds":
        return click.option(*names, metavar="f1|PRECISION", callback=_thresholds, help=help)
    if name == "bf16":
        return click.option(
            *names, type=click.Choice([*described.choices, *_BF16]), callback=_bf16, help=help
        )
    return click.option(*names, type=_type(name, described), help=help)


def _type(name: str, described: Setting) -> click.ParamType[Any]:
    if described.choices:
        return click.Choice(described.choices)
    if name == "seed":
        return Seed()
    kind = Whole if described.kind is int else Real
    low = described.least if described.above is None else described.above
    high = described.most if described.below is None else described.below
    return kind(low, high, min_open=described.above is not None, max_open=described.below is not None)  # type: ignore[arg-type]


def _bf16(_ctx: click.Context, _parameter: click.Parameter, given: str | None) -> str | bool | None:
    return given if given is None else _BF16.get(given, given)


def _thresholds(_ctx: click.Context, _parameter: click.Parameter, given: str | None) -> str | float | None:
    if given is None or given == "f1":
        return given
    try:
        return float(given)
    except ValueError as error:
        raise click.BadParameter(f"{given!r} is neither f1 nor a precision such as 0.95") from error


def _freeze(_ctx: click.Context, _parameter: click.Parameter, given: str | None) -> str | int | None:
    if given is None or given in FREEZES:
        return given
    if given.isdecimal() and len(given) <= _LAYERS_DIGITS:
        return int(given)
    raise click.BadParameter(f"{given!r} is neither {', '.join(FREEZES)} nor a number of layers")


def _class_weights(
    _ctx: click.Context, _parameter: click.Parameter, given: str | None
) -> str | dict[str, float] | None:
    """``PER=2,O=0.5`` as a mapping. RecipeError where it is neither that nor a word."""
    if given is None or "=" not in given:
        return given
    weights: dict[str, float] = {}
    for part in given.split(","):
        label, _, weight = part.rpartition("=")
        try:
            weights[label.strip()] = float(weight)
        except ValueError as error:
            raise RecipeError(f"the class weight {part!r} is no LABEL=NUMBER, e.g. PER=2,O=0.5") from error
    return weights
