"""Documents that people get without the suggestions that there are, and what they then said."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from spanloop.store.records import Document

if TYPE_CHECKING:
    from spanloop.store.store import Store


def is_unaided(store: Store, document: Document) -> bool:
    """Whether people get this document without suggestions: a share of all, which project and key alone
    decide, so that neither a strategy nor who asks has a say."""
    project = store.project
    if not project.unaided_share:
        return False
    digest = hashlib.sha256(f"unaided\x1f{project.uid}\x1f{document.key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < project.unaided_share


def note_unaided(store: Store, annotation_id: int, document_id: int) -> None:
    """Note with an answer which suggestion was there and not shown; nothing where there was none."""
    with store.write():
        prediction = store.predictions.get(document_id)
        if prediction is not None:
            store.run("INSERT INTO unaided VALUES (?, ?)", (annotation_id, prediction.id))


def both_ways(store: Store, limit: int) -> list[tuple[int, int, bool]]:
    """The newest answers of people since the first one without suggestions, each with the suggestion that
    there was.

    Returns:
        The number of the annotation, that of the prediction, and whether it was shown; first whole answers
        to documents only, at most ``limit`` of each kind.
    """
    found: list[tuple[int, int, bool]] = []
    first = (
        " AND a.origin = 'human' AND a.answer = 'accept'"
        " AND a.id NOT IN (SELECT annotation_id FROM withdrawn)"
        " AND NOT EXISTS (SELECT 1 FROM annotation_ranges r WHERE r.annotation_id = a.id)"
        " AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = a.document_id"
        "  AND b.annotator = a.annotator AND b.id < a.id) ORDER BY a.id DESC LIMIT ?"
    )
    rows = store.rows(
        "SELECT a.id, a.prediction_id FROM annotations a WHERE a.prediction_id IS NOT NULL"
        f" AND a.id > (SELECT min(annotation_id) FROM unaided){first}",
        (limit,),
    )
    found += [(annotation, prediction, True) for annotation, prediction in rows]
    rows = store.rows(
        "SELECT a.id, u.prediction_id FROM unaided u JOIN annotations a ON a.id = u.annotation_id"
        f" WHERE true{first}",
        (limit,),
    )
    return found + [(annotation, prediction, False) for annotation, prediction in rows]
