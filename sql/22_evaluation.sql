-- Values that are asked of the API are evaluated before the first row is read: parameters,
-- expressions and stable functions. Generic plans make the same requests and return the
-- same rows as custom plans.
\i sql/include/qonto.psql
CREATE TABLE local_links AS SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear
SELECT id AS open FROM local_links WHERE status = 'open' ORDER BY id LIMIT 1 \gset
SELECT id AS paid FROM local_links WHERE status = 'paid' ORDER BY id LIMIT 1 \gset
SELECT id AS expired FROM local_links WHERE status = 'expired' ORDER BY id LIMIT 1 \gset
SET plan_cache_mode = force_generic_plan;

-- Conditions on id and status together.
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
-- 20,000 ids, made when the query runs: the list is read.
SELECT (SELECT count(*) FROM qonto.payment_links WHERE id = ANY (ids::uuid[]) AND status = 'open') AS found
FROM (SELECT array_agg(gen_random_uuid()::text) || ARRAY[:'open', :'paid'] AS ids FROM generate_series(1, 20000)) s;
\! test/sample_api/ctl clear
DEALLOCATE ALL;

-- An expression that the executor would never evaluate raises no error when the wrapper
-- evaluates it first. Each of these queries divides by 0, or casts '', for one of its
-- arguments, and ends as over the local copy: in the same rows, or the same SQLSTATE.
CREATE FUNCTION outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
	EXECUTE query INTO result;
	RETURN coalesce(result, 'null');
EXCEPTION WHEN data_exception THEN
	RETURN SQLSTATE;
END $$;
CREATE TABLE guarded (n serial, argument text, others text[], query text);
INSERT INTO guarded (argument, others, query) VALUES
	('text', ARRAY[$$''$$, $$'{open,paid}'$$, $$'x'$$], $$SELECT count(*) FROM %s WHERE $1 = '' OR status = ANY ($1::text[])$$),
	('text', ARRAY[$$''$$, $$'{open,paid}'$$, $$'x'$$], $$SELECT count(id) FROM %s WHERE status = 'paid' OR $1 <> '' AND status = ANY ($1::text[])$$),
	('text', ARRAY[$$''$$, $$'{open,paid}'$$], $$SELECT count(id) FROM %s WHERE coalesce(nullif($1, '') IS NULL, false) OR status = ANY ($1::text[])$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE $1 = 0 OR status = (10 / $1)::text$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE NOT ($1 <> 0 AND status = (10 / $1)::text)$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE CASE WHEN $1 = 0 THEN status = 'open' ELSE status <> (10 / $1)::text END$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE CASE WHEN status = 'none' THEN 10 / $1 > 1 ELSE status = 'paid' END$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE coalesce(status <> 'none', 10 / $1 > 1)$$),
	('int', '{0,1}', $$SELECT count(id) FROM %s WHERE reusable IS NULL AND status = (10 / $1)::text$$),
	('int', '{0,1}', $$SELECT count(id) FROM %s WHERE (amount < 0 AND status = (10 / $1)::text) OR status = 'paid'$$),
	('int', '{0,1}', $$SELECT count(id) FROM %s WHERE amount < 0 OR status = (10 / $1)::text$$),
	('int', '{0,1}', $$SELECT count(id) FROM %s WHERE status = 'none' AND amount > 10 / $1$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE status = 'none' AND amount > 10 / $1$$),
	('int', '{0,1}', $$SELECT count(id) FROM %s WHERE amount > 10 / $1$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE amount > 10 / $1 AND amount < 5000$$),
	('int', '{0,1}', $$SELECT count(*) FILTER (WHERE status = (SELECT 10 / $1)::text) FROM %s WHERE status = nullif($1, $1)::text$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE expiration_date IS NULL AND expiration_date > CASE WHEN $1 = 0 THEN now() ELSE now() - $1 * (SELECT interval '1 day') END$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE expiration_date IS NULL AND expiration_date > now() - 10 / $1 * interval '1 day'$$),
	('text', ARRAY[$$'x'$$, $$'00000000-0000-0000-0000-000000000000'$$], $$SELECT count(*) FROM %s WHERE status = 'none' AND id = $1::uuid$$),
	('text', ARRAY[$$'x'$$, $$'00000000-0000-0000-0000-000000000000'$$], $$SELECT count(*) FROM %s WHERE id = $1::uuid$$),
	('text', ARRAY[$$''$$, $$'{00000000-0000-0000-0000-000000000000}'$$], $$SELECT count(*) FROM %s WHERE $1 <> '' AND id = ANY ($1::uuid[])$$),
	('int', '{0,1}', $$SELECT (count(*), count(*) FILTER (WHERE status = (10 / $1)::text)) FROM %s WHERE status = 'none'$$),
	('int', '{0,1}', $$SELECT (count(*), count(*) FILTER (WHERE status = (10 / $1)::text)) FROM %s WHERE status = 'paid'$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s HAVING count(*) > 10 / $1 AND $1 <> 0$$),
	('int', '{0,1}', $$SELECT array_agg(status) FROM (SELECT status FROM %s WHERE status <> (10 / $1)::text AND status = 'none' LIMIT 3) l$$),
	('int', '{0,1}', $$SELECT array_agg(trim_scale(amount)) FROM (SELECT amount FROM %s WHERE CASE WHEN status = 'none' THEN 10 / $1 > 1 ELSE status = 'paid' END ORDER BY amount LIMIT 3 OFFSET 2) l$$),
	('int', '{0,1}', $$SELECT array_agg(g ORDER BY g) FROM (SELECT (status, count(*))::text g FROM %s WHERE CASE WHEN status = 'none' THEN 10 / $1 > 1 ELSE status < 'open' END GROUP BY status) l$$),
	('text', ARRAY[$$'%'$$, $$'%d'$$, $$'z\'$$, $$'open\'$$], $$SELECT count(*) FROM %s WHERE status LIKE $1$$),
	('int', '{0,1}', $$SELECT count(x.id) FROM local_links a LEFT JOIN (SELECT id, status, 'open'::text AS c FROM %s) x ON x.id = a.id WHERE x.status = x.c$$),
	('int', '{0,1}', $$SELECT count(x.id) FROM local_links a LEFT JOIN (SELECT id, status, ARRAY['open', 'paid'] AS c FROM %s) x ON x.id = a.id WHERE x.status = ANY (x.c)$$),
	('int', '{0,1}', $$SELECT array_agg(id) FROM (SELECT id FROM %s WHERE status = (SELECT (10 / $1)::text) LIMIT $1) l$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE $1 = 0 OR status = (SELECT 10 / $1)::text$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE $1 = 0 OR status = (SELECT (10 / $1)::text)$$),
	('int', '{0,1}', $$SELECT count(id) FROM %s WHERE $1 = 0 OR status = (SELECT 10 / $1)::text$$),
	('int', '{0,1}', $$SELECT count(id) FROM %s WHERE NOT ($1 <> 0 AND status <> (SELECT 10 / $1)::text)$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE CASE WHEN $1 = 0 THEN true ELSE status = (SELECT 10 / $1)::text END$$),
	('int', '{0,1}', $$SELECT count(id) FROM %s WHERE coalesce(nullif($1, 1) = 0, status = (SELECT 10 / $1)::text)$$),
	('int', '{0,1}', $$SELECT count(id) FROM %s WHERE ($1 <> 0 AND amount > 0 AND status = (SELECT 10 / $1)::text) OR status = 'paid'$$),
	('int', '{0,1}', $$SELECT count(*) FROM %s WHERE amount > CASE WHEN $1 = 0 THEN 100 ELSE (SELECT 10 / $1) END$$),
	('text', ARRAY[$$''$$, $$'00000000-0000-0000-0000-000000000000'$$], $$SELECT count(*) FROM %s WHERE id = '00000000-0000-0000-0000-000000000001' OR ($1 <> '' AND id = (SELECT $1::uuid))$$);
SET client_min_messages = warning;
DO $$
DECLARE
	g record;
	other text;
	here text;
	there text;
BEGIN
	FOR g IN SELECT * FROM guarded ORDER BY n LOOP
		EXECUTE format('PREPARE here(%s) AS ', g.argument) || format(g.query, 'local_links');
		EXECUTE format('PREPARE there(%s) AS ', g.argument) || format(g.query, 'qonto.payment_links');
		FOREACH other IN ARRAY g.others LOOP
			here := outcome(format('EXECUTE here(%s)', other));
			there := outcome(format('EXECUTE there(%s)', other));
			IF here IS DISTINCT FROM there THEN
				RAISE WARNING '% for %: % here, % there', g.query, other, here, there;
			END IF;
		END LOOP;
		DEALLOCATE here;
		DEALLOCATE there;
	END LOOP;
END $$;
RESET client_min_messages;
\! test/sample_api/ctl clear
-- An error for one row of the outer query does not change what is done for the others.
SELECT v, (SELECT count(*) FROM qonto.payment_links WHERE v = '' OR status = ANY (v::text[])) =
	(SELECT count(*) FROM local_links WHERE v = '' OR status = ANY (v::text[])) AS same
FROM (VALUES (''), ('{open}'), ('{paid,open}'), ('')) s(v);
\! test/sample_api/ctl sorted_requests
-- An expression that raises no error is asked of the API, even if other arguments would raise one.
PREPARE divided(int) AS SELECT count(*) FROM qonto.payment_links WHERE status = CASE 10 / $1 WHEN 5 THEN 'open' ELSE 'paid' END;
EXECUTE divided(2);
PREPARE as_text(text, text) AS SELECT count(id) FROM qonto.payment_links WHERE status = 'open' AND id = $1::uuid AND amount > $2::numeric;
EXECUTE as_text(:'open', '0');
\! test/sample_api/ctl sorted_requests
-- Errors are caught after a rollback to a savepoint, and in a WITH HOLD cursor at commit.
BEGIN;
SAVEPOINT s;
EXECUTE divided(2);
ROLLBACK TO s;
SET LOCAL client_min_messages = warning;
SELECT count((SELECT count(*) FROM qonto.payment_links WHERE reusable IS NULL AND status = (10 / n)::text)) FROM generate_series(0, 0) n;
DECLARE c CURSOR WITH HOLD FOR SELECT count((SELECT count(*) FROM qonto.payment_links WHERE reusable IS NULL AND status = (10 / n)::text)) FROM generate_series(0, 2) n;
COMMIT;
FETCH ALL FROM c;
CLOSE c;
-- They are caught in a deferred trigger at commit.
CREATE TABLE waits (n int);
CREATE FUNCTION divide() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	counted int;
BEGIN
	SELECT count((SELECT count(*) FROM qonto.payment_links WHERE reusable IS NULL AND status = (10 / n)::text))
	INTO counted FROM generate_series(0, new.n) n;
	RAISE NOTICE '% are counted', counted;
	RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON waits DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION divide();
BEGIN;
INSERT INTO waits VALUES (2);
COMMIT;
DROP TABLE waits;
DROP FUNCTION divide();
-- They are caught in parallel plans, and in subqueries that run first.
CREATE TABLE parallel_rows AS SELECT n, n % 3 AS m FROM generate_series(1, 10000) n;
ANALYZE parallel_rows;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
PREPARE beside(int) AS SELECT (SELECT count(*) FROM parallel_rows WHERE m = 1) AS local, count(l.id)
FROM qonto.payment_links l WHERE l.reusable IS NULL AND l.status <> (10 / $1)::text;
EXECUTE beside(0);
EXECUTE beside(1);
CREATE TABLE kept AS EXECUTE beside(1);
SELECT * FROM kept;
DROP TABLE kept;
CREATE MATERIALIZED VIEW kept AS SELECT l.id FROM (SELECT count(*) AS c FROM parallel_rows) p, qonto.payment_links l
WHERE l.id = left((SELECT id FROM local_links WHERE status = 'open' ORDER BY id LIMIT 1)::text || p.c, 36)::uuid;
SELECT count(*) FROM kept;
DROP MATERIALIZED VIEW kept;
SELECT count(id) FROM qonto.payment_links WHERE reusable IS NULL AND status = (10 / (SELECT m - m FROM parallel_rows WHERE n = 3))::text;
SELECT count(id) FROM qonto.payment_links WHERE id = ((SELECT id FROM local_links WHERE status = 'open' LIMIT 1)::text)::uuid;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
DROP TABLE parallel_rows;
DEALLOCATE ALL;
-- A comparison of two collations is an error only where rows are compared.
CREATE FOREIGN TABLE collated (id uuid, status text COLLATE "C", reusable boolean) SERVER qonto;
SELECT (SELECT count(id) FROM collated WHERE reusable IS NULL AND status = s) AS compared,
	(SELECT count(id) FROM collated WHERE reusable IS NULL AND lower(status || s) = 'open') AS put_together
FROM (SELECT string_agg(status, '' ORDER BY status) COLLATE "ucs_basic" AS s FROM local_links) s;
DROP FOREIGN TABLE collated;
-- A count with a bound that raises an error is made again at each rescan.
PREPARE bounds(numeric[]) AS SELECT array_agg((SELECT count(*) FROM qonto.payment_links
	WHERE amount > (SELECT max(x) FROM (VALUES (low)) v(x)) AND amount < 10 / (SELECT max(x) FROM (VALUES (low - low)) v(x))))
FROM unnest($1) low;
EXECUTE bounds('{1e20,2e20}');
EXECUTE bounds('{1e20,0}');
DEALLOCATE bounds;
DROP TABLE guarded;
DROP FUNCTION outcome;

-- Rows are kept for a rescan only while all values that chose them are the same.
\set ok `test/sample_api/ctl config '{"undocumented_share": 0.1}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SET client_min_messages = warning;
SELECT s, (SELECT count(*) FROM (SELECT id FROM qonto.payment_links p WHERE p.status = v.s LIMIT 5) l) AS five,
	(SELECT count(*) FROM (SELECT id FROM qonto.payment_links p WHERE p.status <> v.s AND p.status <> 'open' ORDER BY amount OFFSET 10) l) =
	(SELECT count(*) - 10 FROM local_links p WHERE p.status <> v.s AND p.status <> 'open') AS others,
	(SELECT count(*) FROM qonto.payment_links p WHERE p.status = v.s) = (SELECT count(*) FROM local_links p WHERE p.status = v.s) AS counted,
	(SELECT count(*) FROM qonto.payment_links p WHERE p.status = v.s AND amount > 1000) = (SELECT count(*) FROM local_links p WHERE p.status = v.s AND amount > 1000) AS in_range,
	(SELECT string_agg(g::text, ' ') FROM (SELECT status, count(*) FROM qonto.payment_links p WHERE p.status = v.s GROUP BY status) g) =
	(SELECT string_agg(g::text, ' ') FROM (SELECT status, count(*) FROM local_links p WHERE p.status = v.s GROUP BY status) g) AS grouped
FROM (VALUES (1, 'disputed'), (2, 'refunded'), (3, 'disputed'), (4, 'refunded'), (5, 'paid'), (6, 'refunded')) v(n, s) ORDER BY n;
RESET client_min_messages;
\! test/sample_api/ctl clear
-- A rescan with the same value makes no request.
SELECT n, (SELECT count(*) FROM (SELECT id FROM qonto.payment_links p WHERE p.status = v.s LIMIT 5) l) AS five FROM (VALUES (1, 'refunded'), (2, 'refunded'), (3, 'refunded')) v(n, s);
\! test/sample_api/ctl sorted_requests

-- Two moments whose text is the same: in this style a zone's summer and winter have one name.
\! test/sample_api/ctl reset
\set ok `test/sample_api/ctl links '{"generate": [{"expiration_date": "2026-11-01T03:45:00Z", "reusable": true}, {"expiration_date": "2026-11-01T04:15:00Z", "reusable": true}]}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
CREATE TABLE moments (n int, t timestamptz);
INSERT INTO moments VALUES (1, '2026-11-01 03:30+00'), (2, '2026-11-01 04:30+00');
SET datestyle = 'Postgres, DMY';
SET timezone = 'XXX3XXX2,M3.2.0,M11.1.0';
SELECT n, t, (SELECT count(*) FROM qonto.payment_links WHERE expiration_date < (SELECT max(t) FROM moments o WHERE o.n = m.n)) =
	(SELECT count(*) FROM local_links WHERE expiration_date < (SELECT max(t) FROM moments o WHERE o.n = m.n)) AS counted,
	(SELECT count(id) FROM qonto.payment_links WHERE reusable AND expiration_date < (SELECT max(t) FROM moments o WHERE o.n = m.n)) =
	(SELECT count(id) FROM local_links WHERE reusable AND expiration_date < (SELECT max(t) FROM moments o WHERE o.n = m.n)) AS read
FROM moments m ORDER BY n;
RESET datestyle;
RESET timezone;
