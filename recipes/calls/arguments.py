"""What a recipe is called with from Python: held to the types and ranges of its signature before anything is
read or trained, and its errors told as the command tells them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, wraps
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le

from spanloop.plugin.model.backends import BackendSetting
from spanloop.plugin.model.device import Precision
from spanloop.plugin.tagging.schemes import NamedScheme
from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.calls.lines import TELLABLE, line_to_tell
from spanloop.recipes.errors import RecipeError

F = TypeVar("F", bound=Callable[..., Any])

# signatures name these for type checkers alone, so that a light command loads nothing for them
_NAMES = {
    "TrainConfig": TrainConfig,
    "Precision": Precision,
    "BackendSetting": BackendSetting,
    "NamedScheme": NamedScheme,
}
_WORDS: dict[Any, str] = {
    str: "a text",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    Path: "a path",
    NoneType: "None",
}
_ERRORS = re.compile(r"\b(StoreError|ModelError)\b")
_LONGEST = 60
"""Characters of a value that an error shows."""


def checked(function: F) -> F:
    """The recipe for callers in Python.

    Args:
        function: A recipe.

    Returns:
        A function of the same name, signature and docstring that raises RecipeError where an argument is none
        of those that the signature names, and in place of every error for which the command prints one line.
        ``__cause__`` of the error is the first one.
    """

    @wraps(function)
    def recipe(*args: Any, **kwargs: Any) -> Any:
        _check(function, inspect.signature(function).bind(*args, **kwargs).arguments)
        with_lines = _told(lambda: function(*args, **kwargs))
        return _told_while_read(with_lines) if isinstance(with_lines, Iterator) else with_lines

    # a caller catches one kind of error, so the help names that one
    recipe.__doc__ = _ERRORS.sub("RecipeError", inspect.getdoc(function) or "")
    return recipe  # type: ignore[return-value]


def _told(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except TELLABLE as error:
        raise _as_recipe_error(error) from error


def _told_while_read(results: Iterator[Any]) -> Iterator[Any]:
    """A recipe that gives one thing after the other fails while it is read."""
    end = object()
    while (result := _told(lambda: next(results, end))) is not end:
        yield result


def _as_recipe_error(error: Exception) -> Exception:
    line = line_to_tell(error)
    return error if line is None or isinstance(error, RecipeError) else RecipeError(line)


@lru_cache(maxsize=128)
def hints_of(function: Callable[..., Any]) -> Mapping[str, Any]:
    """The type of each parameter of a recipe."""
    hints = get_type_hints(function, localns=dict(_NAMES), include_extras=True)
    return {name: hint for name, hint in hints.items() if name != "return"}


def _check(function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    for name, hint in hints_of(function).items():
        if name in arguments and not _fits(hint, arguments[name]):
            raise RecipeError(_refusal(function.__name__, name, hint, arguments[name]))


def _fits(hint: Any, value: Any) -> bool:
    from pydantic import ValidationError

    try:
        _adapter(hint).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=256)
def _adapter(hint: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(hint)


def _refusal(function: str, name: str, hint: Any, value: Any) -> str:
    shown = repr(value)
    shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]} ..."
    advice = f"it takes {_in_words(hint)}"
    if isinstance(value, str | Path) and "a list of" in advice:
        parts = [part.strip() for part in str(value).split(",") if part.strip()]
        advice += f": write {name}={parts!r}"
    return f"{function}() was called with {name}={shown}, and {advice}"


def _in_words(hint: Any) -> str:
    """A type for people: what may be given in its place."""
    if hint in _WORDS:
        return _WORDS[hint]
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return f"{_in_words(parts[0])} {_range(parts[1:])}"
    if origin is Literal:
        return _either([repr(value) for value in parts])
    if origin in (Union, UnionType):
        return _either([_in_words(part) for part in parts])
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return f"a list of which each is {_in_words(parts[0])}"
    if callable(hint) and not isinstance(hint, type):
        return "a function"
    return f"a {getattr(hint, '__name__', hint)}"


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _range(limits: Sequence[Any]) -> str:
    words = []
    for limit in limits:
        if isinstance(limit, Ge):
            words.append(f"from {limit.ge:g}")
        elif isinstance(limit, Gt):
            words.append(f"above {limit.gt:g}")
        elif isinstance(limit, Le):
            words.append(f"to {limit.le:.12g}")
    return " ".join(words)
