"""Named versions of the gold: which annotations were gold at a moment, and what the labels were called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.records import Gold

if TYPE_CHECKING:
    from spanloop.store.store import Store

NOW = "now"
"""The name of what is gold at this moment: no version is called so."""
_GOLD = "FROM verdicts v JOIN json_each(v.annotation_ids) j WHERE v.verdict = 'accept'"


@dataclass(frozen=True, slots=True)
class Version:
    """A name, the moment it was given (ISO 8601, UTC), and how many documents were gold then."""

    name: str
    created_at: str
    documents: int


@dataclass(frozen=True, slots=True)
class LabelThen:
    """What a label was called, and the number of the label that its spans read as, None for out of use."""

    name: str
    reads_as: int | None


class Versions:
    """``store.versions``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Version]:
        """Every version, the oldest first."""
        rows = self._store.rows(
            "SELECT v.name, v.created_at, (SELECT count(DISTINCT a.document_id)"
            " FROM version_gold g JOIN annotations a ON a.id = g.annotation_id WHERE g.version_id = v.id)"
            " FROM versions v ORDER BY v.id"
        )
        return [Version(*row) for row in rows]

    def add(self, name: str) -> Version:
        """Name the gold of this moment. StoreError for a name that is taken, empty or ``now``."""
        if not name.strip() or name == NOW or not name.isprintable():
            raise StoreError(f"a version cannot be called {name!r}: give it a word such as v1")
        with self._store.write():
            if self._id(name) is not None:
                raise StoreError(f"there is a version {name!r} already: give this one another name")
            version_id = self._store.run(
                "INSERT INTO versions(name, created_at) VALUES (?, ?)", (name, now())
            ).lastrowid
            self._store.run(
                f"INSERT INTO version_gold SELECT ?, j.value {_GOLD}",
                (version_id,),
            )
            self._store.run(
                "INSERT INTO version_labels SELECT ?, l.id, l.name, CASE WHEN c.retired THEN NULL"
                " ELSE c.current_id END FROM labels l JOIN current_labels c ON c.id = l.id",
                (version_id,),
            )
        return self.all()[-1]

    def labels(self, name: str) -> dict[int, LabelThen]:
        """The labels of a version, or of ``now``, by their numbers."""
        if name == NOW:
            rows = self._store.rows(
                "SELECT l.id, l.name, CASE WHEN c.retired THEN NULL ELSE c.current_id END"
                " FROM labels l JOIN current_labels c ON c.id = l.id ORDER BY l.id"
            )
        else:
            rows = self._store.rows(
                "SELECT label_id, name, reads_as FROM version_labels WHERE version_id = ? ORDER BY label_id",
                (self._known(name),),
            )
        return {label_id: LabelThen(label, reads_as) for label_id, label, reads_as in rows}

    def gold(self, name: str, names: Mapping[int, str] | None = None) -> Iterator[Gold]:
        """The gold of a version, or of ``now``; ``names`` says what the spans of each label id are called,
        None: as they were."""
        labels = self.labels(name)
        if names is None:
            # a label before those that were merged into it, as `LabelSets.unknown` asks for
            in_order = sorted(labels.items(), key=lambda item: item[1].reads_as != item[0])
            names = {
                label_id: labels[label.reads_as].name
                for label_id, label in in_order
                if label.reads_as is not None
            }
        if name == NOW:
            ids = self._store.column(f"SELECT j.value {_GOLD}")
        else:
            ids = self._store.column(
                "SELECT annotation_id FROM version_gold WHERE version_id = ?", (self._known(name),)
            )
        return self._store.annotations.gold_of(ids, names)

    def _id(self, name: str) -> int | None:
        row = self._store.row("SELECT id FROM versions WHERE name = ?", (name,))
        return None if row is None else int(row[0])

    def _known(self, name: str) -> int:
        version_id = self._id(name)
        if version_id is None:
            there = ", ".join(version.name for version in self.all()) or "none yet"
            raise StoreError(
                f"there is no version {name!r}; there are: {there}. Make one with:"
                f" spanloop data {self._store.named} tag {name}"
            )
        return version_id
