-- Order: the API sorts, and the server verifies the order.
\i sql/include/qonto.psql
CREATE TABLE local_links AS SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear

-- Both sort keys, in both directions, with NULLS FIRST and NULLS LAST. An Incremental Sort adds further keys.
SELECT api_plan($$SELECT * FROM qonto.payment_links ORDER BY amount$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links ORDER BY amount DESC NULLS LAST, id$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links ORDER BY expiration_date DESC$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links ORDER BY expiration_date NULLS FIRST, created_at$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links ORDER BY created_at$$);

-- same_order() compares the keys, in their order, with those of the local copy.
\i sql/include/same_order.psql
CREATE TABLE clauses (n serial, clause text);
INSERT INTO clauses (clause) SELECT format('%s ORDER BY %s %s NULLS %s %s', w, k, d, f, l)
FROM (VALUES (1, ''), (2, 'WHERE status = ''open''')) w(wn, w),
	(VALUES (1, 'amount'), (2, 'expiration_date')) k(kn, k),
	(VALUES (1, 'ASC'), (2, 'DESC')) d(dn, d),
	(VALUES (1, 'FIRST'), (2, 'LAST')) f(fn, f),
	(VALUES (1, ''), (2, 'LIMIT 30'), (3, 'LIMIT 240')) l(ln, l)
ORDER BY wn, kn, dn, fn, ln;
SELECT same_order(clause) FROM clauses ORDER BY n;

-- The order is the same at whichever end of the list the API has the links that never expire.
\set ok `test/sample_api/ctl config '{"null_block": "first"}'`
SELECT same_order(clause) FROM clauses WHERE clause ~ 'expiration' AND clause !~ 'open' ORDER BY n;
\set ok `test/sample_api/ctl config '{"null_block": "last"}'`
SELECT same_order(clause) FROM clauses WHERE clause ~ 'expiration' AND clause !~ 'open' ORDER BY n;
-- So it is when no link expires.
\set ok `test/sample_api/ctl config '{"zero_share": 1, "null_block": "lowest"}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SELECT same_order(clause) FROM clauses WHERE clause ~ 'expiration' ORDER BY n;
-- So it is when some links have null and some the zero date, at opposite ends of the list.
\! test/sample_api/ctl reset
\set ok `test/sample_api/ctl config '{"null_block": "both"}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SELECT same_order(clause) FROM clauses WHERE clause ~ 'expiration' AND clause !~ 'open|LIMIT' ORDER BY n;
-- Where links that never expire are among the others, NULLS LAST works, and NULLS FIRST is refused.
\set ok `test/sample_api/ctl config '{"null_block": "middle"}'`
SELECT same_order(clause) FROM clauses WHERE clause ~ 'expiration' AND clause !~ 'open|LIMIT' ORDER BY n;
SELECT (SELECT max(expiration_date) FROM qonto.payment_links) = (SELECT max(expiration_date) FROM local_links) AS max_expiration,
	(SELECT count(*) FROM (SELECT 1 FROM qonto.payment_links WHERE expiration_date IS NOT NULL ORDER BY expiration_date OFFSET 0) l) =
	(SELECT count(expiration_date) FROM local_links) AS count_expiration;
-- For NULLS LAST they are held back, in a file where work_mem is too small for them.
\set ok `test/sample_api/ctl config '{"count": 1000}'`
SET work_mem = '64kB';
SELECT count(*), count(DISTINCT attrs) FROM (SELECT attrs FROM qonto.payment_links ORDER BY expiration_date NULLS LAST OFFSET 0) l;
RESET work_mem;

-- How many requests an order takes.
\! test/sample_api/ctl reset
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear
-- 50 of the 250 links never expire, and the API sorts them first: NULLS FIRST takes one request.
SELECT count(expiration_date) FROM (SELECT expiration_date FROM qonto.payment_links ORDER BY expiration_date NULLS FIRST LIMIT 10) l;
\! test/sample_api/ctl requests
-- For NULLS LAST the first page is enough too: the last of the 50 is on it.
SELECT count(expiration_date) FROM (SELECT expiration_date FROM qonto.payment_links ORDER BY expiration_date LIMIT 10) l;
\! test/sample_api/ctl requests
-- In descending order they are on the last page.
SELECT count(expiration_date) FROM (SELECT expiration_date FROM qonto.payment_links ORDER BY expiration_date DESC NULLS LAST LIMIT 10) l;
\! test/sample_api/ctl requests
SELECT count(expiration_date) FROM (SELECT expiration_date FROM qonto.payment_links ORDER BY expiration_date DESC LIMIT 10) l;
\! test/sample_api/ctl requests
-- A query that reads the whole list reads each page once.
SELECT count(expiration_date) FROM (SELECT expiration_date FROM qonto.payment_links ORDER BY expiration_date OFFSET 0) l;
\! test/sample_api/ctl sorted_requests

-- min() and max() take the first row of a sorted list.
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

-- A merge join uses the API's order.
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
