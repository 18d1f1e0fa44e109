-- LIMIT and OFFSET: only the pages that hold the wanted rows are read.
\i sql/include/qonto.psql
CREATE TABLE local_links AS SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear

SELECT api_plan($$SELECT id FROM qonto.payment_links ORDER BY amount DESC LIMIT 20 OFFSET 100$$);
SELECT amount FROM qonto.payment_links ORDER BY amount DESC LIMIT 3 OFFSET 103;
\! test/sample_api/ctl requests
SELECT amount FROM local_links ORDER BY amount DESC LIMIT 3 OFFSET 103;
-- Rows that lie on two pages take two requests. Without LIMIT reading begins at the page that holds the first wanted row.
SELECT count(*) FROM (SELECT amount FROM qonto.payment_links ORDER BY amount LIMIT 100 OFFSET 50) l;
\! test/sample_api/ctl sorted_requests
SELECT count(*) FROM (SELECT amount FROM qonto.payment_links WHERE status = 'open' ORDER BY amount OFFSET 90) l;
\! test/sample_api/ctl sorted_requests
SELECT count(*) FROM (SELECT id FROM qonto.payment_links OFFSET 230) l;
\! test/sample_api/ctl sorted_requests
-- Beyond the end of the list the API refuses the page; a request for one link tells how long the list is.
SELECT id FROM qonto.payment_links ORDER BY amount LIMIT 10 OFFSET 1000;
\! test/sample_api/ctl requests
SELECT id FROM qonto.payment_links ORDER BY amount LIMIT 10 OFFSET 9223372036854775807;
\! test/sample_api/ctl requests
-- The largest OFFSET and LIMIT work with pages of any size, since no list is longer than 2^53 links.
ALTER FOREIGN TABLE qonto.payment_links OPTIONS (ADD page_size '1');
SELECT id FROM qonto.payment_links OFFSET 9223372036854775807;
SELECT id FROM qonto.payment_links ORDER BY amount OFFSET 9223372036854775807;
SELECT id FROM qonto.payment_links ORDER BY amount LIMIT 9223372036854775807 OFFSET 9223372036854775807;
SELECT id FROM qonto.payment_links ORDER BY expiration_date LIMIT 9223372036854775807 OFFSET 9223372036854775807;
SELECT id FROM qonto.payment_links WHERE status LIKE 'p%' LIMIT 1 OFFSET 9223372036854775806;
\! test/sample_api/ctl requests | grep -v -- 'page=[1-9][0-9]*&per_page=1$'
\! test/sample_api/ctl clear
ALTER FOREIGN TABLE qonto.payment_links OPTIONS (DROP page_size);
SELECT count(*) FROM (SELECT id FROM qonto.payment_links ORDER BY amount LIMIT 9223372036854775807 OFFSET 200) l;
\! test/sample_api/ctl sorted_requests
-- LIMIT 0 makes no request.
SELECT api_plan($$SELECT id FROM qonto.payment_links ORDER BY amount LIMIT 0 OFFSET 10$$);
SELECT id FROM qonto.payment_links ORDER BY amount LIMIT 0 OFFSET 10;
SELECT id FROM qonto.payment_links WHERE status = (SELECT status FROM qonto.payment_links ORDER BY amount LIMIT 1) LIMIT 0;
\! test/sample_api/ctl requests

-- Every combination of LIMIT and OFFSET returns the keys that it returns from the local copy.
\i sql/include/same_order.psql
CREATE TABLE windows (n serial, clause text);
INSERT INTO windows (clause) SELECT format('%s ORDER BY %s LIMIT %s OFFSET %s', w, o, coalesce(l::text, 'NULL'), s)
FROM (VALUES (1, ''), (2, 'WHERE status = ''open'''), (3, 'WHERE status <> ''paid'''), (4, 'WHERE status < ''refunded''')) w(wn, w),
	(VALUES (1, 'amount'), (2, 'expiration_date DESC'), (3, 'expiration_date NULLS FIRST')) o(oi, o),
	(VALUES (1, 1), (2, 33), (3, 130), (4, NULL)) l(ln, l), (VALUES (0), (60), (199), (249), (250)) s(s)
ORDER BY wn, oi, ln, s;
SELECT count(*), bool_and(same_order(clause) ~ 'same: ') AS same FROM windows;
SELECT same_order(clause) FROM windows WHERE same_order(clause) !~ 'same: ' ORDER BY n;
\set ok `test/sample_api/ctl config '{"null_block": "last"}'`
SELECT count(*), bool_and(same_order(clause) ~ 'same: ') AS same FROM windows WHERE clause ~ 'expiration';
\set ok `test/sample_api/ctl config '{"undocumented_share": 0.1, "null_block": "lowest"}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
-- With undocumented statuses the node itself filters the whole list, skips the OFFSET and stops at the LIMIT.
SELECT count(*), bool_and(same_order(clause) ~ 'same: ') AS same FROM windows;
\! test/sample_api/ctl reset
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear

-- LIMIT and OFFSET may be parameters. NULL means no LIMIT or OFFSET, and a negative value is PostgreSQL's own error.
SET plan_cache_mode = force_generic_plan;
PREPARE win(bigint, bigint) AS SELECT amount FROM qonto.payment_links ORDER BY amount LIMIT $1 OFFSET $2;
SELECT api_plan('EXECUTE win(2, 100)');
EXECUTE win(2, 100);
\! test/sample_api/ctl requests
EXECUTE win(2, NULL);
\! test/sample_api/ctl requests
SELECT count(*) FROM (SELECT amount FROM qonto.payment_links ORDER BY amount LIMIT NULL OFFSET NULL) l;
\! test/sample_api/ctl sorted_requests
EXECUTE win(-1, 0);
\echo SQLSTATE :SQLSTATE
EXECUTE win(1, -1);
\echo SQLSTATE :SQLSTATE
EXECUTE win(0, 5);
\! test/sample_api/ctl requests
RESET plan_cache_mode;

-- Where the wrapper cannot apply LIMIT and OFFSET itself, the plan keeps its Limit node.
SELECT api_plan($$SELECT id FROM qonto.payment_links WHERE reusable ORDER BY amount LIMIT 2 OFFSET 1$$);
SELECT api_plan($$SELECT id FROM qonto.payment_links ORDER BY amount, id LIMIT 2 OFFSET 1$$);
SELECT trim(api_plan($$SELECT id FROM qonto.payment_links ORDER BY amount FETCH FIRST 2 ROWS WITH TIES$$));
SELECT trim(api_plan($$SELECT id FROM qonto.payment_links ORDER BY amount LIMIT 2 FOR UPDATE$$));
SELECT trim(api_plan($$SELECT DISTINCT ON (amount) id FROM qonto.payment_links ORDER BY amount LIMIT 2$$));
SELECT trim(api_plan($$SELECT generate_series(1, 2) FROM qonto.payment_links ORDER BY amount LIMIT 2$$));
SELECT trim(api_plan($$SELECT row_number() OVER () FROM qonto.payment_links ORDER BY amount LIMIT 2$$));
