"""Labels of a model that nearly are a project's own: what to type so that they are."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from difflib import SequenceMatcher

LIKE = 0.8
"""How alike two names must be, as difflib reckons: ``ORGANISATION`` and ``ORGANIZATION``."""
_SHORTEST = 3
"""Letters from which on the beginning of a name stands for it, as ``ORG`` does."""
# The names that public models and corpora give to the same thing.
_SAME = (
    frozenset({"per", "pers", "person", "people", "human", "name"}),
    frozenset({"loc", "location", "place", "gpe", "geo"}),
    frozenset({"org", "organization", "organisation", "company", "corporation", "corp"}),
    frozenset({"misc", "miscellaneous", "other"}),
    frozenset({"date", "datum", "day"}),
    frozenset({"money", "amount", "price"}),
)


def propose(theirs: Sequence[str], ours: Sequence[str]) -> dict[str, str]:
    """The label map with which a model's labels are the project's.

    Args:
        theirs: the labels of the model.
        ours: those of the project.

    Returns:
        For each label of theirs that is not one of ours but nearly agrees with one: that one. Empty where
        none does.
    """
    return {label: near for label in theirs if label not in ours and (near := _nearest(label, ours))}


def option(names: dict[str, str]) -> str:
    """The option to type for this map."""
    from spanloop.plugin.tagging.label_map import typed_map

    return f"--map {shlex.quote(typed_map(names))}"


def _nearest(label: str, ours: Sequence[str]) -> str | None:
    """The one of ours that nearly agrees; the nearest of several."""
    nearness = {other: _agreement(_plain(label), _plain(other)) for other in ours}
    best = max(ours, key=nearness.__getitem__, default=None)
    return best if best is not None and nearness[best] >= LIKE else None


def _plain(label: str) -> str:
    return "".join(letter for letter in label.casefold() if letter.isalnum())


def _agreement(one: str, other: str) -> float:
    """1 for the same name but for capitals and marks, less for another name of the same thing, less again for
    a name that begins so, else how alike they are."""
    if one == other:
        return 1.0
    if any({one, other} <= same for same in _SAME):
        return 0.95
    short, long = sorted([one, other], key=len)
    if len(short) >= _SHORTEST and long.startswith(short):
        return 0.9
    return SequenceMatcher(None, one, other).ratio() if len(short) >= _SHORTEST else 0.0
