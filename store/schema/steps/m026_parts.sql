-- the parts of a document that the queue asks about, where it does not ask about all of it: what the newest
-- prelabel found doubtful; a document without a row is asked as a whole
CREATE TABLE parts (
    document_id INTEGER NOT NULL REFERENCES documents(id),
    start_char INTEGER NOT NULL CHECK (start_char >= 0),
    end_char INTEGER NOT NULL CHECK (end_char > start_char),
    PRIMARY KEY (document_id, start_char)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER parts_lie_in_the_text BEFORE INSERT ON parts
WHEN NEW.end_char > (SELECT n_chars FROM documents WHERE id = NEW.document_id)
BEGIN SELECT RAISE(ABORT, 'a part ends behind the text'); END;
