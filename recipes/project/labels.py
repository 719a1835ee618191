"""The labels of a project: list, add, rename, retire, merge. History stays right: spans point at the label's
row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from string import ascii_lowercase

from spanloop.plugin.tagging.schemes import is_outside, taken_for_labels
from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.project.page_keys import command_of
from spanloop.recipes.report import UNTOLD, Count, Report, Shape
from spanloop.recipes.table import counted, table
from spanloop.store import Store
from spanloop.store.records import Label, Task
from spanloop.store.tables.label_names import unfit_as_name

_COLOUR = re.compile("#[0-9a-fA-F]{6}")
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
    merged_into: str | None
    """The label that its spans count as, null where they count as themselves."""
    unknown: Count
    """Gold documents that do not know it: it was not there when they were annotated."""

    @classmethod
    def of(cls, label: Label, merged_into: str | None, unknown: int) -> LabelRow:
        """What is told of a label of the store."""
        own = [field.name for field in fields(cls) if field.name not in ("merged_into", "unknown")]
        kept = {name: getattr(label, name) for name in own}
        return cls(**kept, merged_into=merged_into, unknown=unknown)

    @property
    def note(self) -> str:
        """What becomes of it where it is out of use, else what the page shows about it."""
        if self.merged_into is not None:
            return f"counts as {self.merged_into}"
        return "retired" if self.retired else self.description


@dataclass(frozen=True, slots=True)
class Labels(Report):
    """The labels of the project."""

    path: Path = field(metadata=UNTOLD)
    labels: tuple[LabelRow, ...]
    """Every label, the retired ones last."""
    rebuilt: Count
    """Annotations from before label sets were kept: what they know was worked out from rounds and first
    uses."""

    def text(self) -> str:
        rows = [
            (
                label.key or "",
                label.name,
                label.colour or "",
                label.note,
            )
            for label in self.labels
        ]
        lines = [table(("key", "label", "colour", ""), rows)]
        for label in self.labels:
            if label.unknown:
                documents = counted(label.unknown, "gold document")
                lines.append(
                    f"{label.name!r} is not known by {documents}, annotated before it was there: training "
                    "leaves it open in them, and its figures leave them out; to look at them again: "
                    f"spanloop review {self.path} --unknown-label {_typed(label.name)}"
                )
        if self.rebuilt and len(lines) > 1:
            lines.append(
                f"what {counted(self.rebuilt, 'annotation')} of an earlier release knew was worked out "
                "from the labels of the rounds and from where each label was given first"
            )
        return "\n".join(lines)


def _typed(name: str) -> str:
    return name if name.isidentifier() else f'"{name}"'


def labels(db: str | Path) -> Labels:
    """The labels as they stand.

    Args:
        db: The project file.

    Returns:
        Every label, the retired ones last.

    Raises:
        StoreError: There is no such project.
    """
    with Store.open(db) as store:
        return _all(store)


def add_label(
    db: str | Path, name: str, *, key: str | None = None, colour: str | None = None, description: str = ""
) -> Labels:
    """A new label. What was annotated until now does not know it.

    Args:
        db: The project file.
        name: Its name.
        key: The key that gives it on the page; None: one that is free.
        colour: Its colour as #rrggbb; None: one that differs from the others.
        description: What the page shows about it.

    Returns:
        Every label.

    Raises:
        RecipeError: The name, the key or the colour cannot be a label's.
        StoreError: There is a label of this name already.
    """
    with Store.open(db) as store:
        refuse_tags([name], store.labels.names(), store.project.task)
        _check_look(store, key, colour)
        store.labels.add(name, key=key, colour=colour, description=description)
        return _all(store)


def set_label(
    db: str | Path,
    name: str,
    *,
    key: str | None = None,
    colour: str | None = None,
    description: str | None = None,
    position: FromOne | None = None,
) -> Labels:
    """Change what the page shows of a label, and where; what is None stays.

    Args:
        db: The project.
        name: The label.
        key: The key that gives it; empty: none but the digit of its place.
        colour: Its colour as #rrggbb.
        description: What the page says about it.
        position: Its place, from 1 on. The first ten places have the keys 1 to 9 and 0.

    Returns:
        Every label.

    Raises:
        RecipeError: Nothing is to be changed, the key cannot be a label's, or the colour is none.
    """
    if (key, colour, description, position) == (None, None, None, None):
        raise RecipeError("say what to change: --key, --colour, --description or --position")
    with Store.open(db) as store:
        _check_look(store, key, colour)
        store.labels.set(name, key=key, colour=colour, description=description, position=position)
        return _all(store)


def rename_label(db: str | Path, old: str, new: str) -> Labels:
    """Give a label another name, in every annotation and prediction at once.

    Args:
        db: The project file.
        old: What it is called.
        new: What it shall be called.

    Returns:
        Every label.

    Raises:
        RecipeError: The new name cannot be a label's.
        StoreError: There is no such label, or the new name is taken.
    """
    with Store.open(db) as store:
        others = [label for label in store.labels.names() if label != old]
        refuse_tags([new], others, store.project.task)
        store.labels.rename(old, new)
        return _all(store)


def retire_label(db: str | Path, name: str) -> Labels:
    """Take a label out of use; what was annotated with it stays readable.

    Args:
        db: The project file.
        name: The label.

    Returns:
        Every label.

    Raises:
        StoreError: There is no such label in use.
    """
    with Store.open(db) as store:
        store.labels.retire(name)
        return _all(store)


def merge_labels(db: str | Path, source: str, target: str) -> Labels:
    """Count every span of one label as another from now on.

    Args:
        db: The project file.
        source: The label that goes.
        target: The label that its spans count as.

    Returns:
        Every label.

    Raises:
        StoreError: One of them is no label in use.
    """
    with Store.open(db) as store:
        store.labels.merge(source, target)
        return _all(store)


def _check_look(store: Store, key: str | None, colour: str | None) -> None:
    """RecipeError for a key that would do something else on the page, and for a colour that is none."""
    if colour is not None and not _COLOUR.fullmatch(colour):
        raise RecipeError(f"the colour {colour!r} is none: type it as #rrggbb, such as #0072b2")
    if key is not None and key.isascii() and key.isdigit():
        raise RecipeError(f"the key {key} is that of a place: use --position {int(key) or 10} instead")
    command = None if key is None else command_of(key, store.project.page.get("keys", {}))
    if command is not None:
        raise RecipeError(f"the key {key!r} is the page's own, for {command!r}: free are {_free(store)}")


def _free(store: Store) -> str:
    """The letters that neither the page nor a label has."""
    taken = {label.key for label in store.labels.all()}
    keys = store.project.page.get("keys", {})
    return " ".join(key for key in ascii_lowercase if key not in taken and command_of(key, keys) is None)


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
    with store.reading():
        lacking, merged = store.label_sets.lacking(), store.labels.merged()
        known = sorted(store.labels.all(retired=True), key=_order)
        names = {label.id: label.name for label in known}
        rows = tuple(
            LabelRow.of(label, names.get(merged.get(label.id, 0)), lacking.get(label.name, 0))
            for label in known
        )
        return Labels(store.named, rows, store.label_sets.rebuilt)


def _order(label: Label) -> tuple[bool, int]:
    return label.retired, label.position
