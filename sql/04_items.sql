-- payment_link_items(): the items of a link's basket as rows.
\i sql/include/begin.psql
SET client_min_messages = warning;
CREATE EXTENSION payment_links_fdw;

SELECT * FROM payment_link_items('[
	{"title": "Coffee", "type": "good", "description": "1 kg, whole beans", "quantity": 2, "measure_unit": "unit",
	 "unit_price": {"value": "12.90", "currency": "EUR"}, "vat_rate": "5.5"},
	{"title": "Repair", "quantity": 1.250, "unit_price": {"value": "80.00", "currency": "EUR"}, "vat_rate": "0.20"},
	{"title": "Rebate", "type": "discount", "quantity": 1, "unit_price": {"value": "-5", "currency": "EUR"}, "vat_rate": null}]');

-- Numbers are exact, whether the API sends them as JSON strings or as JSON numbers.
SELECT quantity, unit_price FROM payment_link_items('[{"title": "Exact", "quantity": 0.1000000000000000055511151231257827,
	"unit_price": {"value": "123456789012345678901234567890.12", "currency": "EUR"}, "vat_rate": "20"}]');

-- Without a basket there are no rows.
SELECT count(*) FROM payment_link_items(NULL);
SELECT count(*) FROM payment_link_items('[]');
SELECT count(*) FROM payment_link_items('null');
SELECT count(*) FROM payment_link_items('{"title": "not a list"}');

-- Text that is not a number is an error, since any other result would make sums wrong.
SELECT vat_rate FROM payment_link_items('[{"title": "Odd", "vat_rate": "20 %"}]');
\echo :LAST_ERROR_SQLSTATE

-- The planner inlines the function: conditions on the link are still applied to the scan of the links.
CREATE TABLE links (id integer, status text, items jsonb);
INSERT INTO links VALUES
	(1, 'paid', '[{"title": "a", "quantity": 1, "unit_price": {"value": "1.10", "currency": "EUR"}},
		{"title": "b", "quantity": 3, "unit_price": {"value": "2.20", "currency": "EUR"}}]'),
	(2, 'open', '[{"title": "c", "quantity": 1, "unit_price": {"value": "9.99", "currency": "EUR"}}]'),
	(3, 'paid', NULL);
EXPLAIN (COSTS off) SELECT * FROM links l, payment_link_items(l.items) i WHERE l.status = 'paid';
SELECT l.id, i.item_no, i.title, i.quantity * i.unit_price AS net
FROM links l, payment_link_items(l.items) i WHERE l.status = 'paid' ORDER BY 1, 2;
SELECT l.id, i.title FROM links l LEFT JOIN payment_link_items(l.items) i ON true ORDER BY 1, 2;

-- The function calls pg_catalog's functions and operators, whatever the search_path is.
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.jsonb_typeof(jsonb) RETURNS text LANGUAGE sql AS $$SELECT 'number'$$;
CREATE FUNCTION hostile.get_text(jsonb, text) RETURNS text LANGUAGE sql AS $$SELECT 'hostile'$$;
CREATE OPERATOR hostile.->> (LEFTARG = jsonb, RIGHTARG = text, FUNCTION = hostile.get_text);
SET search_path = hostile, pg_catalog, public;
SELECT title FROM payment_link_items('[{"title": "Coffee"}]');
RESET search_path;

DROP SCHEMA hostile CASCADE;
DROP TABLE links;
DROP EXTENSION payment_links_fdw;
