-- Several accounts as partitions of one table, read at the same time.
\i sql/include/connect.psql
\! test/sample_api/ctl reset
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
-- Three requests are on their way before the first is answered.
\! test/sample_api/ctl stats | grep -o '"count": [0-9]*'
\! test/sample_api/ctl log | python3 -c 'import json, sys; print([entry["in_flight"] for entry in json.load(sys.stdin)][:3])'
\! test/sample_api/ctl clear
-- A condition on the account asks that one alone.
SELECT count(reusable) FROM accounts WHERE account = 'de';
\! test/sample_api/ctl sorted_requests
-- What may stop early asks one after the other: a request for five links, not three.
SELECT api_plan($$SELECT id FROM accounts LIMIT 5$$);
SELECT count(*) FROM (SELECT id FROM accounts LIMIT 5) l;
\! test/sample_api/ctl requests
-- Conditions that are checked here, statuses that are checked first, no link at all.
SELECT account, count(*) FROM accounts WHERE reusable AND status <> 'paid' GROUP BY account ORDER BY account;
\! test/sample_api/ctl count
\! test/sample_api/ctl clear
SELECT count(reusable) FROM accounts WHERE status = 'open' AND status = 'paid';
\! test/sample_api/ctl requests
\set ok `test/sample_api/ctl config '{"count": 0}'`
SELECT account, count(reusable) FROM accounts GROUP BY account ORDER BY account;
\set ok `test/sample_api/ctl config '{"count": 250, "latency_ms": 20}'`
-- UNION ALL is an Append as well.
SELECT count(reusable) FROM (SELECT * FROM links_fr UNION ALL SELECT * FROM links_de) l;
-- Beneath a node that is rescanned: with the same values the rows are kept, with others asked for anew.
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
-- A retry of one member does not hold up the others, and is waited for.
\set ok `test/sample_api/ctl fault '{"kind": "status", "status": 503, "nth": [2, 5]}'`
SELECT account, count(reusable) FROM accounts GROUP BY account ORDER BY account;
\! test/sample_api/ctl clear_faults
-- An error of one member is the query's; then everything works again.
\set ok `test/sample_api/ctl fault '{"kind": "status", "status": 403, "nth": 2}'`
\set VERBOSITY terse
SELECT count(reusable) FROM accounts;
\echo SQLSTATE :SQLSTATE
\! test/sample_api/ctl clear_faults
SELECT count(reusable) FROM accounts;
-- So does a timeout while all members wait.
\set ok `test/sample_api/ctl fault '{"kind": "hang"}'`
SET statement_timeout = '200ms';
SELECT count(reusable) FROM accounts;
\echo SQLSTATE :SQLSTATE
RESET statement_timeout;
\! test/sample_api/ctl clear_faults
SELECT count(reusable) FROM accounts;
\set VERBOSITY default
-- A cursor that is closed while requests are on their way.
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
-- A rescan while requests are on their way: the first rows that fit are enough, again and again.
SET enable_material = off;
SELECT api_plan($$SELECT v.a FROM (VALUES (1), (10), (10000000000000000)) v(a) WHERE EXISTS (SELECT FROM accounts WHERE amount > v.a)$$);
SELECT v.a FROM (VALUES (1), (10), (10000000000000000)) v(a) WHERE EXISTS (SELECT FROM accounts WHERE amount > v.a);
RESET enable_material;
-- A LIMIT above a sort, which takes all there is.
SELECT account, amount FROM accounts ORDER BY status, amount DESC, account LIMIT 3;
-- It can be switched off for a table.
ALTER FOREIGN TABLE links_it OPTIONS (ADD async_capable 'false');
SELECT api_plan($$SELECT count(reusable) FROM accounts$$);
SELECT count(reusable) FROM accounts;
-- Nor is it for an order that is merged.
SELECT api_plan($$SELECT account, amount FROM accounts ORDER BY amount$$);
SELECT count(*) FROM (SELECT amount FROM accounts ORDER BY amount OFFSET 0) l;
DROP TABLE accounts;
\! test/sample_api/ctl reset
