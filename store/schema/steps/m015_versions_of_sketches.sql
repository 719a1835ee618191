    -- what was there is made anew at the next import
    DROP TABLE sketches;
    -- sixteen 32-bit hashes of a text, or none of one that is too short; recipes/near_duplicates makes and reads them
    CREATE TABLE sketches (
        document_id INTEGER PRIMARY KEY REFERENCES documents(id),
        version INTEGER NOT NULL, -- how it was made; one of another version is replaced
        bands BLOB NOT NULL CHECK (length(bands) IN (0, 64))
    ) STRICT;
