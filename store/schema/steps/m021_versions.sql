    -- the gold of a moment under a name: which annotations were gold, and what each label was called
    CREATE TABLE versions (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE CHECK (name <> ''),
        created_at TEXT NOT NULL
    ) STRICT;

    CREATE TABLE version_gold (
        version_id INTEGER NOT NULL REFERENCES versions(id),
        annotation_id INTEGER NOT NULL REFERENCES annotations(id),
        PRIMARY KEY (version_id, annotation_id)
    ) STRICT, WITHOUT ROWID;

    -- what the spans of each label read as then, NULL where they read as nothing
    CREATE TABLE version_labels (
        version_id INTEGER NOT NULL REFERENCES versions(id),
        label_id INTEGER NOT NULL REFERENCES labels(id),
        name TEXT NOT NULL,
        reads_as INTEGER REFERENCES labels(id),
        PRIMARY KEY (version_id, label_id)
    ) STRICT, WITHOUT ROWID;
