-- Options: where each may be set, its values, and who may set it. Options are checked
-- when they are set; nothing in this file makes a request.
\i sql/include/begin.psql
SET client_min_messages = warning;
CREATE EXTENSION payment_links_fdw;
CREATE SERVER qonto FOREIGN DATA WRAPPER payment_links_fdw;

-- Runs a command and rolls it back. Returns "accepted", or the error.
CREATE FUNCTION attempt(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; hint text;
BEGIN
	EXECUTE command;
	RAISE SQLSTATE 'TRIED';
EXCEPTION
	WHEN SQLSTATE 'TRIED' THEN
		RETURN 'accepted';
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
		RETURN concat_ws(E'\n    ', state || ' ' || message, nullif(hint, ''));
END $$;
CREATE FUNCTION on_server(option text, value text) RETURNS text LANGUAGE sql AS $$
	SELECT attempt(format('CREATE SERVER tried FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (%I %L)', option, value))
$$;
CREATE FUNCTION on_table(option text, value text) RETURNS text LANGUAGE sql AS $$
	SELECT attempt(format('CREATE FOREIGN TABLE tried (id uuid) SERVER qonto OPTIONS (%I %L)', option, value))
$$;
CREATE FUNCTION on_column(options text) RETURNS text LANGUAGE sql AS $$
	SELECT attempt(format('CREATE FOREIGN TABLE tried (c text OPTIONS (%s)) SERVER qonto', options))
$$;
CREATE FUNCTION on_mapping(options text) RETURNS text LANGUAGE sql AS $$
	SELECT attempt(format('CREATE USER MAPPING FOR PUBLIC SERVER qonto OPTIONS (%s)', options))
$$;
CREATE FUNCTION on_import(option text, value text) RETURNS text LANGUAGE sql AS $$
	SELECT attempt(format('IMPORT FOREIGN SCHEMA anything FROM SERVER qonto INTO public OPTIONS (%I %L)', option, value))
$$;
\pset format unaligned
\pset tuples_only on
\pset fieldsep ': '

-- Every option of a server.
CREATE SERVER everything TYPE 'ignored' VERSION 'ignored' FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (
	environment 'sandbox', base_url 'https://gateway.example:8443/qonto',
	page_size '50', concurrency '4', max_requests '1000',
	connect_timeout '5s', request_timeout '1min', max_retries '3', max_retry_wait '500ms',
	sort_pushdown 'off', count_pushdown 'no', on_drift 'error',
	fdw_startup_cost '100', fdw_page_cost '50.5', fdw_tuple_cost '1e-2',
	async_capable 'false', proxy 'socks5h://proxy.example:1080', ca_file '/etc/ssl/own.pem');
DROP SERVER everything;

-- The environment is an option of a server, not of a table.
SELECT v, on_server('environment', v) FROM unnest('{production,sandbox,staging,""}'::text[]) v;
SELECT on_table('environment', 'sandbox');

-- Whole numbers.
SELECT o, v, on_server(o, v) FROM (VALUES
	('page_size', '1'), ('page_size', '100'), ('page_size', '0'), ('page_size', '101'), ('page_size', 'many'),
	('concurrency', '32'), ('concurrency', '0'), ('concurrency', '33'),
	('max_requests', '1'), ('max_requests', '0'), ('max_requests', '-1'),
	('max_retries', '0'), ('max_retries', '20'), ('max_retries', '21')) t (o, v);

-- Times need their unit.
SELECT o, v, on_server(o, v) FROM (VALUES
	('connect_timeout', '100ms'), ('connect_timeout', '10 s'), ('connect_timeout', '10'), ('connect_timeout', '99ms'),
	('request_timeout', '1min'), ('request_timeout', '0.05s'), ('request_timeout', '30 sec'), ('request_timeout', ''),
	('max_retry_wait', '0s'), ('max_retry_wait', '0'), ('max_retry_wait', '-1s')) t (o, v);

-- Booleans, words and costs.
SELECT o, v, on_server(o, v) FROM (VALUES
	('sort_pushdown', 'on'), ('sort_pushdown', '0'), ('sort_pushdown', 'maybe'), ('count_pushdown', ''),
	('async_capable', 'TRUE'), ('on_drift', 'repair'), ('on_drift', 'ignore'),
	('fdw_startup_cost', '0'), ('fdw_page_cost', '-1'), ('fdw_tuple_cost', 'infinity'), ('fdw_tuple_cost', 'NaN')) t (o, v);

-- base_url is https, or http to a loopback address.
SELECT v, on_server('base_url', v) FROM unnest(ARRAY[
	'https://gateway.example', 'https://gateway.example:8443/qonto/', 'https://[2001:db8::1]:8443',
	'http://localhost:8080', 'http://127.0.0.1:8080/api', 'http://127.8.8.8', 'http://[::1]:8080',
	'http://gateway.example', 'http://localhost.example', 'http://127.0.0.1.example', 'ftp://gateway.example', 'file:///etc/passwd',
	'gateway.example', '', 'https://', 'https://gateway.example/?page=1', 'https://gateway.example/#top',
	'https://user:hidden@gateway.example', 'https://gateway example']) v;

-- proxy and ca_file.
SELECT o, v, on_server(o, v) FROM (VALUES
	('proxy', 'http://proxy.example:3128'), ('proxy', 'https://proxy.example:3128'), ('proxy', 'socks5h://[::1]:1080'),
	('proxy', 'socks4://proxy.example:1080'), ('proxy', 'proxy.example:3128'), ('proxy', 'http://proxy.example'),
	('proxy', 'http://user:hidden@proxy.example:3128'), ('proxy', 'http://proxy.example:3128/path'),
	('ca_file', '/etc/ssl/own.pem'), ('ca_file', 'own.pem'), ('ca_file', '')) t (o, v);

-- Some server options may also be set on a table, where they override the server's.
SELECT o, on_table(o, v) FROM (VALUES
	('page_size', '20'), ('concurrency', '1'), ('max_requests', '10'), ('sort_pushdown', 'false'),
	('count_pushdown', 'false'), ('on_drift', 'error'), ('async_capable', 'false'),
	('base_url', 'https://gateway.example'), ('connect_timeout', '1s'), ('request_timeout', '1s'), ('max_retries', '1'),
	('max_retry_wait', '1s'), ('fdw_startup_cost', '1'), ('fdw_page_cost', '1'), ('fdw_tuple_cost', '1'),
	('proxy', 'http://proxy.example:3128'), ('ca_file', '/etc/ssl/own.pem'), ('page_size', '1000')) t (o, v);

-- A column has a field of the link, or a constant.
SELECT o, on_column(o) FROM unnest(ARRAY[
	$$field 'amount.value'$$, $$field 'not.yet.known'$$, $$constant 'fr'$$, $$constant ''$$,
	$$field ''$$, $$field 'amount..value'$$, $$field 'items[0].title'$$,
	$$field 'id', constant 'fr'$$, $$path 'id'$$, $$page_size '10'$$]) o;

-- A user mapping holds the secrets. No message repeats them.
SELECT o, on_mapping(o) FROM unnest(ARRAY[
	$$access_token 'ory_at_sample'$$, $$access_token 'ory_at_sample', staging_token 'sample'$$,
	$$access_token_file '/etc/qonto/token'$$, $$staging_token 'sample'$$]) o;
SELECT on_mapping(o) FROM unnest(ARRAY[
	$$access_token ''$$, $$access_token E'hidden\nX-Header: 1'$$, $$access_token 'hidden hidden'$$,
	$$access_token 'Bearer hidden'$$, $$access_token 'hiddén'$$, $$staging_token E'hidden\t'$$,
	$$access_token_file 'token'$$, $$access_token 'hidden', access_token_file '/etc/qonto/token'$$,
	$$acess_token 'hidden'$$, $$api_key 'hidden'$$, $$base_url 'https://gateway.example'$$]) o;
CREATE USER MAPPING FOR PUBLIC SERVER qonto;
SELECT attempt($$ALTER USER MAPPING FOR PUBLIC SERVER qonto OPTIONS (ADD access_token 'Bearer hidden')$$);

-- Options in the wrong place, and unknown options.
SELECT o, on_server(o, 'hidden') FROM unnest('{access_token,field,import_json,pagesize,PAGE_SIZE,url,fetch_size}'::text[]) o;
SELECT attempt('ALTER SERVER qonto OPTIONS (ADD concurency $$4$$)');
SELECT attempt('ALTER FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (ADD page_size $$10$$)');
SELECT attempt('ALTER FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (ADD anything $$10$$)');

-- IMPORT FOREIGN SCHEMA takes one option.
SELECT o, v, on_import(o, v) FROM (VALUES
	('import_json', 'false'), ('import_json', 'perhaps'), ('import_jsonb', 'false'), ('page_size', '10'),
	('import_default', 'true')) t (o, v);
IMPORT FOREIGN SCHEMA anything FROM SERVER qonto INTO public;
SELECT attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'not null' END
FROM pg_attribute WHERE attrelid = 'public.payment_links'::regclass AND attnum > 0 ORDER BY attnum;

-- Options that decide where a token is sent may be set only by superusers.
CREATE ROLE regress_plf_owner;
GRANT USAGE ON FOREIGN DATA WRAPPER payment_links_fdw TO regress_plf_owner;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (base_url 'https://gateway.example');
ALTER SERVER elsewhere OWNER TO regress_plf_owner;
SET ROLE regress_plf_owner;
SELECT o, on_server(o, v) FROM (VALUES
	('environment', 'sandbox'), ('page_size', '10'), ('base_url', 'https://gateway.example'),
	('proxy', 'http://proxy.example:3128'), ('ca_file', '/etc/ssl/own.pem')) t (o, v);
SELECT attempt('ALTER SERVER elsewhere OPTIONS (ADD page_size $$10$$)');
SELECT attempt('ALTER SERVER elsewhere OPTIONS (SET base_url $$https://other.example$$)');
SELECT attempt('ALTER SERVER elsewhere OPTIONS (DROP base_url)');

-- A file is read with the rights of the server's operating system user, so naming one needs pg_read_server_files.
SELECT attempt('CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (access_token $$sample$$)');
SELECT attempt('CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (access_token_file $$/etc/qonto/token$$)');
RESET ROLE;
GRANT pg_read_server_files TO regress_plf_owner;
SET ROLE regress_plf_owner;
SELECT attempt('CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (access_token_file $$/etc/qonto/token$$)');

-- Without a credential no request is made, and the error says what to do.
CREATE SERVER own FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (environment 'sandbox');
SELECT host, mapping, ok, links, sqlstate, message, hint FROM payment_links_check('own');
CREATE USER MAPPING FOR PUBLIC SERVER own OPTIONS (staging_token 'sample');
SELECT host, mapping, ok, links, sqlstate, message, hint FROM payment_links_check('own');
CREATE USER MAPPING FOR CURRENT_USER SERVER own OPTIONS (access_token 'sample');
SELECT host, mapping, ok, links, sqlstate, message, hint FROM payment_links_check('own');
ALTER USER MAPPING FOR CURRENT_USER SERVER own OPTIONS (DROP access_token, ADD access_token_file '/nonexistent/token');
SELECT host, mapping, ok, links, sqlstate, message, hint FROM payment_links_check('own');

-- payment_links_check() takes a server of this wrapper on which the caller has USAGE.
SELECT attempt('SELECT payment_links_check($$qonto$$)');
SELECT attempt('SELECT payment_links_check($$nowhere$$)');
RESET ROLE;
-- A value has at most 64 kB, blanks included.
CREATE FUNCTION refused(options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
	EXECUTE format('CREATE SERVER long_value FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (%s)', options);
	DROP SERVER long_value;
	RETURN 'accepted';
EXCEPTION WHEN invalid_parameter_value THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN hint;
END $$;
SELECT refused(format('concurrency %L', repeat(' ', n - 1) || '8')) FROM (VALUES (65536), (65537)) AS v(n);
SELECT refused(format('ca_file %L', repeat('/', n))) FROM (VALUES (65536), (65537)) AS v(n);
DROP FUNCTION refused;
CREATE FOREIGN DATA WRAPPER regress_plf_other;
CREATE SERVER other FOREIGN DATA WRAPPER regress_plf_other;
SELECT attempt('SELECT payment_links_check($$other$$)');

DROP FOREIGN DATA WRAPPER regress_plf_other CASCADE;
DROP EXTENSION payment_links_fdw CASCADE;
DROP OWNED BY regress_plf_owner;
DROP ROLE regress_plf_owner;
DROP FUNCTION on_import, on_mapping, on_column, on_table, on_server, attempt;
