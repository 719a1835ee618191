"""The settings of a project that its people agree on: ``spanloop.toml`` beside the project file."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.report import Shape
from spanloop.store.files.real_path import real_path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "spanloop.toml"
COMMANDS = ("retrain", "watch", "correct", "prelabel")
"""The commands that look into it; each has a table of its name."""
_ALSO = {"watch": "retrain"}
"""What a watch trains is settled where a round is, unless its own table says otherwise."""


@dataclass(frozen=True, slots=True)
class SettingsFile(Shape):
    """What a settings file says; an option that is typed counts before it."""

    path: Path
    """The file."""
    settings: dict[str, dict[str, Any]]
    """The options of each command, by their names, as they are written there."""

    def of(self, command: str) -> dict[str, Any]:
        """The options of a command, those of its training included."""
        return {**self.settings.get(_ALSO.get(command, ""), {}), **self.settings.get(command, {})}

    def text(self) -> str:
        """A line a command."""
        lines = [f"settings of {self.path}, where nothing else is typed:"]
        for command, options in self.settings.items():
            said = ", ".join(f"{name} = {_written(value)}" for name, value in options.items())
            lines.append(f"  {command}: {said}")
        return "\n".join(lines)


def settings_of_project(db: str | Path, config: str | Path | None = None) -> SettingsFile | None:
    """The settings that go with a project.

    Args:
        db: The project file.
        config: Another file than ``spanloop.toml`` beside the project.

    Returns:
        What the file says; None where there is none and none was named.

    Raises:
        RecipeError: The file is missing though it was named, is no TOML, or holds another table than those
            of the commands that look into it.
    """
    file = real_path(Path(db)).with_name(NAME) if config is None else Path(config)
    if config is None and not file.is_file():
        return None
    try:
        with file.open("rb") as read:
            found = tomllib.load(read)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{file} is no TOML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"the settings {file} cannot be read: {error}") from error
    for name, table in found.items():
        if name not in COMMANDS or not isinstance(table, dict):
            tables = ", ".join(f"[{command}]" for command in COMMANDS)
            raise RecipeError(f"{file}: {name!r} is none of the tables {tables}: put each option below one")
    return SettingsFile(file, found)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_written(inner)}" for name, inner in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value)
