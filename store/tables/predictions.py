"""Models, known by the hash of their weights and settings, and what each said of a document, kept as it was
said."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import Document, Model, NewModel, Prediction, QueueState, Span, Split
from spanloop.store.tables.checks import check_spans

if TYPE_CHECKING:
    from spanloop.store.store import Store

COLUMNS = "hash, kind, name, path, round, read_with, id"


class Models:
    """``store.models``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, model: NewModel) -> Model:
        """The stored model of that hash, added if it is new."""
        with self._store.write():
            known = self.by_hash(model.hash)
            if known is not None:
                return known
            read_with = json.dumps(model.read_with, ensure_ascii=False) if model.read_with else None
            row = self._store.run(
                "INSERT INTO models(hash, kind, name, path, round, read_with, created_at)"
                f" VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {COLUMNS}",
                (model.hash, model.kind, model.name, model.path, model.round, read_with, now()),
            ).fetchone()
            return _model(row)

    def lie_in(self, folder: str) -> None:
        """Note that the rounds lie in that folder beside the project file now."""
        with self._store.write():
            self._store.run(
                "UPDATE models SET path = ?1 || printf('/%04d', round) WHERE kind = 'round'"
                " AND path <> ?1 || printf('/%04d', round)",
                (folder,),
            )

    def get(self, model_id: int) -> Model | None:
        """The model of that id."""
        row = self._store.row(f"SELECT {COLUMNS} FROM models WHERE id = ?", (model_id,))
        return None if row is None else _model(row)

    def by_hash(self, model_hash: str) -> Model | None:
        """The model of that hash."""
        row = self._store.row(f"SELECT {COLUMNS} FROM models WHERE hash = ?", (model_hash,))
        return None if row is None else _model(row)

    def all(self) -> list[Model]:
        """All models, oldest first."""
        return [_model(row) for row in self._store.rows(f"SELECT {COLUMNS} FROM models ORDER BY id")]


def _model(row: tuple[Any, ...]) -> Model:
    model_hash, kind, name, path, number, read_with, model_id = row
    read = None if read_with is None else json.loads(read_with)
    return Model(model_hash, kind, name, path, number, read, model_id)


CHUNK = 2_000  # predictions deleted in one transaction
PAUSE_SECONDS = 0.004  # between two of them: whoever waits for the lock gets it
_STARTED_FROM = (
    "(EXISTS (SELECT 1 FROM annotations a WHERE a.prediction_id = p.id)"
    " OR EXISTS (SELECT 1 FROM unaided u WHERE u.prediction_id = p.id)"
    " OR EXISTS (SELECT 1 FROM prediction_spans s JOIN annotation_spans t ON t.prediction_span_id = s.id"
    "            WHERE s.prediction_id = p.id))"
)


class Predictions:
    """``store.predictions``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self,
        model_id: int,
        predictions: Iterable[tuple[int, Sequence[Span], Mapping[str, float]]],
        events: Iterable[AlignmentEvent] = (),
        labels: Mapping[str, int] | None = None,
        import_id: int | None = None,
    ) -> None:
        """Store ``(document_id, spans, {strategy: acquisition score})`` of one model, in one transaction.

        ``labels`` says which label each name means; None: those of the model's round, else those of now.
        ``import_id``: the row of ``imports`` that brings them.

        A document that this model has already seen is left as it is, and so are its events. The queue takes
        the new scores over if it stands by this model. Raises StoreError, and stores nothing of the call, for
        spans that overlap or lie outside the text and for unknown labels.
        """
        with self._store.write() as db:
            labels = self._store.labels.ids_for(model_id) if labels is None else labels
            new: set[int] = set()
            scores: list[tuple[int, int, str, float]] = []
            for document_id, spans, acquisition in predictions:
                if self._insert(model_id, document_id, spans, labels, import_id):
                    new.add(document_id)
                    scores += [(document_id, model_id, name, score) for name, score in acquisition.items()]
            db.conn.executemany(
                "INSERT INTO acquisition(document_id, model_id, strategy, score) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                scores,
            )
            self._store.ledger.add(event for event in events if event.document_id in new)

    def _insert(
        self,
        model_id: int,
        document_id: int,
        spans: Sequence[Span],
        labels: Mapping[str, int],
        import_id: int | None,
    ) -> bool:
        document = self._store.documents.get(document_id)
        if document is None:
            raise StoreError(f"there is no document {document_id} to predict for")
        where = f"document {document.key!r}"
        check_spans(spans, len(document.text), where)
        for span in spans:
            if span.label not in labels:
                raise StoreError(
                    f"{where}: the model predicts the label {span.label!r}, the project has only "
                    + ", ".join(self._store.labels.names())
                )
        cursor = self._store.run(
            "INSERT INTO predictions(document_id, model_id, import) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
            " RETURNING id",
            (document_id, model_id, import_id),
        )
        row = cursor.fetchone()
        if row is None:
            return False
        self._store.db.conn.executemany(
            "INSERT INTO prediction_spans(prediction_id, start_char, end_char, label_id, score) "
            " VALUES (?, ?, ?, ?, ?)",
            [(row[0], span.start, span.end, labels[span.label], span.score) for span in spans],
        )
        return True

    def get(
        self, document_id: int, model_id: int | None = None, names: Mapping[int, str] | None = None
    ) -> Prediction | None:
        """What was said of a document: by that model, else by the promoted round, else by the newest;
        ``names`` as in ``by_id``."""
        with self._store.reading():
            row = self._store.row(
                "SELECT p.id FROM predictions p"
                " LEFT JOIN rounds r ON r.model_id = p.model_id AND r.promoted = 1"
                " WHERE p.document_id = ?1 AND (?2 IS NULL OR p.model_id = ?2)"
                " ORDER BY r.number IS NULL, p.model_id DESC LIMIT 1",
                (document_id, model_id),
            )
            return None if row is None else self.by_id(row[0], names)

    def by_id(self, prediction_id: int, names: Mapping[int, str] | None = None) -> Prediction | None:
        """The prediction of that id, spans in the order of the text.

        ``names`` says what the spans of each label id read as (`Moment.readings`), and those of any other are
        left out; None: the labels in use, as they are called now.
        """
        with self._store.reading():
            row = self._store.row(
                "SELECT document_id, model_id, id FROM predictions WHERE id = ?", (prediction_id,)
            )
            if row is None:
                return None
            named = self._store.labels.readings() if names is None else names
            spans = self._store.rows(
                "SELECT start_char, end_char, label_id, score, id FROM prediction_spans"
                " WHERE prediction_id = ? ORDER BY start_char",
                (prediction_id,),
            )
        known = (
            Span(start, end, named[label], *rest) for start, end, label, *rest in spans if label in named
        )
        return Prediction(row[0], row[1], tuple(known), row[2])

    def missing(
        self,
        model_id: int,
        split: Split | None = None,
        limit: int | None = None,
        order: Literal["id", "queue"] = "queue",
        state: QueueState | None = None,
        among: Collection[int] | None = None,
    ) -> Iterator[Document]:
        """Documents of which this model has said nothing yet, few in memory; fixed at the first. ``among``:
        only of these."""
        one_of = "" if among is None else " AND q.document_id IN (SELECT value FROM json_each(?4))"
        ids = self._store.documents.ids(
            split=split,
            state=state,
            order=order,
            where="NOT EXISTS (SELECT 1 FROM predictions p"
            f" WHERE p.document_id = q.document_id AND p.model_id = ?3){one_of}",
            parameters=(model_id, *([] if among is None else [json.dumps(list(among))])),
        )
        return self._store.documents.fetch(ids[:limit])

    def acquisition(self, document_id: int, model_id: int, strategy: str) -> float | None:
        """The acquisition score that this model gave the document, if it gave one."""
        row = self._store.row(
            "SELECT score FROM acquisition WHERE model_id = ? AND strategy = ? AND document_id = ?",
            (model_id, strategy, document_id),
        )
        return None if row is None else float(row[0])

    def count(self, model_id: int) -> int:
        """Of how many documents this model has said something."""
        row = self._store.row("SELECT count(*) FROM predictions WHERE model_id = ?", (model_id,))
        assert row is not None
        return int(row[0])

    def prune(self) -> int:
        """Delete predictions that nobody needs any more, in short transactions, and return how many.

        Kept are those of the promoted round's model and of the round behind it, to which a rollback would go
        (with no promoted round: of the newest model), of the model the queue stands by, those that came from
        a file, since nobody could make them again, and those that an annotation started from.
        """
        kept = json.dumps(self._models_to_keep())
        spent = [
            row[0]
            for row in self._store.rows(
                "SELECT p.id FROM predictions p WHERE p.model_id NOT IN (SELECT value FROM json_each(?))"
                f" AND NOT {_STARTED_FROM}",
                (kept,),
            )
        ]
        pruned = 0
        for begin in range(0, len(spent), CHUNK):
            with self._store.write(durable=False):
                pruned += self._store.run(
                    "DELETE FROM predictions AS p WHERE id IN (SELECT value FROM json_each(?))"
                    f" AND NOT {_STARTED_FROM}",  # someone may have answered meanwhile
                    (json.dumps(spent[begin : begin + CHUNK]),),
                ).rowcount
            time.sleep(PAUSE_SECONDS)
        self._prune_scores(kept)
        return pruned

    def _prune_scores(self, kept: str) -> None:
        spent = self._store.rows(
            "SELECT model_id, strategy, max(document_id) FROM acquisition"
            " WHERE model_id NOT IN (SELECT value FROM json_each(?)) GROUP BY 1, 2",
            (kept,),
        )
        for model_id, strategy, last in spent:
            for begin in range(0, last + 1, CHUNK * 10):
                with self._store.write(durable=False):
                    self._store.run(
                        "DELETE FROM acquisition WHERE model_id = ? AND strategy = ?"
                        " AND document_id BETWEEN ? AND ?",
                        (model_id, strategy, begin, begin + CHUNK * 10 - 1),
                    )
                time.sleep(PAUSE_SECONDS)

    def _models_to_keep(self) -> list[int]:
        promoted = self._store.rounds.promoted()
        in_use = [] if promoted is None else [promoted.number, *self._store.promotions.behind()[:1]]
        rows = self._store.rows(
            "SELECT model_id FROM rounds WHERE number IN (SELECT value FROM json_each(?))",
            (json.dumps(in_use),),
        ) or self._store.rows("SELECT max(model_id) FROM predictions")
        rows += self._store.rows("SELECT id FROM models WHERE kind = 'import'")
        rows += self._store.rows("SELECT model_id FROM queue_orders WHERE model_id IS NOT NULL")
        return [row[0] for row in rows]
