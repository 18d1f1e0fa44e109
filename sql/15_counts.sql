-- Counts: a request for one link tells how many there are.
\i sql/include/qonto.psql
CREATE TABLE local_links AS SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear

SELECT api_plan($$SELECT count(*) FROM qonto.payment_links$$, true);
SELECT api_plan($$SELECT count(*) FROM qonto.payment_links WHERE status = 'open'$$);
SELECT api_plan($$SELECT count(*) FROM qonto.payment_links WHERE status <> 'paid'$$);
SELECT api_plan($$SELECT count(*) FROM qonto.payment_links WHERE status LIKE 'p%'$$);
SELECT api_plan($$SELECT status, count(*) FROM qonto.payment_links GROUP BY status$$);
SELECT api_plan($$SELECT count(*) FILTER (WHERE status = 'paid')::numeric / count(*) FROM qonto.payment_links HAVING count(*) > 0$$);
SELECT api_plan($$SELECT count(*) FROM qonto.payment_links WHERE status = 'open' AND reusable$$);
SELECT api_plan($$SELECT count(invoice_id) FROM qonto.payment_links$$);
SELECT api_plan($$SELECT status, sum(amount) FROM qonto.payment_links GROUP BY status$$);
SELECT api_plan($$SELECT status, count(*) FROM qonto.payment_links GROUP BY ROLLUP (status)$$);
\! test/sample_api/ctl clear

-- Each query returns the rows that it returns from the local copy.
CREATE FUNCTION same_rows(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	differences bigint;
	requests text;
BEGIN
	EXECUTE format('WITH f AS MATERIALIZED (%s), l AS MATERIALIZED (%s)
		SELECT (SELECT count(*) FROM l), count(*) FROM ((TABLE f EXCEPT ALL TABLE l) UNION ALL (TABLE l EXCEPT ALL TABLE f)) d',
		format(query, 'qonto.payment_links'), format(query, 'local_links')) INTO n, differences;
	RETURN format('%s rows, %s differ: %s', n, differences, format(query, 't'));
END $$;
CREATE TABLE queries (n serial, query text);
INSERT INTO queries (query) VALUES
	('SELECT count(*) FROM %s'),
	('SELECT count(1), count(id), sum(1), count(NULL) FROM %s'),
	('SELECT count(*), sum(2) FROM %s WHERE status = ''nothing'' AND status = ''open'''),
	('SELECT count(*) FROM %s WHERE status = ''open'''),
	('SELECT count(*) + 1 AS n FROM %s WHERE status IN (''open'', ''paid'')'),
	('SELECT count(*) FROM %s WHERE status <> ''paid'''),
	('SELECT count(*) FROM %s WHERE status NOT IN (''paid'', ''open'')'),
	('SELECT count(*) FROM %s WHERE status LIKE ''p%%'''),
	('SELECT sum(1) FROM %s WHERE status = ''refunded'''),
	('SELECT status, count(*) FROM %s GROUP BY status'),
	('SELECT status, count(*) FROM %s GROUP BY status HAVING count(*) > 20 AND status <> ''paid'''),
	('SELECT count(*) FROM %s GROUP BY status'),
	('SELECT upper(status), count(*) * 2, sum(1) FROM %s WHERE status IN (''open'', ''paid'') GROUP BY status'),
	('SELECT status, count(*) FROM %s WHERE status <> ''paid'' GROUP BY status'),
	('SELECT status, count(*) FROM %s WHERE status = ''nothing'' AND status = ''open'' GROUP BY status'),
	('SELECT DISTINCT status FROM %s'),
	('SELECT count(DISTINCT status), count(DISTINCT id) FROM %s'),
	('SELECT DISTINCT status FROM %s WHERE status > ''g'''),
	('SELECT count(*) FILTER (WHERE status = ''open''), count(*) FILTER (WHERE status = ''paid''), count(*) FROM %s'),
	('SELECT count(*) FILTER (WHERE status IN (''open'', ''paid'')), count(*) FILTER (WHERE status <> ''open''), sum(1) FILTER (WHERE status LIKE ''e%%'') FROM %s WHERE status <> ''canceled'''),
	('SELECT status, count(*) FILTER (WHERE status = ''open'') AS n, sum(1) FILTER (WHERE status = ''paid'') AS s FROM %s GROUP BY status'),
	('SELECT sum(1) AS cnt FROM %s HAVING count(1) > 0'),
	('SELECT status, count(*) AS n FROM %s GROUP BY status ORDER BY n DESC, status LIMIT 2'),
	('SELECT count(*) FROM (SELECT id FROM %s LIMIT 7) l'),
	('SELECT (SELECT count(*) FROM %1$s WHERE status = i.s) AS n FROM (VALUES (''open''), (''paid''), (''nothing'')) i(s)'),
	('SELECT EXISTS (SELECT FROM %s WHERE status = ''open'') AS some');
SET client_min_messages = warning;
SELECT same_rows(query) FROM queries ORDER BY n;
\set ok `test/sample_api/ctl config '{"undocumented_share": 0.1}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SELECT same_rows(query) FROM queries ORDER BY n;
\set ok `test/sample_api/ctl config '{"count": 0, "undocumented_share": 0}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SELECT same_rows(query) FROM queries ORDER BY n;
RESET client_min_messages;
\! test/sample_api/ctl reset
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear

-- How many requests a count takes.
SELECT count(*) FROM qonto.payment_links;
\! test/sample_api/ctl sorted_requests
SELECT count(*) FROM qonto.payment_links WHERE status <> 'paid';
\! test/sample_api/ctl sorted_requests
SELECT count(*) FROM qonto.payment_links WHERE status LIKE 'p%';
\! test/sample_api/ctl sorted_requests
SELECT status, count(*) FROM qonto.payment_links GROUP BY status ORDER BY status;
\! test/sample_api/ctl sorted_requests
SELECT count(*) FROM qonto.payment_links WHERE status = 'open' AND status = 'paid';
\! test/sample_api/ctl sorted_requests
SELECT EXISTS (SELECT FROM qonto.payment_links WHERE status = 'open') AS some;
\! test/sample_api/ctl sorted_requests

-- Counts by status that do not sum to the total are asked for again; if they still do not, the links are read and counted.
\set ok `test/sample_api/ctl fault '{"kind": "meta", "meta": {"total_count": 92, "total_pages": 92}, "query_contains": "status[]=open&page", "times": 1}'`
SELECT sum(n) FROM (SELECT status, count(*) AS n FROM qonto.payment_links GROUP BY status) c;
\! test/sample_api/ctl count
\! test/sample_api/ctl reset
\set ok `test/sample_api/ctl fault '{"kind": "meta", "meta": {"total_count": 92, "total_pages": 92}, "query_contains": "status[]=open&page", "times": 2}'`
SELECT sum(n) FROM (SELECT status, count(*) AS n FROM qonto.payment_links GROUP BY status) c;
\! test/sample_api/ctl count
\! test/sample_api/ctl reset

-- Statuses may be parameters.
SET plan_cache_mode = force_generic_plan;
PREPARE counted(text) AS SELECT count(*) FROM qonto.payment_links WHERE status = $1;
SELECT api_plan($$EXECUTE counted('open')$$);
EXECUTE counted('open');
EXECUTE counted(NULL);
\! test/sample_api/ctl sorted_requests
RESET plan_cache_mode;

-- A status that no link has brings the NOTICE here too.
SELECT count(*) FROM qonto.payment_links WHERE status = 'cancelled';

-- count(column) reads the links where a link may lack the field, even if the table declares NOT NULL: the missing field is an error.
CREATE FOREIGN TABLE declared (id uuid NOT NULL, status text NOT NULL, amount numeric NOT NULL, currency text NOT NULL, expiration_date timestamptz NOT NULL, created_at timestamptz NOT NULL,
	resource_type text NOT NULL, reusable boolean NOT NULL, url text NOT NULL, potential_payment_methods text[] NOT NULL, invoice_id uuid NOT NULL, invoice_number text NOT NULL, debitor_name text NOT NULL,
	items jsonb NOT NULL, attrs jsonb NOT NULL, account text OPTIONS (constant 'fr') NOT NULL, later text OPTIONS (field 'later') NOT NULL, price numeric OPTIONS (field 'amount.value') NOT NULL) SERVER qonto;
SELECT attname AS counted_remotely FROM pg_attribute
WHERE attrelid = 'declared'::regclass AND attnum > 0 AND EXISTS (SELECT FROM api_plan(format('SELECT count(%I) FROM declared', attname)) p WHERE p LIKE '%API Count%') ORDER BY attnum;
\set VERBOSITY sqlstate
SELECT count(expiration_date) FROM declared;
SELECT count(expiration_date) FILTER (WHERE status = 'open'), count(*) FROM declared;
SELECT status, count(debitor_name) FROM declared GROUP BY status;
SELECT count(invoice_id) FROM declared WHERE status <> 'paid';
SELECT count(later) FROM declared;
\set VERBOSITY default
SELECT count(id), count(account), count(price), count(*) FROM declared;
DROP FOREIGN TABLE declared;
-- Links are read, too, where a column's type may refuse a value: the count fails as reading that link does.
CREATE DOMAIN small AS numeric CHECK (VALUE < 100);
CREATE TYPE dollars AS ENUM ('USD');
CREATE FOREIGN TABLE narrow (id uuid NOT NULL, status varchar(4) NOT NULL, amount numeric(4,2) NOT NULL, checked small OPTIONS (field 'amount.value') NOT NULL,
	currency varchar(2) NOT NULL, label dollars OPTIONS (field 'amount.currency') NOT NULL, wide varchar OPTIONS (field 'amount.currency') NOT NULL, created_at timestamptz(0) NOT NULL,
	account varchar(1) OPTIONS (constant 'fr') NOT NULL, number int OPTIONS (constant 'fr') NOT NULL, branch varchar OPTIONS (constant 'fr') NOT NULL) SERVER qonto;
SELECT attname AS counted_remotely FROM pg_attribute
WHERE attrelid = 'narrow'::regclass AND attnum > 0 AND EXISTS (SELECT FROM api_plan(format('SELECT count(%I) FROM narrow', attname)) p WHERE p LIKE '%API Count%') ORDER BY attnum;
\set VERBOSITY sqlstate
SELECT count(status) FROM narrow;
SELECT count(amount) FROM narrow;
SELECT count(checked) FROM narrow;
SELECT count(currency) FROM narrow;
SELECT count(label) FROM narrow;
SELECT count(account) FROM narrow;
SELECT count(number) FROM narrow;
\set VERBOSITY default
SELECT count(id), count(wide), count(created_at), count(branch) FROM narrow;
DROP FOREIGN TABLE narrow;
DROP DOMAIN small;
DROP TYPE dollars;

-- IS NOT NULL of a column that is not declared NOT NULL is checked for each link: a link may lack what every link has by the API's documentation.
\set ok `test/sample_api/ctl config '{"null_fields": {"amount": 0.2}}'`
CREATE FOREIGN TABLE undeclared (id uuid, status text, amount numeric) SERVER qonto;
SELECT count(*) FROM undeclared WHERE amount IS NOT NULL;
SELECT count(*) FROM (SELECT amount FROM undeclared OFFSET 0) l WHERE amount IS NOT NULL;
SELECT api_plan($$SELECT count(*) FROM undeclared WHERE amount IS NOT NULL AND amount < 1000$$);
DROP FOREIGN TABLE undeclared;
\set ok `test/sample_api/ctl config '{"null_fields": {}}'`

-- The option count_pushdown turns this off.
ALTER SERVER qonto OPTIONS (ADD count_pushdown 'false');
SELECT api_plan($$SELECT count(*) FROM qonto.payment_links$$);
ALTER SERVER qonto OPTIONS (DROP count_pushdown);

-- A total is believed if the link that comes with it has a status that was asked for; else the links are counted.
\! test/sample_api/ctl reset
CREATE FUNCTION answer(links text, total int) RETURNS text LANGUAGE sql AS $$
	SELECT json_build_object('kind', 'body', 'times', 1, 'query_contains', 'status[]=open', 'text',
		json_build_object('payment_links', links::json, 'meta', json_build_object('total_count', total))::text) $$;
SELECT answer('[{"id": "x", "status": "paid"}]', 250) AS fault \gset
\setenv FAULT :fault
\set ok `test/sample_api/ctl fault "$FAULT"`
SELECT (SELECT count(*) FROM qonto.payment_links WHERE status = 'open') = (SELECT count(*) FROM local_links WHERE status = 'open') AS same;
SELECT answer('[]', 7) AS fault \gset
\setenv FAULT :fault
\set ok `test/sample_api/ctl fault "$FAULT"`
SELECT (SELECT count(*) FROM qonto.payment_links WHERE status = 'open') = (SELECT count(*) FROM local_links WHERE status = 'open') AS same;
\! test/sample_api/ctl reset
