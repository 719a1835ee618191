"""The labels of a project: list, add, rename, retire, merge. History stays right: spans point at the label's
row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from spanloop.plugin.tagging.schemes import is_outside, taken_for_labels
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.report import Count, Report, Shape
from spanloop.recipes.table import table
from spanloop.store import Store
from spanloop.store.records import Label, Task
from spanloop.store.tables.label_names import unfit_as_name

_OUTSIDE = "{!r} means no label in tag files: call the label otherwise, e.g. OTHER"


@dataclass(frozen=True, slots=True)
class LabelRow(Shape):
    """One label."""

    name: str
    position: Count
    """Its place in the list of the page."""
    key: str | None
    """The key that gives it on the page."""
    colour: str | None
    """As #rrggbb."""
    description: str
    """What the page shows about it."""
    retired: bool
    """Whether it is out of use."""

    @classmethod
    def of(cls, label: Label) -> LabelRow:
        """What is told of a label of the store."""
        return cls(**{field.name: getattr(label, field.name) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Labels(Report):
    """The labels of the project."""

    labels: tuple[LabelRow, ...]
    """Every label, the retired ones last."""

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
        refuse_tags([name], store.labels.names(), store.project.task)
        store.labels.add(name, key=key, colour=colour, description=description)
        return _all(store)


def rename_label(db: str | Path, old: str, new: str) -> Labels:
    """Give a label another name, in every annotation and prediction at once."""
    with Store.open(db) as store:
        others = [label for label in store.labels.names() if label != old]
        refuse_tags([new], others, store.project.task)
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


def refuse_tags(new: Sequence[str], others: Sequence[str], task: Task) -> None:
    """RecipeError, with what to type, for names of labels that tag files could not be read back with: what
    means no label there, and tags in the place of labels."""
    for name in new:
        if is_outside(name):
            raise RecipeError(_OUTSIDE.format(name))
    if task == "tags":  # whose labels are whole tags
        return
    for label, tags in taken_for_labels([*others, *new]).items():
        if set(tags) & set(new):
            raise RecipeError(f"{' and '.join(tags)} are tags of one label: type the label alone, {label}")


def unfit_as_label(name: str) -> str | None:
    """What is wrong with the name of a label, in the store or as a tag; None where nothing is."""
    return unfit_as_name(name) or (_OUTSIDE.format(name) if is_outside(name) else None)


def _all(store: Store) -> Labels:
    return Labels(tuple(map(LabelRow.of, sorted(store.labels.all(retired=True), key=_order))))


def _order(label: Label) -> tuple[bool, int]:
    return label.retired, label.position
