-- First contact: from CREATE EXTENSION to rows.
\i sql/include/connect.psql
\! test/sample_api/ctl reset
CREATE EXTENSION payment_links_fdw;
CREATE SERVER qonto FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (base_url :'api');
CREATE USER MAPPING FOR CURRENT_USER SERVER qonto OPTIONS (access_token 'sample-access-token');
CREATE SCHEMA qonto;
IMPORT FOREIGN SCHEMA qonto FROM SERVER qonto INTO qonto;
\! test/sample_api/ctl requests

-- The table, as imported.
SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull AS not_null
FROM pg_attribute WHERE attrelid = 'qonto.payment_links'::regclass AND attnum > 0 ORDER BY attnum;

-- Twenty rows are one request for twenty rows.
SELECT amount, currency, status FROM qonto.payment_links
WHERE status IN ('open', 'processing') ORDER BY amount DESC LIMIT 20;
\! test/sample_api/ctl requests

-- All of it: three pages of a hundred.
SELECT count(*), count(DISTINCT id), sum(amount) > 0 AS has_amounts FROM
(SELECT * FROM qonto.payment_links OFFSET 0) l;
\! test/sample_api/ctl sorted_requests

-- Who, where, does it work, how many links: one request.
SELECT mapping = current_user AS mine, ok, links, sqlstate, message FROM payment_links_check('qonto');
\! test/sample_api/ctl requests

-- No row is wanted, no request is made.
SELECT id FROM qonto.payment_links LIMIT 0;
SELECT id FROM qonto.payment_links WHERE 1 <> 1;
\d qonto.*
\! test/sample_api/ctl requests

-- A helper for the other files: what EXPLAIN says of the API, without what differs from run to run.
CREATE FUNCTION api_plan(query text, analyze_it boolean DEFAULT false) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE format('EXPLAIN (COSTS off, ANALYZE %s, TIMING off, SUMMARY off) %s',
		CASE WHEN analyze_it THEN 'on' ELSE 'off' END, query) LOOP
		IF line ~ '(API (Request|Retries|Status Check|Window|Range|Count|Lookup|Pages|Rows)|Sort|Merge|Key|Limit|Join|Scan on)' THEN
			RETURN NEXT regexp_replace(line, ' \(actual .*\)', '');
		END IF;
	END LOOP;
END $$;
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status = 'open' ORDER BY amount DESC LIMIT 20$$, true);
