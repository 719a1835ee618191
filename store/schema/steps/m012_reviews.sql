    CREATE TABLE reviews (
        document_id INTEGER PRIMARY KEY REFERENCES documents(id),
        reason TEXT NOT NULL CHECK (reason <> ''),
        priority REAL NOT NULL,
        created_at TEXT NOT NULL,
        annotation_id INTEGER REFERENCES annotations(id)  -- the review that settled it, NULL while it waits
    ) STRICT;
    CREATE INDEX reviews_waiting ON reviews(priority DESC, document_id) WHERE annotation_id IS NULL;
    CREATE TRIGGER reviews_are_settled AFTER INSERT ON annotations WHEN NEW.origin = 'review'
    BEGIN
        UPDATE reviews SET annotation_id = NEW.id
        WHERE document_id = NEW.document_id AND annotation_id IS NULL;
    END;
