    CREATE TABLE bridges (
        source TEXT PRIMARY KEY CHECK (source <> ''),   -- labelstudio/3
        url TEXT NOT NULL,
        pulled_until TEXT                               -- by the clock of the other tool
    ) STRICT, WITHOUT ROWID;

    -- which document is which task there
    CREATE TABLE task_links (
        source TEXT NOT NULL CHECK (source <> ''),
        task INTEGER NOT NULL,
        document_id INTEGER NOT NULL REFERENCES documents(id),
        PRIMARY KEY (source, task)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX task_links_document ON task_links(document_id);

    -- which revision is the newest of an annotation there; content is a hash of what it says
    CREATE TABLE answer_links (
        source TEXT NOT NULL CHECK (source <> ''),
        answer INTEGER NOT NULL,
        task INTEGER NOT NULL,
        annotation_id INTEGER NOT NULL REFERENCES annotations(id),
        content TEXT NOT NULL,
        changed_at TEXT NOT NULL,
        deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
        PRIMARY KEY (source, answer)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX answer_links_task ON answer_links(source, task);

    -- what was told and is still to be worked on; done rows are deleted, failed ones say why
    CREATE TABLE inbox (
        id INTEGER PRIMARY KEY,
        source TEXT NOT NULL CHECK (source <> ''),
        action TEXT NOT NULL CHECK (action <> ''),
        body TEXT NOT NULL CHECK (json_valid(body)),
        received_at TEXT NOT NULL,
        error TEXT
    ) STRICT;
    CREATE INDEX inbox_waiting ON inbox(id) WHERE error IS NULL;
