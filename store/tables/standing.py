"""What stands of the answers to a document: the newest word of each, and who has the last one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from spanloop.store.records import Annotation

if TYPE_CHECKING:
    from spanloop.store.store import Store

PAGE = 1_000
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
        for begin in range(0, len(document_ids), PAGE):
            rows = self._store.rows(
                "SELECT CASE WHEN v.verdict = 'conflict' THEN v.verdict WHEN a.import = ? THEN 'this import'"
                " ELSE a.origin END, count(*) FROM json_each(?) j JOIN verdicts v ON v.document_id = j.value"
                " JOIN annotations a ON a.id = v.annotation_id WHERE v.verdict <> 'reject' GROUP BY 1",
                (import_id, json.dumps(list(document_ids[begin : begin + PAGE]))),
            )
            found.update(dict(rows))
        return found
