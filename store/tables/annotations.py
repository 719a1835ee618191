"""Annotations: append-only revisions of what people, files and simulations said of a document."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.records import (
    AnnotatedSpan,
    Annotation,
    Document,
    Gold,
    NewAnnotation,
    Origin,
    Range,
    Split,
    Submitted,
)
from spanloop.store.tables.checks import check_annotation, check_labels, check_suggestions
from spanloop.store.tables.first_answers import add_all
from spanloop.store.tables.joined import joined_gold
from spanloop.store.tables.repeated import check_repeated

if TYPE_CHECKING:
    from spanloop.store.store import Store

PAGE = 500
COLUMNS = (
    "a.uuid, a.document_id, a.annotator, a.origin, a.answer, a.prediction_id, a.seconds, a.created_at,"
    " a.comment, a.flagged, a.import, a.drawn, a.label_set, a.id"
)


class Annotations:
    """``store.annotations``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, annotation: NewAnnotation) -> Submitted:
        """Store one revision and bring the queue up to date, in one transaction.

        The same uuid again is no second row. Raises StoreError, naming the document, for spans that overlap
        or lie outside the text or the ranges looked at, an unknown or retired label, a suggestion of another
        document, and a uuid that was used for something else.
        """
        return self._store.together.run(lambda: self._add(annotation))

    def add_all(self, annotations: Sequence[NewAnnotation]) -> list[Submitted]:
        """Store many revisions in one transaction: as `add` one after the other, but in few statements where
        an import brings the first answers to their documents."""
        with self._store.write():
            return add_all(self._store, annotations)

    def _add(self, annotation: NewAnnotation) -> Submitted:
        document = self._store.documents.get(annotation.document_id)
        if document is None:
            raise StoreError(f"there is no document {annotation.document_id} to annotate")
        check_annotation(annotation, document.key, len(document.text))
        known = self._store.row("SELECT id FROM annotations WHERE uuid = ?", (annotation.uuid,))
        if known is not None:
            check_repeated(self._store, annotation, self.of([known[0]])[0])
            return Submitted(known[0], False)
        check_labels(self._store, annotation, document.key, self._store.labels.ids())
        check_suggestions(self._store, annotation, document)
        annotation_id = self._insert(annotation)
        if annotation.import_id is None:  # a file says nothing of what somebody is at work on at the page
            self._end_work(annotation)
        self._store.queue.states.refresh(annotation.document_id)
        return Submitted(annotation_id, True)

    def _end_work(self, annotation: NewAnnotation) -> None:
        """The lease and the draft of whoever answered have had their time."""
        who = (annotation.document_id, annotation.annotator)
        self._store.run("DELETE FROM leases WHERE document_id = ? AND annotator = ?", who)
        drafts = "DELETE FROM drafts WHERE document_id = ? AND annotator = ? AND origin = ?"
        self._store.run(drafts, (*who, annotation.origin))

    def _insert(self, annotation: NewAnnotation) -> int:
        drawn = self._store.row(
            "SELECT drawn FROM leases WHERE document_id = ? AND annotator = ? AND ? IS NULL",
            (annotation.document_id, annotation.annotator, annotation.import_id),
        )
        cursor = self._store.run(
            "INSERT INTO annotations(uuid, document_id, annotator, origin, answer, prediction_id, drawn,"
            " seconds, created_at, comment, flagged, label_set, import)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                annotation.uuid, annotation.document_id, annotation.annotator, annotation.origin,
                annotation.answer, annotation.prediction_id, drawn[0] if drawn else None, annotation.seconds,
                annotation.created_at or now(), annotation.comment, int(annotation.flagged),
                self._store.label_sets.id_for(annotation), annotation.import_id,
            ),
        )  # fmt: skip
        annotation_id = cursor.lastrowid
        assert annotation_id is not None
        labels = dict(self._store.rows("SELECT name, id FROM labels"))
        conn = self._store.db.conn
        conn.executemany(
            "INSERT INTO annotation_spans(annotation_id, start_char, end_char, label_id, action,"
            " prediction_span_id) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (annotation_id, s.start, s.end, labels[s.label], s.action, s.prediction_span_id)
                for s in annotation.spans
            ],
        )
        conn.executemany(
            "INSERT INTO annotation_ranges VALUES (?, ?, ?)",
            [(annotation_id, start, end) for start, end in annotation.ranges or ()],
        )
        return annotation_id

    def known(self, uuids: Iterable[str]) -> set[str]:
        """Those of the uuids that annotations have."""
        rows = self._store.rows(
            "SELECT a.uuid FROM json_each(?) j JOIN annotations a ON a.uuid = j.value",
            (json.dumps(list(uuids)),),
        )
        return {uuid for (uuid,) in rows}

    def get(self, annotation_id: int) -> Annotation | None:
        """The revision of that id."""
        found = self.of([annotation_id])
        return found[0] if found else None

    def by_uuid(self, uuid: str) -> Annotation | None:
        """The revision of that uuid."""
        row = self._store.row("SELECT id FROM annotations WHERE uuid = ?", (uuid,))
        return None if row is None else self.get(row[0])

    def history(self, document_id: int) -> list[Annotation]:
        """All revisions of a document, oldest first."""
        ids = self._store.rows("SELECT id FROM annotations WHERE document_id = ? ORDER BY id", (document_id,))
        return self.of([row[0] for row in ids])

    def latest(self, document_id: int, annotator: str | None = None) -> Annotation | None:
        """The newest revision of a document, by one annotator if named."""
        row = self._store.row(
            "SELECT max(id) FROM annotations WHERE document_id = ?1 AND (?2 IS NULL OR annotator = ?2)",
            (document_id, annotator),
        )
        return None if row is None or row[0] is None else self.get(row[0])

    def recent(self, annotator: str, limit: int = 50) -> list[Annotation]:
        """An annotator's newest revision of each of their last documents, newest first."""
        rows = self._store.rows(
            "SELECT a.id FROM annotations a WHERE a.annotator = ?1 AND NOT EXISTS ("
            "SELECT 1 FROM annotations b WHERE b.document_id = a.document_id AND b.annotator = ?1"
            " AND b.id > a.id) ORDER BY a.id DESC LIMIT ?2",
            (annotator, limit),
        )
        return self.of([row[0] for row in rows])

    def count(
        self, annotator: str | None = None, origin: Origin | None = None, after: int | None = None
    ) -> int:
        """How many revisions there are; ``after`` counts those with a greater id."""
        row = self._store.row(
            "SELECT count(*) FROM annotations WHERE (?1 IS NULL OR annotator = ?1) AND "
            " (?2 IS NULL OR origin = ?2) AND (?3 IS NULL OR id > ?3)",
            (annotator, origin, after),
        )
        assert row is not None
        return int(row[0])

    def gold(self, split: Split | None = None, ids: Iterable[int] | None = None) -> Iterator[Gold]:
        """Documents whose truth is known, from the view ``gold``, by document id; ``ids`` picks some.

        Few are in memory at a time. Which ones, and what their labels are called, is fixed by this call,
        whatever is renamed, merged or answered while they are read.
        """
        query = (
            "SELECT j.value FROM verdicts v JOIN queue q ON q.document_id = v.document_id"
            " JOIN json_each(v.annotation_ids) j"
            " WHERE v.verdict = 'accept' AND q.split = coalesce(:split, q.split) AND {}"
            " ORDER BY v.document_id, j.key"
        )
        one_of = "1"
        chosen: dict[str, str | None] = {"split": split}
        if ids is not None:
            one_of = "v.document_id IN (SELECT value FROM json_each(:ids))"
            chosen["ids"] = json.dumps(sorted(set(ids)))
        with self._store.reading():
            found, names = self._store.column(query.format(one_of), chosen), self._store.labels.readings()
            unknown = self._store.label_sets.unknown(names)
        return self._golds(found, names, unknown)

    def gold_of(
        self, annotation_ids: Iterable[int], names: Mapping[int, str] | None = None
    ) -> Iterator[Gold]:
        """These very annotations as gold, such as those a round was trained on, by document id.

        ``names`` says what each label id read as when these were gold (`Rounds.label_map`), and spans of any
        other are left out; None: the labels of now.
        """
        ids = list(annotation_ids)
        named = self._store.labels.readings() if names is None else names
        unknown = self._store.label_sets.unknown(named, None if names is None else max(ids, default=0))
        ordered = self._store.column(
            "SELECT a.id FROM json_each(?) j JOIN annotations a ON a.id = j.value"
            " ORDER BY a.document_id, a.id DESC",
            (json.dumps(ids),),
        )
        return self._golds(ordered, named, unknown)

    def _golds(
        self, annotation_ids: array[int], names: Mapping[int, str], unknown: Mapping[int, tuple[str, ...]]
    ) -> Iterator[Gold]:
        """The annotations as gold; those of one document stand side by side and are one."""

        def pages() -> Iterator[tuple[Document, Annotation]]:
            for begin in range(0, len(annotation_ids), PAGE):
                page = self.of(list(annotation_ids[begin : begin + PAGE]), names)
                ids = dict.fromkeys(annotation.document_id for annotation in page)
                documents = {d.id: d for d in self._store.documents.fetch(list(ids))}
                yield from ((documents[annotation.document_id], annotation) for annotation in page)

        for _, found in groupby(pages(), key=lambda pair: pair[0].id):
            pairs = list(found)
            yield joined_gold(pairs[0][0], [annotation for _, annotation in pairs], unknown)

    def of(self, ids: list[int], names: Mapping[int, str] | None = None) -> list[Annotation]:
        """The revisions of these ids, in this order, in few queries however many they are; their labels as
        ``names`` has them by id, and spans of any other left out, else as all are called now.

        A revision never changes: only the names are of a moment.
        """
        wanted = (json.dumps(ids),)
        named = self._store.labels.current_names() if names is None else names
        spans: dict[int, list[AnnotatedSpan]] = {}
        for annotation_id, start, end, label_id, *rest in self._store.rows(
            "SELECT s.annotation_id, s.start_char, s.end_char, s.label_id, s.action, s.prediction_span_id"
            " FROM json_each(?) j JOIN annotation_spans s ON s.annotation_id = j.value"
            " ORDER BY s.annotation_id, s.start_char, s.id",
            wanted,
        ):
            if label_id in named:
                found = AnnotatedSpan(start, end, named[label_id], *rest)
                spans.setdefault(annotation_id, []).append(found)
        ranges: dict[int, list[Range]] = {}
        for annotation_id, start, end in self._store.rows(
            "SELECT r.annotation_id, r.start_char, r.end_char FROM json_each(?) j"
            " JOIN annotation_ranges r ON r.annotation_id = j.value ORDER BY r.annotation_id, r.start_char",
            wanted,
        ):
            ranges.setdefault(annotation_id, []).append((start, end))
        rows = self._store.rows(
            f"SELECT {COLUMNS} FROM json_each(?) j JOIN annotations a ON a.id = j.value ORDER BY j.key",
            wanted,
        )
        sets = self._store.label_sets.all()
        return [
            _from_row(row, spans.get(row[-1], ()), ranges.get(row[-1]), _names(sets.get(row[-2]), named))
            for row in rows
        ]


def _names(label_set: frozenset[int] | None, named: Mapping[int, str]) -> tuple[str, ...] | None:
    """The labels of a set, each once, by their names of now."""
    if label_set is None:
        return None
    return tuple(dict.fromkeys(named[label_id] for label_id in sorted(label_set) if label_id in named))


def _from_row(
    row: tuple[Any, ...],
    spans: Iterable[AnnotatedSpan],
    ranges: list[Range] | None,
    labels: tuple[str, ...] | None,
) -> Annotation:
    uuid, document_id, annotator, origin, answer, prediction_id, *rest = row
    seconds, created_at, comment, flagged, import_id, drawn, label_set, number = rest
    return Annotation(
        uuid=uuid,
        document_id=document_id,
        annotator=annotator,
        origin=origin,
        answer=answer,
        spans=tuple(spans),
        ranges=None if ranges is None else tuple(ranges),
        prediction_id=prediction_id,
        seconds=seconds,
        created_at=created_at,
        comment=comment,
        flagged=bool(flagged),
        labels=labels,
        label_set=label_set,
        import_id=import_id,
        drawn=drawn,
        id=number,
    )
