-- Conditions on status: which statuses are asked of the API.
\i sql/include/qonto.psql
-- Results are compared with those of a local copy.
CREATE TABLE local_links AS SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear

-- Where only documented statuses can satisfy the condition, the API is asked for exactly these.
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status = 'open'$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status IN ('paid', 'open', 'paid', NULL)$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status = 'open' OR status = 'paid' AND reusable$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE (status = 'open' OR status = 'paid') AND NOT status = 'paid'$$);
-- A condition that mentions other columns too still limits the statuses.
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status = 'open' AND amount > 500 OR status = 'expired'$$);
-- Where undocumented statuses may satisfy the condition too, two counts tell whether any link has one.
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status <> 'paid'$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status NOT IN ('paid', 'open')$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status LIKE '%e%d'$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status > 'g'$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE upper(status) = 'OPEN'$$);
-- A condition that every documented status satisfies: the whole list is read, without counts before.
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE length(status) > 1$$);
-- A condition that no status satisfies: no request is made.
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status = 'open' AND status IN ('paid', 'expired')$$);
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status = lower(current_setting('timezone'))$$);
SELECT id FROM qonto.payment_links WHERE status = 'open' AND status = 'paid';
SELECT id FROM qonto.payment_links WHERE status = NULL::text OR status IN ('open') AND status <> 'open';
\! test/sample_api/ctl requests

-- Each condition returns the rows that it returns from the local copy.
CREATE FUNCTION same(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	differences bigint;
BEGIN
	EXECUTE format('WITH f AS MATERIALIZED (SELECT id, status, amount FROM qonto.payment_links WHERE %1$s),
			l AS MATERIALIZED (SELECT id, status, amount FROM local_links WHERE %1$s)
		SELECT (SELECT count(*) FROM l), count(*)
		FROM ((TABLE f EXCEPT ALL TABLE l) UNION ALL (TABLE l EXCEPT ALL TABLE f)) d', condition)
	INTO n, differences;
	RETURN format('%s rows, %s differ: %s', n, differences, condition);
END $$;
CREATE TABLE conditions (n serial, condition text);
INSERT INTO conditions (condition) VALUES
	($$status = 'open'$$),
	($$status IN ('paid', 'open', NULL)$$),
	($$status <> 'paid'$$),
	($$NOT (status = 'paid' OR status = 'open')$$),
	($$status NOT IN ('paid', NULL)$$),
	($$status LIKE 'p%'$$),
	($$status NOT ILIKE 'P%'$$),
	($$status ~ '^(open|re)'$$),
	($$status > 'open'$$),
	($$status BETWEEN 'o' AND 'q'$$),
	($$lower(status) = 'open'$$),
	($$status = ANY (ARRAY['open', 'refunded'])$$),
	($$status IS DISTINCT FROM 'paid'$$),
	($$status IS NOT NULL$$),
	($$status IS NULL$$),
	($$CASE status WHEN 'open' THEN amount > 100 ELSE status = 'paid' END$$),
	($$status = currency$$),
	($$status = 'open' AND amount > 500 OR status = 'refunded'$$),
	($$status = 'open' AND amount > 500 OR status = 'expired' AND NOT reusable$$),
	($$coalesce(nullif(status, 'open'), 'x') = 'x'$$),
	($$(status = 'open') IS NOT TRUE$$),
	($$status = 'refunded'$$);
SELECT same(condition) FROM conditions ORDER BY n;

-- Links with an undocumented status are returned exactly where the local copy returns them.
\set ok `test/sample_api/ctl config '{"undocumented_share": 0.1}'`
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
SELECT same(condition) FROM conditions ORDER BY n;
\! test/sample_api/ctl clear
-- The two counts differ: the whole list is read, and filtered here.
SELECT status, count(*) > 0 AS some FROM (SELECT status FROM qonto.payment_links WHERE status LIKE '%e%d' OFFSET 0) l GROUP BY status ORDER BY status;
\! test/sample_api/ctl sorted_requests
\! test/sample_api/ctl reset
TRUNCATE local_links;
INSERT INTO local_links SELECT * FROM qonto.payment_links;
\! test/sample_api/ctl clear

-- A status that no link has is probably misspelt: a NOTICE suggests the right one.
SELECT id FROM qonto.payment_links WHERE status = 'cancelled';
\! test/sample_api/ctl sorted_requests
SELECT count(id) FROM (SELECT id FROM qonto.payment_links WHERE status IN ('canceled', 'Paid') OFFSET 0) l;
\! test/sample_api/ctl clear

-- Parameters are asked of the API in generic plans and in custom plans.
PREPARE by_status(text) AS SELECT count(*) FROM (SELECT id FROM qonto.payment_links WHERE status = $1 OFFSET 0) l;
PREPARE by_statuses(text[]) AS SELECT count(*) FROM (SELECT id FROM qonto.payment_links WHERE status = ANY ($1) OFFSET 0) l;
SET plan_cache_mode = force_generic_plan;
SELECT api_plan('EXECUTE by_status(''open'')');
EXECUTE by_status('open');
EXECUTE by_status(NULL);
EXECUTE by_statuses('{open,expired}');
EXECUTE by_statuses('{}');
EXECUTE by_statuses(NULL);
\! test/sample_api/ctl sorted_requests
RESET plan_cache_mode;
EXECUTE by_status('open');
EXECUTE by_statuses('{open,NULL}');
\! test/sample_api/ctl sorted_requests

-- A stable expression is evaluated when the scan starts.
SET qonto.wanted = 'paid';
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status = current_setting('qonto.wanted')$$);
SELECT bool_and(status = 'paid') AS all_paid FROM (SELECT status FROM qonto.payment_links WHERE status = current_setting('qonto.wanted') OFFSET 0) l;
\! test/sample_api/ctl sorted_requests
-- A volatile one is not pushed down.
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status = 'open' || left(random()::text, 0)$$);

-- The column may be of an enum or a domain.
CREATE TYPE link_status AS ENUM ('open', 'expired', 'canceled', 'paid', 'processing');
CREATE DOMAIN short_text AS varchar(20) CHECK (VALUE <> '');
CREATE FOREIGN TABLE enum_links (id uuid NOT NULL, status link_status NOT NULL) SERVER qonto;
CREATE FOREIGN TABLE domain_links (id uuid NOT NULL, status short_text NOT NULL) SERVER qonto;
SELECT api_plan($$SELECT * FROM enum_links WHERE status = 'open'$$);
SELECT api_plan($$SELECT * FROM enum_links WHERE status < 'canceled'$$);
SELECT api_plan($$SELECT * FROM enum_links WHERE status::text = 'open'$$);
SELECT api_plan($$SELECT * FROM domain_links WHERE status = 'open'$$);
SELECT (SELECT count(*) FROM enum_links WHERE status < 'canceled') = (SELECT count(*) FROM local_links WHERE status IN ('open', 'expired')) AS same_enum,
	(SELECT count(*) FROM domain_links WHERE status = 'open') = (SELECT count(*) FROM local_links WHERE status = 'open') AS same_domain;
DROP FOREIGN TABLE enum_links, domain_links;
