-- Order: sorted by the API, verified here.
\i sql/include/connect.psql
\! test/sample_api/ctl reset
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear

-- Both keys, both directions, both placements of NULL; later keys by Incremental Sort.
SELECT api_plan($$SELECT * FROM qonto.payment_links ORDER BY amount$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links ORDER BY amount DESC NULLS LAST, id$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links ORDER BY expiration_date DESC$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links ORDER BY expiration_date NULLS FIRST, created_at$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links ORDER BY created_at$$);

-- Compares the keys, in their order, with those of the local copy.
CREATE FUNCTION same_order(clause text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	key text := substring(clause from 'ORDER BY (\w+)');
	n bigint;
	same bool;
BEGIN
	EXECUTE format('SELECT cardinality(here), there IS NOT DISTINCT FROM here FROM
		(SELECT (SELECT array_agg(k) FROM (SELECT %1$s AS k FROM qonto.payment_links %2$s) l) AS there,
			(SELECT array_agg(k) FROM (SELECT %1$s AS k FROM local_links %2$s) l) AS here) x', key, clause)
	INTO n, same;
	RETURN format('%s rows, %s: %s', n, CASE WHEN same THEN 'same' ELSE 'DIFFERENT' END, clause);
EXCEPTION WHEN fdw_error THEN
	RETURN format('refused (%s): %s', SQLSTATE, clause);
END $$;
CREATE TABLE clauses (n serial, clause text);
INSERT INTO clauses (clause) SELECT format('%s ORDER BY %s %s NULLS %s %s', w, k, d, f, l)
FROM (VALUES (1, ''), (2, 'WHERE status = ''open''')) w(wn, w),
	(VALUES (1, 'amount'), (2, 'expiration_date')) k(kn, k),
	(VALUES (1, 'ASC'), (2, 'DESC')) d(dn, d),
	(VALUES (1, 'FIRST'), (2, 'LAST')) f(fn, f),
	(VALUES (1, ''), (2, 'LIMIT 30'), (3, 'LIMIT 240')) l(ln, l)
ORDER BY wn, kn, dn, fn, ln;
SELECT same_order(clause) FROM clauses ORDER BY n;

-- Wherever the API keeps the links that never expire.
\set ok `test/sample_api/ctl config '{"null_block": "first"}'`
SELECT same_order(clause) FROM clauses WHERE clause ~ 'expiration' AND clause !~ 'open' ORDER BY n;
\set ok `test/sample_api/ctl config '{"null_block": "last"}'`
SELECT same_order(clause) FROM clauses WHERE clause ~ 'expiration' AND clause !~ 'open' ORDER BY n;
-- Also when all of them never expire.
\set ok `test/sample_api/ctl config '{"zero_share": 1, "null_block": "lowest"}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SELECT same_order(clause) FROM clauses WHERE clause ~ 'expiration' ORDER BY n;
-- Also when some are null and some have the zero date, and these sort to different ends.
\! test/sample_api/ctl reset
\set ok `test/sample_api/ctl config '{"null_block": "both"}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SELECT same_order(clause) FROM clauses WHERE clause ~ 'expiration' AND clause !~ 'open|LIMIT' ORDER BY n;
-- In the middle of others they can only be wanted last.
\set ok `test/sample_api/ctl config '{"null_block": "middle"}'`
SELECT same_order(clause) FROM clauses WHERE clause ~ 'expiration' AND clause !~ 'open|LIMIT' ORDER BY n;
SELECT (SELECT max(expiration_date) FROM qonto.payment_links) = (SELECT max(expiration_date) FROM local_links) AS max_expiration,
	(SELECT count(*) FROM (SELECT 1 FROM qonto.payment_links WHERE expiration_date IS NOT NULL ORDER BY expiration_date OFFSET 0) l) =
	(SELECT count(expiration_date) FROM local_links) AS count_expiration;
-- They are held back in a file where they do not fit in work_mem.
\set ok `test/sample_api/ctl config '{"count": 1000}'`
SET work_mem = '64kB';
SELECT count(*), count(DISTINCT attrs) FROM (SELECT attrs FROM qonto.payment_links ORDER BY expiration_date NULLS LAST OFFSET 0) l;
RESET work_mem;

-- The requests it takes.
\! test/sample_api/ctl reset
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear
-- 50 of 250 never expire, and sort first: where they are wanted first, one request will do.
SELECT count(expiration_date) FROM (SELECT expiration_date FROM qonto.payment_links ORDER BY expiration_date NULLS FIRST LIMIT 10) l;
\! test/sample_api/ctl requests
-- Where they are wanted last, the first page holds the border.
SELECT count(expiration_date) FROM (SELECT expiration_date FROM qonto.payment_links ORDER BY expiration_date LIMIT 10) l;
\! test/sample_api/ctl requests
-- In the other direction they are on the last page.
SELECT count(expiration_date) FROM (SELECT expiration_date FROM qonto.payment_links ORDER BY expiration_date DESC NULLS LAST LIMIT 10) l;
\! test/sample_api/ctl requests
SELECT count(expiration_date) FROM (SELECT expiration_date FROM qonto.payment_links ORDER BY expiration_date DESC LIMIT 10) l;
\! test/sample_api/ctl requests
-- The whole list is read once all the same.
SELECT count(expiration_date) FROM (SELECT expiration_date FROM qonto.payment_links ORDER BY expiration_date OFFSET 0) l;
\! test/sample_api/ctl sorted_requests

-- min and max are the first row of a sorted list.
SELECT api_plan($$SELECT min(amount) FROM qonto.payment_links$$);
SELECT (SELECT min(amount) FROM qonto.payment_links) = (SELECT min(amount) FROM local_links) AS min_amount;
\! test/sample_api/ctl requests
SELECT (SELECT max(amount) FROM qonto.payment_links WHERE status = 'paid') = (SELECT max(amount) FROM local_links WHERE status = 'paid') AS max_amount;
\! test/sample_api/ctl requests
SELECT (SELECT max(expiration_date) FROM qonto.payment_links) = (SELECT max(expiration_date) FROM local_links) AS max_expiration;
\! test/sample_api/ctl requests
SELECT (SELECT min(expiration_date) FROM qonto.payment_links) = (SELECT min(expiration_date) FROM local_links) AS min_expiration;
\! test/sample_api/ctl requests
\set ok `test/sample_api/ctl config '{"zero_share": 1}'`
SELECT min(expiration_date), max(expiration_date) FROM qonto.payment_links;
\! test/sample_api/ctl requests
\! test/sample_api/ctl reset

-- A merge join can rely on it.
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT api_plan($$SELECT * FROM qonto.payment_links f JOIN local_links l ON f.amount = l.amount$$);
SELECT (SELECT count(*) FROM qonto.payment_links f JOIN local_links l ON f.amount = l.amount) =
	(SELECT count(*) FROM local_links f JOIN local_links l ON f.amount = l.amount) AS same;
RESET enable_hashjoin;
RESET enable_nestloop;
\! test/sample_api/ctl clear

-- A list out of order is an error, not a wrong result; the hint says what to do.
\set ok `test/sample_api/ctl config '{"broken_order": "swap"}'`
SELECT count(*) FROM (SELECT * FROM qonto.payment_links ORDER BY amount OFFSET 0) l;
\echo SQLSTATE :SQLSTATE
ALTER FOREIGN TABLE qonto.payment_links OPTIONS (ADD sort_pushdown 'false');
SELECT api_plan($$SELECT * FROM qonto.payment_links ORDER BY amount$$);
SELECT same_order('ORDER BY amount');
ALTER FOREIGN TABLE qonto.payment_links OPTIONS (DROP sort_pushdown);
\! test/sample_api/ctl reset
