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
