"""Recipes without a page are our commands under Prodigy's name: the same options, read by the same code, with
the same settings file behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from spanloop.recipes.cli.loop_commands import COMMANDS
from spanloop.recipes.errors import RecipeError


def run_command(name: str, db: str, options: Mapping[str, object]) -> Any:
    """What a command of ours gives back.

    Args:
        name: Such as ``retrain``.
        db: The project file.
        options: Values by the names of the options; what is empty or 0 was not given, so that `spanloop.toml`
            beside the project and then the command's own defaults count.

    Returns:
        Its report.

    Raises:
        RecipeError: An option, or the settings file, says what the command does not take.
    """
    command = next(one for one in COMMANDS if one.name == name)
    typed = [part for option, value in options.items() if value for part in (f"--{option}", str(value))]
    try:
        with command.make_context(name, [db, *typed]) as context:
            return command.invoke(context)
    except click.ClickException as error:
        raise RecipeError(error.format_message()) from error
