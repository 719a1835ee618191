-- a draw that asks about parts of a document counts as the share of it that is read: every tenth of all that
-- is dealt out is drawn by chance, which deals out whole documents
CREATE TABLE queue_settings_new (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    draws REAL NOT NULL DEFAULT 0 CHECK (draws >= 0)
) STRICT;
INSERT INTO queue_settings_new SELECT id, draws FROM queue_settings;
DROP TABLE queue_settings;
ALTER TABLE queue_settings_new RENAME TO queue_settings;
