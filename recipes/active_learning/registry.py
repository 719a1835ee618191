"""The query strategies there are: ours, which are listed here, and those that other packages add through the
entry-point group ``spanloop.strategies``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from operator import attrgetter

from spanloop.recipes.active_learning.below import Below
from spanloop.recipes.active_learning.parts import Ask, base_of
from spanloop.recipes.active_learning.strategy import DocumentStrategy, LogProbs, PoolStrategy, Strategy
from spanloop.recipes.errors import FAILURES, RecipeError, line_of
from spanloop.store.queue.order import BELOW
from spanloop.store.records import Task

OURS = {
    "random": "chance:Random",
    "least_confidence": "confidence:LeastConfidence",
    "mnlp": "confidence:MNLP",
    "margin": "margin:Margin",
    "entropy": "entropy:Entropy",
    "entropy_max": "entropy:EntropyMax",
    "entropy_top": "entropy:EntropyTop",
    "expected_spans": "expected:ExpectedSpans",
    "rare": "expected:Rare",
    "committee": "history:Committee",
    "fluctuation": "history:Fluctuation",
    "bald": "dropout:Bald",
    "bald_layer": "dropout:BaldLayer",
    "bald_spans": "dropout:BaldSpans",
    "diversity": "diversity:Diversity",
}
"""The strategies of this package: their names, each with its file and class in this room."""
NAMES = tuple(OURS)
USUAL: dict[Task, tuple[str, ...]] = {"spans": ("bald_spans", "expected_spans"), "tags": ("random",)}
"""What the queue stands by where nobody chose and the model has token scores: the first that can be asked
for. Of tags, which every token has, chance teaches as much as any strategy that was tried. How that was
chosen: ``benchmarks/active.md``."""
USUAL_BELOW = "mnlp"
"""The same where it asks below the document: for that a strategy has to look at tokens."""
GROUP = "spanloop.strategies"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def by_name(name: str) -> Strategy:
    """The strategy of that name; ``mnlp@sentences`` is `Below` the document by ``mnlp``.

    Raises:
        RecipeError: There is none, with names that look alike; or the package that has it is broken.
    """
    if name in OURS:
        return _ours(name)
    base, ask = base_of(name)
    if ask != "documents":
        return _below(by_name(base), ask)
    found = next((point for point in _others() if point.name == name), None)
    if found is None:
        near = get_close_matches(name, names(), n=3)
        instead = f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(names())}"
        raise RecipeError(f"there is no strategy {name!r}: {instead}")
    return _loaded(found)


def names() -> tuple[str, ...]:
    """The names of all strategies: ours, then those of other packages, which are not loaded for it."""
    return NAMES + tuple(dict.fromkeys(point.name for point in _others()))


def rounds_looked_at(standing: str | None) -> int:
    """Of how many rounds, the newest among them, the strategy that the queue stands by needs predictions; 0
    for none any more, and for one whose package is broken, which `by_name` tells whoever asks for it."""
    try:
        past = by_name(standing).past if standing in names() else 0
    except RecipeError:
        return 0
    return past + 1 if past else 0


def check(chosen: Iterable[str]) -> None:
    """RecipeError, as of `by_name`, for the first name that stands for no strategy."""
    for name in chosen:
        by_name(name)


def all_strategies() -> tuple[Strategy, ...]:
    """Every strategy, in the order of `names`. RecipeError where the package of one is broken."""
    return tuple(by_name(name) for name in names())


def looks_at_tokens(name: str) -> bool:
    """Whether that is a strategy of single documents, by their tokens; not where no strategy is called so."""
    return name in names() and isinstance(by_name(name), DocumentStrategy)


def wants_information(name: str | None) -> bool:
    """Whether a strategy of this name asks what a model would learn of itself, which is found out while it
    predicts; not for one whose package is gone or broken, which `by_name` tells whoever asks for it."""
    if name is None or base_of(name)[0] not in names():
        return False
    try:
        return "what the model would learn" in by_name(name).needs
    except RecipeError:
        return False


def document_scores(logprobs: LogProbs, also: str | None = None) -> dict[str, float]:
    """The scores that are stored while a model predicts: every strategy of ours that looks at one document.

    Args:
        logprobs: What the model says of the document's tokens.
        also: The strategy that was asked for, where another package may have it.
    """
    wanted = [*NAMES, *([] if also is None or also in OURS else [also])]
    found = ((name, by_name(name)) for name in wanted)
    return {name: one.score(logprobs) for name, one in found if isinstance(one, DocumentStrategy)}


def below(name: str | None) -> Below | None:
    """The strategy of that name where it asks below the document, else None."""
    one = by_name(name) if name is not None and BELOW in name else None
    return one if isinstance(one, Below) else None


def _below(one: Strategy, ask: Ask) -> Below:
    if not isinstance(one, DocumentStrategy):
        which = ", ".join(name for name in NAMES if isinstance(_ours(name), DocumentStrategy))
        raise RecipeError(
            f"{one.name} scores whole documents and cannot ask about {ask}: choose one of {which}"
        )
    return Below(one, ask)


@cache
def _others() -> tuple[EntryPoint, ...]:
    found = sorted(entry_points(group=GROUP), key=attrgetter("name", "value"))
    return tuple(point for point in found if point.name not in OURS)


@cache
def _ours(name: str) -> Strategy:
    file, _, kind = OURS[name].partition(":")
    made: Strategy = getattr(import_module(f"spanloop.recipes.active_learning.{file}"), kind)()
    return made


@cache
def _loaded(point: EntryPoint) -> Strategy:
    """The strategy of another package, looked at before anything is stored by it."""
    whose = f"the strategy {point.name!r} of {point.value}"
    if not _NAME.fullmatch(point.name):
        raise RecipeError(f"{whose} has a name that is not of small letters and digits: mend the package")
    try:
        made = point.load()()
    except (*FAILURES, ImportError, AttributeError, TypeError, SyntaxError) as error:
        raise RecipeError(f"{whose} cannot be loaded, {line_of(error)}: mend the package") from error
    if not isinstance(made, DocumentStrategy | PoolStrategy):
        raise RecipeError(f"{whose} is no DocumentStrategy and no PoolStrategy: mend the package")
    if isinstance(made, PoolStrategy) and made.base not in OURS:
        raise RecipeError(f"{whose} stands on {made.base!r}, which is none of ours: mend the package")
    return made
