"""The labels of another project: the same where their names are, else added; what they differ on is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from spanloop.store.moving.merge_rows import Copies
from spanloop.store.tables.label_names import find

if TYPE_CHECKING:
    from spanloop.store.moving.merge import Merged
    from spanloop.store.records import Label


def merge_labels(copies: Copies, done: Merged) -> None:
    """Find each label of the other project here, or add it; its state here is this project's to say."""
    store = copies.store
    theirs = {label.id: label for label in copies.other.labels.all(retired=True)}
    for label in sorted(theirs.values(), key=lambda label: (label.retired, label.position)):
        ours = {here.name: here for here in store.labels.all(retired=True)}
        meant = find(label.name, ours) or _renamed(copies, label, ours, theirs)
        if meant is None:
            _add(copies, label)
            done.labels.append(label.name)
        else:
            copies.note("labels", label.id, ours[meant].id)
            if meant != label.name:
                done.label_differences.append(f"{label.name} there is called {meant} here")
    merged_there, merged_here = copies.other.labels.merged(), store.labels.merged()
    names = {label.id: label for label in store.labels.all(retired=True)}
    for there, label in theirs.items():
        here = names[copies.of["labels"][there]]
        into = merged_there.get(there)
        wanted = None if into is None else copies.of["labels"][into]
        if label.name in done.labels:
            if wanted is not None:
                store.run("UPDATE labels SET merged_into = ? WHERE id = ?", (wanted, here.id))
        elif (label.retired, wanted) != (here.retired, merged_here.get(here.id)):
            done.label_differences.append(
                f"{here.name} is {_state(label, into, {i: one.name for i, one in theirs.items()})} there and "
                f"{_state(here, merged_here.get(here.id), {i: one.name for i, one in names.items()})} here"
            )


def _renamed(copies: Copies, label: Label, ours: dict[str, Label], theirs: dict[int, Label]) -> str | None:
    """What a label of a copy of this very project is called here since: it has the same number, and was there
    before the two parted. Two that were added since have the same number too, and are different labels."""
    if label.id not in _labels_before_parting(copies):
        return None
    taken = {other.name for other in theirs.values()}
    return next((name for name, here in ours.items() if here.id == label.id and name not in taken), None)


def _labels_before_parting(copies: Copies) -> frozenset[int]:
    """The labels that answers knew which both projects have; none where they are not copies of one."""
    if copies.store.project.uid != copies.other.project.uid:
        return frozenset()
    shared = {uuid for (uuid,) in copies.store.rows("SELECT uuid FROM annotations")}
    rows = copies.other.rows(
        "SELECT a.uuid, s.labels FROM annotations a JOIN label_sets s ON s.id = a.label_set"
    )
    known = {labels for uuid, labels in rows if uuid in shared}
    return frozenset(number for labels in known for number in json.loads(labels))


def _add(copies: Copies, label: Label) -> None:
    """A label behind the others, with its own look; a key that is taken here is left out."""
    row = next(row for row in copies.rows("labels") if row["id"] == label.id)
    taken = {here.key for here in copies.store.labels.all()}
    position = len(copies.store.labels.all(retired=True))
    key = None if row["key"] in taken else row["key"]
    copies.put("labels", {**row, "merged_into": None}, known={"position": position, "key": key})


def _state(label: Label, into: int | None, names: dict[int, str]) -> str:
    if into is not None:
        return f"merged into {names[into]}"
    return "retired" if label.retired else "in use"
