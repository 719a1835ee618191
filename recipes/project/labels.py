"""The labels of a project: list, add, rename, retire, merge. History stays right: spans point at the label's
row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.table import table
from spanloop.store import Store
from spanloop.store.records import Label


@dataclass(frozen=True, slots=True)
class Labels:
    """Every label, the retired ones last."""

    labels: tuple[Label, ...]

    def json(self) -> dict[str, object]:
        keys = ("name", "position", "key", "colour", "description", "retired")
        return {"schema": 1, "labels": [{key: getattr(label, key) for key in keys} for label in self.labels]}

    def text(self) -> str:
        rows = [
            (
                label.key or "",
                label.name,
                label.colour or "",
                "retired" if label.retired else label.description,
            )
            for label in self.labels
        ]
        return table(("key", "label", "colour", ""), rows)


def labels(db: str | Path) -> Labels:
    """The labels as they stand."""
    with Store.open(db) as store:
        return _all(store)


def add_label(
    db: str | Path, name: str, *, key: str | None = None, colour: str | None = None, description: str = ""
) -> Labels:
    """A new label; key and colour are chosen where none is given."""
    with Store.open(db) as store:
        store.labels.add(name, key=key, colour=colour, description=description)
        return _all(store)


def rename_label(db: str | Path, old: str, new: str) -> Labels:
    """Give a label another name, in every annotation and prediction at once."""
    with Store.open(db) as store:
        store.labels.rename(old, new)
        return _all(store)


def retire_label(db: str | Path, name: str) -> Labels:
    """Take a label out of use; what was annotated with it stays readable."""
    with Store.open(db) as store:
        store.labels.retire(name)
        return _all(store)


def merge_labels(db: str | Path, source: str, target: str) -> Labels:
    """Count every span of ``source`` as ``target`` from now on."""
    with Store.open(db) as store:
        store.labels.merge(source, target)
        return _all(store)


def _all(store: Store) -> Labels:
    return Labels(tuple(sorted(store.labels.all(retired=True), key=_order)))


def _order(label: Label) -> tuple[bool, int]:
    return label.retired, label.position
