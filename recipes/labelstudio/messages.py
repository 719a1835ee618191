"""Messages from outside: read without trust, and worked on so that one that fails stops no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import TracebackType
from typing import Any

from spanloop.recipes.errors import RecipeError
from spanloop.store import StoreError, StoreUnavailable

FAULTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What the values in a message can raise, whatever they are: numbers beyond 64 bits, other types than
expected, characters that no text can hold, fields that are missing, nesting without end. StoreError is a
ValueError."""

MOST_DIGITS = 4300  # Python converts no longer ones
LONGEST_REASON = 500


class Isolated:
    """Work on one thing: what its values make fail ends the block and is told to ``tell`` in a line.

    What says nothing about the thing itself, such as a full disk (StoreUnavailable), is raised as ever.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, FAULTS) or isinstance(error, StoreUnavailable):
            return False
        self._tell(reason(error))
        return True


def reason(error: BaseException) -> str:
    """Why it failed, in one line that every terminal and file can hold."""
    if isinstance(error, (RecipeError, StoreError)) or type(error) is ValueError:
        return one_line(str(error))
    if isinstance(error, KeyError):
        return one_line(f"it has no {error}")
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return one_line(f"{type(error).__name__}: {error}")


def one_line(text: str) -> str:
    """The text on one line and without control characters or halves of surrogate pairs, cut where it is
    long."""
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text.strip())
    return shown if len(shown) <= LONGEST_REASON else shown[:LONGEST_REASON] + " ..."


def read_json(received: bytes) -> Any:
    """What the JSON says; a whole number of more than 4300 digits is given as its digits.

    RecipeError for what is no JSON in UTF-8, or nested too deeply.
    """
    try:
        return json.loads(received.decode("utf-8"), parse_int=_integer)
    except RecursionError as error:
        raise RecipeError("the JSON is nested too deeply") from error
    except ValueError as error:
        raise RecipeError(f"this is no JSON: {one_line(str(error))}") from error


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MOST_DIGITS else digits
