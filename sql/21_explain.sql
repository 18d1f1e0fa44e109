-- EXPLAIN of values that are known only at execution: from a join, an outer query, a subquery or a parameter.
\i sql/include/qonto.psql
CREATE TABLE bills (link uuid, links uuid[], status text, least numeric, due timestamptz, n bigint);
INSERT INTO bills SELECT id, ARRAY[id], status, amount, expiration_date, row_number() OVER () FROM (SELECT * FROM qonto.payment_links ORDER BY id::text COLLATE "C" LIMIT 2) l;
ANALYZE bills;
\! test/sample_api/ctl clear
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET enable_material = off;
-- From the other table of a join.
SELECT api_plan($$SELECT * FROM bills b JOIN qonto.payment_links l ON l.id = b.link$$);
SELECT api_plan($$SELECT * FROM bills b JOIN qonto.payment_links l ON l.id = ANY (b.links)$$);
SELECT api_plan($$SELECT * FROM bills b LEFT JOIN qonto.payment_links l ON l.id = coalesce(b.link, b.links[1])$$);
SELECT api_plan($$SELECT b.n, l.n FROM bills b, LATERAL (SELECT count(*) AS n FROM qonto.payment_links l WHERE l.id = b.link) l$$);
-- From a row of an outer query.
SELECT api_plan($$SELECT (SELECT l.status FROM qonto.payment_links l WHERE l.id = b.link) FROM bills b$$);
SELECT api_plan($$SELECT (SELECT id FROM qonto.payment_links l WHERE l.status = b.status LIMIT 1) FROM bills b$$);
SELECT api_plan($$SELECT (SELECT count(*) FROM qonto.payment_links l WHERE l.status = b.status) FROM bills b$$);
SELECT api_plan($$SELECT (SELECT count(*) FILTER (WHERE l.status = b.status) FROM qonto.payment_links l) FROM bills b$$);
SELECT api_plan($$SELECT (SELECT count(*) FROM qonto.payment_links l WHERE l.amount >= b.least AND l.status <> b.status) FROM bills b$$);
SELECT api_plan($$SELECT x.id FROM bills b, LATERAL (SELECT id FROM qonto.payment_links l ORDER BY amount LIMIT b.n OFFSET b.n + 1) x$$);
SELECT api_plan($$SELECT n FROM bills b WHERE EXISTS (SELECT FROM qonto.payment_links l WHERE l.status = b.status AND l.amount > b.least OFFSET 0)$$);
-- From a subquery that runs once.
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE id = (SELECT link FROM bills WHERE n = 1)$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE id = ANY (ARRAY(SELECT link FROM bills))$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE amount BETWEEN (SELECT min(least) FROM bills) AND (SELECT max(least) FROM bills)$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE expiration_date < (SELECT max(due) FROM bills) ORDER BY expiration_date LIMIT 1$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status = (SELECT status FROM bills WHERE n = 1)$$);
SELECT api_plan($$SELECT count(*) FROM qonto.payment_links WHERE status <> (SELECT status FROM bills WHERE n = 1)$$);
SELECT api_plan($$SELECT status, count(*) FROM qonto.payment_links WHERE status <> (SELECT status FROM bills WHERE n = 1) GROUP BY status$$);
SELECT api_plan($$SELECT count(*) FROM qonto.payment_links WHERE amount > (SELECT min(least) FROM bills)$$);
SELECT api_plan($$SELECT id FROM qonto.payment_links LIMIT (SELECT max(n) FROM bills) OFFSET (SELECT min(n) FROM bills)$$);
-- From a parameter and a join together.
SET plan_cache_mode = force_generic_plan;
PREPARE links_of(text, uuid) AS SELECT l.id FROM bills b JOIN qonto.payment_links l ON l.id = ANY (ARRAY[b.link, $2]) WHERE l.status <> $1;
SELECT api_plan($$EXECUTE links_of('paid', NULL)$$);
RESET plan_cache_mode;
-- EXPLAIN made no request. VERBOSE and JSON show the same.
\! test/sample_api/ctl count
EXPLAIN (VERBOSE, COSTS off, FORMAT json) SELECT l.status FROM bills b JOIN qonto.payment_links l ON l.id = b.link \g (tuples_only format=unaligned) | grep -o '"API Lookup.*'
EXPLAIN (ANALYZE, COSTS off, FORMAT json) SELECT l.status FROM bills b JOIN qonto.payment_links l ON l.id = b.link \g (tuples_only format=unaligned) | grep -o '"API \(Lookup\|Requests\|Rows\).*'
RESET enable_hashjoin;
RESET enable_mergejoin;
RESET enable_material;
DROP TABLE bills;
