"""Many answers at once, in few statements where they are the first ones to their documents: an import's.

What is asked of each and what is stored is what `Annotations.add` asks and stores, one after the other.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spanloop.store.clock import now
from spanloop.store.records import NewAnnotation, Submitted
from spanloop.store.tables.checks import check_annotation, check_labels

if TYPE_CHECKING:
    from spanloop.store.store import Store


def add_all(store: Store, annotations: Sequence[NewAnnotation]) -> list[Submitted]:
    """Store annotations, in the transaction of the caller.

    Args:
        store: The project.
        annotations: Revisions on their way in, those of one document in their order.

    Returns:
        What became of each, in the same order.

    Raises:
        StoreError: As `Annotations.add`; then the caller's transaction is to be given up.
    """
    found, states = add_first(store, annotations)
    store.db.conn.executemany(
        "UPDATE queue SET state = ?, gold = ?, answered_by = ? WHERE document_id = ?",
        [(*state, document_id) for document_id, state in states.items()],
    )
    for number, said in enumerate(annotations):
        if number not in found:
            found[number] = store.annotations.add(said)
    return [found[number] for number in range(len(annotations))]


def add_first(
    store: Store, annotations: Sequence[NewAnnotation]
) -> tuple[dict[int, Submitted], dict[int, tuple[str, int, str]]]:
    """Store those of the annotations that are the first to their documents and simple to store.

    Args:
        store: The project.
        annotations: Revisions on their way in.

    Returns:
        What became of them, by their places among ``annotations``; and what is then to stand in the rows of
        the queue, which are left as they are, by document: state, gold, ``answered_by``.

    Raises:
        StoreError: As `add_all`.
    """
    documents = _unanswered(store, annotations)
    first = [number for number, said in enumerate(annotations) if said.document_id in documents]
    chosen = [annotations[number] for number in first]
    done = _insert(store, chosen, documents)
    return dict(zip(first, done, strict=True)), store.queue.states.after_first(chosen)


def _unanswered(store: Store, annotations: Sequence[NewAnnotation]) -> dict[int, tuple[str, int]]:
    """Key and length of the documents of which one annotation is the first, and simple to store: it names no
    suggestion and no machine, and nobody is at work on the document, since a file brings it."""
    times = Counter(said.document_id for said in annotations)
    uuids = Counter(said.uuid for said in annotations)
    taken = store.annotations.known(uuids)
    simple = [
        said.document_id
        for said in annotations
        if times[said.document_id] == uuids[said.uuid] == 1
        and said.uuid not in taken
        and said.import_id is not None
        and said.origin != "machine"
        and said.prediction_id is None
        and all(span.prediction_span_id is None for span in said.spans)
    ]
    rows = store.rows(
        "SELECT d.id, d.key, d.n_chars FROM json_each(?) j JOIN documents d ON d.id = j.value"
        " WHERE NOT EXISTS (SELECT 1 FROM annotations a WHERE a.document_id = d.id)",
        (json.dumps(simple),),
    )
    return {document_id: (key, n_chars) for document_id, key, n_chars in rows}


def _insert(
    store: Store, annotations: Sequence[NewAnnotation], documents: Mapping[int, tuple[str, int]]
) -> list[Submitted]:
    if not annotations:
        return []
    in_use, names = store.labels.ids(), dict(store.rows("SELECT name, id FROM labels"))
    row = store.row("SELECT coalesce(max(id), 0) FROM annotations")
    assert row is not None
    last, moment = int(row[0]), now()
    sets: dict[tuple[Any, ...], int] = {}
    rows, spans, ranges = list[tuple[Any, ...]](), list[tuple[Any, ...]](), list[tuple[int, int, int]]()
    for number, said in enumerate(annotations, start=last + 1):
        key, n_chars = documents[said.document_id]
        check_annotation(said, key, n_chars)
        check_labels(store, said, key, in_use)
        known = (said.labels, said.label_set)
        if known not in sets:
            sets[known] = store.label_sets.id_for(said)
        rows.append((
            number, said.uuid, said.document_id, said.annotator, said.origin, said.answer, said.seconds,
            said.created_at or moment, said.comment, int(said.flagged), sets[known], said.import_id,
        ))  # fmt: skip
        spans += [(number, span.start, span.end, names[span.label], span.action) for span in said.spans]
        ranges += [(number, start, end) for start, end in said.ranges or ()]
    conn = store.db.conn
    conn.executemany(
        "INSERT INTO annotations(id, uuid, document_id, annotator, origin, answer, seconds, created_at,"
        " comment, flagged, label_set, import) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )
    conn.executemany(
        "INSERT INTO annotation_spans(annotation_id, start_char, end_char, label_id, action)"
        " VALUES (?, ?, ?, ?, ?)",
        spans,
    )
    conn.executemany("INSERT INTO annotation_ranges VALUES (?, ?, ?)", ranges)
    return [Submitted(number, True) for number in range(last + 1, last + 1 + len(annotations))]
