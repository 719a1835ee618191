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
