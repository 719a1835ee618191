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
