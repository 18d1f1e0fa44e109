-- Pushed values are evaluated before the first row is read: parameters, expressions and
-- stable functions.  A generic plan asks and answers what a custom plan does.
\i sql/include/connect.psql
\! test/sample_api/ctl reset
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear
SELECT id AS open FROM local_links WHERE status = 'open' ORDER BY id LIMIT 1 \gset
SELECT id AS paid FROM local_links WHERE status = 'paid' ORDER BY id LIMIT 1 \gset
SELECT id AS expired FROM local_links WHERE status = 'expired' ORDER BY id LIMIT 1 \gset
SET plan_cache_mode = force_generic_plan;

-- Ids, beside a condition on the status.
PREPARE two_ids(uuid, uuid) AS SELECT status FROM qonto.payment_links WHERE id IN ($1, $2) AND status IN ('open', 'paid') ORDER BY status;
EXECUTE two_ids(:'open', :'paid');
EXECUTE two_ids(:'expired', :'paid');
PREPARE one_id(uuid, text) AS SELECT status FROM qonto.payment_links WHERE id = $1 AND status = $2 || '';
EXECUTE one_id(:'open', 'open');
EXECUTE one_id(:'open', 'paid');
PREPARE some_ids(text[], text[]) AS SELECT count(*) FROM qonto.payment_links WHERE id = ANY ($1::uuid[]) AND status = ANY ($2);
EXECUTE some_ids(ARRAY[:'open', :'paid', :'expired'], '{open,paid}');
\! test/sample_api/ctl clear
SELECT n, l.status FROM (VALUES (1, :'open'::uuid, :'paid'::uuid), (2, :'expired', :'open'), (3, :'expired', NULL)) f(n, a, b)
JOIN qonto.payment_links l ON l.id = ANY (ARRAY[f.a, f.b]) WHERE l.status IN ('open', 'paid') ORDER BY n, l.status;
\! test/sample_api/ctl clear
-- More ids than are looked up, made when the query runs.
SELECT (SELECT count(*) FROM qonto.payment_links WHERE id = ANY (ids::uuid[]) AND status = 'open') AS found
FROM (SELECT array_agg(gen_random_uuid()::text) || ARRAY[:'open', :'paid'] AS ids FROM generate_series(1, 20000)) s;
\! test/sample_api/ctl clear
DEALLOCATE ALL;
