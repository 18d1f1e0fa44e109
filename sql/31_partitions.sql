-- Partitionwise joins and counts, where some partitions are foreign tables and some are local.
\i sql/include/qonto.psql
CREATE TABLE read_links AS SELECT * FROM qonto.payment_links;
-- Each partition has its columns in another order, so that column numbers differ from the parent's.
CREATE TABLE all_links (account text, id uuid, status text, amount numeric, expiration_date timestamptz) PARTITION BY LIST (account);
CREATE FOREIGN TABLE links_fr (id uuid, account text OPTIONS (constant 'fr'), status text, amount numeric, expiration_date timestamptz) SERVER qonto;
CREATE FOREIGN TABLE links_de (dropped int OPTIONS (field 'x'), status text, amount numeric, id uuid, expiration_date timestamptz, account text OPTIONS (constant 'de')) SERVER qonto;
ALTER FOREIGN TABLE links_de DROP COLUMN dropped;
CREATE TABLE links_it (account text, id uuid, status text, amount numeric, expiration_date timestamptz);
ALTER TABLE all_links ATTACH PARTITION links_fr FOR VALUES IN ('fr');
ALTER TABLE all_links ATTACH PARTITION links_de FOR VALUES IN ('de');
ALTER TABLE all_links ATTACH PARTITION links_it FOR VALUES IN ('it');
INSERT INTO links_it SELECT 'it', id, status, amount, expiration_date FROM read_links;
CREATE TABLE copied_links (LIKE all_links) PARTITION BY LIST (account);
CREATE TABLE copied_fr PARTITION OF copied_links FOR VALUES IN ('fr');
CREATE TABLE copied_de PARTITION OF copied_links FOR VALUES IN ('de');
CREATE TABLE copied_it PARTITION OF copied_links FOR VALUES IN ('it');
INSERT INTO copied_links SELECT a, id, status, amount, expiration_date FROM read_links, unnest('{fr,de,it}'::text[]) a;
-- Invoices have partitions by the same key; one partition has a partition itself.
CREATE TABLE inv (n int, link uuid, other uuid, account text, status text, least_amount numeric) PARTITION BY LIST (account);
CREATE TABLE inv_fr (account text, least_amount numeric, status text, other uuid, link uuid, n int);
CREATE TABLE inv_de PARTITION OF inv FOR VALUES IN ('de') PARTITION BY LIST (account);
CREATE TABLE inv_de_1 (status text, account text, n int, link uuid, other uuid, least_amount numeric);
CREATE TABLE inv_it PARTITION OF inv FOR VALUES IN ('it');
ALTER TABLE inv ATTACH PARTITION inv_fr FOR VALUES IN ('fr');
ALTER TABLE inv_de ATTACH PARTITION inv_de_1 FOR VALUES IN ('de');
INSERT INTO inv SELECT row_number() OVER (), id, lead(id) OVER (ORDER BY id), a, status, amount FROM (SELECT * FROM read_links ORDER BY id LIMIT 4) l, unnest('{fr,de,it}'::text[]) a;
INSERT INTO inv VALUES (99, NULL, NULL, 'fr', 'paid', 3), (100, '00000000-0000-0000-0000-000000000000', NULL, 'de', 'open', 5);
ANALYZE inv;
ANALYZE copied_links;
-- Runs a query over the links, which it calls %1$I, and over their copy: how many rows it returns, and how many are missing or wrong.
CREATE FUNCTION as_copied(query text, OUT rows bigint, OUT missing bigint, OUT wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TEMP TABLE a AS ' || query, 'all_links');
	EXECUTE format('CREATE TEMP TABLE b AS ' || query, 'copied_links');
	SELECT count(*) FROM a INTO rows;
	SELECT count(*) FROM (SELECT * FROM b EXCEPT ALL SELECT * FROM a) x INTO missing;
	SELECT count(*) FROM (SELECT * FROM a EXCEPT ALL SELECT * FROM b) x INTO wrong;
	DROP TABLE a, b;
END $$;

SET enable_partitionwise_join = on;
SET enable_partitionwise_aggregate = on;
-- Each partition looks up the ids of its own invoices.
\! test/sample_api/ctl clear
SELECT regexp_replace(trim(line), '\d+$', 'n') FROM api_plan('SELECT i.n, l.id, l.status FROM inv i JOIN all_links l ON l.account = i.account AND l.id = i.link') line WHERE line ~ 'API';
SELECT * FROM as_copied('SELECT i.n, l.id, l.status FROM inv i JOIN %1$I l ON l.account = i.account AND l.id = i.link');
\! test/sample_api/ctl count
SELECT * FROM as_copied('SELECT i.n, l.id, l.status FROM inv i LEFT JOIN %1$I l ON l.account = i.account AND l.id = i.link');
SELECT * FROM as_copied('SELECT i.n, l.amount FROM inv i LEFT JOIN %1$I l ON l.account = i.account AND l.id = coalesce(i.link, i.other)');
SELECT * FROM as_copied('SELECT i.n, l.amount FROM inv i JOIN %1$I l ON l.account = i.account AND l.id = ANY (ARRAY[i.link, i.other])');
SELECT * FROM as_copied('SELECT i.n, l.amount FROM inv i JOIN %1$I l ON l.account = i.account AND l.id = i.link AND l.amount >= i.least_amount AND l.status = i.status');
SELECT * FROM as_copied('SELECT i.n FROM inv i WHERE EXISTS (SELECT FROM %1$I l WHERE l.account = i.account AND l.id = i.link)');
SELECT * FROM as_copied('SELECT i.n FROM inv i WHERE NOT EXISTS (SELECT FROM %1$I l WHERE l.account = i.account AND l.id = i.link)');
SELECT * FROM as_copied('SELECT a.id, b.status FROM %1$I a JOIN %1$I b ON a.account = b.account AND a.id = b.id WHERE a.status = ''open''');
SELECT * FROM as_copied('SELECT i.n, j.n AS m, l.id FROM inv i JOIN inv j USING (account) JOIN %1$I l ON l.account = i.account AND l.id = i.link AND l.id >= j.link');
-- The scan of the list returns a column of the invoice.
SELECT * FROM as_copied('SELECT i.n, s.* FROM inv i LEFT JOIN LATERAL (SELECT i.n AS from_n, i.status AS from_status, l.* FROM %1$I l) s ON s.account = i.account AND s.id = i.link AND s.from_status = s.status');
SELECT * FROM as_copied('SELECT i.n, s.* FROM inv i LEFT JOIN LATERAL (SELECT i.link AS from_link, l.* FROM %1$I l) s ON s.account = i.account AND s.from_link = s.id AND s.amount >= i.least_amount');
SELECT * FROM as_copied('SELECT i.n, s.* FROM inv i, LATERAL (SELECT i.least_amount + l.amount AS both, l.* FROM %1$I l WHERE l.account = i.account AND l.id = i.link ORDER BY l.amount LIMIT 1) s');
-- Prepared, without hash and merge joins, and without nested loops.
SET plan_cache_mode = force_generic_plan;
PREPARE of_invoices(text, uuid) AS SELECT i.n, l.status FROM inv i JOIN all_links l ON l.account = i.account AND (l.id = i.link OR l.id = $2) AND l.status <> $1 ORDER BY 1, 2;
EXECUTE of_invoices('paid', NULL);
RESET plan_cache_mode;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT * FROM as_copied('SELECT i.n, l.id, l.status FROM inv i JOIN %1$I l ON l.account = i.account AND l.id = i.link');
SELECT * FROM as_copied('SELECT i.n, l.id FROM inv i JOIN %1$I l ON l.account = i.account AND l.amount = i.least_amount');
SELECT * FROM as_copied('SELECT i.n, l.id FROM inv i JOIN %1$I l ON l.account = i.account AND l.status = i.status AND l.amount < 50');
SET enable_memoize = off;
SELECT * FROM as_copied('SELECT i.n, l.id, l.status FROM inv i JOIN %1$I l ON l.account = i.account AND l.id = i.link');
SELECT * FROM as_copied('SELECT i.n, s.* FROM inv i LEFT JOIN LATERAL (SELECT i.n AS from_n, l.* FROM %1$I l) s ON s.account = i.account AND s.status = i.status AND s.from_n < 3 WHERE i.n < 3');
RESET enable_memoize;
RESET enable_hashjoin;
SET enable_nestloop = off;
SELECT * FROM as_copied('SELECT i.n, l.id, l.status FROM inv i JOIN %1$I l ON l.account = i.account AND l.id = i.link');
RESET enable_mergejoin;
SET enable_hashjoin = off;
SELECT * FROM as_copied('SELECT a.id, b.id AS with_the_same FROM %1$I a JOIN %1$I b ON a.account = b.account AND a.amount = b.amount WHERE a.amount < 100');
RESET enable_hashjoin;
RESET enable_nestloop;

-- Counts of a table without partitions are asked of the API as usual.
SELECT api_plan('SELECT count(*) FROM qonto.payment_links');
SELECT api_plan('SELECT status, count(*) FROM qonto.payment_links GROUP BY status HAVING count(*) > 10');
SELECT api_plan('SELECT DISTINCT status FROM qonto.payment_links');
SELECT api_plan('SELECT count(*) FROM qonto.payment_links WHERE amount > 5000');
SELECT api_plan('SELECT id FROM qonto.payment_links ORDER BY amount LIMIT 2');
\! test/sample_api/ctl clear
SELECT count(*), count(*) FILTER (WHERE status = 'paid') = (SELECT count(*) FROM read_links WHERE status = 'paid') AS paid FROM qonto.payment_links;
SELECT status, count(*) FROM qonto.payment_links GROUP BY status EXCEPT SELECT status, count(*) FROM read_links GROUP BY status;
\! test/sample_api/ctl count
-- So are counts of a partition that the query names. Partitions that a query reads through their parent are read, and counted here.
SELECT api_plan('SELECT status, count(*) FROM links_de GROUP BY status');
SELECT trim(line) FROM api_plan('SELECT account, count(*) FROM all_links GROUP BY account') line WHERE line ~ 'API';
SELECT * FROM as_copied('SELECT account, count(*) FROM %1$I GROUP BY account');
SELECT * FROM as_copied('SELECT account, status, count(*), sum(amount) FROM %1$I GROUP BY account, status HAVING count(*) > 10');
SELECT * FROM as_copied('SELECT status, count(*) FROM %1$I WHERE status <> ''paid'' GROUP BY status');
SELECT * FROM as_copied('SELECT count(*), count(*) FILTER (WHERE status = ''open'') AS open, sum(2) FROM %1$I');
SELECT * FROM as_copied('SELECT DISTINCT account, status FROM %1$I');
SELECT * FROM as_copied('SELECT DISTINCT status FROM %1$I');
SELECT * FROM as_copied('SELECT account, min(amount), max(expiration_date) FROM %1$I GROUP BY account');
SELECT * FROM as_copied('SELECT account, count(*) FROM %1$I l JOIN inv i USING (account) WHERE l.id = i.link GROUP BY account');
SELECT * FROM as_copied('SELECT amount FROM %1$I ORDER BY amount DESC LIMIT 7');
SELECT * FROM as_copied('SELECT account, amount, rank() OVER (PARTITION BY account ORDER BY amount) FROM %1$I WHERE amount < 50');
-- Partitions by status: one partition holds all documented statuses.
CREATE TABLE by_status (id uuid, status text) PARTITION BY LIST (status);
CREATE TABLE by_status_others PARTITION OF by_status DEFAULT;
CREATE FOREIGN TABLE by_status_all PARTITION OF by_status FOR VALUES IN ('open', 'expired', 'canceled', 'paid', 'processing') SERVER qonto;
INSERT INTO by_status_others VALUES (NULL, 'refunded'), (NULL, 'refunded');
SELECT status, count(*) FROM by_status GROUP BY status EXCEPT SELECT status, count(*) FROM read_links GROUP BY status;
SELECT status FROM read_links EXCEPT SELECT DISTINCT status FROM by_status;
RESET enable_partitionwise_join;
RESET enable_partitionwise_aggregate;
DROP TABLE all_links, copied_links, inv, by_status, read_links;
DROP FUNCTION as_copied;
