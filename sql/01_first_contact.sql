-- First contact: from CREATE EXTENSION to rows.
\i sql/include/begin.psql
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

-- The whole list: three pages of up to a hundred links.
SELECT count(*), count(DISTINCT id), sum(amount) > 0 AS has_amounts FROM
(SELECT * FROM qonto.payment_links OFFSET 0) l;
\! test/sample_api/ctl sorted_requests

-- payment_links_check() tells with one request whose mapping is used, whether it works, and how many links there are.
SELECT mapping = current_user AS mine, ok, links, sqlstate, message FROM payment_links_check('qonto');
\! test/sample_api/ctl requests

-- A query that can return no row makes no request, and neither does \d.
SELECT id FROM qonto.payment_links LIMIT 0;
SELECT id FROM qonto.payment_links WHERE 1 <> 1;
\d qonto.*
\! test/sample_api/ctl requests

-- EXPLAIN shows the request. (api_plan() leaves out what differs from run to run.)
SELECT api_plan($$SELECT * FROM qonto.payment_links WHERE status = 'open' ORDER BY amount DESC LIMIT 20$$, true);
