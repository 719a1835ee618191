    -- one row an import: what was read, how, and what came of it; the rows that it brought name it
    CREATE TABLE imports (
        id INTEGER PRIMARY KEY,
        -- 'leaving': being taken back; 'undone': taken back, the row stays
        state TEXT NOT NULL CHECK (state IN ('running', 'done', 'leaving', 'undone')),
        files TEXT NOT NULL CHECK (json_valid(files)), -- [{"path": …, "bytes": …, "sha256": …}, …]
        options TEXT NOT NULL CHECK (json_valid(options)),
        counts TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(counts)),
        labels TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(labels)), -- ids of labels that it added
        made_of TEXT CHECK (made_of IS NULL OR json_valid(made_of)), -- {"lang": …, "unit": …} that it gave the project
        started_at TEXT NOT NULL,
        finished_at TEXT,
        undone_at TEXT,
        error TEXT, -- why it was cut short and taken back, where it was
        last_document INTEGER NOT NULL DEFAULT 0 -- no later document gets a number up to this one
    ) STRICT;
    ALTER TABLE documents ADD COLUMN import INTEGER REFERENCES imports(id);
    ALTER TABLE annotations ADD COLUMN import INTEGER REFERENCES imports(id);
    ALTER TABLE predictions ADD COLUMN import INTEGER REFERENCES imports(id);
    ALTER TABLE alignment_events ADD COLUMN import INTEGER REFERENCES imports(id);
    CREATE INDEX documents_import ON documents(import) WHERE import IS NOT NULL;
    CREATE INDEX annotations_import ON annotations(import) WHERE import IS NOT NULL;
    CREATE INDEX predictions_import ON predictions(import) WHERE import IS NOT NULL;
    CREATE INDEX alignment_events_import ON alignment_events(import) WHERE import IS NOT NULL;

    -- answers that were taken back with their import, but are kept: a round was trained on them, or a version
    -- of the gold has them; they say nothing any more
    CREATE TABLE withdrawn (
        annotation_id INTEGER PRIMARY KEY REFERENCES annotations(id)
    ) STRICT;

    -- what an import brought may go with it, and nothing else
    DROP TRIGGER documents_are_kept;
    CREATE TRIGGER documents_are_kept BEFORE DELETE ON documents
    WHEN NOT EXISTS (SELECT 1 FROM imports i WHERE i.id = OLD.import AND i.state = 'leaving')
    BEGIN SELECT RAISE(ABORT, 'documents are kept'); END;
    DROP TRIGGER annotations_are_kept;
    CREATE TRIGGER annotations_are_kept BEFORE DELETE ON annotations
    WHEN NOT EXISTS (SELECT 1 FROM imports i WHERE i.id = OLD.import AND i.state = 'leaving')
    BEGIN SELECT RAISE(ABORT, 'annotations are kept'); END;
    DROP TRIGGER annotation_spans_are_kept;
    CREATE TRIGGER annotation_spans_are_kept BEFORE DELETE ON annotation_spans
    WHEN NOT EXISTS (SELECT 1 FROM annotations a JOIN imports i ON i.id = a.import
                     WHERE a.id = OLD.annotation_id AND i.state = 'leaving')
    BEGIN SELECT RAISE(ABORT, 'annotations are kept'); END;
    CREATE TRIGGER queue_counts_delete AFTER DELETE ON queue BEGIN
        UPDATE queue_counts SET documents = documents - 1
        WHERE split = OLD.split AND state = OLD.state AND gold = OLD.gold;
    END;
    CREATE TRIGGER queue_order_delete BEFORE DELETE ON queue BEGIN
        DELETE FROM queue_order
        WHERE generation = (SELECT generation FROM queue_orders WHERE state = 'current')
          AND split = OLD.split AND answered_by = OLD.answered_by
          AND place = (SELECT place FROM places WHERE order_state = 'current' AND document_id = OLD.document_id)
          AND document_id = OLD.document_id;
        DELETE FROM queue_order
        WHERE generation = (SELECT generation FROM queue_orders WHERE state = 'making')
          AND split = OLD.split AND answered_by = OLD.answered_by
          AND place = (SELECT place FROM places WHERE order_state = 'making' AND document_id = OLD.document_id)
          AND document_id = OLD.document_id;
    END;

    -- what labels were called before: files go on saying so
    CREATE TABLE former_names (
        name TEXT PRIMARY KEY CHECK (name <> ''),
        label_id INTEGER NOT NULL REFERENCES labels(id)
    ) STRICT, WITHOUT ROWID;
    INSERT OR REPLACE INTO former_names
        SELECT name, label_id FROM (
            SELECT name, label_id, 0 AS version, round AS number FROM round_labels
            UNION ALL SELECT name, label_id, 1, version_id FROM version_labels)
        WHERE name NOT IN (SELECT name FROM labels) ORDER BY version, number;

    -- as before, but for what was taken back
    DROP VIEW standing;
    CREATE VIEW standing AS
    SELECT a.id AS annotation_id, a.document_id, a.annotator, a.origin, a.precedence, a.answer
    FROM annotations a
    WHERE a.answer <> 'ignore'
      AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.annotation_id = a.id)
      AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = a.document_id
                      AND b.annotator = a.annotator AND b.precedence = a.precedence AND b.id > a.id
                      AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.annotation_id = b.id))
      AND (a.origin <> 'machine' OR (SELECT q.split FROM queue q WHERE q.document_id = a.document_id) = 'pool');

    DROP VIEW ledger;
    CREATE VIEW ledger AS
    SELECT e.id, d.key, d.split, e.source, e.line, e.import, m.name AS model, m.round, e.annotation_id, e.action,
      e.reason, e.label, substr(d.text, e.start_char + 1, e.end_char - e.start_char) AS characters,
      e.start_char, e.end_char, e.placed_start, e.placed_end, e.created_at
    FROM alignment_events e JOIN documents d ON d.id = e.document_id LEFT JOIN models m ON m.id = e.model_id;
