"""What advice on stopping reads: what rounds learned from and said of the same documents, and its fate."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanloop.store.store import Store


def learned_characters(store: Store, number: int) -> int:
    """How many characters the documents have that a round learned from."""
    row = store.row(
        "SELECT coalesce(sum(n_chars), 0) FROM documents WHERE id IN (SELECT a.document_id"
        " FROM round_annotations r JOIN annotations a ON a.id = r.annotation_id"
        " WHERE r.round = ? AND r.role = 'train')",
        (number,),
    )
    assert row is not None
    return int(row[0])


def said_by_both(store: Store, models: tuple[int, int], limit: int) -> list[tuple[int, int, int]]:
    """Documents of the pool of which both models have said something, in the order that chance gave them when
    they came in: the same ones round after round.

    Returns:
        The number of the document and of each model's prediction, at most ``limit`` of them.
    """
    return store.rows(
        "SELECT q.document_id, p.id, r.id FROM queue q"
        " JOIN predictions p ON p.document_id = q.document_id AND p.model_id = ?"
        " JOIN predictions r ON r.document_id = q.document_id AND r.model_id = ?"
        " WHERE q.split = 'pool' ORDER BY q.shuffle, q.document_id LIMIT ?",
        (*models, limit),
    )


def fates(store: Store, annotation_ids: Collection[int]) -> dict[str, int]:
    """How many spans of these annotations were taken as suggested, changed, rejected and added."""
    return dict(
        store.rows(
            "SELECT s.action, count(*) FROM annotation_spans s JOIN annotations a ON a.id = s.annotation_id"
            " WHERE a.id IN (SELECT value FROM json_each(?)) AND a.prediction_id IS NOT NULL GROUP BY 1",
            (json.dumps(sorted(annotation_ids)),),
        )
    )
