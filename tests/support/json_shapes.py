"""Whether what a command printed is what its schema says."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from spanloop.recipes.cli.schemas import REPORTS, schema_of


@cache
def _fitting(command: str) -> Draft202012Validator:
    return Draft202012Validator(schema_of(command))


def check_shape(command: str, told: Any) -> None:
    """Raise jsonschema's ValidationError where the schema of the command says otherwise.

    ``command`` is a key of REPORTS; ``told`` is what stands in the JSON, or a report's ``json()``.
    """
    _fitting(command).validate(json.loads(json.dumps(told, allow_nan=False)))


def command_of(arguments: list[str]) -> str:
    """The key of REPORTS for these arguments: the longest whose words all stand among them."""
    fitting = [
        name for name in REPORTS if arguments[0] == name.split()[0] and set(name.split()) <= set(arguments)
    ]
    return max(fitting, key=len)
