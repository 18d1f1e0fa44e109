-- Rows: every field has exactly the value that the API sent.
\i sql/include/qonto.psql
\set ok `test/sample_api/ctl links "$(cat sql/include/odd_links.json)" > /dev/null`
SET timezone = 'UTC';

-- Amounts keep all their digits and their scale. The zero date is NULL, in each of its spellings.
SELECT id, amount, currency, expiration_date, created_at FROM qonto.payment_links ORDER BY id;
SELECT id, resource_type, reusable, url, potential_payment_methods FROM qonto.payment_links ORDER BY id;
SELECT id, status, invoice_id, invoice_number, debitor_name FROM qonto.payment_links ORDER BY id;
-- Numbers in JSON keep their digits: 1.10 stays 1.10.
SELECT id, items FROM qonto.payment_links ORDER BY id;
SELECT id, attrs->'extra' AS extra, attrs->'unknown' AS unknown FROM qonto.payment_links ORDER BY id;
-- payment_link_items() returns the items of a basket as rows.
SELECT l.id, i.* FROM qonto.payment_links l, payment_link_items(l.items) i ORDER BY l.id, i.item_no;
SELECT l.id, i.title FROM qonto.payment_links l LEFT JOIN LATERAL payment_link_items(l.items) i ON true ORDER BY 1, 2;
\! test/sample_api/ctl clear

-- The error about a value that its column cannot hold names the column, the link and the page.
\set bad `test/sample_api/ctl fault '{"kind": "wrong_types", "field": "amount", "value": {"value": "12,50", "currency": "EUR"}}'`
SELECT amount FROM qonto.payment_links;
\echo SQLSTATE :SQLSTATE
-- Only the columns that the query reads are decoded: the same links raise no error here.
SELECT count(status) FROM (SELECT status FROM qonto.payment_links OFFSET 0) l;
\echo SQLSTATE :SQLSTATE
\set bad `test/sample_api/ctl clear_faults`
\set bad `test/sample_api/ctl fault '{"kind": "wrong_types", "field": "created_at", "value": "yesterday"}'`
SELECT created_at FROM qonto.payment_links;
\echo SQLSTATE :SQLSTATE
\set bad `test/sample_api/ctl clear_faults`
\set bad `test/sample_api/ctl fault '{"kind": "wrong_types", "field": "amount", "value": {"value": "1", "currency": null}}'`
SELECT currency FROM qonto.payment_links;
\echo SQLSTATE :SQLSTATE
\set bad `test/sample_api/ctl clear_faults`
\set bad `test/sample_api/ctl fault '{"kind": "nul_escape", "field": "debitor_name"}'`
SELECT debitor_name FROM qonto.payment_links;
\echo SQLSTATE :SQLSTATE
\set bad `test/sample_api/ctl clear_faults`
\set bad `test/sample_api/ctl fault '{"kind": "missing_field", "field": "id"}'`
\set VERBOSITY terse
SELECT status FROM qonto.payment_links;
\echo SQLSTATE :SQLSTATE
\! test/sample_api/ctl reset
\set VERBOSITY default
