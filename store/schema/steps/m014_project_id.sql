    -- which project this file and its folder of rounds are of, whatever they are called
    ALTER TABLE project ADD COLUMN uid TEXT CHECK (uid <> '');
    -- the same in every copy that was made before this step: they are one project
    UPDATE project SET uid = coalesce(nullif(lower(hex(created_at)), ''), lower(hex(randomblob(16))));
    -- SHA-256 over the files of the round's pipeline; NULL for a round of an earlier schema
    ALTER TABLE rounds ADD COLUMN files_hash TEXT CHECK (files_hash <> '');
