"""Which gold a figure is of: the annotations of the eval split that were gold, read through which labels.

Figures of rounds compare only where this is the same. A round's own figures are of the gold of its day; what
it is scored on later is kept beside them, with the gold that it was scored on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spanloop.store.clock import now
from spanloop.store.records import Round, Score
from spanloop.store.tables.rounds import MERGED

if TYPE_CHECKING:
    from spanloop.store.store import Store

AGAIN = "eval again"
"""The split by which the table ``scores`` has what a round was scored on after its day."""


@dataclass(frozen=True, slots=True)
class GoldKey:
    """Two golds are the same where both are: ``labels``, by id, with what is merged into what, and a hash of
    the ``annotations``."""

    labels: str
    annotations: str

    @classmethod
    def of(
        cls, annotation_ids: Iterable[int], label_ids: Iterable[int], merged: Mapping[int, int]
    ) -> GoldKey:
        """The key of these annotations, read through labels in use and those merged into one of them."""
        in_use = sorted(label_ids)
        parts = sorted((int(label), into) for label, into in merged.items() if into in in_use)
        numbers = json.dumps(sorted(annotation_ids)).encode()
        return cls(json.dumps([in_use, parts]), hashlib.sha256(numbers).hexdigest())


class EvalGold:
    """``store.eval_gold``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> GoldKey:
        """Today's gold of the eval split."""
        rows = self._store.rows(
            "SELECT j.value FROM queue q, json_each((SELECT v.annotation_ids FROM verdicts v"
            " WHERE v.document_id = q.document_id)) j WHERE q.split = 'eval' AND q.gold = 1"
        )
        labels = self._store.labels
        return GoldKey.of((row[0] for row in rows), labels.ids().values(), labels.merged())

    def of_round(self, row: Round) -> GoldKey:
        """What the round was scored on when it ended."""
        ids = self._store.rounds.annotation_ids(row.number, "eval")
        labels = self._store.rows("SELECT label_id FROM round_labels WHERE round = ?", (row.number,))
        merged = row.parameters.get(MERGED)
        if merged is None:  # of before it was kept
            merged = self._store.labels.merged()
        return GoldKey.of(ids, (label[0] for label in labels), merged)

    def again(self, number: int) -> GoldKey | None:
        """What the round was scored on last after its day, None where it never was."""
        row = self._store.row("SELECT labels, annotations FROM scored_again WHERE round = ?", (number,))
        return None if row is None else GoldKey(*row)

    def keep(self, number: int, gold: GoldKey, scores: Iterable[Score]) -> None:
        """Keep what the round scores on another gold than that of its day, in the place of what was kept."""
        with self._store.write():
            self._store.run("DELETE FROM scores WHERE round = ? AND split = ?", (number, AGAIN))
            self._store.rounds.add_scores(number, [replace(score, split=AGAIN) for score in scores])
            self._store.run(
                "INSERT INTO scored_again VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
                " labels = excluded.labels, annotations = excluded.annotations,"
                " created_at = excluded.created_at",
                (number, gold.labels, gold.annotations, now()),
            )
