-- Reading: when requests are made, and how many.
\i sql/include/qonto.psql
CREATE TABLE invoices (n int, status text);
INSERT INTO invoices VALUES (1, 'open'), (2, 'paid'), (3, 'open'), (4, 'nothing');

-- A cursor may stop early, so pages are asked for one at a time at first, then two.
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM qonto.payment_links;
MOVE 1 FROM c;
\! test/sample_api/ctl requests
MOVE 99 FROM c;
\! test/sample_api/ctl requests
MOVE 1 FROM c;
\! test/sample_api/ctl requests
MOVE ALL FROM c;
\! test/sample_api/ctl requests
COMMIT;
-- Scrolling back makes no request. A WITH HOLD cursor reads the list at commit, and makes none afterwards.
BEGIN;
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT amount FROM qonto.payment_links WHERE status = 'open' ORDER BY amount;
COMMIT;
\! test/sample_api/ctl requests
FETCH LAST FROM c;
FETCH FIRST FROM c;
FETCH ABSOLUTE 5 FROM c;
CLOSE c;
\! test/sample_api/ctl requests

-- A rescan with the values of the scan before makes no request; with new values it makes new ones.
SET enable_material = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT i.n, count(*) FROM invoices i JOIN qonto.payment_links l ON l.status = i.status GROUP BY i.n ORDER BY i.n;
\! test/sample_api/ctl sorted_requests
-- Rows that are kept for a rescan go to a file where work_mem is too small for them.
SET work_mem = '64kB';
SELECT i.n, count(l.attrs) FROM invoices i LEFT JOIN qonto.payment_links l ON l.status = i.status GROUP BY i.n ORDER BY i.n;
\! test/sample_api/ctl sorted_requests
RESET work_mem;
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;
SELECT i.n, (SELECT count(*) FROM (SELECT 1 FROM qonto.payment_links l WHERE l.status = 'paid' AND l.amount > i.n OFFSET 0) l) > 0 AS some
FROM invoices i ORDER BY i.n;
\! test/sample_api/ctl sorted_requests
SELECT i.n, l.n FROM invoices i, LATERAL (SELECT count(*) AS n FROM (SELECT 1 FROM qonto.payment_links l WHERE l.status = i.status OFFSET 0) x) l ORDER BY i.n;
\! test/sample_api/ctl sorted_requests

-- A join with an analyzed local table scans the list once.
CREATE TABLE ledger AS SELECT id, amount FROM qonto.payment_links;
ANALYZE ledger;
\! test/sample_api/ctl clear
SELECT api_plan($$SELECT * FROM ledger g JOIN qonto.payment_links l USING (id) WHERE g.amount > 0$$);
SELECT count(*) FROM ledger g JOIN qonto.payment_links l USING (id);
\! test/sample_api/ctl sorted_requests

-- ANALYZE reads a sample of pages, and takes the number of links from the API. (From
-- PostgreSQL 19 on it also counts the links of each status.)
CREATE FOREIGN TABLE analyzed_links (id uuid NOT NULL, status text NOT NULL, amount numeric NOT NULL) SERVER qonto;
ANALYZE analyzed_links;
\! test/sample_api/ctl sorted_requests | grep -v 'per_page=1$'
SELECT reltuples FROM pg_class WHERE oid = 'analyzed_links'::regclass;
SELECT attname, n_distinct FROM pg_stats WHERE tablename = 'analyzed_links' AND attname IN ('id', 'status') ORDER BY attname;
-- max_requests makes the sample smaller.
ALTER FOREIGN TABLE analyzed_links OPTIONS (ADD max_requests '2');
ANALYZE analyzed_links;
\! test/sample_api/ctl sorted_requests
DROP FOREIGN TABLE analyzed_links;

-- One query may scan the table twice.
SELECT (SELECT count(*) FROM (SELECT 1 FROM qonto.payment_links WHERE status = 'open' OFFSET 0) x) > 0 AS some_open,
	(SELECT count(*) FROM (SELECT 1 FROM qonto.payment_links WHERE status = 'paid' OFFSET 0) x) > 0 AS some_paid;
\! test/sample_api/ctl sorted_requests

-- max_requests: the first page tells that the list has more pages, and the scan fails at once.
ALTER FOREIGN TABLE qonto.payment_links OPTIONS (ADD max_requests '2');
SELECT count(*) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\echo SQLSTATE :SQLSTATE
\! test/sample_api/ctl requests
SELECT count(*) FROM (SELECT * FROM qonto.payment_links LIMIT 150) l;
\! test/sample_api/ctl requests
ALTER FOREIGN TABLE qonto.payment_links OPTIONS (DROP max_requests);

-- Smaller pages, an empty list, and a list that ends where a page ends.
ALTER FOREIGN TABLE qonto.payment_links OPTIONS (ADD page_size '50');
SELECT count(*) FROM (SELECT * FROM qonto.payment_links WHERE reusable OFFSET 0) l \gset reusable_
\! test/sample_api/ctl sorted_requests
ALTER FOREIGN TABLE qonto.payment_links OPTIONS (DROP page_size);
\set ok `test/sample_api/ctl config '{"count": 0}'`
SELECT count(*) FROM (SELECT * FROM qonto.payment_links ORDER BY expiration_date OFFSET 0) l;
\! test/sample_api/ctl requests
\set ok `test/sample_api/ctl config '{"count": 200}'`
SELECT count(*) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\! test/sample_api/ctl sorted_requests
\! test/sample_api/ctl reset

-- A list that changes while it is read: no link is lost, and none is returned twice. Here
-- a link is added in front, which pushes the last link of page 1 to page 2: page 1 is
-- read again.
ALTER SERVER qonto OPTIONS (ADD concurrency '1');
\set ok `test/sample_api/ctl before '{"n": 2, "links": {"generate": 1}}'`
SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\! test/sample_api/ctl sorted_requests
-- In an order, a link is left out that was added before the place that the scan has reached.
\set ok `test/sample_api/ctl before '{"n": 2, "links": {"generate": [{"amount": {"value": "0.00", "currency": "EUR"}}]}}'`
SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM qonto.payment_links ORDER BY amount OFFSET 0) l;
\! test/sample_api/ctl clear
-- A link that is removed lets a link of page 2 move up to page 1, which was read before.
SELECT id AS newest FROM qonto.payment_links LIMIT 1 \gset
\! test/sample_api/ctl clear
\set ok `test/sample_api/ctl before '{"n": 2, "links": {"remove": [":newest"]}}'`
SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\! test/sample_api/ctl sorted_requests
\! test/sample_api/ctl reset
ALTER SERVER qonto OPTIONS (DROP concurrency);
-- With on_drift 'error' any change is an error.
ALTER SERVER qonto OPTIONS (ADD on_drift 'error');
\set VERBOSITY terse
\set ok `test/sample_api/ctl before '{"n": 2, "links": {"generate": 1}}'`
SELECT count(*) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\echo SQLSTATE :SQLSTATE
ALTER SERVER qonto OPTIONS (DROP on_drift);
-- A list that changes all the time is an error in any case.
\! test/sample_api/ctl reset
\set ok `test/sample_api/ctl fault '{"kind": "short_page", "page": 2}'`
SELECT count(*) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\echo SQLSTATE :SQLSTATE
\! test/sample_api/ctl reset

\set VERBOSITY default
-- A view runs as its owner, and so does a SECURITY DEFINER function.
CREATE ROLE regress_plf_reporting;
CREATE VIEW open_links AS SELECT id, amount FROM qonto.payment_links WHERE status = 'open';
CREATE FUNCTION open_count() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(amount) FROM qonto.payment_links WHERE status = ''open''';
GRANT USAGE ON SCHEMA qonto TO regress_plf_reporting;
GRANT SELECT ON qonto.payment_links, open_links TO regress_plf_reporting;
SET ROLE regress_plf_reporting;
\set VERBOSITY terse
SELECT count(*) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\echo SQLSTATE :SQLSTATE
\set VERBOSITY default
SELECT count(*) = open_count() AS same FROM (SELECT * FROM open_links OFFSET 0) l;
RESET ROLE;
DROP FUNCTION open_count();
DROP VIEW open_links;
DROP OWNED BY regress_plf_reporting;
DROP ROLE regress_plf_reporting;
DROP TABLE invoices, ledger;
