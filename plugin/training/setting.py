"""What a setting of a training says about itself: one description for the checks, the command line and the
docs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any


class SettingError(ValueError):
    """A setting out of its range, or one that does nothing or harm beside another.

    ``template`` names settings as ``{learning_rate}``, and ``values`` by their names: the message has their
    names in Python, `as_typed` their names on the command line.
    """

    def __init__(self, template: str, names: Sequence[str], **values: object) -> None:
        self._template, self._names, self._values = template, tuple(names), values
        super().__init__(template.format(**{name: name for name in names}, **values))

    def as_typed(self) -> str:
        """The same message for someone who typed options."""
        options = {name: option_name(name) for name in self._names}
        return self._template.format(**options, **self._values)


@dataclass(frozen=True, slots=True)
class Setting:
    """``help``: one sentence, for whoever types and for the docs. ``kind``: int, float, bool or str.
    ``least`` and ``most`` belong to the range, ``above`` and ``below`` do not. ``choices``: the words that
    it takes. ``default``: what is done without it, in words, where the value says too little. ``short``: a
    second name of its option. ``option``: whether it has one."""

    help: str
    kind: type
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    default: str = ""
    short: str | None = None
    option: bool = True

    def range(self) -> str:
        """The range in words, empty where every value of the kind will do."""
        low = f"from {self.least:g}" if self.least is not None else ""
        low = f"above {self.above:g}" if self.above is not None else low
        high = f"to {self.most:g}" if self.most is not None else ""
        high = f"below {self.below:g}" if self.below is not None else high
        return ", or ".join(filter(None, [", ".join(self.choices), f"{low} {high}".strip()]))

    def holds(self, value: object) -> bool:
        """Whether the value is of this kind and inside the range."""
        if self.choices and isinstance(value, str):
            return value in self.choices
        if self.kind is bool or self.kind is str:
            return isinstance(value, self.kind)
        if isinstance(value, bool) or not isinstance(value, int if self.kind is int else (int, float)):
            return False
        return (
            isfinite(value)
            and (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
        )


def setting(value: Any, help: str, kind: type, /, **further: Any) -> Any:
    """A field of a dataclass, ``value`` where nothing is given, with what it says about itself; see
    `Setting`."""
    return dataclasses.field(default=value, metadata={"setting": Setting(help, kind, **further)})


def settings_of(config: Any) -> dict[str, tuple[Setting, Any]]:
    """Of a dataclass of settings, or one of its objects: each setting by name, with its default."""
    return {field.name: (field.metadata["setting"], field.default) for field in dataclasses.fields(config)}


def option_name(name: str) -> str:
    """What a setting is called on the command line."""
    return f"--{name.replace('_', '-')}"
