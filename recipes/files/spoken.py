"""Of which labels a file speaks, and what they are called now: of others its annotations say nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.entry import Entry
from spanloop.store import Store
from spanloop.store.tables.label_names import find


def meaning(name: str, labels: Collection[str], meanings: Mapping[str, str]) -> str | None:
    """The label in use that a name in a file stands for.

    Args:
        name: What the file says.
        labels: The labels in use.
        meanings: What each name that there was stands for (`Labels.meanings`).

    Returns:
        The label of that name, however its letters are composed; else the one that was called so, or into
        which one of that name was merged; None where there is none.
    """
    if name in labels:
        return name
    found = find(name, labels)
    if found is None:
        earlier = find(name, meanings)
        found = None if earlier is None else meanings[earlier]
    return found


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
    names, meanings = store.labels.names(), store.labels.meanings()
    found = {name: meaning(name, names, meanings) for name in labels}
    strange = [name for name, meant in found.items() if meant is None]
    if strange:
        raise RecipeError(
            f"--only-labels names {strange[0]!r}, and the labels of {store.named} are {', '.join(names)}"
        )
    return tuple(dict.fromkeys(meant for meant in found.values() if meant is not None))


def known_labels(
    entry: Entry, meanings: Mapping[str, str], spoken: Sequence[str] | None
) -> tuple[str, ...] | None:
    """The labels that an entry speaks of, by itself and by what was said of its file.

    Args:
        entry: A document of a file.
        meanings: What each name that there was stands for.
        spoken: Those that were named for the file, None for all.

    Returns:
        Labels in use, None for all of them; a label that the project has not is none that its annotations can
        know.
    """
    if entry.labels is None:
        return None if spoken is None else tuple(spoken)
    found = (meaning(label, meanings, meanings) for label in entry.labels)
    known = dict.fromkeys(meanings[name] for name in found if name is not None)
    return tuple(name for name in known if spoken is None or name in spoken)
