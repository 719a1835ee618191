"""What a recipe gives back: a text for people, and one JSON object for programs.

A shape is a dataclass: its fields are the keys of a JSON object, the docstrings below them say what they are,
and the schema of each command (`cli/schemas`) is made from both by pydantic. Printing needs no pydantic,
which takes a third of the time that a light command has.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le

SCHEMA = 1
"""The version of what all commands print: the number changes where a key goes or means something else."""
UNTOLD = {"exclude": True}
"""The metadata of a field that only the text needs."""
Count = Annotated[int, Ge(0)]
Share = Annotated[float, Ge(0), Le(1)]
Seconds = Annotated[float, Ge(0)]


class Shape:
    """A dataclass that is a JSON object: with all of its fields, and no other."""

    __slots__ = ()
    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "use_attribute_docstrings": True,
        "json_schema_serialization_defaults_required": True,
    }


class Report(Shape, ABC):
    """What a command prints: its fields, unless `shape` gives another shape."""

    __slots__ = ()

    def shape(self) -> Shape:
        """What programs are told, where it is not the report itself."""
        return self

    def json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        return versioned(self.shape())

    @abstractmethod
    def text(self) -> str:
        """What people read."""


def versioned(shape: Shape) -> dict[str, Any]:
    """A shape as a JSON object that says of which version it is."""
    return {"schema": SCHEMA, **plain(shape)}


def plain(value: Any) -> Any:
    """A value as JSON has it: shapes and other dataclasses as objects, paths as text."""
    if is_dataclass(value) and not isinstance(value, type):
        told = [field.name for field in fields(value) if not field.metadata.get("exclude")]
        return {name: plain(getattr(value, name)) for name in told}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value
