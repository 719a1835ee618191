"""The filters of the list of documents as SQL: where the candidates come from, and what each must fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanloop.store.tables.listing import Wanted

_ANSWERED = "(:annotator IS NULL OR a.annotator = :annotator) AND (:origin IS NULL OR a.origin = :origin)"
_NEWEST = (
    " AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = a.document_id"
    " AND b.annotator = a.annotator AND b.precedence = a.precedence AND b.id > a.id)"
)
_FLAG_STANDS = (
    "a.flagged AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = a.document_id"
    " AND b.id > a.id AND (b.annotator = a.annotator OR b.origin = 'review'))"
)
# as Predictions.get has it: the promoted round's, else the newest model's
_SHOWN = (
    "(SELECT p.id FROM predictions p WHERE p.document_id = c.id"
    " ORDER BY p.model_id IS :promoted DESC, p.model_id DESC LIMIT 1)"
)
_LEAST_SURE = f"(SELECT min(s.score) FROM prediction_spans s WHERE s.prediction_id = {_SHOWN})"
_OF_LABEL = "s.label_id IN (SELECT value FROM json_each(:labels))"
_ANSWER_HAS_LABEL = (
    "EXISTS (SELECT 1 FROM annotations a JOIN annotation_spans s ON s.annotation_id = a.id"
    " WHERE a.document_id = c.id AND a.answer = 'accept' AND s.action <> 'rejected'"
    f" AND (:labels_by IS NULL OR a.annotator = :labels_by) AND {_OF_LABEL}{_NEWEST}"
)
_SUGGESTION_HAS_LABEL = (
    f"(q.state = 'open' AND EXISTS (SELECT 1 FROM prediction_spans s"
    f" WHERE s.prediction_id = {_SHOWN} AND {_OF_LABEL}))"
)
_IN_BLOCK = "{id} > :low AND {id} <= :high"


def query(wanted: Wanted, *, by_index: bool) -> str:
    """The query for the hits of one block, first ones first; ``by_index``: the search index holds all of it.

    CROSS JOIN keeps SQLite from taking another way in than that of the candidates, which come in order.
    """
    return (
        f"WITH candidates(id) AS ({_candidates(wanted, by_index)})"
        " SELECT c.id FROM candidates c CROSS JOIN queue q ON q.document_id = c.id"
        f"{' CROSS JOIN documents d ON d.id = c.id' if _reads_documents(wanted, by_index) else ''}"
        f" WHERE {' AND '.join(_conditions(wanted, by_index))} ORDER BY c.id LIMIT :limit"
    )


def _candidates(wanted: Wanted, by_index: bool) -> str:
    """Those of the block that come into question, by the index that lets the fewest through."""
    if wanted.among is not None:
        return f"SELECT value AS id FROM json_each(:among) WHERE {_IN_BLOCK.format(id='value')}"
    if wanted.flagged:
        return (
            "SELECT DISTINCT document_id AS id FROM annotations INDEXED BY annotations_flagged"
            f" WHERE flagged AND {_IN_BLOCK.format(id='document_id')}"
        )
    if wanted.state == "review":
        return f"SELECT document_id AS id FROM reviews WHERE {_IN_BLOCK.format(id='document_id')}"
    if wanted.text and by_index:
        return (
            "SELECT rowid AS id FROM documents_fts WHERE documents_fts MATCH :phrase"
            f" AND {_IN_BLOCK.format(id='rowid')}"
        )
    if wanted.annotator is not None or wanted.origin is not None:
        return (
            f"SELECT DISTINCT a.document_id AS id FROM annotations a WHERE {_ANSWERED}"
            f" AND {_IN_BLOCK.format(id='a.document_id')}"
        )
    if wanted.split is not None and wanted.state not in (None, "open"):
        return (
            "SELECT document_id AS id FROM queue INDEXED BY queue_answered WHERE state <> 'open'"
            f" AND state = :state AND split = :split AND {_IN_BLOCK.format(id='document_id')}"
        )
    return f"SELECT document_id AS id FROM queue WHERE {_IN_BLOCK.format(id='document_id')}"


def _by_phrase(wanted: Wanted, by_index: bool) -> bool:
    """Whether the candidates hold the text already."""
    return by_index and wanted.among is None and not wanted.flagged and wanted.state != "review"


def _reads_documents(wanted: Wanted, by_index: bool) -> bool:
    return wanted.meta is not None or (wanted.text != "" and not _by_phrase(wanted, by_index))


def _conditions(wanted: Wanted, by_index: bool) -> list[str]:
    conditions = ["(:split IS NULL OR q.split = :split)"]
    if wanted.text and not _by_phrase(wanted, by_index):
        conditions.append("instr(fold(d.text), fold(:text))")
    if wanted.state == "review":
        conditions.append(
            "EXISTS (SELECT 1 FROM reviews r WHERE r.document_id = c.id AND r.annotation_id IS NULL)"
        )
    elif wanted.state is not None:
        conditions.append("q.state = :state")
    if wanted.flagged:
        conditions.append(
            f"EXISTS (SELECT 1 FROM annotations a WHERE a.document_id = c.id AND {_FLAG_STANDS})"
        )
    if wanted.annotator is not None or wanted.origin is not None:
        conditions.append(f"EXISTS (SELECT 1 FROM annotations a WHERE a.document_id = c.id AND {_ANSWERED})")
    if wanted.label_id is not None:
        conditions.append(_label(wanted))
    if wanted.meta is not None:
        conditions.append(
            "EXISTS (SELECT 1 FROM json_each(d.meta) m WHERE m.key = :key"
            " AND instr(fold(coalesce(CAST(m.value AS TEXT), '')), fold(:value)))"
        )
    if wanted.least is not None:
        conditions.append(f"{_LEAST_SURE} >= :least")
    if wanted.below is not None:
        conditions.append(f"{_LEAST_SURE} < :below")
    return conditions


def _label(wanted: Wanted) -> str:
    if wanted.suggestions:
        return f"({_ANSWER_HAS_LABEL}) OR {_SUGGESTION_HAS_LABEL})"
    return f"{_ANSWER_HAS_LABEL} AND a.origin IN ('human', 'review'))"
