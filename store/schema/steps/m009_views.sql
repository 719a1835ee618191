-- label ids as they are called now: a merged label reads as the one it went into
CREATE VIEW current_labels AS
SELECT l.id, coalesce(m.id, l.id) AS current_id, coalesce(m.name, l.name) AS name,
       coalesce(m.retired, l.retired) AS retired
FROM labels l LEFT JOIN labels m ON m.id = l.merged_into;

-- the newest word of every annotator on every document; who ignored it says nothing,
-- and a machine says nothing about an evaluation document
CREATE VIEW standing AS
SELECT a.id AS annotation_id, a.document_id, a.annotator, a.origin, a.precedence, a.answer
FROM annotations a
WHERE a.answer <> 'ignore'
  AND NOT EXISTS (SELECT 1 FROM annotations b WHERE b.document_id = a.document_id
                  AND b.annotator = a.annotator AND b.precedence = a.precedence AND b.id > a.id)
  AND (a.origin <> 'machine' OR (SELECT q.split FROM queue q WHERE q.document_id = a.document_id) = 'pool');

-- what an annotation says with the labels in use, as one comparable text: spans in order, then the ranges
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

-- one row per document that anyone has answered: a review, else the people, else files and simulations,
-- else machines. Among people all who accept must agree; among the others the newest has the word.
CREATE VIEW verdicts AS
SELECT document_id, precedence, answers,
  CASE WHEN last_accept IS NULL THEN 'reject'
       WHEN precedence = 2 AND accepts > 1 AND 1 < (
           SELECT count(DISTINCT c.content)
           FROM standing s JOIN contents c ON c.annotation_id = s.annotation_id
           WHERE s.document_id = deciding.document_id AND s.precedence = 2 AND s.answer = 'accept')
       THEN 'conflict'
       WHEN precedence = 2 OR last_accept = last THEN 'accept'
       ELSE 'reject' END AS verdict,
  CASE WHEN precedence = 2 THEN coalesce(last_accept, last) ELSE last END AS annotation_id
FROM (
  SELECT s.document_id, s.precedence, count(*) AS answers, max(s.annotation_id) AS last,
         sum(s.answer = 'accept') AS accepts,
         max(CASE s.answer WHEN 'accept' THEN s.annotation_id END) AS last_accept
  FROM standing s
  WHERE s.precedence = (SELECT min(t.precedence) FROM standing t WHERE t.document_id = s.document_id)
  GROUP BY s.document_id
) AS deciding;

CREATE VIEW gold AS
SELECT v.document_id, d.key, d.split, v.annotation_id, a.annotator, a.origin, a.created_at,
  (SELECT json_group_array(json_object('start', start_char, 'end', end_char, 'label', name)) FROM (
      SELECT s.start_char, s.end_char, l.name
      FROM annotation_spans s JOIN current_labels l ON l.id = s.label_id
      WHERE s.annotation_id = v.annotation_id AND s.action <> 'rejected' AND NOT l.retired
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
  (SELECT count(*) FROM round_annotations t WHERE t.round = r.number AND t.role = 'train') AS trained_on,
  r.started_at, r.finished_at
FROM rounds r
LEFT JOIN scores s ON s.round = r.number AND (s.average = 'micro' OR (s.average IS NULL AND s.label IS NULL))
LEFT JOIN scores macro ON macro.round = s.round AND macro.split = s.split AND macro.metric = s.metric
  AND macro.average = 'macro'
LEFT JOIN scores weighted ON weighted.round = s.round AND weighted.split = s.split
  AND weighted.metric = s.metric AND weighted.average = 'weighted'
ORDER BY r.number, s.split, s.metric DESC;

-- what the suggestions of each model saved and cost each person; spans as the newest revision left them
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

CREATE VIEW ledger AS
SELECT e.id, d.key, d.split, e.source, e.line, m.name AS model, m.round, e.annotation_id, e.action, e.reason,
  e.label, substr(d.text, e.start_char + 1, e.end_char - e.start_char) AS characters,
  e.start_char, e.end_char, e.placed_start, e.placed_end, e.created_at
FROM alignment_events e JOIN documents d ON d.id = e.document_id LEFT JOIN models m ON m.id = e.model_id;

CREATE VIEW progress AS
SELECT split, sum(documents) AS total, sum(documents * gold) AS gold,
  sum(documents * (state = 'open')) AS open, sum(documents * (state = 'ignored')) AS skipped,
  sum(documents * (state = 'conflict')) AS conflict, sum(documents * (state = 'rejected')) AS rejected
FROM queue_counts GROUP BY split ORDER BY split DESC;
