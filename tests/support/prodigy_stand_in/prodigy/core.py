"""``Arg`` and ``@recipe``; a recipe's arguments are checked as strictly as the real command line does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_origin

RECIPES: dict[str, tuple[Callable[..., Any], dict[str, Arg]]] = {}


@dataclass
class Arg:
    option: str | None = None
    short: str | None = None
    help: str | None = None


def recipe(name: str, **described: Arg) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        parameters = inspect.signature(function).parameters
        assert set(parameters) == set(described), f"{name}: arguments without a description, or the reverse"
        for argument, parameter in parameters.items():
            _check(name, argument, parameter, described[argument])
        assert name not in RECIPES, f"{name} is registered twice"
        assert function.__doc__, f"{name} has no help"
        RECIPES[name] = (function, described)
        return function

    return register


def _check(name: str, argument: str, parameter: inspect.Parameter, arg: Arg) -> None:
    kind, where = parameter.annotation, f"{name}, {argument}"
    assert function_type(kind), f"{where}: the command line cannot read the type {kind!r}"
    assert arg.help, f"{where} has no help"
    if kind is bool:
        assert arg.option, f"{where}: a flag needs an option"
        assert parameter.default is False, f"{where}: a flag is off unless given"
    if arg.option is not None:
        assert arg.option.startswith("--"), f"{where}: {arg.option}"
        assert parameter.default is not parameter.empty, f"{where}: an option needs a default"
        assert arg.short is None or (arg.short[0] == "-" and len(arg.short) <= 4), f"{where}: {arg.short}"


def function_type(kind: Any) -> bool:
    return kind in (str, int, float, bool, Path) or get_origin(kind) in (Literal, list)
