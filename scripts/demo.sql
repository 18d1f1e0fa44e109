-- The tour of scripts/demo, which runs it in a database where schema qonto has
-- the foreign table and search_path is qonto, books, public. The variable
-- sample says whether the links are the sample's.

\echo
\echo == Does it work? Who asks, where, and how many links are there
\echo
SELECT host, mapping, ok, links, message FROM payment_links_check('qonto');

\echo
\echo == First rows: a LIMIT is all that is fetched
\echo
SELECT status, amount, currency, resource_type, created_at
FROM payment_links
LIMIT 5;

\echo
\echo == Filtered and sorted by the API: the largest links that may still be paid
\echo
SELECT id, status, amount, currency, expiration_date
FROM payment_links
WHERE status IN ('open', 'processing')
ORDER BY amount DESC
LIMIT 10;

\echo
\echo == How many of each status
\echo
SELECT status, count(*)
FROM payment_links
GROUP BY status
ORDER BY count DESC;

\echo
\echo == Accounting: your tables would be here already, the demo makes its own
\echo
\echo -- Invoices, from the links that were sent for them. Every 40th was booked
\echo -- with another amount, and for three nobody made a link.
CREATE SCHEMA books;
CREATE TABLE books.invoices AS
SELECT invoice_id AS id, invoice_number AS number, debitor_name AS customer,
       created_at::date AS issued_on, currency,
       amount + CASE WHEN row_number() OVER (ORDER BY created_at) % 40 = 0
                     THEN 0.90 ELSE 0 END AS amount
FROM payment_links
WHERE invoice_id IS NOT NULL AND amount < 100000;
INSERT INTO books.invoices
SELECT gen_random_uuid(), 'F-without-link-' || n, 'Forgotten & Fils',
       coalesce(max(issued_on), current_date), 'EUR', 90000 + n
FROM generate_series(1, 3) AS n LEFT JOIN books.invoices ON true
GROUP BY n;

\echo
\echo -- The ledger: what the bank says was paid. Every 25th payment is not booked yet.
CREATE TABLE books.ledger AS
SELECT invoice_number, amount, currency, booked_on
FROM (SELECT invoice_number, amount, currency, created_at::date + 3 AS booked_on,
             row_number() OVER (ORDER BY created_at) AS n
      FROM payment_links
      WHERE status = 'paid' AND invoice_id IS NOT NULL) AS paid
WHERE n % 25 <> 0;
ANALYZE books.invoices, books.ledger;

\echo
\echo == Unpaid invoices without a live link: whom to send a new one
\echo
SELECT number, customer, issued_on, amount, currency
FROM invoices i
WHERE NOT EXISTS (SELECT FROM ledger
                  WHERE invoice_number = i.number)
  AND NOT EXISTS (SELECT FROM payment_links
                  WHERE invoice_id = i.id AND status IN ('open', 'processing'))
ORDER BY amount DESC
LIMIT 10;

\echo
\echo == Links whose amount differs from the invoice: what to correct before it is paid
\echo
SELECT i.number, l.amount AS link, i.amount AS invoice, l.amount - i.amount AS difference, l.currency
FROM payment_links l
JOIN invoices i ON i.id = l.invoice_id
WHERE l.status = 'open' AND l.amount <> i.amount
ORDER BY i.number
LIMIT 10;

\echo
\echo == Paid links that are not in the ledger
\echo
SELECT l.invoice_number, l.debitor_name, l.amount, l.currency
FROM payment_links l
WHERE l.status = 'paid' AND l.invoice_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM ledger WHERE invoice_number = l.invoice_number)
ORDER BY l.created_at DESC
LIMIT 5;

\echo
\echo == VAT from the items of paid baskets
\echo
\echo -- A rate has been seen as percent (21.0) and as fraction (0.21).
SELECT l.currency, round(100 * rate, 1) AS rate, count(*) AS lines,
       round(sum(net), 2) AS net, round(sum(net * rate), 2) AS vat
FROM payment_links l,
     payment_link_items(l.items) i,
     LATERAL (SELECT i.quantity * i.unit_price AS net,
                     CASE WHEN i.vat_rate < 1 THEN i.vat_rate ELSE i.vat_rate / 100 END AS rate) AS line
WHERE l.status = 'paid'
GROUP BY l.currency, rate
ORDER BY l.currency, rate;

\set ECHO none
\timing off
\if :sample
SELECT max(issued_on) AS today FROM books.invoices \gset
\echo
\echo (The sample was taken on :today, which is today from here on.)
\else
SELECT current_date AS today \gset
\endif
\timing on
\set ECHO queries

\echo
\echo == Aging: open links by the time that is left to pay
\echo
SELECT CASE WHEN expiration_date IS NULL THEN '5 never expires'
            WHEN expiration_date < date :'today' THEN '1 too late'
            WHEN expiration_date < date :'today' + 7 THEN '2 this week'
            WHEN expiration_date < date :'today' + 30 THEN '3 in 30 days'
            ELSE '4 later' END AS due,
       count(*) AS links, sum(amount) AS amount
FROM payment_links
WHERE status = 'open' AND currency = 'EUR' AND amount < 100000
GROUP BY due
ORDER BY due;

\echo
\echo == The first ones that expire
\echo
SELECT invoice_number, amount, currency, expiration_date
FROM payment_links
WHERE status = 'open' AND expiration_date >= date :'today'
ORDER BY expiration_date
LIMIT 5;

\echo
\echo == What was asked of the API, and what it took
\echo
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
SELECT number, customer, amount
FROM invoices i
WHERE NOT EXISTS (SELECT FROM payment_links
                  WHERE invoice_id = i.id AND status IN ('open', 'processing'))
ORDER BY amount DESC
LIMIT 10;
