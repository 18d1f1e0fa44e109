-- Ranges: a list that the API sorts is searched as an index is.
\i sql/include/qonto.psql
\set ok `test/sample_api/ctl config '{"count": 2000}'`
CREATE TABLE local_links AS SELECT * FROM qonto.payment_links;
ANALYZE local_links;
\! test/sample_api/ctl clear
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE amount > 5000$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE amount < 5$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE amount BETWEEN 100 AND 101 AND status = 'open'$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE expiration_date >= date '2026-01-01' ORDER BY expiration_date LIMIT 10$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE expiration_date < now() - interval '1 day' ORDER BY expiration_date DESC$$);

-- A range at the end of the list where reading starts takes only its own pages.
SELECT (SELECT count(reusable) FROM qonto.payment_links WHERE amount > 5000) = (SELECT count(reusable) FROM local_links WHERE amount > 5000) AS same;
\! test/sample_api/ctl sorted_requests
-- A range in the middle takes the first page, a search among the other nineteen, and its own pages; none is read twice.
SELECT (SELECT count(reusable) FROM qonto.payment_links WHERE amount BETWEEN 100 AND 101) = (SELECT count(reusable) FROM local_links WHERE amount BETWEEN 100 AND 101) AS same;
\! test/sample_api/ctl requests
SELECT (SELECT count(reusable) FROM qonto.payment_links WHERE amount = 1200.50) = (SELECT count(reusable) FROM local_links WHERE amount = 1200.50) AS same;
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
-- A range without links takes no more than the search: the logarithm of the number of pages.
SELECT count(reusable) FROM qonto.payment_links WHERE amount > 100.001 AND amount < 100.002;
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
SELECT count(reusable) FROM qonto.payment_links WHERE amount > 10000000000000000;
\! test/sample_api/ctl requests

-- A count over a range is the distance between its ends in the list: no page between them is read.
SELECT api_plan($$SELECT count(*) FROM qonto.payment_links WHERE amount BETWEEN 20 AND 2000 AND status = 'open'$$);
SELECT (SELECT count(*) FROM qonto.payment_links WHERE amount > 20 AND amount <= 2000) = (SELECT count(*) FROM local_links WHERE amount > 20 AND amount <= 2000) AS same;
\! test/sample_api/ctl requests
SELECT (SELECT count(*) FROM qonto.payment_links WHERE expiration_date < date '2025-06-01') = (SELECT count(*) FROM local_links WHERE expiration_date < date '2025-06-01') AS same;
\! test/sample_api/ctl requests
SELECT (SELECT count(*) FROM qonto.payment_links WHERE expiration_date IS NOT NULL) = (SELECT count(expiration_date) FROM local_links) AS same;
\! test/sample_api/ctl requests
SELECT (SELECT count(*) FROM qonto.payment_links WHERE expiration_date IS NULL AND status = 'open') = (SELECT count(*) FROM local_links WHERE expiration_date IS NULL AND status = 'open') AS same;
\! test/sample_api/ctl requests

-- The links that never expire are a range too: their pages are read, and one at the other end of the list, where there might be more.
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE expiration_date IS NULL AND status <> 'open'$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE expiration_date IS NOT NULL$$);
SELECT (SELECT count(reusable) FROM qonto.payment_links WHERE expiration_date IS NULL) = (SELECT count(reusable) FROM local_links WHERE expiration_date IS NULL) AS same;
\! test/sample_api/ctl requests
SELECT (SELECT count(reusable) FROM qonto.payment_links WHERE expiration_date IS NOT NULL) = (SELECT count(reusable) FROM local_links WHERE expiration_date IS NOT NULL) AS same;
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
SELECT count(*) FROM qonto.payment_links WHERE expiration_date IS NULL AND expiration_date < now();
SELECT count(reusable) FROM qonto.payment_links WHERE amount IS NULL;
\! test/sample_api/ctl count

-- Bounds of every kind return the rows that they return from the local copy.
\set ok `test/sample_api/ctl config '{"count": 420}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
CREATE TABLE ranges (n serial, condition text);
INSERT INTO ranges (condition)
SELECT format('%s %s %s AND %s %s %s %s', k, lo, a, k, hi, b, s)
FROM (VALUES ('amount', '20', '25'), ('amount', '0', '1e30'), ('amount', '1200.5', '1200.50'), ('amount', '30', '10'),
	('expiration_date', 'date ''2025-03-01''', 'timestamptz ''2025-06-01 00:00+00'''),
	('expiration_date', 'timestamp ''2024-01-01''', 'date ''2030-01-01'''),
	('expiration_date', 'date ''2025-03-01''', '''infinity''')) v(k, a, b),
	(VALUES ('>'), ('>=')) l(lo), (VALUES ('<'), ('<=')) h(hi), (VALUES (''), ('AND status = ''open'''), ('AND status <> ''open'''), ('AND reusable')) s(s);
INSERT INTO ranges (condition) VALUES ('amount > 3000'), ('amount < 3'), ('3 > amount'), ('amount = 120'), ('expiration_date < date ''2025-01-01'''),
	('expiration_date > date ''2025-06-01'''), ('expiration_date IS NULL'), ('expiration_date IS NOT NULL'),
	('expiration_date IS NULL AND status <> ''open'''), ('expiration_date <= ''-infinity'''), ('expiration_date >= ''-infinity''');
CREATE FUNCTION same_range(condition text, clause text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	differences bigint;
BEGIN
	EXECUTE format('WITH f AS MATERIALIZED (SELECT id, amount, expiration_date FROM qonto.payment_links WHERE %1$s %2$s),
			l AS MATERIALIZED (SELECT id, amount, expiration_date FROM local_links WHERE %1$s %2$s)
		SELECT (SELECT count(*) FROM l), count(*) FROM ((TABLE f EXCEPT ALL TABLE l) UNION ALL (TABLE l EXCEPT ALL TABLE f)) d',
		condition, clause) INTO n, differences;
	IF clause = '' THEN
		EXECUTE format('SELECT count(*) FROM (SELECT count(*), sum(1), count(id) FROM qonto.payment_links WHERE %1$s
			EXCEPT SELECT count(*), sum(1), count(id) FROM local_links WHERE %1$s) d', condition) INTO n;
		differences := differences + n;
	END IF;
	RETURN CASE WHEN differences = 0 THEN 'same' ELSE format('%s rows, %s differ: %s %s', n, differences, condition, clause) END;
END $$;
SELECT same_range(condition, ''), count(*) FROM ranges GROUP BY 1 ORDER BY 1;
SELECT same_range(condition, 'ORDER BY expiration_date DESC, id LIMIT 30'), count(*) FROM ranges WHERE n % 3 = 1 GROUP BY 1 ORDER BY 1;
SELECT same_range(condition, 'ORDER BY amount, id LIMIT 30'), count(*) FROM ranges WHERE n % 3 = 1 GROUP BY 1 ORDER BY 1;
\set ok `test/sample_api/ctl config '{"null_block": "last"}'`
SELECT same_range(condition, ''), count(*) FROM ranges WHERE condition ~ 'expiration' AND n % 3 = 0 GROUP BY 1 ORDER BY 1;
-- Links that never expire at both ends or in the middle: where a search meets them, the whole list is read. (IS NULL alone does not look at the middle.)
\set ok `test/sample_api/ctl config '{"null_block": "both"}'`
SELECT same_range(condition, ''), count(*) FROM ranges WHERE condition ~ 'expiration' GROUP BY 1 ORDER BY 1;
\set ok `test/sample_api/ctl config '{"null_block": "middle"}'`
SELECT same_range(condition, ''), count(*) FROM ranges WHERE condition ~ 'expiration' AND condition !~ 'IS NULL' GROUP BY 1 ORDER BY 1;
\set ok `test/sample_api/ctl config '{"undocumented_share": 0.1, "null_block": "first"}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SELECT same_range(condition, ''), count(*) FROM ranges WHERE n % 3 = 0 GROUP BY 1 ORDER BY 1;
\set ok `test/sample_api/ctl config '{"zero_share": 1, "undocumented_share": 0, "null_block": "lowest"}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SELECT same_range(condition, ''), count(*) FROM ranges WHERE n % 3 = 0 GROUP BY 1 ORDER BY 1;
\set ok `test/sample_api/ctl config '{"count": 0}'`
TRUNCATE local_links;
SELECT same_range(condition, ''), count(*) FROM ranges WHERE n % 3 = 0 GROUP BY 1 ORDER BY 1;
\set ok `test/sample_api/ctl config '{"count": 100, "zero_share": 0.2}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SELECT same_range(condition, ''), count(*) FROM ranges WHERE n % 3 = 0 GROUP BY 1 ORDER BY 1;
\! test/sample_api/ctl clear

-- Bounds may be parameters. With NULL as a bound no request is made.
SET plan_cache_mode = force_generic_plan;
PREPARE above(numeric) AS SELECT count(reusable) FROM qonto.payment_links WHERE amount > $1;
SELECT api_plan('EXECUTE above(100)');
EXECUTE above(1e20);
EXECUTE above(NULL);
\! test/sample_api/ctl count
RESET plan_cache_mode;
-- A bound that each outer row sets is not searched for: the list is read once for all of them.
SELECT v.a, (SELECT count(reusable) FROM qonto.payment_links WHERE amount > v.a) = (SELECT count(reusable) FROM local_links WHERE amount > v.a) AS same
FROM (VALUES (10), (10), (100), (NULL)) v(a);
\! test/sample_api/ctl count
-- A bound from a subquery that runs once is searched for.
SELECT regexp_replace(api_plan($$SELECT * FROM qonto.payment_links WHERE amount > (SELECT max(amount) FROM local_links)$$), '\(InitPlan .*\)\.col1', '$0');
\! test/sample_api/ctl reset
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;

-- Bounds that exclude each other make no request. EXPLAIN shows this for constants; it runs no subquery to learn a bound.
SELECT api_plan($$SELECT id FROM qonto.payment_links WHERE amount > 5 AND amount < 3$$);
SELECT api_plan($$SELECT count(*) FROM qonto.payment_links WHERE amount > 5 AND amount < 3$$);
\! test/sample_api/ctl clear
SELECT count(*) > 0 AS planned FROM api_plan($$SELECT id FROM qonto.payment_links WHERE amount BETWEEN (SELECT max(amount) FROM qonto.payment_links) AND 5$$);
\! test/sample_api/ctl count
SELECT count(*) FROM qonto.payment_links WHERE amount BETWEEN (SELECT max(amount) FROM qonto.payment_links) AND 5;
\! test/sample_api/ctl requests

-- A list that changes during a search is searched again. A list that is out of order is read whole.
\set ok `test/sample_api/ctl config '{"count": 900}'`
\set ok `test/sample_api/ctl before '{"n": 3, "links": {"generate": 5}}'`
SELECT count(*) AS n FROM qonto.payment_links WHERE amount > 50 AND amount < 60 \gset
\! test/sample_api/ctl count
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SELECT count(*) = :n AS same FROM local_links WHERE amount > 50 AND amount < 60;
\set ok `test/sample_api/ctl before '{"n": 3, "links": {"generate": 5}}'`
SELECT count(reusable) AS n FROM qonto.payment_links WHERE amount BETWEEN 70 AND 80 \gset
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SELECT count(reusable) = :n AS same FROM local_links WHERE amount BETWEEN 70 AND 80;
\set ok `test/sample_api/ctl config '{"broken_order": "ignored"}'`
SELECT (SELECT count(*) FROM qonto.payment_links WHERE amount > 50 AND amount < 60) = (SELECT count(*) FROM local_links WHERE amount > 50 AND amount < 60) AS same;
SELECT same_range(condition, ''), count(*) FROM ranges WHERE n % 3 = 2 GROUP BY 1 ORDER BY 1;
CREATE FOREIGN TABLE only_keys (amount numeric, expiration_date timestamptz) SERVER qonto;
SELECT (SELECT count(*) FROM only_keys WHERE expiration_date > date '2025-01-01') = (SELECT count(*) FROM local_links WHERE expiration_date > date '2025-01-01') AS same;
DROP FOREIGN TABLE only_keys;
\! test/sample_api/ctl reset
-- A function declared STABLE that changes its mind: no link satisfies its second answer.
CREATE FOREIGN TABLE small_pages (id uuid, amount numeric) SERVER qonto OPTIONS (page_size '64');
CREATE FUNCTION fickle() RETURNS numeric STABLE LANGUAGE plpgsql AS $$
DECLARE n int := current_setting('fickle.calls')::int + 1;
BEGIN
	PERFORM set_config('fickle.calls', n::text, false);
	RETURN CASE WHEN n > current_setting('fickle.after')::int THEN 1e30 ELSE -1 END;
END $$;
CREATE FUNCTION fickle_links(after int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('fickle.calls', '0', false), set_config('fickle.after', after::text, false);
	RETURN (SELECT count(*) FROM (SELECT id FROM small_pages WHERE amount > fickle() ORDER BY amount LIMIT 5) s);
END $$;
SELECT array_agg(fickle_links(n) ORDER BY n) FROM generate_series(1, 5) n;
DROP FUNCTION fickle, fickle_links;
DROP FOREIGN TABLE small_pages;
-- Whether bounds exclude each other is found out by evaluating each of them a few times, not each with all others.
CREATE FUNCTION counted(n numeric) RETURNS numeric STABLE LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('counted.calls', (current_setting('counted.calls')::int + 1)::text, false);
	RETURN n;
END $$;
SET counted.calls = 0;
SELECT 'SELECT count(*) FROM qonto.payment_links WHERE ' || string_agg(format('amount > counted(-%s) AND amount < counted(50 + %s)', n, n % 5), ' AND ') || ' AND amount > counted(60)' AS query
FROM generate_series(1, 100) n \gset
\! test/sample_api/ctl clear
:query;
SELECT current_setting('counted.calls')::int < 5000 AS few;
\! test/sample_api/ctl requests
DROP FUNCTION counted;
