    -- the list of documents: by what was answered, by flags
    CREATE INDEX queue_answered ON queue(state, split, document_id) WHERE state <> 'open';
    DROP INDEX queue_set_aside;
    CREATE INDEX annotations_flagged ON annotations(document_id) WHERE flagged;
    -- a flag stands until who gave it answers without it, or a review comes after it
    CREATE VIEW flags AS
    SELECT a.document_id, d.key, d.split, a.annotator, a.comment, a.id AS annotation_id, a.created_at, d.text
    FROM annotations a JOIN documents d ON d.id = a.document_id
    WHERE a.flagged AND NOT EXISTS (
        SELECT 1 FROM annotations b WHERE b.document_id = a.document_id AND b.id > a.id
        AND (b.annotator = a.annotator OR b.origin = 'review'));
    -- where the correction page was served last: the links of people lead there
    ALTER TABLE project ADD COLUMN page_url TEXT CHECK (page_url <> '');
