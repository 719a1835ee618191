-- People are held to each other on the labels that both know. What only one of them knows is taken from that one.
DROP VIEW conflicts;
DROP VIEW gold;
DROP VIEW verdicts;
DROP VIEW scoreboard;

-- the labels in use that each label set knows: its own, and those made of labels that it has all of
-- (`store/tables/label_sets.py` says the same of any moment, and why)
CREATE VIEW known_labels AS
SELECT s.id AS label_set, l.id AS label_id
FROM label_sets s JOIN labels l ON NOT l.retired
WHERE EXISTS (SELECT 1 FROM json_each(s.labels) j WHERE j.value = l.id)
  OR (EXISTS (SELECT 1 FROM labels p WHERE p.merged_into = l.id)
      AND NOT EXISTS (SELECT 1 FROM labels p WHERE p.merged_into = l.id
                      AND NOT EXISTS (SELECT 1 FROM json_each(s.labels) j WHERE j.value = p.id))
      AND NOT EXISTS (SELECT 1 FROM label_sets t, json_each(t.labels) j, labels p, json_each(t.labels) k
                      WHERE j.value = l.id AND p.merged_into = l.id AND k.value = p.id));

-- the spans that an annotation gives, with the labels in use that theirs read as
CREATE VIEW given_spans AS
SELECT s.annotation_id, s.start_char, s.end_char, s.label_id AS given_as, l.current_id AS label_id, l.name
FROM annotation_spans s JOIN current_labels l ON l.id = s.label_id
WHERE s.action <> 'rejected' AND NOT l.retired;

-- two people who cannot both be right: they looked at other ranges, or one gives a span that the other one
-- does not give and knows the label of, has refused, or has another span in the place of
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

-- one row per document that anyone has answered: a review, else the people, else files and simulations,
-- else machines. Among people no two who accept may disagree; the annotation that counts is the one that knows
-- most labels, of such the newest, and behind it in `annotation_ids` are those that know or give what it does not.
-- Among the others the newest has the word.
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

-- disputes that were none: the queue keeps a copy of the verdicts
UPDATE queue SET gold = 1, state = CASE WHEN json_array_length(answered_by) < (SELECT overlap FROM project)
                                        THEN 'open' ELSE 'answered' END
WHERE state = 'conflict' AND 'accept' = (SELECT v.verdict FROM verdicts v WHERE v.document_id = queue.document_id);
