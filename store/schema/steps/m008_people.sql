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
