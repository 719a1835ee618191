"""The schema, in numbered steps: what every file goes through once, in order, all in one transaction.

A step that has been released is never edited; a change is a new step at the end. Offsets are half-open
Unicode code points into ``documents.text``. Tables are STRICT, so a wrong type is refused, and every span
table has CHECKs.
"""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database, Migrations

from spanloop.store.schema import bridge_schema, queue_schema, views
from spanloop.store.tables import reviews, sketches

APPLICATION_ID = 0x73706C70  # "splp": PRAGMA application_id marks a file as ours
STEPS = Migrations("spanloop")


def _run(db: Database, script: str) -> None:
    """Run a script line by line; sqlite3's own executescript would commit the transaction it runs in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""


def version() -> int:
    """The schema version this code writes: the number of steps."""
    return len(STEPS._migrations)


@STEPS()
def m001_project_and_labels(db: Database) -> None:
    _run(
        db,
        """
    CREATE TABLE project (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        task TEXT NOT NULL CHECK (task IN ('spans', 'tags')),
        base_model TEXT NOT NULL CHECK (base_model <> ''),
        lang TEXT,
        nlp TEXT,
        eval_fraction REAL NOT NULL CHECK (eval_fraction BETWEEN 0 AND 1),
        seed INTEGER NOT NULL,
        instructions TEXT NOT NULL DEFAULT '',
        tokenizer TEXT,
        overlap INTEGER NOT NULL DEFAULT 1 CHECK (overlap >= 1),
        page TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(page)),
        created_at TEXT NOT NULL
    ) STRICT;

    CREATE TABLE labels (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE CHECK (name <> ''),
        position INTEGER NOT NULL,
        key TEXT CHECK (length(key) = 1),
        colour TEXT,
        description TEXT NOT NULL DEFAULT '',
        retired INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1)),
        merged_into INTEGER REFERENCES labels(id) CHECK (merged_into IS NULL OR retired = 1)
    ) STRICT;
    CREATE UNIQUE INDEX labels_key ON labels(key) WHERE key IS NOT NULL AND retired = 0;
    """,
    )


@STEPS()
def m002_documents(db: Database) -> None:
    _run(
        db,
        """
    CREATE TABLE documents (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE CHECK (key <> ''),
        grp TEXT NOT NULL CHECK (grp <> ''),
        split TEXT NOT NULL CHECK (split IN ('pool', 'eval')),
        n_chars INTEGER NOT NULL CHECK (n_chars = length(text)),
        text_hash INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        -- the long ones last: a look at the others does not read through them
        meta TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(meta)),
        text TEXT NOT NULL CHECK (text <> '')
    ) STRICT;
    CREATE INDEX documents_text_hash ON documents(text_hash);
    -- most documents are their own group: those are found by key
    CREATE INDEX documents_grp ON documents(grp) WHERE grp <> key;
    CREATE TRIGGER documents_are_immutable BEFORE UPDATE ON documents
    BEGIN SELECT RAISE(ABORT, 'documents are immutable'); END;
    CREATE TRIGGER documents_are_kept BEFORE DELETE ON documents
    BEGIN SELECT RAISE(ABORT, 'documents are kept'); END;

    CREATE TABLE tokenizations (
        document_id INTEGER NOT NULL REFERENCES documents(id),
        tokenizer TEXT NOT NULL CHECK (tokenizer <> ''),
        boundaries TEXT NOT NULL CHECK (json_valid(boundaries)),
        PRIMARY KEY (document_id, tokenizer)
    ) STRICT;
    """,
    )


@STEPS()
def m003_models_and_predictions(db: Database) -> None:
    _run(
        db,
        """
    CREATE TABLE models (
        id INTEGER PRIMARY KEY,
        hash TEXT NOT NULL UNIQUE CHECK (hash <> ''),
        kind TEXT NOT NULL CHECK (kind IN ('round', 'hf', 'spacy', 'patterns', 'import')),
        name TEXT NOT NULL,
        path TEXT,
        round INTEGER REFERENCES rounds(number),
        created_at TEXT NOT NULL
    ) STRICT;

    CREATE TABLE predictions (
        id INTEGER PRIMARY KEY,
        document_id INTEGER NOT NULL REFERENCES documents(id),
        model_id INTEGER NOT NULL REFERENCES models(id),
        UNIQUE (document_id, model_id)
    ) STRICT;

    CREATE TABLE prediction_spans (
        id INTEGER PRIMARY KEY,
        prediction_id INTEGER NOT NULL REFERENCES predictions(id) ON DELETE CASCADE,
        start_char INTEGER NOT NULL CHECK (start_char >= 0),
        end_char INTEGER NOT NULL CHECK (end_char > start_char),
        label_id INTEGER NOT NULL REFERENCES labels(id),
        score REAL CHECK (score BETWEEN 0 AND 1),
        UNIQUE (prediction_id, start_char)
    ) STRICT;

    CREATE TABLE acquisition (
        document_id INTEGER NOT NULL REFERENCES documents(id),
        model_id INTEGER NOT NULL REFERENCES models(id),
        strategy TEXT NOT NULL CHECK (strategy <> ''),
        score REAL NOT NULL,
        PRIMARY KEY (model_id, strategy, document_id)
    ) STRICT, WITHOUT ROWID;
    """,
    )


@STEPS()
def m004_annotations(db: Database) -> None:
    _run(
        db,
        """
    CREATE TABLE annotations (
        id INTEGER PRIMARY KEY,
        uuid TEXT NOT NULL UNIQUE CHECK (uuid <> ''),
        document_id INTEGER NOT NULL REFERENCES documents(id),
        annotator TEXT NOT NULL CHECK (annotator <> ''),
        origin TEXT NOT NULL CHECK (origin IN ('human', 'import', 'simulated', 'review', 'machine')),
        -- who has the last word: a review, then people, then files and simulations, then machines
        precedence INTEGER NOT NULL GENERATED ALWAYS AS (
            CASE origin WHEN 'review' THEN 1 WHEN 'human' THEN 2 WHEN 'machine' THEN 4 ELSE 3 END) STORED,
        answer TEXT NOT NULL CHECK (answer IN ('accept', 'reject', 'ignore')),
        prediction_id INTEGER REFERENCES predictions(id),
        drawn TEXT CHECK (drawn IN ('strategy', 'random', 'reopened')),
        seconds REAL CHECK (seconds >= 0),
        comment TEXT NOT NULL DEFAULT '',
        flagged INTEGER NOT NULL DEFAULT 0 CHECK (flagged IN (0, 1)),
        created_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX annotations_of_document ON annotations(document_id, annotator, precedence);
    CREATE INDEX annotations_prediction ON annotations(prediction_id) WHERE prediction_id IS NOT NULL;
    CREATE TRIGGER annotations_are_append_only BEFORE UPDATE ON annotations
    BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;
    CREATE TRIGGER annotations_are_kept BEFORE DELETE ON annotations
    BEGIN SELECT RAISE(ABORT, 'annotations are kept'); END;

    CREATE TABLE annotation_spans (
        id INTEGER PRIMARY KEY,
        annotation_id INTEGER NOT NULL REFERENCES annotations(id),
        start_char INTEGER NOT NULL CHECK (start_char >= 0),
        end_char INTEGER NOT NULL CHECK (end_char > start_char),
        label_id INTEGER NOT NULL REFERENCES labels(id),
        action TEXT NOT NULL CHECK (action IN ('taken', 'changed', 'added', 'rejected')),
        prediction_span_id INTEGER REFERENCES prediction_spans(id)
    ) STRICT;
    CREATE INDEX annotation_spans_annotation ON annotation_spans(annotation_id, start_char);
    CREATE INDEX annotation_spans_suggestion ON annotation_spans(prediction_span_id)
        WHERE prediction_span_id IS NOT NULL;
    CREATE TRIGGER annotation_spans_lie_in_the_text BEFORE INSERT ON annotation_spans
    WHEN NEW.end_char > (SELECT d.n_chars FROM annotations a JOIN documents d ON d.id = a.document_id
                         WHERE a.id = NEW.annotation_id)
    BEGIN SELECT RAISE(ABORT, 'a span ends behind the text'); END;
    CREATE TRIGGER annotation_spans_never_overlap BEFORE INSERT ON annotation_spans
    WHEN NEW.action <> 'rejected' AND EXISTS (
        SELECT 1 FROM annotation_spans s WHERE s.annotation_id = NEW.annotation_id AND s.action <> 'rejected'
        AND s.start_char < NEW.end_char AND NEW.start_char < s.end_char)
    BEGIN SELECT RAISE(ABORT, 'spans of one annotation overlap'); END;
    CREATE TRIGGER annotation_spans_are_append_only BEFORE UPDATE ON annotation_spans
    BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;
    CREATE TRIGGER annotation_spans_are_kept BEFORE DELETE ON annotation_spans
    BEGIN SELECT RAISE(ABORT, 'annotations are kept'); END;

    CREATE TABLE annotation_ranges (
        annotation_id INTEGER NOT NULL REFERENCES annotations(id),
        start_char INTEGER NOT NULL CHECK (start_char >= 0),
        end_char INTEGER NOT NULL CHECK (end_char > start_char),
        PRIMARY KEY (annotation_id, start_char)
    ) STRICT, WITHOUT ROWID;
    """,
    )


@STEPS()
def m005_queue(db: Database) -> None:
    _run(db, queue_schema.QUEUE)


@STEPS()
def m006_rounds(db: Database) -> None:
    _run(
        db,
        """
    CREATE TABLE rounds (
        number INTEGER PRIMARY KEY CHECK (number >= 1),
        parent INTEGER REFERENCES rounds(number),
        state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
        parameters TEXT NOT NULL CHECK (json_valid(parameters)),
        seed INTEGER NOT NULL,
        class_weights TEXT CHECK (class_weights IS NULL OR json_valid(class_weights)),
        manifest TEXT CHECK (manifest IS NULL OR json_valid(manifest)),
        model_id INTEGER REFERENCES models(id),
        promoted INTEGER NOT NULL DEFAULT 0 CHECK (promoted = 0 OR (promoted = 1 AND state = 'done')),
        started_at TEXT NOT NULL,
        finished_at TEXT,
        error TEXT,
        host TEXT,
        process INTEGER,
        CHECK (state <> 'done' OR model_id IS NOT NULL)
    ) STRICT;
    CREATE UNIQUE INDEX rounds_one_promoted ON rounds(promoted) WHERE promoted = 1;

    CREATE TABLE promotions (
        id INTEGER PRIMARY KEY,
        round INTEGER NOT NULL REFERENCES rounds(number),
        created_at TEXT NOT NULL
    ) STRICT;

    CREATE TABLE round_annotations (
        round INTEGER NOT NULL REFERENCES rounds(number),
        role TEXT NOT NULL CHECK (role IN ('train', 'eval')),
        annotation_id INTEGER NOT NULL REFERENCES annotations(id),
        PRIMARY KEY (round, role, annotation_id)
    ) STRICT, WITHOUT ROWID;

    -- the label map as the round knew it: a later rename does not change what an old model says
    CREATE TABLE round_labels (
        round INTEGER NOT NULL REFERENCES rounds(number),
        label_id INTEGER NOT NULL REFERENCES labels(id),
        name TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (round, label_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE scores (
        id INTEGER PRIMARY KEY,
        round INTEGER NOT NULL REFERENCES rounds(number),
        split TEXT NOT NULL CHECK (split <> ''),
        metric TEXT NOT NULL CHECK (metric IN ('strict', 'lenient', 'accuracy')),
        average TEXT CHECK (average IN ('micro', 'macro', 'weighted')),
        label TEXT,
        precision REAL CHECK (precision BETWEEN 0 AND 1),
        recall REAL CHECK (recall BETWEEN 0 AND 1),
        f1 REAL CHECK (f1 BETWEEN 0 AND 1),
        support INTEGER NOT NULL CHECK (support >= 0),
        f1_low REAL CHECK (f1_low BETWEEN 0 AND 1),
        f1_high REAL CHECK (f1_high BETWEEN 0 AND 1),
        CHECK ((average IS NULL) <> (label IS NULL)
               OR (metric = 'accuracy' AND average IS NULL AND label IS NULL))
    ) STRICT;
    CREATE UNIQUE INDEX scores_once
        ON scores(round, split, metric, coalesce(average, ''), coalesce(label, ''));
    """,
    )


@STEPS()
def m007_ledger(db: Database) -> None:
    _run(
        db,
        """
    CREATE TABLE alignment_events (
        id INTEGER PRIMARY KEY,
        document_id INTEGER NOT NULL REFERENCES documents(id),
        model_id INTEGER REFERENCES models(id),
        annotation_id INTEGER REFERENCES annotations(id),
        source TEXT,
        line INTEGER,
        start_char INTEGER NOT NULL,
        end_char INTEGER NOT NULL,
        label TEXT NOT NULL,
        action TEXT NOT NULL CHECK (action <> ''),
        reason TEXT NOT NULL CHECK (reason <> ''),
        placed_start INTEGER,
        placed_end INTEGER,
        created_at TEXT NOT NULL
    ) STRICT;
    -- the same file again, the same model again: the same events, once
    CREATE UNIQUE INDEX alignment_events_once ON alignment_events(
        document_id, start_char, end_char, label, action, reason, coalesce(model_id, 0),
        coalesce(annotation_id, 0), coalesce(source, ''), coalesce(line, 0));
    CREATE INDEX alignment_events_reason ON alignment_events(reason);
    """,
    )


@STEPS()
def m008_people(db: Database) -> None:
    _run(
        db,
        """
    CREATE TABLE annotators (
        name TEXT PRIMARY KEY CHECK (name <> ''),
        token_hash TEXT NOT NULL UNIQUE,
        created_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- what a page has not submitted yet: survives a reload, goes with the answer
    CREATE TABLE drafts (
        annotator TEXT NOT NULL,
        document_id INTEGER NOT NULL REFERENCES documents(id),
        body TEXT NOT NULL,
        changed_at TEXT NOT NULL,
        PRIMARY KEY (annotator, document_id)
    ) STRICT;
    """,
    )


@STEPS()
def m009_views(db: Database) -> None:
    _run(db, views.ALL)


@STEPS()
def m010_orders_of_the_queue(db: Database) -> None:
    _run(db, queue_schema.ORDERS)


@STEPS()
def m011_bridges(db: Database) -> None:
    _run(db, bridge_schema.TABLES)


@STEPS()
def m012_reviews(db: Database) -> None:
    _run(db, reviews.SCHEMA)


@STEPS()
def m013_sketches(db: Database) -> None:
    _run(db, sketches.SCHEMA)
