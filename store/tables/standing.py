"""What stands of the answers to a document: the newest word of each, and who has the last one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from spanloop.store.records import Annotation

if TYPE_CHECKING:
    from spanloop.store.store import Store

PAGE = 1_000
# From so many numbers a document on, each is asked for on its own.
_SPARSE = 8
CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row of the view ``verdicts``; ``rank``: 1 a review, 2 people, 3 files and simulations, 4 machines."""

    said: Literal["accept", "reject", "conflict"]
    rank: int
    annotation_id: int


class Standing:
    """``store.standing``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest(self, document_id: int, annotator: str, ranks: Collection[int]) -> Annotation | None:
        """The newest answer of somebody to a document, in one of these ranks; those taken back are none."""
        row = self._store.row(
            "SELECT max(id) FROM annotations WHERE document_id = ? AND annotator = ?"
            " AND precedence IN (SELECT value FROM json_each(?))"
            " AND id NOT IN (SELECT annotation_id FROM withdrawn)",
            (document_id, annotator, json.dumps(list(ranks))),
        )
        return None if row is None or row[0] is None else self._store.annotations.get(row[0])

    def verdict(self, document_id: int) -> Verdict | None:
        """What the answers to a document come to; None where there are none that count."""
        row = self._store.row(
            "SELECT verdict, precedence, annotation_id FROM verdicts WHERE document_id = ?", (document_id,)
        )
        return None if row is None else Verdict(*row)

    def words(self, document_ids: Sequence[int], import_id: int) -> Counter[str]:
        """By whose word documents are gold.

        Args:
            document_ids: The documents, each once.
            import_id: An import, whose answers are counted apart.

        Returns:
            The number of gold documents, by ``this import`` or the origin of the answer; and of those that
            are disputed, as ``conflict``.
        """
        found: Counter[str] = Counter()
        ids = sorted(document_ids)
        for begin in range(0, len(ids), PAGE):
            found.update(self._words(ids[begin : begin + PAGE], import_id))
        return found

    def _words(self, ids: Sequence[int], import_id: int) -> Iterator[str]:
        """The words of these documents, in the order of their numbers. What one import brought has mostly
        numbers in a row: SQLite looks at the answers in such a stretch alone, where of a list of numbers it
        would decide every document of the project."""
        query = (
            "SELECT v.document_id, CASE WHEN v.verdict = 'conflict' THEN v.verdict"
            " WHEN a.import = ? THEN 'this import' ELSE a.origin END"
            " FROM verdicts v JOIN annotations a ON a.id = v.annotation_id"
            " WHERE v.verdict <> 'reject' AND v.document_id BETWEEN ? AND ?"
        )
        in_a_row = ids[-1] - ids[0] < _SPARSE * len(ids)
        stretches = [(ids[0], ids[-1])] if in_a_row else [(number, number) for number in ids]
        wanted = set(ids)
        for first, last in stretches:
            rows = self._store.rows(query, (import_id, first, last))
            yield from (word for number, word in rows if number in wanted)
