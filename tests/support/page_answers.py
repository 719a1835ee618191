"""Whether what the page's server said is what its own description says."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from spanloop.recipes.web.openapi import openapi
from spanloop.recipes.web.operations import OPERATIONS


@cache
def _fitting(name: str) -> Draft202012Validator:
    return Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": openapi()["components"]}
    )


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    """Every path as a pattern."""
    paths = dict.fromkeys(operation.path for operation in OPERATIONS)
    return [(re.compile(path.replace("{id}", "[0-9]+")), path) for path in paths]


def check_answer(method: str, path: str, status: int, body: Any) -> None:
    """Raise jsonschema's ValidationError where the OpenAPI says otherwise; other paths may say anything."""
    described = next((name for pattern, name in _paths() if pattern.fullmatch(path)), None)
    if described is None:
        return
    if status != 200:
        _fitting("Refused").validate(body)
        return
    (reply,) = (o.reply for o in OPERATIONS if (o.method, o.path) == (method, described))
    _fitting(reply.__name__).validate(body)
