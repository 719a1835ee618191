"""How a slow recipe tells how far it is. Recipes only call it; the command line decides what to show."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, "int | None", str], None]
"""Called with how much is done, how much there is (None where nobody knows) and what is being done."""


def silent(done: int, total: int | None, what: str) -> None:
    """The progress of a recipe that nobody watches."""
