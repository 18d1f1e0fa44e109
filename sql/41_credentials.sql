-- Tokens that renew themselves: from an application of the developer portal to rows.
\i sql/include/qonto.psql
\! test/sample_api/ctl config '{"token": []}'

-- Only the application's values are typed. The two URLs are the sample API's; by default
-- they are those of the environment.
\set token_url :api /oauth2/token
\set authorize_url :api /oauth2/auth
CREATE SERVER renewed FOREIGN DATA WRAPPER payment_links_fdw
	OPTIONS (base_url :'api', token_url :'token_url', authorize_url :'authorize_url');
CREATE USER MAPPING FOR CURRENT_USER SERVER renewed OPTIONS (client_id 'sample-client',
	client_secret 'sample-client-secret', redirect_uri 'http://localhost/callback');
CREATE SCHEMA renewed;
IMPORT FOREIGN SCHEMA qonto FROM SERVER renewed INTO renewed;
SELECT ok, sqlstate, hint FROM payment_links_check('renewed');

-- The owner of the account consents at this address. state and code_challenge are different for each mapping.
SELECT payment_links_authorize_url('renewed') AS consent \gset
SELECT regexp_replace(regexp_replace(:'consent', '//[^/]*', '//HOST'), '(state|code_challenge)=[\w-]{43}', '\1=...', 'g') AS consent;
\! test/sample_api/ctl requests

-- Then her browser is sent to the redirect_uri. If she refused, the address says so.
SELECT payment_links_authorize('renewed', 'http://localhost/callback?error=access_denied&state=x');
-- If she consented, the address has a code, which is exchanged for tokens.
\setenv CONSENT :consent
\set address `test/sample_api/consent "$CONSENT"`
\! test/sample_api/ctl clear
SELECT ends - clock_timestamp() BETWEEN '59 min' AND '1 hour' AS an_hour FROM payment_links_authorize('renewed', :'address') ends;
\! test/sample_api/ctl requests

-- First rows.
SELECT count(*) FROM renewed.payment_links;
\! test/sample_api/ctl requests

-- The options that the mapping has now, and what payment_links_credentials shows of them.
SELECT split_part(option, '=', 1) AS option FROM pg_user_mappings, unnest(umoptions) option WHERE srvname = 'renewed';
SELECT server, role = current_user AS mine, kind, access_token_expires_at > now() AS fresh,
	refresh_token_expires_at > refreshed_at + interval '89 days' AS lasts, last_failure
FROM payment_links_credentials WHERE server = 'renewed';

-- An hour later a query renews the token first. The new token is kept even if the transaction is rolled back.
\! test/sample_api/ctl advance '{"seconds": 3600}'
ALTER USER MAPPING FOR CURRENT_USER SERVER renewed OPTIONS (SET access_token_expires_at '2026-01-01T00:00:00Z');
BEGIN READ ONLY;
SELECT count(*) FROM renewed.payment_links;
ROLLBACK;
\! test/sample_api/ctl requests
SELECT count(*) FROM renewed.payment_links;
\! test/sample_api/ctl requests

-- payment_links_refresh() renews the token at any time.
SELECT ends > now() AS renewed FROM payment_links_refresh('renewed') ends;
\! test/sample_api/ctl requests

-- A transaction that has changed the mapping cannot renew its token: a rollback would lose the new one.
BEGIN;
ALTER USER MAPPING FOR CURRENT_USER SERVER renewed OPTIONS (SET access_token_expires_at '2026-01-01T00:00:00Z');
SELECT count(*) FROM renewed.payment_links;
ROLLBACK;
\! test/sample_api/ctl requests

-- After consent was withdrawn the token host is asked once, and not again.
\! test/sample_api/ctl oauth_revoke
\set VERBOSITY terse
SELECT payment_links_refresh('renewed');
\set VERBOSITY default
SELECT payment_links_refresh('renewed');
SELECT last_failure FROM payment_links_credentials WHERE server = 'renewed';
\! test/sample_api/ctl requests

-- With a refresh token from another source no consent is needed.
\set refresh_token `test/sample_api/ctl oauth_issue | sed 's/.*"refresh_token": "\([^"]*\)".*/\1/'`
ALTER USER MAPPING FOR CURRENT_USER SERVER renewed OPTIONS (SET refresh_token :'refresh_token');
SELECT ok, links FROM payment_links_check('renewed');
\! test/sample_api/ctl requests
