"""All that is asked of Prodigy itself: its decorator, its argument annotations, its hashes.

Prodigy is a commercial package that need not be installed: entry points load without it, and a recipe that is
called then says so. Written after Prodigy's documentation of custom recipes (1.12 and newer: ``Arg``).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from spanloop.recipes.errors import RecipeError
from spanloop.store import StoreError

Task = dict[str, Any]
Components = dict[str, Any]
Recipe = Callable[..., Any]

MISSING = (
    "Prodigy 1.12 or newer is not installed in this environment (it is sold at https://prodi.gy); "
    "the same work without it: spanloop correct DB, spanloop retrain DB"
)
HASHED = ("text", "document")
"""What makes two tasks ask about the same: two documents may have one text."""


def recipe(name: str, **arguments: tuple[str, ...]) -> Callable[[Recipe], Recipe]:
    """Registers a function as a Prodigy recipe. Each argument: its help, or option, shorthand and help.

    Prodigy reads the types from the signature; they are put there as types, not as names of types. What a
    user can mend ends the process with one line.
    """

    def register(function: Recipe) -> Recipe:
        @functools.wraps(function)
        def plain(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except (RecipeError, StoreError) as error:
                raise SystemExit(str(error)) from error

        hints = get_type_hints(function)
        signature = inspect.signature(function)
        parameters = [p.replace(annotation=hints[p.name]) for p in signature.parameters.values()]
        plain.__annotations__ = hints
        plain.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        try:
            from prodigy.core import Arg
            from prodigy.core import recipe as decorate
        except ImportError:
            return _refusing(function)
        described = {argument: Arg(*given[:-1], help=given[-1]) for argument, given in arguments.items()}
        registered: Recipe = decorate(name, **described)(plain)
        return registered

    return register


def _refusing(function: Recipe) -> Recipe:
    @functools.wraps(function)
    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise SystemExit(MISSING)

    return refuse


def hashed(task: Task) -> Task:
    """The task with Prodigy's own hashes of what it asks."""
    from prodigy.util import set_hashes

    with_hashes: Task = set_hashes(task, input_keys=HASHED)
    return with_hashes
