"""Two projects joined: what the other one holds comes into this one, and what the two differ on is told.

Labels are the same where their names are, documents where their keys and texts are, answers where their uuids
are. Settings, labels that are in use and rounds stay those of this project.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spanloop.store.errors import StoreError
from spanloop.store.moving.merge_documents import merge_documents
from spanloop.store.moving.merge_labels import merge_labels
from spanloop.store.moving.merge_rows import Copies, Row

if TYPE_CHECKING:
    from spanloop.store.store import Store

BROUGHT = (
    "labels",
    "former_names",
    "label_sets",
    "documents",
    "originals",
    "tokenizations",
    "models",
    "predictions",
    "prediction_spans",
    "annotations",
    "annotation_spans",
    "annotation_ranges",
    "withdrawn",
    "triages",
    "triaged",
    "alignment_events",
    "queue",
    "reviews",
)
"""The tables of which rows come along."""
LEFT = {
    "project": "its settings are this project's to say",
    "parts": "what a model doubts that suggests no more: the next prelabel asks anew",
    "acquisition": "scores of models that suggest no more: the next prelabel makes new ones",
    "queue_settings": "how often this queue has been drawn from",
    "queue_orders": "the order that this queue stands by",
    "drafts": "answers that nobody has given yet",
    "rounds": "rounds are numbered, and their pipelines lie beside the other project",
    "promotions": "of rounds",
    "round_annotations": "of rounds",
    "round_labels": "of rounds",
    "scores": "of rounds",
    "scored_again": "of rounds",
    "bridges": "a project of another tool keeps in step with one project here",
    "task_links": "of bridges",
    "answer_links": "of bridges",
    "inbox": "what another tool told the other project",
    "imports": "taken back where they were made: what came along here stays",
    "versions": "names that the other project gave to its gold",
    "version_gold": "of versions",
    "version_labels": "of versions",
    "unaided": "what people of the other project were not shown",
}
"""The tables that stay with the other project, each with the reason."""
SETTINGS = ("base_model", "lang", "nlp", "overlap")


@dataclass(slots=True)
class Merged:
    """What came in, and what the two projects differ on."""

    documents: int = 0
    shared: int = 0  # documents that both have
    renamed: dict[str, str] = field(default_factory=dict)  # key there to key here: the key had another text
    other_split: list[str] = field(default_factory=list)  # keys of those that stand in the other split here
    annotations: int = 0
    known_annotations: int = 0
    older: int = 0  # answers that the same person has replaced here since
    labels: list[str] = field(default_factory=list)  # added
    label_differences: list[str] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)  # keys of documents that are one only now
    rounds: int = 0  # that stay there


def merge(store: Store, other: Store) -> Merged:
    """Bring the documents, answers and labels of ``other`` into ``store``, in one transaction.

    Args:
        store: The project that grows.
        other: The project that is read; it stays as it is.

    Returns:
        What came in and what they differ on. The same project again brings nothing.

    Raises:
        StoreError: One has spans and the other tags, or both are the same file.
    """
    if store.path == other.path:
        raise StoreError(f"{store.named} and {other.named} are the same file: name two projects")
    ours, theirs = store.project, other.project
    if ours.task != theirs.task:
        raise StoreError(
            f"{store.named} is a project of {ours.task}, {other.named} one of {theirs.task}: no merge"
        )
    done = Merged(
        settings=[
            f"{name} is {getattr(ours, name)!r} here and {getattr(theirs, name)!r} there"
            for name in SETTINGS
            if getattr(ours, name) != getattr(theirs, name)
        ]
    )
    with store.write(), other.reading():
        copies = Copies(store, other)
        before = {document_id for (document_id,) in store.rows("SELECT document_id FROM conflicts")}
        merge_labels(copies, done)
        copies.put_all("former_names", "labels", "label_id")
        _label_sets(copies)
        merge_documents(copies, done)
        _answers(copies, done)
        for table in ("originals", "tokenizations", "alignment_events", "reviews"):
            copies.put_all(table, "documents", "document_id")
        for document_id in set(copies.of.get("documents", {}).values()):
            store.queue.states.refresh(document_id)
        after = store.rows("SELECT document_id, key FROM conflicts ORDER BY document_id")
        done.conflicts = [key for document_id, key in after if document_id not in before]
        done.rounds = len(other.rounds.all())
    return done


def _label_sets(copies: Copies) -> None:
    """The labels that answers know stand as a list of ids, which no foreign key translates."""
    labels = copies.of.get("labels", {})
    for row in copies.rows("label_sets"):
        known = (labels[label_id] for label_id in json.loads(row["labels"]))
        copies.note("label_sets", row["id"], copies.store.label_sets.id_of(known))


def _answers(copies: Copies, done: Merged) -> None:
    """The annotations that are not here yet, with what they began from."""
    new: list[Row] = []
    for row in copies.rows("annotations"):
        known = copies.store.row("SELECT id FROM annotations WHERE uuid = ?", (row["uuid"],))
        if known is not None:
            done.known_annotations += 1
        elif _is_older(copies, row):
            done.older += 1
        else:
            new.append(row)
    _suggestions(copies, new)
    for row in new:
        done.annotations += copies.put("annotations", row) is not None
    for table in ("annotation_spans", "annotation_ranges", "withdrawn"):
        copies.put_all(table, "annotations", "annotation_id")
    _triages(copies)


def _triages(copies: Copies) -> None:
    """Which of the new answers a machine gave unseen, so that no round learns from them here either."""
    new = copies.of.get("annotations", {})
    wanted = {row["triage_id"] for row in copies.rows("triaged") if row["annotation_id"] in new}
    for row in copies.rows("triages"):
        if row["id"] in wanted:
            copies.put("triages", row)
    copies.put_all("triaged", "annotations", "annotation_id")


def _is_older(copies: Copies, row: Row) -> bool:
    """Whether a later word stands here already, which this one would push aside: the newest has the highest
    number. Among people each has a word of their own; of files, reviews and machines there is one."""
    found = copies.store.row(
        "SELECT 1 FROM annotations a WHERE a.document_id = ?1 AND a.created_at > ?2 AND a.precedence ="
        " CASE ?3 WHEN 'review' THEN 1 WHEN 'human' THEN 2 WHEN 'machine' THEN 4 ELSE 3 END"
        " AND (a.precedence <> 2 OR a.annotator = ?4) LIMIT 1",
        (copies.of["documents"][row["document_id"]], row["created_at"], row["origin"], row["annotator"]),
    )
    return found is not None


def _suggestions(copies: Copies, answers: list[Row]) -> None:
    """The predictions that these answers began from: what was refused and what it cost stays known."""
    wanted = {row["prediction_id"] for row in answers} - {None}
    ids = {row["id"] for row in answers}
    spans = {
        row["prediction_span_id"] for row in copies.rows("annotation_spans") if row["annotation_id"] in ids
    }
    wanted |= {row["prediction_id"] for row in copies.rows("prediction_spans") if row["id"] in spans}
    predictions = [row for row in copies.rows("predictions") if row["id"] in wanted]
    _models(copies, {row["model_id"] for row in predictions})
    for row in predictions:
        if copies.put("predictions", row) is None:
            _note_known(copies, "predictions", row, ("document_id", "model_id"))
    for row in copies.rows("prediction_spans"):
        if row["prediction_id"] in wanted and copies.put("prediction_spans", row) is None:
            _note_known(copies, "prediction_spans", row, ("prediction_id", "start_char"))


def _models(copies: Copies, wanted: set[int]) -> None:
    """Models are known by their hash. A round of the other project is none of this one: what it said is kept
    as what came from a file is."""
    for row in copies.rows("models"):
        if row["id"] not in wanted:
            continue
        known = copies.store.models.by_hash(row["hash"])
        if known is not None:
            copies.note("models", row["id"], known.id)
        elif row["kind"] == "round":
            name = f"{row['name']} of {copies.other.named.stem}"
            copies.put("models", row, known={"kind": "import", "name": name, "path": None, "round": None})
        else:
            copies.put("models", row)


def _note_known(copies: Copies, table: str, row: Row, by: tuple[str, str]) -> None:
    """Such a row is here already: find it by these columns."""
    points_to = copies.tables[table].points_to
    values: list[Any] = [
        copies.of.get(points_to[column], {}).get(row[column]) if column in points_to else row[column]
        for column in by
    ]
    found = copies.store.row(f"SELECT id FROM {table} WHERE {by[0]} = ? AND {by[1]} = ?", values)
    if found is not None:
        copies.note(table, row["id"], found[0])
