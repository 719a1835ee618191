"""Which labels an annotation knows: those that were there to be given when it was made.

Of any other label it says no more than its spans and refused suggestions: that no other span has it does not
mean that none should. Sets of labels are
few, however many annotations there are, so each stands once in ``label_sets`` and annotations point at it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from spanloop.store.errors import StoreError
from spanloop.store.records import NewAnnotation, Split

if TYPE_CHECKING:
    from spanloop.store.store import Store


class LabelSets:
    """``store.label_sets``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def id_for(self, annotation: NewAnnotation) -> int:
        """The id of the set of labels that an annotation is made under, which is stored if it is new.

        Args:
            annotation: Its ``labels`` are names of labels in use, None for all of them; its ``label_set``,
                where it goes on from a stored one, stands above them.

        Returns:
            An id in the table ``label_sets``.

        Raises:
            StoreError: A name is no label in use.
        """
        if annotation.label_set is not None:
            return annotation.label_set
        in_use = self._store.labels.ids()
        if annotation.labels is None:
            return self.id_of(in_use.values())
        strange = [name for name in annotation.labels if name not in in_use]
        if strange:
            raise StoreError(
                f"document id {annotation.document_id}: there is no label {strange[0]!r}, only"
                f" {', '.join(in_use)}"
            )
        return self.id_of(in_use[name] for name in annotation.labels)

    def id_of(self, label_ids: Iterable[int]) -> int:
        """The id of the set of these labels, which is stored if it is new."""
        labels = json.dumps(sorted(set(label_ids)), separators=(",", ":"))
        found = self._store.row("SELECT id FROM label_sets WHERE labels = ?", (labels,))
        if found is not None:
            return int(found[0])
        number = self._store.run("INSERT INTO label_sets(labels) VALUES (?)", (labels,)).lastrowid
        assert number is not None
        return number

    def all(self) -> dict[int, frozenset[int]]:
        """The label ids of each set, by the id of the set."""
        rows = self._store.rows("SELECT id, labels FROM label_sets ORDER BY id")
        return {number: frozenset(json.loads(labels)) for number, labels in rows}

    def unknown(self, readings: Mapping[int, str], last: int | None = None) -> dict[int, tuple[str, ...]]:
        """The labels that annotations of each set say nothing of.

        A label is known where it is in the set. One that others were merged into is also known where all of
        them are, if it was made for that: if no set ever had it beside one of them. (``CORP`` and ``GROUP``
        become ``ORG``: who gave the two has given all of it. ``CITY`` goes into ``LOC``, which was there
        beside it: who only gave ``CITY`` has given but a part.)

        Args:
            readings: What each label id reads as, the label itself before those that were merged into it
                (`Labels.readings`, `Rounds.label_map`).
            last: The last annotation of the moment that ``readings`` are of: what was given later changes
                nothing about it; None: now.

        Returns:
            The names, in the order of ``readings``, by the id of the set; sets that know all are left out.
        """
        sets = self.all()
        if last is not None:
            known = self._store.column(
                "SELECT DISTINCT label_set FROM annotations WHERE id <= ? AND label_set IS NOT NULL", (last,)
            )
            sets = {number: sets[number] for number in known}
        ids: dict[str, list[int]] = {}
        for label_id, name in readings.items():
            ids.setdefault(name, []).append(label_id)
        made_for_it = {
            name: bool(parts) and not any(own in one and not one.isdisjoint(parts) for one in sets.values())
            for name, (own, *parts) in ids.items()
        }
        found = {
            number: tuple(
                name
                for name, (own, *parts) in ids.items()
                if own not in one and not (made_for_it[name] and one.issuperset(parts))
            )
            for number, one in sets.items()
        }
        return {number: names for number, names in found.items() if names}

    def lacking(self, split: Split | None = None) -> dict[str, int]:
        """How many gold documents do not know each label in use, by its name; labels that all know are left
        out."""
        counts: dict[str, int] = {}
        for _, names in self._not_knowing(split):
            for name in names:
                counts[name] = counts.get(name, 0) + 1
        return {name: counts[name] for name in self._store.labels.names() if name in counts}

    def documents(self, split: Split | None = None) -> int:
        """How many gold documents do not know all labels in use."""
        return sum(1 for _ in self._not_knowing(split))

    def without(self, label: str) -> list[tuple[int, float]]:
        """The gold documents that do not know a label, each with how sure the newest model is of a span with
        it there, 0 where it says none; by document id.

        Raises:
            StoreError: There is no such label in use.
        """
        if label not in self._store.labels.ids():
            raise StoreError(f"there is no label {label!r}, only {', '.join(self._store.labels.names())}")
        ids = [document_id for document_id, names in self._not_knowing() if label in names]
        rows = self._store.rows(
            "SELECT j.value, coalesce((SELECT max(s.score) FROM prediction_spans s"
            " JOIN current_labels c ON c.id = s.label_id WHERE c.name = ?1 AND s.prediction_id ="
            " (SELECT max(p.id) FROM predictions p WHERE p.document_id = j.value)), 0)"
            " FROM json_each(?2) j ORDER BY j.value",
            (label, json.dumps(ids)),
        )
        return [(document_id, float(score)) for document_id, score in rows]

    def _not_knowing(self, split: Split | None = None) -> Iterator[tuple[int, tuple[str, ...]]]:
        """The gold documents that do not know all labels in use, each with those that nobody who made it gold
        knows."""
        unknown = self.unknown(self._store.labels.readings())
        if not unknown:
            return
        rows = self._store.rows(
            "SELECT v.document_id, (SELECT json_group_array(b.label_set) FROM json_each(v.annotation_ids) j"
            " JOIN annotations b ON b.id = j.value) FROM verdicts v"
            " JOIN annotations a ON a.id = v.annotation_id JOIN queue q ON q.document_id = v.document_id"
            " WHERE v.verdict = 'accept' AND q.split = coalesce(?1, q.split)"
            " AND a.label_set IN (SELECT value FROM json_each(?2)) ORDER BY v.document_id",
            (split, json.dumps(list(unknown))),
        )
        for document_id, sets in rows:
            first, *others = (unknown.get(number, ()) for number in json.loads(sets))
            names = tuple(name for name in first if all(name in other for other in others))
            if names:
                yield document_id, names

    @property
    def rebuilt(self) -> int:
        """How many annotations were made before label sets were kept, and got theirs afterwards: from the
        labels that the rounds had, and from where each label was first given."""
        row = self._store.row(
            "SELECT count(*) FROM annotations WHERE id <= (SELECT label_sets_rebuilt_to FROM project)"
        )
        assert row is not None
        return int(row[0])
