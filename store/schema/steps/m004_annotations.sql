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
