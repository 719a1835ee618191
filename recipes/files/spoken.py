"""Of which labels a file speaks: of others its annotations say nothing."""

from __future__ import annotations

from collections.abc import Sequence

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.entry import Entry
from spanloop.store import Store
from spanloop.store.tables.label_names import find


def spoken_labels(store: Store, labels: Sequence[str]) -> tuple[str, ...]:
    """The labels that were named for a file, as the project spells them.

    Args:
        store: The project.
        labels: Their names.

    Returns:
        Each once, in the order in which they were named.

    Raises:
        RecipeError: The project has not one of them.
    """
    names = store.labels.names()
    found = {name: find(name, names) for name in labels}
    strange = [name for name, meant in found.items() if meant is None]
    if strange:
        raise RecipeError(
            f"--labels names {strange[0]!r}, and the labels of {store.named} are {', '.join(names)}"
        )
    return tuple(dict.fromkeys(meant for meant in found.values() if meant is not None))


def known_labels(entry: Entry, names: Sequence[str], spoken: Sequence[str] | None) -> tuple[str, ...] | None:
    """The labels that an entry speaks of, by itself and by what was said of its file.

    Args:
        entry: A document of a file.
        names: The labels in use.
        spoken: Those that were named for the file, None for all.

    Returns:
        Labels in use, None for all of them; a label that the project has not is none that its annotations can
        know.
    """
    if entry.labels is None:
        return None if spoken is None else tuple(spoken)
    found = (find(label, names) for label in entry.labels)
    return tuple(dict.fromkeys(n for n in found if n is not None and (spoken is None or n in spoken)))
