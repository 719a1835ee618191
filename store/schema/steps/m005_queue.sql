    CREATE TABLE queue (
        document_id INTEGER PRIMARY KEY REFERENCES documents(id),
        split TEXT NOT NULL CHECK (split IN ('pool', 'eval')),
        state TEXT NOT NULL DEFAULT 'open'
            CHECK (state IN ('open', 'answered', 'ignored', 'rejected', 'conflict')),
        gold INTEGER NOT NULL DEFAULT 0 CHECK (gold IN (0, 1)),
        -- the people who have answered, as a sorted JSON array: nobody gets a document twice
        answered_by TEXT NOT NULL DEFAULT '[]',
        priority REAL,
        shuffle INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX queue_by_priority ON queue(split, answered_by, priority DESC, document_id)
        WHERE state = 'open';
    CREATE INDEX queue_by_chance ON queue(split, answered_by, shuffle, document_id) WHERE state = 'open';
    CREATE INDEX queue_set_aside ON queue(state, split, document_id) WHERE state NOT IN ('open', 'answered');

    CREATE TABLE queue_settings (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        strategy TEXT,
        model_id INTEGER REFERENCES models(id),
        draws INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    INSERT INTO queue_settings(id) VALUES (1);

    CREATE TABLE leases (
        document_id INTEGER NOT NULL REFERENCES documents(id),
        annotator TEXT NOT NULL CHECK (annotator <> ''),
        until TEXT NOT NULL,
        drawn TEXT NOT NULL CHECK (drawn IN ('strategy', 'random', 'reopened')),
        PRIMARY KEY (document_id, annotator)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX leases_annotator ON leases(annotator, until);

    -- how many documents are in which state: read at every answer, so counted as it changes
    CREATE TABLE queue_counts (
        split TEXT NOT NULL,
        state TEXT NOT NULL,
        gold INTEGER NOT NULL,
        documents INTEGER NOT NULL CHECK (documents >= 0),
        PRIMARY KEY (split, state, gold)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO queue_counts
        SELECT splits.value, states.value, golds.value, 0 FROM json_each('["pool", "eval"]') AS splits,
        json_each('["open", "answered", "ignored", "rejected", "conflict"]') AS states,
        json_each('[0, 1]') AS golds;
    CREATE TRIGGER queue_counts_insert AFTER INSERT ON queue BEGIN
        UPDATE queue_counts SET documents = documents + 1
        WHERE split = NEW.split AND state = NEW.state AND gold = NEW.gold;
    END;
    CREATE TRIGGER queue_counts_update AFTER UPDATE OF split, state, gold ON queue BEGIN
        UPDATE queue_counts SET documents = documents - 1
        WHERE split = OLD.split AND state = OLD.state AND gold = OLD.gold;
        UPDATE queue_counts SET documents = documents + 1
        WHERE split = NEW.split AND state = NEW.state AND gold = NEW.gold;
    END;
