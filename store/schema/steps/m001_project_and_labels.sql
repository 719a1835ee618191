    CREATE TABLE project (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        task TEXT NOT NULL CHECK (task IN ('spans', 'tags')),
        base_model TEXT NOT NULL CHECK (base_model <> ''),
        lang TEXT,
        nlp TEXT,
        eval_fraction REAL NOT NULL CHECK (eval_fraction BETWEEN 0 AND 1),
        seed INTEGER NOT NULL,
        instructions TEXT NOT NULL DEFAULT '',
        tokenizer TEXT,
        overlap INTEGER NOT NULL DEFAULT 1 CHECK (overlap >= 1),
        page TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(page)),
        created_at TEXT NOT NULL
    ) STRICT;

    CREATE TABLE labels (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE CHECK (name <> ''),
        position INTEGER NOT NULL,
        key TEXT CHECK (length(key) = 1),
        colour TEXT,
        description TEXT NOT NULL DEFAULT '',
        retired INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1)),
        merged_into INTEGER REFERENCES labels(id) CHECK (merged_into IS NULL OR retired = 1)
    ) STRICT;
    CREATE UNIQUE INDEX labels_key ON labels(key) WHERE key IS NOT NULL AND retired = 0;
