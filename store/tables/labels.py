"""The label set: spans point at ids, so a rename is one row and a merge changes no annotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanloop.store.errors import StoreError
from spanloop.store.records import Label, NewLabel
from spanloop.store.tables.label_names import check_new_name, find

if TYPE_CHECKING:
    from spanloop.store.store import Store

# the page's own commands have the other letters
KEYS = "1234567890bijky"
# Okabe and Ito's palette without black, then Paul Tol's muted one: told apart with any kind of colour vision
COLOURS = (
    "#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#0072B2", "#D55E00", "#F0E442", "#882255",
    "#44AA99", "#999933", "#332288", "#CC6677", "#88CCEE", "#117733", "#DDCC77", "#AA4499",
)  # fmt: skip


class Labels:
    """``store.labels``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self, retired: bool = False) -> list[Label]:
        """The labels in their order; retired ones only when asked for."""
        rows = self._store.rows(
            "SELECT name, id, position, key, colour, description, retired FROM labels"
            " WHERE retired <= ? ORDER BY position, id",
            (int(retired),),
        )
        return [
            Label(name, number, position, key, colour, description, bool(gone))
            for name, number, position, key, colour, description, gone in rows
        ]

    def names(self) -> list[str]:
        """Names of the labels in use, in their order."""
        return [label.name for label in self.all()]

    def add(
        self,
        name: str | NewLabel,
        *,
        key: str | None = None,
        colour: str | None = None,
        description: str = "",
    ) -> Label:
        """Add a label behind the others. Key and colour are chosen when not given.

        A retired label of that name comes back, a merged one too. Raises StoreError for a name in use or not
        usable, or a taken key.
        """
        if isinstance(name, NewLabel):
            label = name
            name, key, colour, description = label.name, label.key, label.colour, label.description
        with self._store.write():
            known = {label.name: label for label in self.all(retired=True)}
            if name not in known:
                check_new_name(name, known)
            if name in known and not known[name].retired:
                raise StoreError(f"label {name!r} is there already")
            self._check_key(key, name)
            if name in known:
                self._store.run(
                    "UPDATE labels SET retired = 0, merged_into = NULL, key = ? WHERE name = ?",
                    (key or self._free_key(), name),
                )
                self._store.queue.states.refresh_answered(at_least=2)
            else:
                self._store.run(
                    "INSERT INTO labels(name, position, key, colour, description) VALUES (?, ?, ?, ?, ?)",
                    (
                        name,
                        len(known),
                        key or self._free_key(),
                        colour or COLOURS[len(known) % len(COLOURS)],
                        description,
                    ),
                )
            return self._named(name)

    def set(
        self,
        name: str,
        *,
        key: str | None = None,
        colour: str | None = None,
        description: str | None = None,
        position: int | None = None,
    ) -> None:
        """Change what the page shows of a label, and where; what is None stays.

        Args:
            name: The label.
            key: The key that gives it; empty: none.
            colour: Its colour.
            description: What the page says about it.
            position: Its place among the labels in use, from 1 on; beyond the last it is the last.

        Raises:
            StoreError: There is no such label, or the key is taken or no single character.
        """
        with self._store.write():
            label = self._named(name)
            if key:
                self._check_key(key, label.name, but=label.id)
            for column, value in (("key", key), ("colour", colour), ("description", description)):
                if value is not None:
                    stored = value or (None if column == "key" else value)
                    self._store.run(f"UPDATE labels SET {column} = ? WHERE id = ?", (stored, label.id))
            if position is not None:
                self._move(label, position)

    def _move(self, label: Label, position: int) -> None:
        """To that place; the digits, which stand for places, go to the labels that are there then."""
        others = [other for other in self.all(retired=True) if other.id != label.id]
        used = [other for other in others if not other.retired]
        place = others.index(used[position - 1]) if position <= len(used) else len(others)
        ordered = [*others[:place], label, *others[place:]]
        digits = iter("1234567890")
        for number, other in enumerate(ordered):
            key = other.key
            if not other.retired:
                digit = next(digits, None)
                if key is None or key.isdigit():
                    key = digit
            self._store.run("UPDATE labels SET position = ?, key = ? WHERE id = ?", (number, key, other.id))

    def rename(self, old: str, new: str) -> None:
        """Call a label something else, in all annotations at once; old rounds keep their own label map."""
        with self._store.write():
            label = self._named(old)
            others = [other.name for other in self.all(retired=True) if other.id != label.id]
            check_new_name(new, others)
            if new in others:
                raise StoreError(
                    f"label {new!r} is there already: to join the two use `labels merge {old} {new}`"
                )
            self._store.run("UPDATE labels SET name = ? WHERE id = ?", (new, label.id))
            self._store.run("INSERT OR REPLACE INTO former_names VALUES (?, ?)", (label.name, label.id))

    def retire(self, name: str) -> None:
        """Offer a label no more. Its spans stay stored, but are neither offered nor gold until it is back."""
        with self._store.write():
            label = self._named(name)
            if self.names() == [label.name]:
                raise StoreError(f"label {name!r} is the last one: add another before retiring it")
            self._store.run("UPDATE labels SET retired = 1 WHERE id = ?", (label.id,))
            self._store.queue.states.refresh_answered(at_least=2)

    def merge(self, source: str, target: str) -> None:
        """Let every span of ``source``, old and new, read as ``target``; ``source`` is retired.

        The annotations themselves are not touched. Documents whose people disagreed only between the two are
        gold afterwards.
        """
        with self._store.write():
            from_id, into = self._named(source).id, self._named(target)
            if from_id == into.id:
                raise StoreError(f"label {source!r} cannot be merged into itself")
            if into.retired:
                raise StoreError(f"label {target!r} is retired: add it again before merging into it")
            self._store.run(
                "UPDATE labels SET merged_into = ?, retired = 1 WHERE id = ? OR merged_into = ?",
                (into.id, from_id, from_id),
            )
            self._store.queue.states.refresh_answered(at_least=2)

    def ids_for(self, model_id: int) -> dict[str, int]:
        """Name to id as a model means the names: those of its round's label map, else those of now."""
        of_round = self._store.rows(
            "SELECT r.name, r.label_id FROM round_labels r JOIN models m ON m.round = r.round WHERE m.id = ?",
            (model_id,),
        )
        return {**dict(self._store.rows("SELECT name, id FROM labels")), **dict(of_round)}

    def ids(self) -> dict[str, int]:
        """Name to id, of the labels in use."""
        return dict(self._store.rows("SELECT name, id FROM labels WHERE retired = 0"))

    def current_names(self) -> dict[int, str]:
        """Id to the name it goes by now, retired and merged ones too."""
        return dict(self._store.rows("SELECT id, name FROM current_labels"))

    def readings(self) -> dict[int, str]:
        """What the spans of each label id read as now: those of a retired label, of which there is none here,
        are left out. A label stands before those that were merged into it."""
        return dict(
            self._store.rows(
                "SELECT id, name FROM current_labels WHERE NOT retired ORDER BY id <> current_id, id"
            )
        )

    def meanings(self) -> dict[str, str]:
        """What each name of a label in use, merged or renamed stands for: the name of a label in use.

        A name that a label bears, used or not, means that label and none that was called so once.
        """
        readings = self.readings()
        former = self._store.rows(
            "SELECT name, label_id FROM former_names WHERE name NOT IN (SELECT name FROM labels)"
        )
        named = [*former, *self._store.rows("SELECT name, id FROM labels")]
        return {name: readings[label_id] for name, label_id in named if label_id in readings}

    def merged(self) -> dict[int, int]:
        """Id of each merged label to that of the label it reads as now."""
        return dict(self._store.rows("SELECT id, merged_into FROM labels WHERE merged_into IS NOT NULL"))

    def _named(self, name: str) -> Label:
        known = {label.name: label for label in self.all(retired=True)}
        meant = find(name, known)
        if meant is not None:
            return known[meant]
        raise StoreError(f"there is no label {name!r}, only {', '.join(self.names())}")

    def _check_key(self, key: str | None, name: str, but: int | None = None) -> None:
        if key is None:
            return
        if len(key) != 1:
            raise StoreError(f"the key of label {name!r} is one character, not {key!r}")
        taken = {label.key: label.name for label in self.all() if label.id != but}
        if key in taken:
            raise StoreError(f"key {key!r} belongs to label {taken[key]!r}: choose another for {name!r}")

    def _free_key(self) -> str | None:
        taken = {label.key for label in self.all()}
        return next((key for key in KEYS if key not in taken), None)
