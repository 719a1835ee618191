    -- a draft is of the answer that it was begun for: an ordinary one or a review, with suggestions in sight or blind
    ALTER TABLE drafts RENAME TO drafts_before;
    CREATE TABLE drafts (
        annotator TEXT NOT NULL,
        document_id INTEGER NOT NULL REFERENCES documents(id),
        origin TEXT NOT NULL CHECK (origin IN ('human', 'review')),
        blind INTEGER NOT NULL CHECK (blind IN (0, 1)),
        body TEXT NOT NULL,
        bytes INTEGER NOT NULL, -- of the body in UTF-8: what all drafts take is counted by the index
        changed_at TEXT NOT NULL,
        PRIMARY KEY (annotator, document_id, origin, blind)
    ) STRICT;
    CREATE INDEX drafts_bytes ON drafts(annotator, bytes);
    INSERT INTO drafts
    SELECT annotator, document_id, 'human', 0, body, length(CAST(body AS BLOB)), changed_at FROM drafts_before;
    DROP TABLE drafts_before;
