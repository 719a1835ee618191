DROP INDEX queue_by_priority;
ALTER TABLE queue DROP COLUMN priority;

-- the one that is current counts; another is being made, or taken down
CREATE TABLE queue_orders (
    generation INTEGER PRIMARY KEY,
    strategy TEXT,
    model_id INTEGER REFERENCES models(id),
    state TEXT NOT NULL CHECK (state IN ('making', 'current', 'leaving'))
) STRICT;
CREATE UNIQUE INDEX queue_orders_one_each ON queue_orders(state) WHERE state <> 'leaving';
INSERT INTO queue_orders SELECT 1, strategy, model_id, 'current' FROM queue_settings;

-- the open documents in the order in which they are handed out
CREATE TABLE queue_order (
    generation INTEGER NOT NULL REFERENCES queue_orders(generation),
    split TEXT NOT NULL,
    answered_by TEXT NOT NULL,
    place REAL NOT NULL,
    document_id INTEGER NOT NULL REFERENCES queue(document_id),
    PRIMARY KEY (generation, split, answered_by, place, document_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE queue_settings_new (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    draws INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO queue_settings_new SELECT id, draws FROM queue_settings;
DROP TABLE queue_settings;
ALTER TABLE queue_settings_new RENAME TO queue_settings;

-- where every document stands, or would stand, in every order of the queue: the smallest place comes first
CREATE VIEW places AS
SELECT o.generation, o.state AS order_state, q.document_id, q.split, q.state, q.answered_by,
  q.state = 'open' AS open,
  CASE WHEN o.strategy = 'random' THEN -q.shuffle * 1.0
       ELSE coalesce(-(SELECT a.score FROM acquisition a WHERE a.model_id = o.model_id
                       AND a.strategy = o.strategy AND a.document_id = q.document_id), 1e300) END AS place
FROM queue_orders o JOIN queue q;

INSERT INTO queue_order SELECT generation, split, answered_by, place, document_id FROM places
    WHERE open ORDER BY 1, 2, 3, 4, 5;

CREATE TRIGGER queue_order_insert AFTER INSERT ON queue WHEN NEW.state = 'open' BEGIN
    INSERT INTO queue_order SELECT p.generation, NEW.split, NEW.answered_by, p.place, NEW.document_id
    FROM places p WHERE p.document_id = NEW.document_id AND p.order_state <> 'leaving'
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER queue_order_update AFTER UPDATE OF split, state, answered_by ON queue
WHEN (OLD.split, OLD.state, OLD.answered_by) IS NOT (NEW.split, NEW.state, NEW.answered_by) BEGIN
    DELETE FROM queue_order
    WHERE generation = (SELECT generation FROM queue_orders WHERE state = 'current')
      AND split = OLD.split AND answered_by = OLD.answered_by
      AND place = (SELECT place FROM places WHERE order_state = 'current' AND document_id = OLD.document_id)
      AND document_id = OLD.document_id;
    DELETE FROM queue_order
    WHERE generation = (SELECT generation FROM queue_orders WHERE state = 'making')
      AND split = OLD.split AND answered_by = OLD.answered_by
      AND place = (SELECT place FROM places WHERE order_state = 'making' AND document_id = OLD.document_id)
      AND document_id = OLD.document_id;
    INSERT INTO queue_order SELECT p.generation, NEW.split, NEW.answered_by, p.place, NEW.document_id
    FROM places p WHERE p.document_id = NEW.document_id AND p.order_state <> 'leaving' AND p.open
    ON CONFLICT DO NOTHING;
END;
-- a score that an order stands by gives the document its place at once
CREATE TRIGGER queue_order_score AFTER INSERT ON acquisition
WHEN EXISTS (SELECT 1 FROM queue_orders o WHERE o.model_id = NEW.model_id AND o.strategy = NEW.strategy)
BEGIN
    DELETE FROM queue_order
    WHERE generation = (SELECT generation FROM queue_orders WHERE state = 'current'
                        AND model_id = NEW.model_id AND strategy = NEW.strategy)
      AND split = (SELECT split FROM queue WHERE document_id = NEW.document_id)
      AND answered_by = (SELECT answered_by FROM queue WHERE document_id = NEW.document_id)
      AND place = 1e300 AND document_id = NEW.document_id;
    DELETE FROM queue_order
    WHERE generation = (SELECT generation FROM queue_orders WHERE state = 'making'
                        AND model_id = NEW.model_id AND strategy = NEW.strategy)
      AND split = (SELECT split FROM queue WHERE document_id = NEW.document_id)
      AND answered_by = (SELECT answered_by FROM queue WHERE document_id = NEW.document_id)
      AND place = 1e300 AND document_id = NEW.document_id;
    INSERT INTO queue_order SELECT p.generation, p.split, p.answered_by, p.place, NEW.document_id
    FROM places p JOIN queue_orders o ON o.generation = p.generation
    WHERE p.document_id = NEW.document_id AND p.open AND p.order_state <> 'leaving'
      AND o.model_id = NEW.model_id AND o.strategy = NEW.strategy
    ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER acquisition_is_immutable BEFORE UPDATE ON acquisition
BEGIN SELECT RAISE(ABORT, 'acquisition scores are immutable'); END;
