"""What a cost model reads: answers of people with their times, and how long documents are."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from spanloop.store.records import Origin, Split

if TYPE_CHECKING:
    from spanloop.store.store import Store

PEOPLE: tuple[Origin, ...] = ("human",)
LOOKED_AT = 50
"""Among so many times as many annotations, the newest ones, answers are looked for: a file that brought
millions costs no time."""


def first_answers(store: Store, limit: int, origins: Collection[Origin] = PEOPLE) -> list[int]:
    """The newest annotations by which somebody accepted a whole document that they had not answered before.

    Args:
        store: The project.
        limit: How many at most; they are looked for among the newest ``LOOKED_AT * limit`` annotations.
        origins: Of whom.

    Returns:
        Their ids, the newest first.
    """
    found = store.rows(
        "SELECT a.id FROM annotations a"
        " WHERE a.id > (SELECT coalesce(max(id), 0) FROM annotations) - ?3 AND a.answer = 'accept'"
        " AND a.origin IN (SELECT value FROM json_each(?1))"
        " AND NOT EXISTS (SELECT 1 FROM annotation_ranges r WHERE r.annotation_id = a.id)"
        " AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = a.document_id"
        "                 AND b.annotator = a.annotator AND b.id < a.id)"
        " ORDER BY a.id DESC LIMIT ?2",
        (json.dumps(sorted(origins)), limit, limit * LOOKED_AT),
    )
    return [row[0] for row in found]


def token_counts(store: Store, document_ids: Iterable[int]) -> dict[int, int]:
    """How many tokens documents have by the project's tokenizer; those not cut yet are left out."""
    found = store.rows(
        "SELECT t.document_id, json_array_length(t.boundaries) / 2"
        " FROM json_each(?) j JOIN tokenizations t ON t.document_id = j.value"
        " WHERE t.tokenizer = (SELECT tokenizer FROM project) AND t.boundaries <> 'null'",
        (json.dumps(sorted(set(document_ids))),),
    )
    return dict(found)


def character_counts(store: Store, document_ids: Iterable[int]) -> dict[int, int]:
    """How many characters documents have."""
    wanted = json.dumps(sorted(set(document_ids)))
    return dict(
        store.rows("SELECT d.id, d.n_chars FROM json_each(?) j JOIN documents d ON d.id = j.value", (wanted,))
    )


def open_at_random(store: Store, split: Split, limit: int) -> list[int]:
    """Up to so many documents that nobody has answered, drawn by chance: the same ones each time."""
    found = store.rows(
        "SELECT document_id FROM queue WHERE state = 'open' AND split = ? AND answered_by = '[]'"
        " ORDER BY shuffle, document_id LIMIT ?",
        (split, limit),
    )
    return [row[0] for row in found]
