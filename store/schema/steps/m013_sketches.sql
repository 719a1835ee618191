    -- eight 64-bit hashes of a text, or none of one that is too short; recipes/near.py makes and reads them
    CREATE TABLE sketches (
        document_id INTEGER PRIMARY KEY REFERENCES documents(id),
        bands BLOB NOT NULL CHECK (length(bands) IN (0, 64))
    ) STRICT;
