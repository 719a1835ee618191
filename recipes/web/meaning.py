"""Labels on the wire go by their id: a renamed one is the same, one that is gone meanwhile is told."""

from __future__ import annotations

from collections.abc import Iterable

from spanloop.recipes.web.wire import WireError
from spanloop.store import Store


def label_names(store: Store) -> dict[str, int]:
    """Name to id of all labels, those that are out of use too."""
    return {label.name: label.id for label in store.labels.all(retired=True)}


class Meant:
    """The labels as they are now; make one inside the transaction that stores what they stand in."""

    def __init__(self, store: Store) -> None:
        self._labels = {label.id: label for label in store.labels.all(retired=True)}
        self._current = store.labels.current_names()

    def name(self, label_id: int) -> str:
        """What the label is called now. WireError where it is in use no more."""
        label = self._labels.get(label_id)
        if label is None:
            raise WireError(f"the project has no label of the id {label_id}", 409, reason="label")
        if not label.retired:
            return label.name
        became = self._current.get(label_id, label.name)
        gone = "is retired" if became == label.name else f"was merged into {became!r}"
        raise WireError(f"label {label.name!r} {gone} meanwhile", 409, reason="label")

    def known(self, label_ids: Iterable[int]) -> tuple[str, ...]:
        """The names of those labels that are in use: what somebody knew who had these to give."""
        labels = (self._labels.get(label_id) for label_id in dict.fromkeys(label_ids))
        return tuple(label.name for label in labels if label is not None and not label.retired)

    def reading(self, label_id: int) -> str:
        """What spans of the label read as now, in use or not."""
        return self._current.get(label_id) or self.name(label_id)
