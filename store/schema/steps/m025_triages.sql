    -- documents that the promoted round was let answer unseen: one row each time
    CREATE TABLE triages (
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models(id),
        max_error REAL NOT NULL CHECK (max_error > 0 AND max_error < 1),
        confidence REAL NOT NULL CHECK (confidence > 0 AND confidence < 1),
        basis TEXT NOT NULL CHECK (json_valid(basis)), -- what the bound stands on, as the report said it
        created_at TEXT NOT NULL,
        undone_at TEXT -- since when its answers are withdrawn
    ) STRICT;
    CREATE TABLE triaged (
        annotation_id INTEGER PRIMARY KEY REFERENCES annotations(id),
        triage_id INTEGER NOT NULL REFERENCES triages(id)
    ) STRICT;
    CREATE INDEX triaged_triage ON triaged(triage_id);

    -- the share of the documents that people get without suggestions, to see what suggestions do to them
    ALTER TABLE project ADD COLUMN unaided_share REAL NOT NULL DEFAULT 0
        CHECK (unaided_share >= 0 AND unaided_share <= 0.5);
    -- answers of people who were not shown the suggestion that there was
    CREATE TABLE unaided (
        annotation_id INTEGER PRIMARY KEY REFERENCES annotations(id),
        prediction_id INTEGER NOT NULL REFERENCES predictions(id)
    ) STRICT;
    CREATE INDEX unaided_prediction ON unaided(prediction_id);
