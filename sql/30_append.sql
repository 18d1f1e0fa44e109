-- Several accounts are partitions of one table, and are read at the same time.
\i sql/include/qonto.psql
\set ok `test/sample_api/ctl config '{"latency_ms": 100}'`
CREATE TABLE accounts (account text, id uuid, status text, amount numeric, reusable boolean) PARTITION BY LIST (account);
CREATE FOREIGN TABLE links_fr (account text OPTIONS (constant 'fr'), id uuid, status text, amount numeric, reusable boolean) SERVER qonto;
CREATE FOREIGN TABLE links_de (account text OPTIONS (constant 'de'), id uuid, status text, amount numeric, reusable boolean) SERVER qonto;
CREATE FOREIGN TABLE links_it (account text OPTIONS (constant 'it'), id uuid, status text, amount numeric, reusable boolean) SERVER qonto OPTIONS (concurrency '1');
ALTER TABLE accounts ATTACH PARTITION links_fr FOR VALUES IN ('fr');
ALTER TABLE accounts ATTACH PARTITION links_de FOR VALUES IN ('de');
ALTER TABLE accounts ATTACH PARTITION links_it FOR VALUES IN ('it');
SELECT api_plan($$SELECT account, count(reusable) FROM accounts GROUP BY account ORDER BY account$$);
SELECT account, count(reusable) FROM accounts GROUP BY account ORDER BY account;
-- Three requests are in flight before the first answer.
\! test/sample_api/ctl stats | grep -o '"count": [0-9]*'
\! test/sample_api/ctl log | python3 -c 'import json, sys; print([entry["in_flight"] for entry in json.load(sys.stdin)][:3])'
\! test/sample_api/ctl clear
-- A condition on the account reads only that account.
SELECT count(reusable) FROM accounts WHERE account = 'de';
\! test/sample_api/ctl sorted_requests
-- A query that may stop early reads one account after the other: one request for five links, not three.
SELECT api_plan($$SELECT id FROM accounts LIMIT 5$$);
SELECT count(*) FROM (SELECT id FROM accounts LIMIT 5) l;
\! test/sample_api/ctl requests
-- Accounts are also read at the same time with conditions that are checked here, with status checks, with conditions that no link satisfies, and with empty lists.
SELECT account, count(*) FROM accounts WHERE reusable AND status <> 'paid' GROUP BY account ORDER BY account;
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
SELECT count(reusable) FROM accounts WHERE status = 'open' AND status = 'paid';
\! test/sample_api/ctl requests
\set ok `test/sample_api/ctl config '{"count": 0}'`
SELECT account, count(reusable) FROM accounts GROUP BY account ORDER BY account;
\set ok `test/sample_api/ctl config '{"count": 250, "latency_ms": 20}'`
-- UNION ALL is an Append too.
SELECT count(reusable) FROM (SELECT * FROM links_fr UNION ALL SELECT * FROM links_de) l;
-- Rescans: for the same values the rows are kept, for new values there are new requests.
SET enable_material = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_memoize = off;
\! test/sample_api/ctl clear
SELECT v.a, (SELECT count(*) FROM (SELECT reusable FROM accounts WHERE amount > v.a OFFSET 0) l) > 0 AS some FROM (VALUES (10), (20)) v(a);
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
SELECT v.s, l.n FROM (VALUES ('open'), ('paid')) v(s), LATERAL (SELECT count(*) AS n FROM (SELECT reusable FROM accounts WHERE status = v.s OFFSET 0) x) l;
\! test/sample_api/ctl sorted_requests
RESET enable_material;
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_memoize;
-- The scan waits for an account whose request is tried again, and reads the others meanwhile.
\set ok `test/sample_api/ctl fault '{"kind": "status", "status": 503, "nth": [2, 5]}'`
SELECT account, count(reusable) FROM accounts GROUP BY account ORDER BY account;
\! test/sample_api/ctl clear_faults
-- An error of one account fails the query. The next query works.
\set ok `test/sample_api/ctl fault '{"kind": "status", "status": 403, "nth": 2}'`
\set VERBOSITY terse
SELECT count(reusable) FROM accounts;
\echo SQLSTATE :SQLSTATE
\! test/sample_api/ctl clear_faults
SELECT count(reusable) FROM accounts;
-- A timeout while all accounts wait fails the query. The next query works.
\set ok `test/sample_api/ctl fault '{"kind": "hang"}'`
SET statement_timeout = '200ms';
SELECT count(reusable) FROM accounts;
\echo SQLSTATE :SQLSTATE
RESET statement_timeout;
\! test/sample_api/ctl clear_faults
SELECT count(reusable) FROM accounts;
\set VERBOSITY default
-- A cursor may be closed while requests are in flight.
\set ok `test/sample_api/ctl config '{"latency_ms": 100}'`
SET cursor_tuple_fraction = 1;
BEGIN;
DECLARE c CURSOR FOR SELECT account, reusable FROM accounts;
MOVE 1 IN c;
CLOSE c;
COMMIT;
RESET cursor_tuple_fraction;
SELECT account, count(reusable) FROM accounts GROUP BY account ORDER BY account;
\set ok `test/sample_api/ctl config '{"latency_ms": 20}'`
-- EXISTS rescans while requests are in flight: each time the first matching row is enough.
SET enable_material = off;
SELECT api_plan($$SELECT v.a FROM (VALUES (1), (10), (10000000000000000)) v(a) WHERE EXISTS (SELECT FROM accounts WHERE amount > v.a)$$);
SELECT v.a FROM (VALUES (1), (10), (10000000000000000)) v(a) WHERE EXISTS (SELECT FROM accounts WHERE amount > v.a);
RESET enable_material;
-- A LIMIT above a Sort reads all rows.
SELECT account, amount FROM accounts ORDER BY status, amount DESC, account LIMIT 3;
-- The option async_capable turns this off for a table.
ALTER FOREIGN TABLE links_it OPTIONS (ADD async_capable 'false');
SELECT api_plan($$SELECT count(reusable) FROM accounts$$);
SELECT count(reusable) FROM accounts;
-- A Merge Append does not read its accounts at the same time.
SELECT api_plan($$SELECT account, amount FROM accounts ORDER BY amount$$);
SELECT count(*) FROM (SELECT amount FROM accounts ORDER BY amount OFFSET 0) l;
DROP TABLE accounts;
