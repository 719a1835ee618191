    CREATE TABLE documents (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE CHECK (key <> ''),
        grp TEXT NOT NULL CHECK (grp <> ''),
        split TEXT NOT NULL CHECK (split IN ('pool', 'eval')),
        n_chars INTEGER NOT NULL CHECK (n_chars = length(text)),
        text_hash INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        -- the long ones last: a look at the others does not read through them
        meta TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(meta)),
        text TEXT NOT NULL CHECK (text <> '')
    ) STRICT;
    CREATE INDEX documents_text_hash ON documents(text_hash);
    -- most documents are their own group: those are found by key
    CREATE INDEX documents_grp ON documents(grp) WHERE grp <> key;
    CREATE TRIGGER documents_are_immutable BEFORE UPDATE ON documents
    BEGIN SELECT RAISE(ABORT, 'documents are immutable'); END;
    CREATE TRIGGER documents_are_kept BEFORE DELETE ON documents
    BEGIN SELECT RAISE(ABORT, 'documents are kept'); END;

    CREATE TABLE tokenizations (
        document_id INTEGER NOT NULL REFERENCES documents(id),
        tokenizer TEXT NOT NULL CHECK (tokenizer <> ''),
        boundaries TEXT NOT NULL CHECK (json_valid(boundaries)),
        PRIMARY KEY (document_id, tokenizer)
    ) STRICT;
