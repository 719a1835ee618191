"""Named versions of the gold, and what differs between two of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.report import Count, Report, Shape
from spanloop.recipes.table import counted, table
from spanloop.store import Store
from spanloop.store.tables.versions import NOW, LabelThen

SHOWN = 10  # keys that the text names; the JSON has all
Place = tuple[int, int, int]  # start, end, label id


@dataclass(frozen=True, slots=True)
class VersionRow(Shape):
    """One version."""

    name: str
    """What it is called."""
    created_at: str
    """When it was named, UTC, ISO 8601."""
    documents: Count
    """Documents that were gold then."""


@dataclass(frozen=True, slots=True)
class Versions(Report):
    """The named versions of the project's gold."""

    versions: tuple[VersionRow, ...]
    """Every version, the oldest first."""

    def text(self) -> str:
        if not self.versions:
            return "no version yet; name the gold of this moment with: spanloop data DB tag NAME"
        rows = [(one.name, f"{one.documents:,}", one.created_at) for one in self.versions]
        return table(("version", "gold", "named at"), rows, right=[1])


@dataclass(frozen=True, slots=True)
class LabelChange(Shape):
    """The spans of one label in two versions."""

    label: str
    """Its name in the later one; in the earlier one where it is out of use in the later."""
    before: Count
    """Its spans in the first version."""
    after: Count
    """Its spans in the second."""
    gone: Count
    """Spans of the first that the second has not."""
    new: Count
    """Spans of the second that the first has not."""


@dataclass(frozen=True, slots=True)
class DataDiff(Report):
    """What differs between the gold of two versions."""

    first: str
    """The version that is compared."""
    second: str
    """With which; `now` is the gold of this moment."""
    same: Count
    """Documents that are gold in both, with the same spans and the same ranges."""
    added: tuple[str, ...]
    """Keys of documents that are gold in the second only."""
    removed: tuple[str, ...]
    """Keys of documents that are gold in the first only."""
    changed: tuple[str, ...]
    """Keys of documents whose spans, or ranges looked at, differ."""
    labels: tuple[LabelChange, ...]
    """Every label that has spans in one of them."""
    label_changes: tuple[str, ...]
    """What became of labels between the two."""

    def text(self) -> str:
        lines = [
            f"{self.first} -> {self.second}: {counted(len(self.added), 'document')} more, "
            f"{len(self.removed):,} fewer, {len(self.changed):,} changed, {self.same:,} the same"
        ]
        lines += [f"label: {change}" for change in self.label_changes]
        for what, keys in (("more", self.added), ("fewer", self.removed), ("changed", self.changed)):
            if keys:
                lines.append(f"{what}: {', '.join(keys[:SHOWN])}{' ...' if len(keys) > SHOWN else ''}")
        rows = [(one.label, one.before, one.after, one.gone, one.new) for one in self.labels]
        head = ("label", "spans before", "after", "gone", "new")
        return "\n".join([*lines, *([table(head, rows, right=range(1, 5))] if rows else [])])


def list_versions(db: str | Path) -> Versions:
    """The named versions of the gold.

    Args:
        db: The project file.

    Returns:
        Every version, the oldest first.

    Raises:
        StoreError: There is no such project.
    """
    with Store.open(db) as store:
        return _all(store)


def tag_version(db: str | Path, name: str) -> Versions:
    """Give the gold of this moment a name. Nothing is copied: answers are never changed, so the version keeps
    which of them were gold and what the labels were called.

    Args:
        db: The project file.
        name: The name.

    Returns:
        Every version.

    Raises:
        StoreError: The name is taken or cannot be one.
    """
    with Store.open(db) as store:
        store.versions.add(name)
        return _all(store)


def diff_versions(db: str | Path, first: str, second: str = NOW) -> DataDiff:
    """What differs between the gold of two versions. A label that was only renamed is the same label.

    Args:
        db: The project file.
        first: A version.
        second: Another one, or ``now``.

    Returns:
        Documents and spans that came, went and changed, and what became of the labels.

    Raises:
        StoreError: There is no such version.
    """
    with Store.open(db) as store, store.reading():
        before, after = _read(store, first), _read(store, second)
        labels_before, labels_after = store.versions.labels(first), store.versions.labels(second)
    shared = before.keys() & after.keys()
    changed = [key for key in after if key in shared and before[key] != after[key]]
    return DataDiff(
        first=first,
        second=second,
        same=len(shared) - len(changed),
        added=tuple(key for key in after if key not in before),
        removed=tuple(key for key in before if key not in after),
        changed=tuple(changed),
        labels=tuple(_label_rows(before, after, labels_before, labels_after)),
        label_changes=tuple(_label_changes(labels_before, labels_after)),
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a document: its spans by label id, and the characters looked at."""

    spans: frozenset[Place]
    ranges: tuple[tuple[int, int], ...] | None


def _read(store: Store, name: str) -> dict[str, _Known]:
    """The gold of a version by key, in the order of the documents; labels are ids here, so that a rename is
    no change."""
    reading = {
        label_id: str(label.reads_as)
        for label_id, label in store.versions.labels(name).items()
        if label.reads_as is not None
    }
    golds = sorted(store.versions.gold(name, reading), key=lambda gold: gold.document.id)
    return {
        gold.document.key: _Known(
            frozenset((span.start, span.end, int(span.label)) for span in gold.spans), gold.ranges
        )
        for gold in golds
    }


def _label_rows(
    before: dict[str, _Known],
    after: dict[str, _Known],
    labels_before: dict[int, LabelThen],
    labels_after: dict[int, LabelThen],
) -> list[LabelChange]:
    counts = {
        name: Counter(span[2] for known in side.values() for span in known.spans)
        for name, side in (("before", before), ("after", after))
    }
    gone, new = Counter[int](), Counter[int]()
    nothing = _Known(frozenset(), None)
    for key in before.keys() | after.keys():
        then, now = before.get(key, nothing).spans, after.get(key, nothing).spans
        gone.update(span[2] for span in then - now)
        new.update(span[2] for span in now - then)
    return [
        LabelChange(
            (labels_after.get(label_id) or labels_before[label_id]).name,
            counts["before"][label_id],
            counts["after"][label_id],
            gone[label_id],
            new[label_id],
        )
        for label_id in sorted(counts["before"].keys() | counts["after"].keys())
    ]


def _label_changes(before: dict[int, LabelThen], after: dict[int, LabelThen]) -> list[str]:
    changes = []
    for label_id, now in after.items():
        then = before.get(label_id)
        if then is None:
            changes.append(f"{now.name} is new")
            continue
        if then.name != now.name:
            changes.append(f"{then.name} is called {now.name}")
        if then.reads_as != now.reads_as:
            changes.append(f"{now.name} {_reading(label_id, now, after)}")
    return changes + [f"{then.name} came later" for i, then in before.items() if i not in after]


def _reading(label_id: int, now: LabelThen, labels: dict[int, LabelThen]) -> str:
    if now.reads_as is None:
        return "is out of use"
    return "is in use again" if now.reads_as == label_id else f"counts as {labels[now.reads_as].name}"


def _all(store: Store) -> Versions:
    return Versions(
        tuple(VersionRow(one.name, one.created_at, one.documents) for one in store.versions.all())
    )
