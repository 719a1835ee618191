"""What a round has learned from, and what it has not: the one way to count what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from spanloop.store.store import Store


def learned_from(store: Store, number: int, role: Literal["train", "eval"] = "train") -> int:
    """How many documents a round learned from, or was scored on."""
    row = store.row(
        "SELECT count(DISTINCT a.document_id) FROM round_annotations r JOIN annotations a"
        " ON a.id = r.annotation_id WHERE r.round = ? AND r.role = ?",
        (number, role),
    )
    assert row is not None
    return int(row[0])


def unlearned(store: Store, number: int | None) -> int:
    """How many gold documents of the pool a round has not learned from as they stand: those that have become
    gold since, and those that were answered otherwise.

    Args:
        store: The project.
        number: The round; None: all are new.

    Returns:
        The number of documents, without those that a triage let a model answer: nothing learns from these.
        It reads the answers of those that the round knows, not all gold.
    """
    gold = store.queue.counts("pool")["gold"] - store.triages.standing()
    if number is None:
        return gold
    # gold whose newest answer the round knew, and nobody took back, is as it was; else the verdict says it
    row = store.row(
        "WITH learned AS (SELECT annotation_id FROM round_annotations WHERE round = ?1 AND role = 'train')"
        " SELECT count(*) FROM (SELECT a.document_id, max(a.id) AS last FROM learned l"
        "  JOIN annotations a ON a.id = l.annotation_id GROUP BY a.document_id) AS known"
        " JOIN queue q ON q.document_id = known.document_id"
        " WHERE q.split = 'pool' AND q.gold = 1 AND ("
        "  NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = known.document_id"
        "              AND b.id > known.last)"
        "  AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.annotation_id = known.last)"
        "  OR NOT EXISTS (SELECT 1 FROM json_each((SELECT v.annotation_ids FROM verdicts v"
        "                 WHERE v.document_id = known.document_id)) j"
        "                 WHERE j.value NOT IN (SELECT annotation_id FROM learned)))",
        (number,),
    )
    assert row is not None
    return gold - int(row[0])
