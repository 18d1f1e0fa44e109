-- Reading: when requests are made, how many, and when not.
\i sql/include/connect.psql
\! test/sample_api/ctl reset
CREATE TABLE invoices (n int, status text);
INSERT INTO invoices VALUES (1, 'open'), (2, 'paid'), (3, 'open'), (4, 'nothing');

-- A consumer that may stop early is not read ahead for: one page, then one, then two.
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
-- Scrolling back costs nothing; nor does a cursor that outlives its transaction.
BEGIN;
DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT amount FROM qonto.payment_links WHERE status = 'open' ORDER BY amount;
COMMIT;
\! test/sample_api/ctl requests
FETCH LAST FROM c;
FETCH FIRST FROM c;
FETCH ABSOLUTE 5 FROM c;
CLOSE c;
\! test/sample_api/ctl requests

-- A rescan with the same values sends nothing; one with new values asks for those.
SET enable_material = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT i.n, count(*) FROM invoices i JOIN qonto.payment_links l ON l.status = i.status GROUP BY i.n ORDER BY i.n;
\! test/sample_api/ctl sorted_requests
-- What does not fit in work_mem is kept in a file.
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

-- Analyzed local tables are joined over one scan.
CREATE TABLE ledger AS SELECT id, amount FROM qonto.payment_links;
ANALYZE ledger;
\! test/sample_api/ctl clear
SELECT api_plan($$SELECT * FROM ledger g JOIN qonto.payment_links l USING (id) WHERE g.amount > 0$$);
SELECT count(*) FROM ledger g JOIN qonto.payment_links l USING (id);
\! test/sample_api/ctl sorted_requests

-- ANALYZE takes a sample of pages, and the number of links from the API.  (From 19 on it
-- counts the links of each status, too.)
CREATE FOREIGN TABLE analyzed_links (id uuid NOT NULL, status text NOT NULL, amount numeric NOT NULL) SERVER qonto;
ANALYZE analyzed_links;
\! test/sample_api/ctl sorted_requests | grep -v 'per_page=1$'
SELECT reltuples FROM pg_class WHERE oid = 'analyzed_links'::regclass;
SELECT attname, n_distinct FROM pg_stats WHERE tablename = 'analyzed_links' AND attname IN ('id', 'status') ORDER BY attname;
-- A limit on requests makes the sample smaller.
ALTER FOREIGN TABLE analyzed_links OPTIONS (ADD max_requests '2');
ANALYZE analyzed_links;
\! test/sample_api/ctl sorted_requests
DROP FOREIGN TABLE analyzed_links;

-- Two scans of one table in one query.
SELECT (SELECT count(*) FROM (SELECT 1 FROM qonto.payment_links WHERE status = 'open' OFFSET 0) x) > 0 AS some_open,
	(SELECT count(*) FROM (SELECT 1 FROM qonto.payment_links WHERE status = 'paid' OFFSET 0) x) > 0 AS some_paid;
\! test/sample_api/ctl sorted_requests

-- A limit on requests, known to be too small after the first page.
ALTER FOREIGN TABLE qonto.payment_links OPTIONS (ADD max_requests '2');
SELECT count(*) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\echo SQLSTATE :SQLSTATE
\! test/sample_api/ctl requests
SELECT count(*) FROM (SELECT * FROM qonto.payment_links LIMIT 150) l;
\! test/sample_api/ctl requests
ALTER FOREIGN TABLE qonto.payment_links OPTIONS (DROP max_requests);

-- Smaller pages; an empty list; exact multiples of the page size.
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

-- A list that changes while it is read: no link is lost, none comes twice.  Here one
-- is added in front, so the last link of page 1 moves to page 2: page 1 is read again.
ALTER SERVER qonto OPTIONS (ADD concurrency '1');
\set ok `test/sample_api/ctl before '{"n": 2, "links": {"generate": 1}}'`
SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\! test/sample_api/ctl sorted_requests
-- In an order, a link that was added behind the place reached by then is left out.
\set ok `test/sample_api/ctl before '{"n": 2, "links": {"generate": [{"amount": {"value": "0.00", "currency": "EUR"}}]}}'`
SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM qonto.payment_links ORDER BY amount OFFSET 0) l;
\! test/sample_api/ctl clear
-- Links that go make others move up, from page 2 to page 1 which was read before.
SELECT id AS newest FROM qonto.payment_links LIMIT 1 \gset
\! test/sample_api/ctl clear
\set ok `test/sample_api/ctl before '{"n": 2, "links": {"remove": [":newest"]}}'`
SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\! test/sample_api/ctl sorted_requests
\! test/sample_api/ctl reset
ALTER SERVER qonto OPTIONS (DROP concurrency);
-- Who prefers an error has it.
ALTER SERVER qonto OPTIONS (ADD on_drift 'error');
\set VERBOSITY terse
\set ok `test/sample_api/ctl before '{"n": 2, "links": {"generate": 1}}'`
SELECT count(*) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\echo SQLSTATE :SQLSTATE
ALTER SERVER qonto OPTIONS (DROP on_drift);
-- So has who reads a list that never holds still.
\! test/sample_api/ctl reset
\set ok `test/sample_api/ctl fault '{"kind": "short_page", "page": 2}'`
SELECT count(*) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\echo SQLSTATE :SQLSTATE
\! test/sample_api/ctl reset

\set VERBOSITY default
-- A view runs as its owner, and so does a SECURITY DEFINER function.
CREATE ROLE plf_reporting;
CREATE VIEW open_links AS SELECT id, amount FROM qonto.payment_links WHERE status = 'open';
CREATE FUNCTION open_count() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(amount) FROM qonto.payment_links WHERE status = ''open''';
GRANT USAGE ON SCHEMA qonto TO plf_reporting;
GRANT SELECT ON qonto.payment_links, open_links TO plf_reporting;
SET ROLE plf_reporting;
\set VERBOSITY terse
SELECT count(*) FROM (SELECT * FROM qonto.payment_links OFFSET 0) l;
\echo SQLSTATE :SQLSTATE
\set VERBOSITY default
SELECT count(*) = open_count() AS same FROM (SELECT * FROM open_links OFFSET 0) l;
RESET ROLE;
DROP FUNCTION open_count();
DROP VIEW open_links;
DROP OWNED BY plf_reporting;
DROP ROLE plf_reporting;
DROP TABLE invoices, ledger;
\! test/sample_api/ctl reset
