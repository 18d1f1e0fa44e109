-- Tables: imported with all columns or some, or written by hand.
\i sql/include/qonto.psql
CREATE SCHEMA made;

IMPORT FOREIGN SCHEMA anything LIMIT TO (payment_links) FROM SERVER qonto INTO made OPTIONS (import_json 'false');
SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = 'made.payment_links'::regclass AND attnum > 0;
DROP FOREIGN TABLE made.payment_links;
IMPORT FOREIGN SCHEMA anything LIMIT TO (something_else) FROM SERVER qonto INTO made;
IMPORT FOREIGN SCHEMA anything EXCEPT (payment_links) FROM SERVER qonto INTO made;
SELECT count(*) FROM pg_class WHERE relnamespace = 'made'::regnamespace;

-- A table written by hand has any of the fields, in any order, under any names, with any types that can hold them.
CREATE DOMAIN made.money_amount AS numeric(14,2) CHECK (VALUE >= 0);
CREATE TYPE made.link_status AS ENUM ('open', 'expired', 'canceled', 'paid', 'processing');
CREATE FOREIGN TABLE made.links (
	account text OPTIONS (constant 'fr'),
	value made.money_amount OPTIONS (field 'amount.value'),
	value_text text OPTIONS (field 'amount.value'),
	money jsonb OPTIONS (field 'amount'),
	status made.link_status,
	methods text[] OPTIONS (field 'potential_payment_methods'),
	methods_json text OPTIONS (field 'potential_payment_methods'),
	whole json OPTIONS (field 'attrs'),
	reusable boolean,
	expires timestamptz(0) OPTIONS (field 'expiration_date'),
	nothing numeric OPTIONS (field 'amount.value.nothing'),
	"year" numeric OPTIONS (constant '2026')
) SERVER qonto;
SELECT account, value, value_text, money, status, methods, methods_json, whole->>'status' AS whole, reusable,
	expires AT TIME ZONE 'UTC' AS expires, nothing, year
FROM made.links WHERE status = 'paid' ORDER BY value DESC LIMIT 2;
\! test/sample_api/ctl requests

-- A column that cannot hold its field is an error when a query is planned, before any request.
CREATE FOREIGN TABLE made.misspelt (id uuid, ammount numeric) SERVER qonto;
SELECT * FROM made.misspelt;
CREATE FOREIGN TABLE made.as_money (amount money) SERVER qonto;
SELECT * FROM made.as_money;
CREATE FOREIGN TABLE made.as_date (created_at date) SERVER qonto;
SELECT * FROM made.as_date;
CREATE FOREIGN TABLE made.as_integer (n integer OPTIONS (field 'items.n')) SERVER qonto;
SELECT * FROM made.as_integer;
CREATE FOREIGN TABLE made.indexed (n text OPTIONS (field 'items[0].title')) SERVER qonto;
CREATE FOREIGN TABLE made.both (n text OPTIONS (field 'id', constant 'x')) SERVER qonto;
INSERT INTO made.links DEFAULT VALUES;
\! test/sample_api/ctl requests

-- Partitions: the tables of several accounts are one table. A condition on the constant column reads only its account.
CREATE TABLE made.all_links (account text, id uuid, amount numeric, status text) PARTITION BY LIST (account);
CREATE FOREIGN TABLE made.links_fr (account text OPTIONS (constant 'fr'), id uuid, amount numeric, status text) SERVER qonto;
CREATE FOREIGN TABLE made.links_de (account text OPTIONS (constant 'de'), id uuid, amount numeric, status text) SERVER qonto;
ALTER TABLE made.all_links ATTACH PARTITION made.links_fr FOR VALUES IN ('fr');
ALTER TABLE made.all_links ATTACH PARTITION made.links_de FOR VALUES IN ('de');
SELECT account, sum(n) FROM (SELECT account, 1 AS n FROM made.all_links OFFSET 0) l GROUP BY account ORDER BY account;
\! test/sample_api/ctl sorted_requests
SELECT account, amount FROM made.all_links WHERE account = 'de' AND status = 'open' ORDER BY amount LIMIT 1;
\! test/sample_api/ctl requests
-- The API sorts both lists, and the server merges them.
SELECT api_plan($$SELECT * FROM made.all_links ORDER BY amount LIMIT 5$$);
SET client_min_messages = warning;
DROP SCHEMA made CASCADE;
RESET client_min_messages;
