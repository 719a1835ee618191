BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'spanloop','m001_project_and_labels','2026-11-27 13:08:24.457020+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'spanloop','m002_documents','2026-11-27 13:08:24.457426+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'spanloop','m003_models_and_predictions','2026-11-27 13:08:24.457722+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'spanloop','m004_annotations','2026-11-27 13:08:24.458253+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'spanloop','m005_queue','2026-11-27 13:08:24.458766+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'spanloop','m006_rounds','2026-11-27 13:08:24.459234+00:00');
INSERT INTO "_sqlite_migrations" VALUES(7,'spanloop','m007_ledger','2026-11-27 13:08:24.459455+00:00');
INSERT INTO "_sqlite_migrations" VALUES(8,'spanloop','m008_people','2026-11-27 13:08:24.459629+00:00');
INSERT INTO "_sqlite_migrations" VALUES(9,'spanloop','m009_views','2026-11-27 13:08:24.464591+00:00');
INSERT INTO "_sqlite_migrations" VALUES(10,'spanloop','m010_orders_of_the_queue','2026-11-27 13:08:24.480365+00:00');
INSERT INTO "_sqlite_migrations" VALUES(11,'spanloop','m011_bridges','2026-11-27 13:08:24.481000+00:00');
INSERT INTO "_sqlite_migrations" VALUES(12,'spanloop','m012_reviews','2026-11-27 13:08:24.481465+00:00');
INSERT INTO "_sqlite_migrations" VALUES(13,'spanloop','m013_sketches','2026-11-27 13:08:24.481609+00:00');
INSERT INTO "_sqlite_migrations" VALUES(14,'spanloop','m014_project_id','2026-11-27 13:08:24.483249+00:00');
INSERT INTO "_sqlite_migrations" VALUES(15,'spanloop','m015_versions_of_sketches','2026-11-27 13:08:24.483458+00:00');
INSERT INTO "_sqlite_migrations" VALUES(16,'spanloop','m016_drafts_of_each_kind','2026-11-27 13:08:24.491467+00:00');
INSERT INTO "_sqlite_migrations" VALUES(17,'spanloop','m017_lists','2026-11-27 13:08:24.496945+00:00');
INSERT INTO "_sqlite_migrations" VALUES(18,'spanloop','m018_ways_back','2026-11-27 13:08:24.498522+00:00');
INSERT INTO "_sqlite_migrations" VALUES(19,'spanloop','m019_label_sets','2026-11-27 13:08:24.506295+00:00');
INSERT INTO "_sqlite_migrations" VALUES(20,'spanloop','m020_unit','2026-11-27 13:08:24.507299+00:00');
INSERT INTO "_sqlite_migrations" VALUES(21,'spanloop','m021_versions','2026-11-27 13:08:24.507569+00:00');
INSERT INTO "_sqlite_migrations" VALUES(22,'spanloop','m022_imports','2026-11-27 13:08:24.515319+00:00');
INSERT INTO "_sqlite_migrations" VALUES(23,'spanloop','m023_shared_labels','2026-11-27 13:08:24.522091+00:00');
INSERT INTO "_sqlite_migrations" VALUES(24,'spanloop','m024_read_with','2026-11-27 13:08:24.523444+00:00');
INSERT INTO "_sqlite_migrations" VALUES(25,'spanloop','m025_triages','2026-11-27 13:08:24.524844+00:00');
INSERT INTO "_sqlite_migrations" VALUES(26,'spanloop','m026_parts','2026-11-27 13:08:24.525089+00:00');
INSERT INTO "_sqlite_migrations" VALUES(27,'spanloop','m027_draws','2026-11-27 13:08:24.532963+00:00');
CREATE TABLE acquisition (
        document_id INTEGER NOT NULL REFERENCES documents(id),
        model_id INTEGER NOT NULL REFERENCES models(id),
        strategy TEXT NOT NULL CHECK (strategy <> ''),
        score REAL NOT NULL,
        PRIMARY KEY (model_id, strategy, document_id)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "acquisition" VALUES(1,1,'entropy',1.0);
INSERT INTO "acquisition" VALUES(2,1,'entropy',2.0);
INSERT INTO "acquisition" VALUES(3,1,'entropy',3.0);
INSERT INTO "acquisition" VALUES(4,1,'entropy',4.0);
CREATE TABLE alignment_events (
        id INTEGER PRIMARY KEY,
        document_id INTEGER NOT NULL REFERENCES documents(id),
        model_id INTEGER REFERENCES models(id),
        annotation_id INTEGER REFERENCES annotations(id),
        source TEXT,
        line INTEGER,
        start_char INTEGER NOT NULL,
        end_char INTEGER NOT NULL,
        label TEXT NOT NULL,
        action TEXT NOT NULL CHECK (action <> ''),
        reason TEXT NOT NULL CHECK (reason <> ''),
        placed_start INTEGER,
        placed_end INTEGER,
        created_at TEXT NOT NULL
    , import INTEGER REFERENCES imports(id)) STRICT;
INSERT INTO "alignment_events" VALUES(1,1,1,NULL,NULL,NULL,0,4,'PER','snapped','token',NULL,NULL,'2026-11-27T13:08:27.743Z',NULL);
CREATE TABLE annotation_ranges (
        annotation_id INTEGER NOT NULL REFERENCES annotations(id),
        start_char INTEGER NOT NULL CHECK (start_char >= 0),
        end_char INTEGER NOT NULL CHECK (end_char > start_char),
        PRIMARY KEY (annotation_id, start_char)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "annotation_ranges" VALUES(4,0,8);
CREATE TABLE annotation_spans (
        id INTEGER PRIMARY KEY,
        annotation_id INTEGER NOT NULL REFERENCES annotations(id),
        start_char INTEGER NOT NULL CHECK (start_char >= 0),
        end_char INTEGER NOT NULL CHECK (end_char > start_char),
        label_id INTEGER NOT NULL REFERENCES labels(id),
        action TEXT NOT NULL CHECK (action IN ('taken', 'changed', 'added', 'rejected')),
        prediction_span_id INTEGER REFERENCES prediction_spans(id)
    ) STRICT;
INSERT INTO "annotation_spans" VALUES(1,1,0,3,1,'added',NULL);
INSERT INTO "annotation_spans" VALUES(2,3,0,3,1,'added',NULL);
INSERT INTO "annotation_spans" VALUES(3,4,0,3,1,'added',NULL);
CREATE TABLE annotations (
        id INTEGER PRIMARY KEY,
        uuid TEXT NOT NULL UNIQUE CHECK (uuid <> ''),
        document_id INTEGER NOT NULL REFERENCES documents(id),
        annotator TEXT NOT NULL CHECK (annotator <> ''),
        origin TEXT NOT NULL CHECK (origin IN ('human', 'import', 'simulated', 'review', 'machine')),
        -- who has the last word: a review, then people, then files and simulations, then machines
        precedence INTEGER NOT NULL GENERATED ALWAYS AS (
            CASE origin WHEN 'review' THEN 1 WHEN 'human' THEN 2 WHEN 'machine' THEN 4 ELSE 3 END) STORED,
        answer TEXT NOT NULL CHECK (answer IN ('accept', 'reject', 'ignore')),
        prediction_id INTEGER REFERENCES predictions(id),
        drawn TEXT CHECK (drawn IN ('strategy', 'random', 'reopened')),
        seconds REAL CHECK (seconds >= 0),
        comment TEXT NOT NULL DEFAULT '',
        flagged INTEGER NOT NULL DEFAULT 0 CHECK (flagged IN (0, 1)),
        created_at TEXT NOT NULL
    , label_set INTEGER REFERENCES label_sets(id), import INTEGER REFERENCES imports(id)) STRICT;
INSERT INTO "annotations" VALUES(1,'uuid-16',1,'anna','human','accept',NULL,NULL,NULL,'',0,'2026-11-27T13:08:27.672Z',1,NULL);
INSERT INTO "annotations" VALUES(2,'uuid-17',1,'ben','human','accept',NULL,NULL,NULL,'',0,'2026-11-27T13:08:27.676Z',1,NULL);
INSERT INTO "annotations" VALUES(3,'uuid-18',2,'anna','import','accept',NULL,NULL,NULL,'',0,'2026-11-27T13:08:27.680Z',1,NULL);
INSERT INTO "annotations" VALUES(4,'uuid-19',3,'anna','human','ignore',NULL,NULL,NULL,'',0,'2026-11-27T13:08:27.684Z',1,NULL);
CREATE TABLE annotators (
        name TEXT PRIMARY KEY CHECK (name <> ''),
        token_hash TEXT NOT NULL UNIQUE,
        created_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
INSERT INTO "annotators" VALUES('čenda','ea0abae8308e08afa99c875d6ede1a547043311882dd621094a08ea6c1de9c56','2026-11-27T13:08:27.720Z');
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
CREATE TABLE bridges (
        source TEXT PRIMARY KEY CHECK (source <> ''),   -- labelstudio/3
        url TEXT NOT NULL,
        pulled_until TEXT                               -- by the clock of the other tool
    ) STRICT, WITHOUT ROWID;
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
    , import INTEGER REFERENCES imports(id)) STRICT;
INSERT INTO "documents" VALUES(1,'d1','d1','pool',21,9010281838448003320,'2026-11-27T13:08:27.647Z','{}','Ann met Bob in Rome 1',NULL);
INSERT INTO "documents" VALUES(2,'d2','d2','pool',21,-8412290374730854426,'2026-11-27T13:08:27.647Z','{}','Ann met Bob in Rome 2',NULL);
INSERT INTO "documents" VALUES(3,'d3','d3','pool',21,8643078628156554347,'2026-11-27T13:08:27.647Z','{}','Ann met Bob in Rome 3',NULL);
INSERT INTO "documents" VALUES(4,'d4','d4','pool',21,-3438891307726428418,'2026-11-27T13:08:27.647Z','{}','Ann met Bob in Rome 4',NULL);
CREATE TABLE drafts (
        annotator TEXT NOT NULL,
        document_id INTEGER NOT NULL REFERENCES documents(id),
        origin TEXT NOT NULL CHECK (origin IN ('human', 'review')),
        blind INTEGER NOT NULL CHECK (blind IN (0, 1)),
        body TEXT NOT NULL,
        bytes INTEGER NOT NULL, -- of the body in UTF-8: what all drafts take is counted by the index
        changed_at TEXT NOT NULL,
        PRIMARY KEY (annotator, document_id, origin, blind)
    ) STRICT;
INSERT INTO "drafts" VALUES('čenda',4,'human',0,'{}',2,'2026-11-27T13:08:27.713Z');
CREATE TABLE former_names (
        name TEXT PRIMARY KEY CHECK (name <> ''),
        label_id INTEGER NOT NULL REFERENCES labels(id)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE imports (
        id INTEGER PRIMARY KEY,
        -- 'leaving': being taken back; 'undone': taken back, the row stays
        state TEXT NOT NULL CHECK (state IN ('running', 'done', 'leaving', 'undone')),
        files TEXT NOT NULL CHECK (json_valid(files)), -- [{"path": …, "bytes": …, "sha256": …}, …]
        options TEXT NOT NULL CHECK (json_valid(options)),
        counts TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(counts)),
        labels TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(labels)), -- ids of labels that it added
        made_of TEXT CHECK (made_of IS NULL OR json_valid(made_of)), -- {"lang": …, "unit": …} that it gave the project
        started_at TEXT NOT NULL,
        finished_at TEXT,
        undone_at TEXT,
        error TEXT, -- why it was cut short and taken back, where it was
        last_document INTEGER NOT NULL DEFAULT 0 -- no later document gets a number up to this one
    ) STRICT;
CREATE TABLE inbox (
        id INTEGER PRIMARY KEY,
        source TEXT NOT NULL CHECK (source <> ''),
        action TEXT NOT NULL CHECK (action <> ''),
        body TEXT NOT NULL CHECK (json_valid(body)),
        received_at TEXT NOT NULL,
        error TEXT
    ) STRICT;
CREATE TABLE label_sets (
        id INTEGER PRIMARY KEY,
        labels TEXT NOT NULL UNIQUE CHECK (json_valid(labels)) -- their ids, ascending, as a JSON array
    ) STRICT;
INSERT INTO "label_sets" VALUES(1,'[1,2]');
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
INSERT INTO "labels" VALUES(1,'PER',0,'1','#E69F00','',0,NULL);
INSERT INTO "labels" VALUES(2,'LOC',1,'2','#56B4E9','',0,NULL);
CREATE TABLE leases (
        document_id INTEGER NOT NULL REFERENCES documents(id),
        annotator TEXT NOT NULL CHECK (annotator <> ''),
        until TEXT NOT NULL,
        drawn TEXT NOT NULL CHECK (drawn IN ('strategy', 'random', 'reopened')),
        PRIMARY KEY (document_id, annotator)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "leases" VALUES(4,'čenda','2026-11-27T13:18:27.713Z','strategy');
CREATE TABLE models (
        id INTEGER PRIMARY KEY,
        hash TEXT NOT NULL UNIQUE CHECK (hash <> ''),
        kind TEXT NOT NULL CHECK (kind IN ('round', 'hf', 'spacy', 'patterns', 'import')),
        name TEXT NOT NULL,
        path TEXT,
        round INTEGER REFERENCES rounds(number),
        created_at TEXT NOT NULL
    , read_with TEXT CHECK (read_with IS NULL OR json_valid(read_with))) STRICT;
INSERT INTO "models" VALUES(1,'hash of m','round','m',NULL,1,'2026-11-27T13:08:27.662Z',NULL);
CREATE TABLE originals (
        document_id INTEGER PRIMARY KEY REFERENCES documents(id),
        format TEXT NOT NULL CHECK (format <> ''),
        body TEXT NOT NULL
    ) STRICT;
CREATE TABLE parts (
    document_id INTEGER NOT NULL REFERENCES documents(id),
    start_char INTEGER NOT NULL CHECK (start_char >= 0),
    end_char INTEGER NOT NULL CHECK (end_char > start_char),
    PRIMARY KEY (document_id, start_char)
) STRICT, WITHOUT ROWID;
CREATE TABLE prediction_spans (
        id INTEGER PRIMARY KEY,
        prediction_id INTEGER NOT NULL REFERENCES predictions(id) ON DELETE CASCADE,
        start_char INTEGER NOT NULL CHECK (start_char >= 0),
        end_char INTEGER NOT NULL CHECK (end_char > start_char),
        label_id INTEGER NOT NULL REFERENCES labels(id),
        score REAL CHECK (score BETWEEN 0 AND 1),
        UNIQUE (prediction_id, start_char)
    ) STRICT;
INSERT INTO "prediction_spans" VALUES(1,1,0,3,1,0.9);
INSERT INTO "prediction_spans" VALUES(2,2,0,3,1,0.9);
INSERT INTO "prediction_spans" VALUES(3,3,0,3,1,0.9);
INSERT INTO "prediction_spans" VALUES(4,4,0,3,1,0.9);
CREATE TABLE predictions (
        id INTEGER PRIMARY KEY,
        document_id INTEGER NOT NULL REFERENCES documents(id),
        model_id INTEGER NOT NULL REFERENCES models(id), import INTEGER REFERENCES imports(id),
        UNIQUE (document_id, model_id)
    ) STRICT;
INSERT INTO "predictions" VALUES(1,1,1,NULL);
INSERT INTO "predictions" VALUES(2,2,1,NULL);
INSERT INTO "predictions" VALUES(3,3,1,NULL);
INSERT INTO "predictions" VALUES(4,4,1,NULL);
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
    , uid TEXT CHECK (uid <> ''), page_url TEXT CHECK (page_url <> ''), label_sets_rebuilt_to INTEGER NOT NULL DEFAULT 0, unit TEXT NOT NULL DEFAULT 'token' CHECK (unit IN ('token', 'wordpiece')), unaided_share REAL NOT NULL DEFAULT 0
        CHECK (unaided_share >= 0 AND unaided_share <= 0.5)) STRICT;
INSERT INTO "project" VALUES(1,'spans','offline',NULL,NULL,0.0,0,'',NULL,1,'{}','2026-11-27T13:08:27.625Z','81a562ecdd9448566ac75db69e498196',NULL,0,'token',0.0);
CREATE TABLE promotions (
        id INTEGER PRIMARY KEY,
        round INTEGER NOT NULL REFERENCES rounds(number),
        created_at TEXT NOT NULL
    , back_to INTEGER REFERENCES promotions(id)) STRICT;
INSERT INTO "promotions" VALUES(1,1,'2026-11-27T13:08:27.692Z',NULL);
CREATE TABLE queue (
        document_id INTEGER PRIMARY KEY REFERENCES documents(id),
        split TEXT NOT NULL CHECK (split IN ('pool', 'eval')),
        state TEXT NOT NULL DEFAULT 'open'
            CHECK (state IN ('open', 'answered', 'ignored', 'rejected', 'conflict')),
        gold INTEGER NOT NULL DEFAULT 0 CHECK (gold IN (0, 1)),
        -- the people who have answered, as a sorted JSON array: nobody gets a document twice
        answered_by TEXT NOT NULL DEFAULT '[]',
        shuffle INTEGER NOT NULL
    ) STRICT;
INSERT INTO "queue" VALUES(1,'pool','conflict',0,'["anna", "ben"]',9218154168457678852);
INSERT INTO "queue" VALUES(2,'pool','answered',1,'[]',6477739498272249380);
INSERT INTO "queue" VALUES(3,'pool','ignored',0,'["anna"]',3888398391895517650);
INSERT INTO "queue" VALUES(4,'pool','open',0,'[]',1940968959340799834);
CREATE TABLE queue_counts (
        split TEXT NOT NULL,
        state TEXT NOT NULL,
        gold INTEGER NOT NULL,
        documents INTEGER NOT NULL CHECK (documents >= 0),
        PRIMARY KEY (split, state, gold)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "queue_counts" VALUES('eval','answered',0,0);
INSERT INTO "queue_counts" VALUES('eval','answered',1,0);
INSERT INTO "queue_counts" VALUES('eval','conflict',0,0);
INSERT INTO "queue_counts" VALUES('eval','conflict',1,0);
INSERT INTO "queue_counts" VALUES('eval','ignored',0,0);
INSERT INTO "queue_counts" VALUES('eval','ignored',1,0);
INSERT INTO "queue_counts" VALUES('eval','open',0,0);
INSERT INTO "queue_counts" VALUES('eval','open',1,0);
INSERT INTO "queue_counts" VALUES('eval','rejected',0,0);
INSERT INTO "queue_counts" VALUES('eval','rejected',1,0);
INSERT INTO "queue_counts" VALUES('pool','answered',0,0);
INSERT INTO "queue_counts" VALUES('pool','answered',1,1);
INSERT INTO "queue_counts" VALUES('pool','conflict',0,1);
INSERT INTO "queue_counts" VALUES('pool','conflict',1,0);
INSERT INTO "queue_counts" VALUES('pool','ignored',0,1);
INSERT INTO "queue_counts" VALUES('pool','ignored',1,0);
INSERT INTO "queue_counts" VALUES('pool','open',0,1);
INSERT INTO "queue_counts" VALUES('pool','open',1,0);
INSERT INTO "queue_counts" VALUES('pool','rejected',0,0);
INSERT INTO "queue_counts" VALUES('pool','rejected',1,0);
CREATE TABLE queue_order (
    generation INTEGER NOT NULL REFERENCES queue_orders(generation),
    split TEXT NOT NULL,
    answered_by TEXT NOT NULL,
    place REAL NOT NULL,
    document_id INTEGER NOT NULL REFERENCES queue(document_id),
    PRIMARY KEY (generation, split, answered_by, place, document_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "queue_order" VALUES(1,'pool','[]',1.0e+300,4);
CREATE TABLE queue_orders (
    generation INTEGER PRIMARY KEY,
    strategy TEXT,
    model_id INTEGER REFERENCES models(id),
    state TEXT NOT NULL CHECK (state IN ('making', 'current', 'leaving'))
) STRICT;
INSERT INTO "queue_orders" VALUES(1,NULL,NULL,'current');
CREATE TABLE "queue_settings" (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    draws REAL NOT NULL DEFAULT 0 CHECK (draws >= 0)
) STRICT;
INSERT INTO "queue_settings" VALUES(1,1.0);
CREATE TABLE reviews (
        document_id INTEGER PRIMARY KEY REFERENCES documents(id),
        reason TEXT NOT NULL CHECK (reason <> ''),
        priority REAL NOT NULL,
        created_at TEXT NOT NULL,
        annotation_id INTEGER REFERENCES annotations(id)  -- the review that settled it, NULL while it waits
    ) STRICT;
CREATE TABLE round_annotations (
        round INTEGER NOT NULL REFERENCES rounds(number),
        role TEXT NOT NULL CHECK (role IN ('train', 'eval')),
        annotation_id INTEGER NOT NULL REFERENCES annotations(id),
        PRIMARY KEY (round, role, annotation_id)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "round_annotations" VALUES(2,'train',1);
INSERT INTO "round_annotations" VALUES(2,'train',2);
INSERT INTO "round_annotations" VALUES(2,'train',3);
INSERT INTO "round_annotations" VALUES(2,'train',4);
CREATE TABLE round_labels (
        round INTEGER NOT NULL REFERENCES rounds(number),
        label_id INTEGER NOT NULL REFERENCES labels(id),
        name TEXT NOT NULL,
        position INTEGER NOT NULL,
        PRIMARY KEY (round, label_id)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "round_labels" VALUES(1,1,'PER',0);
INSERT INTO "round_labels" VALUES(1,2,'LOC',1);
INSERT INTO "round_labels" VALUES(2,1,'PER',0);
INSERT INTO "round_labels" VALUES(2,2,'LOC',1);
CREATE TABLE rounds (
        number INTEGER PRIMARY KEY CHECK (number >= 1),
        parent INTEGER REFERENCES rounds(number),
        state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
        parameters TEXT NOT NULL CHECK (json_valid(parameters)),
        seed INTEGER NOT NULL,
        class_weights TEXT CHECK (class_weights IS NULL OR json_valid(class_weights)),
        manifest TEXT CHECK (manifest IS NULL OR json_valid(manifest)),
        model_id INTEGER REFERENCES models(id),
        promoted INTEGER NOT NULL DEFAULT 0 CHECK (promoted = 0 OR (promoted = 1 AND state = 'done')),
        started_at TEXT NOT NULL,
        finished_at TEXT,
        error TEXT,
        host TEXT,
        process INTEGER, files_hash TEXT CHECK (files_hash <> ''), pruned_at TEXT, best INTEGER REFERENCES rounds(number),
        CHECK (state <> 'done' OR model_id IS NOT NULL)
    ) STRICT;
INSERT INTO "rounds" VALUES(1,NULL,'done','{}',0,NULL,'{}',1,1,'2026-11-27T13:08:27.660Z','2026-11-27T13:08:27.688Z',NULL,'vm',26211,NULL,NULL,NULL);
INSERT INTO "rounds" VALUES(2,1,'failed','{}',0,NULL,NULL,NULL,0,'2026-11-27T13:08:27.696Z','2026-11-27T13:08:27.704Z','an error','vm',26211,NULL,NULL,NULL);
CREATE TABLE scored_again (
        round INTEGER PRIMARY KEY REFERENCES rounds(number),
        labels TEXT NOT NULL CHECK (json_valid(labels)), -- ids in use, and what was merged into them
        annotations TEXT NOT NULL, -- SHA-256 over the ids of the gold annotations
        created_at TEXT NOT NULL
    ) STRICT;
CREATE TABLE scores (
        id INTEGER PRIMARY KEY,
        round INTEGER NOT NULL REFERENCES rounds(number),
        split TEXT NOT NULL CHECK (split <> ''),
        metric TEXT NOT NULL CHECK (metric IN ('strict', 'lenient', 'accuracy')),
        average TEXT CHECK (average IN ('micro', 'macro', 'weighted')),
        label TEXT,
        precision REAL CHECK (precision BETWEEN 0 AND 1),
        recall REAL CHECK (recall BETWEEN 0 AND 1),
        f1 REAL CHECK (f1 BETWEEN 0 AND 1),
        support INTEGER NOT NULL CHECK (support >= 0),
        f1_low REAL CHECK (f1_low BETWEEN 0 AND 1),
        f1_high REAL CHECK (f1_high BETWEEN 0 AND 1), documents INTEGER CHECK (documents >= 0),
        CHECK ((average IS NULL) <> (label IS NULL)
               OR (metric = 'accuracy' AND average IS NULL AND label IS NULL))
    ) STRICT;
INSERT INTO "scores" VALUES(1,1,'eval','strict','micro',NULL,0.5,0.5,0.5,9,NULL,NULL,NULL);
CREATE TABLE sketches (
        document_id INTEGER PRIMARY KEY REFERENCES documents(id),
        version INTEGER NOT NULL, -- how it was made; one of another version is replaced
        bands BLOB NOT NULL CHECK (length(bands) IN (0, 64))
    ) STRICT;
CREATE TABLE task_links (
        source TEXT NOT NULL CHECK (source <> ''),
        task INTEGER NOT NULL,
        document_id INTEGER NOT NULL REFERENCES documents(id),
        PRIMARY KEY (source, task)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE tokenizations (
        document_id INTEGER NOT NULL REFERENCES documents(id),
        tokenizer TEXT NOT NULL CHECK (tokenizer <> ''),
        boundaries TEXT NOT NULL CHECK (json_valid(boundaries)),
        PRIMARY KEY (document_id, tokenizer)
    ) STRICT;
INSERT INTO "tokenizations" VALUES(1,'t','[0,3]');
CREATE TABLE triaged (
        annotation_id INTEGER PRIMARY KEY REFERENCES annotations(id),
        triage_id INTEGER NOT NULL REFERENCES triages(id)
    ) STRICT;
CREATE TABLE triages (
        id INTEGER PRIMARY KEY,
        model_id INTEGER NOT NULL REFERENCES models(id),
        max_error REAL NOT NULL CHECK (max_error > 0 AND max_error < 1),
        confidence REAL NOT NULL CHECK (confidence > 0 AND confidence < 1),
        basis TEXT NOT NULL CHECK (json_valid(basis)), -- what the bound stands on, as the report said it
        created_at TEXT NOT NULL,
        undone_at TEXT -- since when its answers are withdrawn
    ) STRICT;
CREATE TABLE unaided (
        annotation_id INTEGER PRIMARY KEY REFERENCES annotations(id),
        prediction_id INTEGER NOT NULL REFERENCES predictions(id)
    ) STRICT;
CREATE TABLE version_gold (
        version_id INTEGER NOT NULL REFERENCES versions(id),
        annotation_id INTEGER NOT NULL REFERENCES annotations(id),
        PRIMARY KEY (version_id, annotation_id)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE version_labels (
        version_id INTEGER NOT NULL REFERENCES versions(id),
        label_id INTEGER NOT NULL REFERENCES labels(id),
        name TEXT NOT NULL,
        reads_as INTEGER REFERENCES labels(id),
        PRIMARY KEY (version_id, label_id)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE versions (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE CHECK (name <> ''),
        created_at TEXT NOT NULL
    ) STRICT;
CREATE TABLE withdrawn (
        annotation_id INTEGER PRIMARY KEY REFERENCES annotations(id)
    ) STRICT;
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE UNIQUE INDEX labels_key ON labels(key) WHERE key IS NOT NULL AND retired = 0;
CREATE INDEX documents_text_hash ON documents(text_hash);
CREATE INDEX documents_grp ON documents(grp) WHERE grp <> key;
CREATE TRIGGER documents_are_immutable BEFORE UPDATE ON documents
    BEGIN SELECT RAISE(ABORT, 'documents are immutable'); END;
CREATE INDEX annotations_of_document ON annotations(document_id, annotator, precedence);
CREATE INDEX annotations_prediction ON annotations(prediction_id) WHERE prediction_id IS NOT NULL;
CREATE INDEX annotation_spans_annotation ON annotation_spans(annotation_id, start_char);
CREATE INDEX annotation_spans_suggestion ON annotation_spans(prediction_span_id)
        WHERE prediction_span_id IS NOT NULL;
CREATE TRIGGER annotation_spans_lie_in_the_text BEFORE INSERT ON annotation_spans
    WHEN NEW.end_char > (SELECT d.n_chars FROM annotations a JOIN documents d ON d.id = a.document_id
                         WHERE a.id = NEW.annotation_id)
    BEGIN SELECT RAISE(ABORT, 'a span ends behind the text'); END;
CREATE TRIGGER annotation_spans_never_overlap BEFORE INSERT ON annotation_spans
    WHEN NEW.action <> 'rejected' AND EXISTS (
        SELECT 1 FROM annotation_spans s WHERE s.annotation_id = NEW.annotation_id AND s.action <> 'rejected'
        AND s.start_char < NEW.end_char AND NEW.start_char < s.end_char)
    BEGIN SELECT RAISE(ABORT, 'spans of one annotation overlap'); END;
CREATE TRIGGER annotation_spans_are_append_only BEFORE UPDATE ON annotation_spans
    BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;
CREATE INDEX queue_by_chance ON queue(split, answered_by, shuffle, document_id) WHERE state = 'open';
CREATE INDEX leases_annotator ON leases(annotator, until);
CREATE TRIGGER queue_counts_insert AFTER INSERT ON queue BEGIN
        UPDATE queue_counts SET documents = documents + 1
        WHERE split = NEW.split AND state = NEW.state AND gold = NEW.gold;
    END;
CREATE TRIGGER queue_counts_update AFTER UPDATE OF split, state, gold ON queue BEGIN
        UPDATE queue_counts SET documents = documents - 1
        WHERE split = OLD.split AND state = OLD.state AND gold = OLD.gold;
        UPDATE queue_counts SET documents = documents + 1
        WHERE split = NEW.split AND state = NEW.state AND gold = NEW.gold;
    END;
CREATE UNIQUE INDEX rounds_one_promoted ON rounds(promoted) WHERE promoted = 1;
CREATE UNIQUE INDEX scores_once
        ON scores(round, split, metric, coalesce(average, ''), coalesce(label, ''));
CREATE UNIQUE INDEX alignment_events_once ON alignment_events(
        document_id, start_char, end_char, label, action, reason, coalesce(model_id, 0),
        coalesce(annotation_id, 0), coalesce(source, ''), coalesce(line, 0));
CREATE INDEX alignment_events_reason ON alignment_events(reason);
CREATE VIEW current_labels AS
SELECT l.id, coalesce(m.id, l.id) AS current_id, coalesce(m.name, l.name) AS name,
       coalesce(m.retired, l.retired) AS retired
FROM labels l LEFT JOIN labels m ON m.id = l.merged_into;
CREATE VIEW contents AS
SELECT a.id AS annotation_id,
  coalesce((SELECT group_concat(start_char || '-' || end_char || ':' || label_id, ' ') FROM (
      SELECT s.start_char, s.end_char, l.current_id AS label_id
      FROM annotation_spans s JOIN current_labels l ON l.id = s.label_id
      WHERE s.annotation_id = a.id AND s.action <> 'rejected' AND NOT l.retired ORDER BY s.start_char)), '')
  || '|' ||
  coalesce((SELECT group_concat(start_char || '-' || end_char, ' ') FROM (
      SELECT r.start_char, r.end_char FROM annotation_ranges r
      WHERE r.annotation_id = a.id ORDER BY r.start_char)), '') AS content
FROM annotations a;
CREATE VIEW effort AS
SELECT m.round, m.name AS model, a.annotator, a.origin, count(DISTINCT a.document_id) AS documents,
  count(*) AS revisions, coalesce(sum(n.taken), 0) AS taken, coalesce(sum(n.changed), 0) AS changed,
  coalesce(sum(n.rejected), 0) AS rejected, coalesce(sum(n.added), 0) AS added,
  sum(a.seconds) AS seconds, sum(a.seconds) / count(DISTINCT a.document_id) AS seconds_per_document
FROM annotations a
LEFT JOIN predictions p ON p.id = a.prediction_id
LEFT JOIN models m ON m.id = p.model_id
LEFT JOIN (
  SELECT s.annotation_id, sum(s.action = 'taken') AS taken, sum(s.action = 'changed') AS changed,
         sum(s.action = 'rejected') AS rejected, sum(s.action = 'added') AS added
  FROM annotation_spans s GROUP BY s.annotation_id
) AS n ON n.annotation_id = a.id AND NOT EXISTS (
  SELECT 1 FROM annotations b WHERE b.document_id = a.document_id AND b.annotator = a.annotator
  AND b.precedence = a.precedence AND b.id > a.id)
WHERE a.origin IN ('human', 'review', 'simulated')
GROUP BY m.id, a.annotator, a.origin
ORDER BY m.id, a.annotator;
CREATE VIEW progress AS
SELECT split, sum(documents) AS total, sum(documents * gold) AS gold,
  sum(documents * (state = 'open')) AS open, sum(documents * (state = 'ignored')) AS skipped,
  sum(documents * (state = 'conflict')) AS conflict, sum(documents * (state = 'rejected')) AS rejected
FROM queue_counts GROUP BY split ORDER BY split DESC;
CREATE UNIQUE INDEX queue_orders_one_each ON queue_orders(state) WHERE state <> 'leaving';
CREATE VIEW places AS
SELECT o.generation, o.state AS order_state, q.document_id, q.split, q.state, q.answered_by,
  q.state = 'open' AS open,
  CASE WHEN o.strategy = 'random' THEN -q.shuffle * 1.0
       ELSE coalesce(-(SELECT a.score FROM acquisition a WHERE a.model_id = o.model_id
                       AND a.strategy = o.strategy AND a.document_id = q.document_id), 1e300) END AS place
FROM queue_orders o JOIN queue q;
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
CREATE INDEX task_links_document ON task_links(document_id);
CREATE INDEX answer_links_task ON answer_links(source, task);
CREATE INDEX inbox_waiting ON inbox(id) WHERE error IS NULL;
CREATE INDEX reviews_waiting ON reviews(priority DESC, document_id) WHERE annotation_id IS NULL;
CREATE TRIGGER reviews_are_settled AFTER INSERT ON annotations WHEN NEW.origin = 'review'
    BEGIN
        UPDATE reviews SET annotation_id = NEW.id
        WHERE document_id = NEW.document_id AND annotation_id IS NULL;
    END;
CREATE INDEX drafts_bytes ON drafts(annotator, bytes);
CREATE INDEX queue_answered ON queue(state, split, document_id) WHERE state <> 'open';
CREATE INDEX annotations_flagged ON annotations(document_id) WHERE flagged;
CREATE VIEW flags AS
    SELECT a.document_id, d.key, d.split, a.annotator, a.comment, a.id AS annotation_id, a.created_at, d.text
    FROM annotations a JOIN documents d ON d.id = a.document_id
    WHERE a.flagged AND NOT EXISTS (
        SELECT 1 FROM annotations b WHERE b.document_id = a.document_id AND b.id > a.id
        AND (b.annotator = a.annotator OR b.origin = 'review'));
CREATE TRIGGER annotations_are_append_only BEFORE UPDATE ON annotations
    BEGIN SELECT RAISE(ABORT, 'annotations are append-only'); END;
CREATE INDEX documents_import ON documents(import) WHERE import IS NOT NULL;
CREATE INDEX annotations_import ON annotations(import) WHERE import IS NOT NULL;
CREATE INDEX predictions_import ON predictions(import) WHERE import IS NOT NULL;
CREATE INDEX alignment_events_import ON alignment_events(import) WHERE import IS NOT NULL;
CREATE TRIGGER documents_are_kept BEFORE DELETE ON documents
    WHEN NOT EXISTS (SELECT 1 FROM imports i WHERE i.id = OLD.import AND i.state = 'leaving')
    BEGIN SELECT RAISE(ABORT, 'documents are kept'); END;
CREATE TRIGGER annotations_are_kept BEFORE DELETE ON annotations
    WHEN NOT EXISTS (SELECT 1 FROM imports i WHERE i.id = OLD.import AND i.state = 'leaving')
    BEGIN SELECT RAISE(ABORT, 'annotations are kept'); END;
CREATE TRIGGER annotation_spans_are_kept BEFORE DELETE ON annotation_spans
    WHEN NOT EXISTS (SELECT 1 FROM annotations a JOIN imports i ON i.id = a.import
                     WHERE a.id = OLD.annotation_id AND i.state = 'leaving')
    BEGIN SELECT RAISE(ABORT, 'annotations are kept'); END;
CREATE TRIGGER queue_counts_delete AFTER DELETE ON queue BEGIN
        UPDATE queue_counts SET documents = documents - 1
        WHERE split = OLD.split AND state = OLD.state AND gold = OLD.gold;
    END;
CREATE TRIGGER queue_order_delete BEFORE DELETE ON queue BEGIN
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
    END;
CREATE VIEW standing AS
    SELECT a.id AS annotation_id, a.document_id, a.annotator, a.origin, a.precedence, a.answer
    FROM annotations a
    WHERE a.answer <> 'ignore'
      AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.annotation_id = a.id)
      AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = a.document_id
                      AND b.annotator = a.annotator AND b.precedence = a.precedence AND b.id > a.id
                      AND NOT EXISTS (SELECT 1 FROM withdrawn w WHERE w.annotation_id = b.id))
      AND (a.origin <> 'machine' OR (SELECT q.split FROM queue q WHERE q.document_id = a.document_id) = 'pool');
CREATE VIEW ledger AS
    SELECT e.id, d.key, d.split, e.source, e.line, e.import, m.name AS model, m.round, e.annotation_id, e.action,
      e.reason, e.label, substr(d.text, e.start_char + 1, e.end_char - e.start_char) AS characters,
      e.start_char, e.end_char, e.placed_start, e.placed_end, e.created_at
    FROM alignment_events e JOIN documents d ON d.id = e.document_id LEFT JOIN models m ON m.id = e.model_id;
CREATE VIEW known_labels AS
SELECT s.id AS label_set, l.id AS label_id
FROM label_sets s JOIN labels l ON NOT l.retired
WHERE EXISTS (SELECT 1 FROM json_each(s.labels) j WHERE j.value = l.id)
  OR (EXISTS (SELECT 1 FROM labels p WHERE p.merged_into = l.id)
      AND NOT EXISTS (SELECT 1 FROM labels p WHERE p.merged_into = l.id
                      AND NOT EXISTS (SELECT 1 FROM json_each(s.labels) j WHERE j.value = p.id))
      AND NOT EXISTS (SELECT 1 FROM label_sets t, json_each(t.labels) j, labels p, json_each(t.labels) k
                      WHERE j.value = l.id AND p.merged_into = l.id AND k.value = p.id));
CREATE VIEW given_spans AS
SELECT s.annotation_id, s.start_char, s.end_char, s.label_id AS given_as, l.current_id AS label_id, l.name
FROM annotation_spans s JOIN current_labels l ON l.id = s.label_id
WHERE s.action <> 'rejected' AND NOT l.retired;
CREATE VIEW disagreements AS
SELECT a.document_id, a.annotation_id, b.annotation_id AS other
FROM standing a
JOIN standing b ON b.document_id = a.document_id AND b.annotation_id <> a.annotation_id
JOIN annotations o ON o.id = b.annotation_id
WHERE a.precedence = 2 AND b.precedence = 2 AND a.answer = 'accept' AND b.answer = 'accept'
  AND ((SELECT substr(content, instr(content, '|')) FROM contents WHERE annotation_id = a.annotation_id)
       <> (SELECT substr(content, instr(content, '|')) FROM contents WHERE annotation_id = b.annotation_id)
    OR EXISTS (
      SELECT 1 FROM given_spans x WHERE x.annotation_id = a.annotation_id
      AND NOT EXISTS (SELECT 1 FROM given_spans y WHERE y.annotation_id = b.annotation_id
                      AND y.start_char = x.start_char AND y.end_char = x.end_char AND y.label_id = x.label_id)
      AND (o.label_set IS NULL
        OR EXISTS (SELECT 1 FROM label_sets s, json_each(s.labels) j
                   WHERE s.id = o.label_set AND j.value = x.given_as)
        OR EXISTS (SELECT 1 FROM known_labels k WHERE k.label_set = o.label_set AND k.label_id = x.label_id)
        OR EXISTS (SELECT 1 FROM given_spans y WHERE y.annotation_id = b.annotation_id
                   AND y.start_char < x.end_char AND x.start_char < y.end_char)
        OR EXISTS (SELECT 1 FROM annotation_spans r JOIN current_labels l ON l.id = r.label_id
                   WHERE r.annotation_id = b.annotation_id AND r.action = 'rejected'
                   AND r.start_char = x.start_char AND r.end_char = x.end_char AND l.current_id = x.label_id))));
CREATE VIEW verdicts AS
SELECT document_id, precedence, answers, verdict, annotation_id,
  '[' || annotation_id || CASE WHEN several AND verdict = 'accept' THEN coalesce((
    SELECT ',' || group_concat(s.annotation_id)
    FROM standing s JOIN annotations a ON a.id = s.annotation_id JOIN annotations c ON c.id = decided.annotation_id
    WHERE s.document_id = decided.document_id AND s.precedence = 2 AND s.answer = 'accept' AND s.annotation_id <> c.id
    AND (EXISTS (SELECT 1 FROM known_labels k WHERE k.label_set = a.label_set AND c.label_set IS NOT NULL
                 AND k.label_id NOT IN (SELECT label_id FROM known_labels WHERE label_set = c.label_set))
      OR EXISTS (SELECT 1 FROM given_spans x WHERE x.annotation_id = a.id
                 AND NOT EXISTS (SELECT 1 FROM given_spans y WHERE y.annotation_id = c.id
                                 AND y.start_char = x.start_char AND y.label_id = x.label_id)))), '')
    ELSE '' END || ']' AS annotation_ids
FROM (
  SELECT document_id, precedence, answers, several,
    CASE WHEN last_accept IS NULL THEN 'reject'
         WHEN several AND EXISTS (SELECT 1 FROM disagreements d WHERE d.document_id = deciding.document_id)
         THEN 'conflict'
         WHEN precedence = 2 OR last_accept = last THEN 'accept'
         ELSE 'reject' END AS verdict,
    CASE WHEN several THEN (
           SELECT s.annotation_id FROM standing s JOIN annotations a ON a.id = s.annotation_id
           WHERE s.document_id = deciding.document_id AND s.precedence = 2 AND s.answer = 'accept'
           ORDER BY a.label_set IS NULL DESC,
                    (SELECT count(*) FROM known_labels k WHERE k.label_set = a.label_set) DESC, s.annotation_id DESC
           LIMIT 1)
         WHEN precedence = 2 THEN coalesce(last_accept, last) ELSE last END AS annotation_id
  FROM (
    SELECT s.document_id, s.precedence, count(*) AS answers, max(s.annotation_id) AS last,
           max(CASE s.answer WHEN 'accept' THEN s.annotation_id END) AS last_accept,
           -- people who may not have said the same
           s.precedence = 2 AND sum(s.answer = 'accept') > 1 AND (
             SELECT count(DISTINCT c.content) > 1 OR count(DISTINCT coalesce(a.label_set, 0)) > 1
             FROM standing t JOIN contents c ON c.annotation_id = t.annotation_id
             JOIN annotations a ON a.id = t.annotation_id
             WHERE t.document_id = s.document_id AND t.precedence = 2 AND t.answer = 'accept') AS several
    FROM standing s
    WHERE s.precedence = (SELECT min(t.precedence) FROM standing t WHERE t.document_id = s.document_id)
    GROUP BY s.document_id
  ) AS deciding
) AS decided;
CREATE VIEW gold AS
SELECT v.document_id, d.key, d.split, v.annotation_id, a.annotator, a.origin, a.created_at,
  (SELECT json_group_array(json_object('start', start_char, 'end', end_char, 'label', name)) FROM (
      SELECT DISTINCT s.start_char, s.end_char, s.name FROM given_spans s
      WHERE s.annotation_id IN (SELECT value FROM json_each(v.annotation_ids))
      ORDER BY s.start_char)) AS spans,
  d.text
FROM verdicts v JOIN annotations a ON a.id = v.annotation_id JOIN documents d ON d.id = v.document_id
WHERE v.verdict = 'accept';
CREATE VIEW conflicts AS
SELECT v.document_id, d.key, d.split, v.answers,
  (SELECT group_concat(annotator, ', ') FROM (
      SELECT s.annotator FROM standing s WHERE s.document_id = v.document_id AND s.precedence = 2
      AND s.answer = 'accept' ORDER BY s.annotator)) AS annotators,
  d.text
FROM verdicts v JOIN documents d ON d.id = v.document_id
WHERE v.verdict = 'conflict';
CREATE VIEW scoreboard AS
SELECT r.number AS round, r.state, r.promoted, s.split, s.metric, s.precision, s.recall, s.f1,
  s.f1_low, s.f1_high, s.support, macro.f1 AS macro_f1, weighted.f1 AS weighted_f1,
  (SELECT count(DISTINCT a.document_id) FROM round_annotations t JOIN annotations a ON a.id = t.annotation_id
   WHERE t.round = r.number AND t.role = 'train') AS trained_on,
  r.started_at, r.finished_at
FROM rounds r
LEFT JOIN scores s ON s.round = r.number AND (s.average = 'micro' OR (s.average IS NULL AND s.label IS NULL))
LEFT JOIN scores macro ON macro.round = s.round AND macro.split = s.split AND macro.metric = s.metric
  AND macro.average = 'macro'
LEFT JOIN scores weighted ON weighted.round = s.round AND weighted.split = s.split
  AND weighted.metric = s.metric AND weighted.average = 'weighted'
ORDER BY r.number, s.split, s.metric DESC;
CREATE INDEX triaged_triage ON triaged(triage_id);
CREATE INDEX unaided_prediction ON unaided(prediction_id);
CREATE TRIGGER parts_lie_in_the_text BEFORE INSERT ON parts
WHEN NEW.end_char > (SELECT n_chars FROM documents WHERE id = NEW.document_id)
BEGIN SELECT RAISE(ABORT, 'a part ends behind the text'); END;
COMMIT;
