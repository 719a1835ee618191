    -- labels that were in use together: an annotation says nothing of any other
    CREATE TABLE label_sets (
        id INTEGER PRIMARY KEY,
        labels TEXT NOT NULL UNIQUE CHECK (json_valid(labels)) -- their ids, ascending, as a JSON array
    ) STRICT;
    DROP TRIGGER annotations_are_append_only;
    -- the labels that were there to be given; NULL only where another program wrote the row: all labels
    ALTER TABLE annotations ADD COLUMN label_set INTEGER REFERENCES label_sets(id);
    -- up to this annotation the label sets were worked out afterwards
    ALTER TABLE project ADD COLUMN label_sets_rebuilt_to INTEGER NOT NULL DEFAULT 0;
    UPDATE project SET label_sets_rebuilt_to = (SELECT coalesce(max(id), 0) FROM annotations);

    -- Which labels there were is known of the moments at which rounds began, and of now; and a label was there
    -- from its first span on. Between two of these nothing is known to have changed: such a stretch of
    -- annotations gets one label set.
    CREATE TABLE rebuilt_rounds (number INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;
    INSERT INTO rebuilt_rounds SELECT round, max(annotation_id) FROM round_annotations GROUP BY round;
    CREATE TABLE rebuilt_uses (label_id INTEGER PRIMARY KEY, first INTEGER NOT NULL) STRICT;
    INSERT INTO rebuilt_uses SELECT label_id, min(annotation_id) FROM annotation_spans GROUP BY label_id;
    CREATE TABLE rebuilt_stretches (
        start INTEGER PRIMARY KEY, round_before INTEGER, round_after INTEGER, labels TEXT
    ) STRICT;
    INSERT INTO rebuilt_stretches(start)
        SELECT 0 UNION SELECT last + 1 FROM rebuilt_rounds UNION SELECT first FROM rebuilt_uses;
    UPDATE rebuilt_stretches SET
        round_before = (SELECT r.number FROM rebuilt_rounds r WHERE r.last < rebuilt_stretches.start
                        ORDER BY r.last DESC, r.number DESC LIMIT 1),
        round_after = (SELECT r.number FROM rebuilt_rounds r WHERE r.last >= rebuilt_stretches.start
                       ORDER BY r.last, r.number LIMIT 1);
    -- A label was there if it was so at both ends, or at one of them and had been used before; before the
    -- first round nothing says that a label of that round was not there.
    UPDATE rebuilt_stretches SET labels = (
        SELECT json_group_array(id) FROM (
            SELECT l.id,
                CASE WHEN round_before IS NULL THEN 1 ELSE EXISTS (
                    SELECT 1 FROM round_labels r WHERE r.round = round_before AND r.label_id = l.id) END AS earlier,
                CASE WHEN round_after IS NULL THEN l.retired = 0 ELSE EXISTS (
                    SELECT 1 FROM round_labels r WHERE r.round = round_after AND r.label_id = l.id) END AS later,
                EXISTS (SELECT 1 FROM rebuilt_uses u
                        WHERE u.label_id = l.id AND u.first <= rebuilt_stretches.start) AS used
            FROM labels l ORDER BY l.id
        ) WHERE (earlier AND later) OR (used AND (earlier OR later)));
    INSERT INTO label_sets(labels) SELECT DISTINCT labels FROM rebuilt_stretches ORDER BY start;
    UPDATE annotations SET label_set = (
        SELECT s.id FROM label_sets s WHERE s.labels = (
            SELECT r.labels FROM rebuilt_stretches r WHERE r.start <= annotations.id
            ORDER BY r.start DESC LIMIT 1));
    DELETE FROM label_sets WHERE id NOT IN (SELECT label_set FROM annotations);
    DROP TABLE rebuilt_stretches;
    DROP TABLE rebuilt_uses;
    DROP TABLE rebuilt_rounds;
    CREATE TRIGGER annotations_are_append_only BEFORE UPDATE ON annotations
    BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;

    -- of how many documents a figure speaks: those that know the label; NULL for a round of an earlier schema
    ALTER TABLE scores ADD COLUMN documents INTEGER CHECK (documents >= 0);
    -- what rounds were scored on after their day: the figures stand in scores, by the split 'eval again'
    CREATE TABLE scored_again (
        round INTEGER PRIMARY KEY REFERENCES rounds(number),
        labels TEXT NOT NULL CHECK (json_valid(labels)), -- ids in use, and what was merged into them
        annotations TEXT NOT NULL, -- SHA-256 over the ids of the gold annotations
        created_at TEXT NOT NULL
    ) STRICT;
    -- the best round up to this one, all on the same gold: what the next one must not fall behind
    ALTER TABLE rounds ADD COLUMN best INTEGER REFERENCES rounds(number);
    -- documents as the lines they came in as, where these say more than the project keeps
    CREATE TABLE originals (
        document_id INTEGER PRIMARY KEY REFERENCES documents(id),
        format TEXT NOT NULL CHECK (format <> ''),
        body TEXT NOT NULL
    ) STRICT;
