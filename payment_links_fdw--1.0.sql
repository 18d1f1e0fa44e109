\echo Use "CREATE EXTENSION payment_links_fdw" to load this file. \quit

CREATE FUNCTION payment_links_fdw_handler()
RETURNS fdw_handler
LANGUAGE c STRICT
AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION payment_links_fdw_handler() IS
'callbacks of the foreign-data wrapper payment_links_fdw';

CREATE FUNCTION payment_links_fdw_validator(text[], oid)
RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION payment_links_fdw_validator(text[], oid) IS
'checks the options of servers, foreign tables, columns and user mappings';

CREATE FOREIGN DATA WRAPPER payment_links_fdw
HANDLER payment_links_fdw_handler
VALIDATOR payment_links_fdw_validator;

COMMENT ON FOREIGN DATA WRAPPER payment_links_fdw IS
'Qonto payment links';

-- One request; what fails is in the row, not an error.
CREATE FUNCTION payment_links_check(
	server name,
	OUT host text,
	OUT mapping text,
	OUT ok boolean,
	OUT links bigint,
	OUT elapsed interval,
	OUT sqlstate text,
	OUT message text,
	OUT hint text,
	OUT trace_id text)
RETURNS record
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION payment_links_check(name) IS
'asks the API of a server for one payment link and says how that went';

-- Not STRICT, so that it is inlined and conditions of the query around it are
-- still pushed down.  Its body is parsed here, once, so that no search_path can
-- change what it calls later.  Here the extension's own schema is searched after
-- pg_catalog.  An operator in that schema would still be chosen for a literal without a
-- type if its arguments matched better, so each operator has its schema and each literal
-- its type.
CREATE FUNCTION payment_link_items(
	items jsonb,
	OUT item_no integer,
	OUT title text,
	OUT type text,
	OUT description text,
	OUT quantity numeric,
	OUT measure_unit text,
	OUT unit_price numeric,
	OUT currency text,
	OUT vat_rate numeric)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
	SELECT
		item.ordinality::integer,
		item.value OPERATOR(pg_catalog.->>) 'title'::text,
		item.value OPERATOR(pg_catalog.->>) 'type'::text,
		item.value OPERATOR(pg_catalog.->>) 'description'::text,
		(item.value OPERATOR(pg_catalog.->>) 'quantity'::text)::numeric,
		item.value OPERATOR(pg_catalog.->>) 'measure_unit'::text,
		(item.value OPERATOR(pg_catalog.#>>) '{unit_price,value}'::text[])::numeric,
		item.value OPERATOR(pg_catalog.#>>) '{unit_price,currency}'::text[],
		(item.value OPERATOR(pg_catalog.->>) 'vat_rate'::text)::numeric
	FROM pg_catalog.jsonb_array_elements(
		CASE WHEN pg_catalog.jsonb_typeof(items) OPERATOR(pg_catalog.=) 'array'::text
			THEN items END)
		WITH ORDINALITY AS item (value, ordinality);
END;

COMMENT ON FUNCTION payment_link_items(jsonb) IS
'the basket of a payment link as rows; none for NULL';

-- From an application of the developer portal to tokens in a user mapping.
CREATE FUNCTION payment_links_authorize_url(server name)
RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION payment_links_authorize_url(name) IS
'the address at which the owner of the account consents';

CREATE FUNCTION payment_links_authorize(server name, code text, for_role name DEFAULT current_user)
RETURNS timestamptz
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION payment_links_authorize(name, text, name) IS
'exchanges an authorization code and stores the tokens in the user mapping; tells when the access token ends';

CREATE FUNCTION payment_links_refresh(server name)
RETURNS timestamptz
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME';

COMMENT ON FUNCTION payment_links_refresh(name) IS
'refreshes the tokens of the current user''s mapping now; tells when the access token ends';

-- How user mappings stand.  The function shows each caller what she may see; the view
-- runs it as who asks.
CREATE FUNCTION payment_links_credentials(
	OUT server text,
	OUT role text,
	OUT host text,
	OUT kind text,
	OUT access_token_expires_at timestamptz,
	OUT refresh_token_expires_at timestamptz,
	OUT refreshed_at timestamptz,
	OUT last_failure_at timestamptz,
	OUT last_failure text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME';

CREATE VIEW payment_links_credentials AS
	SELECT * FROM payment_links_credentials();

COMMENT ON VIEW payment_links_credentials IS
'user mappings of payment links: when their tokens end, and what failed; no secret';

GRANT SELECT ON payment_links_credentials TO PUBLIC;
