-- Lookup by id: a request for each id.
\i sql/include/qonto.psql
CREATE TABLE local_links AS SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear
SELECT id AS one, (SELECT id FROM local_links WHERE status = 'open' ORDER BY id LIMIT 1) AS open FROM local_links WHERE status = 'paid' ORDER BY id LIMIT 1 \gset
\setenv one :one
\setenv open :open

SELECT replace(api_plan(format('SELECT * FROM qonto.payment_links WHERE id = %L', :'one')), :'one', 'ID');
SELECT l.* = (SELECT c FROM local_links c WHERE id = :'one') AS same FROM qonto.payment_links l WHERE id = :'one';
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
-- When no link has the id, one more request, for one link of the list, tells that the list exists. Other conditions are checked as well.
SELECT status FROM qonto.payment_links WHERE id = '00000000-0000-0000-0000-000000000000';
SELECT status FROM qonto.payment_links WHERE id = :'one' AND status = 'open';
SELECT status FROM qonto.payment_links WHERE id = :'one' AND status = 'open' AND status IN ('paid', 'expired');
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
-- Each id is asked for once, however often the query names it.
SELECT status, count(*) FROM qonto.payment_links WHERE id IN (:'one', :'open', :'one', NULL) GROUP BY status ORDER BY status;
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
-- With more than a hundred ids the list is read.
SELECT count(*) FROM qonto.payment_links WHERE id = ANY ((SELECT array_agg(id) FROM local_links)::uuid[]);
\! test/sample_api/ctl sorted_requests
\! test/sample_api/ctl clear
-- The same id 150 times is one id.
SELECT count(status) FROM qonto.payment_links WHERE id = ANY (array_fill(:'one'::uuid, ARRAY[150]));
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
-- OR is a lookup where each arm limits the ids: by =, by IN, or by one of these AND other conditions.
SELECT status, count(*) FROM qonto.payment_links WHERE id = :'one' OR id = :'open' GROUP BY status ORDER BY status;
SELECT status, count(*) FROM qonto.payment_links WHERE id = :'one' OR id IN (:'open', :'one') OR :'open' = id GROUP BY status ORDER BY status;
SELECT status, count(*) FROM qonto.payment_links WHERE (id = :'one' AND status = 'paid') OR (amount > 0 AND (id = :'open' OR id = :'one') AND status = 'expired') GROUP BY status ORDER BY status;
SELECT count(status) FROM qonto.payment_links WHERE (id = :'one' OR id = :'open') AND id = :'one' AND status = 'paid';
-- Of conditions on the id that are joined by AND, at most one id satisfies both.
SELECT count(status) FROM qonto.payment_links WHERE id = :'one' AND id = :'open';
SELECT count(status) FROM qonto.payment_links WHERE id = :'one' AND id IN (:'open', :'one');
\! test/sample_api/ctl requests | sort | uniq -c | sed "s/^ *//; s/$one/ONE/; s/$open/OPEN/"
\! test/sample_api/ctl clear
-- A hundred arms are looked up, and one more is not.
SELECT count(api_plan) FROM api_plan((SELECT 'SELECT * FROM qonto.payment_links WHERE ' || string_agg(format('id = %L', gen_random_uuid()), ' OR ') FROM generate_series(1, 101))) WHERE api_plan ~ 'Lookup';
SELECT count(api_plan) FROM api_plan((SELECT 'SELECT * FROM qonto.payment_links WHERE ' || string_agg(format('id = %L', gen_random_uuid()), ' OR ') FROM generate_series(1, 100))) WHERE api_plan ~ 'Lookup';
-- Where an arm does not limit the ids, the list is read.
SELECT api_plan(format('SELECT * FROM qonto.payment_links WHERE id = %L OR amount > 5000', :'one'));
SELECT api_plan(format('SELECT * FROM qonto.payment_links WHERE id = %L OR NOT id = %L', :'one', :'open'));
-- The API may send the link alone or as the member of an object: the row is the same.
\set ok `test/sample_api/ctl config '{"wrapped": false}'`
SELECT l.* = (SELECT c FROM local_links c WHERE id = :'one') AS same FROM qonto.payment_links l WHERE id = :'one';
\set ok `test/sample_api/ctl config '{"wrapped": true}'`
\! test/sample_api/ctl clear

-- Ids may be parameters.
SET plan_cache_mode = force_generic_plan;
PREPARE by_id(uuid) AS SELECT status FROM qonto.payment_links WHERE id = $1;
PREPARE by_ids(uuid[]) AS SELECT count(*) FROM qonto.payment_links WHERE id = ANY ($1);
SELECT api_plan(format('EXECUTE by_id(%L)', :'one'));
EXECUTE by_id(:'one');
EXECUTE by_id(NULL);
EXECUTE by_ids(ARRAY[:'one', :'open']::uuid[]);
EXECUTE by_ids('{}');
EXECUTE by_ids(NULL);
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
PREPARE by_either(uuid, uuid[], text) AS SELECT status FROM qonto.payment_links WHERE id = $1 OR id = ANY ($2) OR (id = $1 AND status = $3) ORDER BY status;
SELECT api_plan(format('EXECUTE by_either(%L, NULL, NULL)', :'one'));
EXECUTE by_either(:'one', ARRAY[:'one', :'open', NULL]::uuid[], 'paid');
EXECUTE by_either(NULL, ARRAY[[:'one'], [:'open']]::uuid[], NULL);
EXECUTE by_either(:'one', NULL, NULL);
EXECUTE by_either(NULL, '{}', NULL);
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
-- A value that raises an error when evaluated may be in an arm that the executor never reaches: then the list is read.
PREPARE by_text(uuid, text) AS SELECT status FROM qonto.payment_links WHERE id = $1 OR ($2 <> '' AND id = $2::uuid);
SELECT api_plan(format('EXECUTE by_text(%L, %L)', :'one', ''));
EXECUTE by_text(:'one', :'one');
EXECUTE by_text(:'one', :'open');
\! test/sample_api/ctl count
EXECUTE by_text(:'one', '');
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
RESET plan_cache_mode;

-- A join with a few local rows: one request for each of their ids.
CREATE TABLE few AS SELECT id, n FROM (SELECT id, n FROM local_links, generate_series(1, 3) n WHERE status = 'expired' ORDER BY id LIMIT 12) l;
ANALYZE few;
SELECT api_plan($$SELECT * FROM few JOIN qonto.payment_links l USING (id)$$);
SELECT count(*), count(DISTINCT l.id), bool_and(status = 'expired') AS expired FROM few JOIN qonto.payment_links l USING (id);
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
SELECT f.n, l.status FROM (VALUES (1, :'one'::uuid), (2, NULL), (3, '00000000-0000-0000-0000-000000000000')) f(n, id)
LEFT JOIN qonto.payment_links l ON l.id = f.id ORDER BY n;
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
SELECT f.n, count(l.status) FROM (VALUES (1, :'one'::uuid, :'open'::uuid), (2, NULL, :'one'), (3, :'open', NULL), (4, NULL, NULL)) f(n, a, b)
LEFT JOIN qonto.payment_links l ON l.id = f.a OR l.id = f.b GROUP BY n ORDER BY n;
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
-- In a join with many local rows the list is read once.
ANALYZE local_links;
SELECT api_plan($$SELECT * FROM local_links JOIN qonto.payment_links l USING (id)$$);
-- A failure is an error, not a missing row.
\set VERBOSITY terse
\set ok `test/sample_api/ctl fault '{"kind": "status", "status": 403}'`
SELECT status FROM qonto.payment_links WHERE id = :'one';
\echo SQLSTATE :SQLSTATE
\set VERBOSITY default
\! test/sample_api/ctl reset
DROP TABLE few;
