"""What Label Studio's API answers, looked at before it is used: another server may stand there, or another
version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.landing import task_number


class ReplyError(RecipeError):
    """An answer of another shape than Label Studio's."""

    def __init__(self, what: str) -> None:
        super().__init__(f"Label Studio answered something else than {what}: is it one, and which version?")


def an_object(found: Any, what: str) -> dict[str, Any]:
    """The answer, which must be an object; ``what`` it is of."""
    if not isinstance(found, dict):
        raise ReplyError(what)
    return found


def a_list(found: Any, what: str) -> list[Any]:
    """The answer, which must be a list."""
    if not isinstance(found, list):
        raise ReplyError(what)
    return found


def a_number(found: Any, what: str) -> int:
    """The answer, which must be a number of something there."""
    number = task_number(found)
    if number is None:
        raise ReplyError(what)
    return number


def with_address(found: Any, what: str) -> list[dict[str, Any]]:
    """The answer, which must be a list of objects with an id and a URL each."""
    rows = a_list(found, what)
    for row in rows:
        if not isinstance(row, Mapping) or not isinstance(row.get("url"), str):
            raise ReplyError(what)
        a_number(row.get("id"), what)
    return rows
