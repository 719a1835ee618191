"""Commands whose options a settings file can give: the command line before the file, the file before the
default."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.project.settings_file import NAME, SettingsFile, settings_of_project

SETTINGS = "spanloop.settings"
"""Where a command leaves what its settings file says: ``ctx.meta[SETTINGS]``."""
_NEVER = {"json", "config", "help", "token"}
"""What stands in no file: what a single call asks for, and secrets."""

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    is_eager=True,
    expose_value=False,
    help=f"Another settings file than {NAME} beside the project.",
)


class Settled(click.Command):
    """A command that looks into the settings file before it takes its own defaults."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        typed, _, _ = self.make_parser(ctx).parse_args(list(args))
        db = typed.get("db") or typed.get("path")
        if isinstance(db, str):
            found = settings_of_project(db, typed.get("config"))
            if found is not None and self.name is not None:
                ctx.default_map = self._defaults(ctx, found, self.name)
                ctx.meta[SETTINGS] = {"path": found.path.name, "said": found.of(self.name)}
        return super().parse_args(ctx, args)

    def _defaults(self, ctx: click.Context, file: SettingsFile, command: str) -> dict[str, Any]:
        """What the file says, by the names of the command's parameters."""
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        known = {name: option for option in options for name in _names(option)}
        defaults = {}
        for written, value in file.of(command).items():
            option = known.get(written.replace("_", "-"))
            if option is None and written not in file.settings.get(command, {}) and _of_other(ctx, written):
                continue  # of a retrain, whose table a watch reads too
            if option is None:
                own = sorted(name for name in known)
                near = get_close_matches(written, own, n=1)
                raise RecipeError(
                    f"{file.path}: {command} has no option {written!r} that can stand there"
                    + (f"; is it {near[0]!r}?" if near else f"; there are {', '.join(own)}")
                )
            defaults[option.name or ""] = _converted(ctx, option, value, f"{file.path}: {written}", file.path)
        return defaults


def _of_other(ctx: click.Context, written: str) -> bool:
    """Whether it is an option of another command that looks into the file."""
    group = None if ctx.parent is None else ctx.parent.command
    others = group.commands.values() if isinstance(group, click.Group) else ()
    name = written.replace("_", "-")
    params = [option for one in others if isinstance(one, Settled) for option in one.params]
    return any(name in _names(option) for option in params if isinstance(option, click.Option))


def _names(option: click.Option) -> list[str]:
    """What an option is called in a file; none for one that stands in no file."""
    names = [name.lstrip("-") for name in option.opts if name.startswith("--")]
    return [] if _NEVER & set(names) else names


def _converted(ctx: click.Context, option: click.Option, value: Any, where: str, file: Path) -> Any:
    """The value as it would be typed. RecipeError, naming the place, for one that the option refuses."""
    if option.is_flag != isinstance(value, bool):
        wanted = "true or false" if option.is_flag else "a text or a number"
        raise RecipeError(f"{where} is {value!r}, and it takes {wanted}")
    if isinstance(value, dict):  # class_weights = {PER = 2, O = 0.5}
        value = ",".join(f"{name}={part}" for name, part in value.items())
    if isinstance(value, list):
        raise RecipeError(f"{where} is a list, and it takes a text or a number")
    if isinstance(option.type, click.Path) and isinstance(value, str):
        value = str(file.parent / value)  # what a file names lies beside it
    try:
        option.type_cast_value(ctx, str(value) if not option.is_flag else value)
    except click.BadParameter as error:
        raise RecipeError(f"{where}: {error.message}") from error
    return value if option.is_flag else str(value)


def settings_said(ctx: click.Context) -> dict[str, Any] | None:
    """What the settings file of this command says, for the round to keep; None where there is none."""
    found: dict[str, Any] | None = ctx.meta.get(SETTINGS)
    return found
