"""How a slow recipe tells how far it is, and a service what happened. Recipes only call it; the command line
decides what to show."""

from __future__ import annotations

from collections.abc import Callable

from spanloop.store import clock

Progress = Callable[[int, "int | None", str], None]
"""Called with how much is done, how much there is (None where nobody knows) and what is being done."""
Say = Callable[[str], None]
"""Called with a line for each thing that happened."""


def silent(done: int, total: int | None, what: str) -> None:
    """The progress of a recipe that nobody watches."""


def dated(say: Say | None) -> Say:
    """Puts the time (UTC) before each line; without ``say`` nobody listens."""

    def tell(line: str) -> None:
        if say is not None:
            say(f"{clock.read_clock():%Y-%m-%d %H:%M:%S}Z  {line}")

    return tell
