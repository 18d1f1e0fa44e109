# An access token that is missing or about to end is renewed before a scan.  A token that
# the API refuses is renewed once, and the query goes on.  A new token that the API refuses
# too is an error, and is not sent again.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $node = PlfTest::cluster('main', q{timezone = 'UTC'});
my $bench = OAuthTest->new($node, 'links', server => { max_retries => 0 });
my ($api, $session, $links) = ($bench->api, $bench->session, $bench->links);
my $user = $session->query('SELECT current_user')->{rows};

# When an access token is renewed

is($bench->read_all, 'read', 'a user mapping without an access token reads all links');
my ($refresh, @pages) = $api->requests;    # pages sent together come in any order
is_deeply(
	[ $refresh, sort @pages ],
	[
		'POST /oauth2/token',
		map { "GET /v2/payment_links?page=$_&per_page=10" } 1 .. 3
	],
	'... after one request for tokens');
is_deeply(
	($api->log)[0]->{oauth},
	{
		client => 'good',
		client_secret => 'good',
		refresh_token => 'good',
		code => 'none',
		grant => 'refresh_token',
		error => undef,
		reason => undef
	},
	'... which has client, secret and refresh token');
is(($api->log)[0]->{token}, 'none', '... and no access token');
ok($bench->holds_the_newest, '... and the tokens of the answer are stored');
my $mapping = $bench->mapping;
is_deeply(
	[ sort keys %$mapping ],
	[
		qw(access_token access_token_expires_at client_id client_secret redirect_uri
		  refresh_token refresh_token_expires_at refreshed_at stored_by token_host)
	],
	'... with their times, their token host and who stored them');
is( $session->query(
		"SELECT '$mapping->{access_token_expires_at}'::timestamptz - '$mapping->{refreshed_at}'::timestamptz
			BETWEEN '59min 55s' AND '1h',
		'$mapping->{refresh_token_expires_at}'::timestamptz - '$mapping->{refreshed_at}'::timestamptz
			BETWEEN '89 days 23:59:55' AND '90 days',
		now() - '$mapping->{refreshed_at}' BETWEEN '-1s' AND '30s'")->{rows},
	't|t|t', '... they end in an hour and in 90 days');
is($mapping->{token_host}, '127.0.0.1:' . $api->port, '... token_host has host and port');
is( $mapping->{stored_by},
	$session->query(
		"SELECT system_identifier || '/' || oid || '/1/' || substring('$mapping->{stored_by}' FROM '[0-9]+/[0-9]+\$')
		FROM pg_control_system(), pg_database WHERE datname = current_database()"
	)->{rows},
	'... stored_by names this cluster and database, its files and its machine');

$api->clear_log;
is($bench->read_all, 'read', 'a stored access token reads all links');
is($bench->asked, '', '... without a request for tokens');
foreach my $case (
	[ 3600, '', 'an access token that ends in an hour' ],
	[ 75, '', 'an access token that ends in more than a minute' ],
	[ 50, 'refresh_token 200', 'an access token that ends in less than a minute' ],
	[ 0, 'refresh_token 200', 'an access token that ends now' ],
	[ -86400, 'refresh_token 200', 'an access token that ended yesterday' ])
{
	my ($seconds, $asked, $name) = @$case;

	$bench->due($seconds);
	is($bench->read_all, 'read', $name);
	$bench->workers_are_gone;    # the query does not wait while the old token is still good
	is($bench->asked, $asked, '... ' . ($asked ? 'is renewed' : 'is not renewed'));
	ok($bench->holds_the_newest, '... and the mapping has the newest tokens');
}
$bench->change(access_token_expires_at => undef);
$api->clear_log;
is($bench->read_all, 'read', 'an access token without access_token_expires_at reads all links');
is($bench->asked, '', '... without a request for tokens');
$bench->change(access_token => 'refused-by-the-api');
$api->clear_log;
is($bench->read_all, 'read', 'an access token that the API refuses is renewed');
is_deeply(
	[ map { "$_->{path} $_->{status} $_->{token}" } $api->log ],
	[
		'/v2/payment_links 401 bad',
		'/oauth2/token 200 none',
		('/v2/payment_links 200 good') x 3
	],
	'... and the request is sent again');
ok($bench->holds_the_newest, '... and the new tokens are stored');

# The token host's answer says how long a token lasts; if the answer does not, it is an hour.
$api->config(access_token_seconds => 7200);
$bench->due;
$bench->read_all;
is( $session->query(
		"SELECT now() + '2h' - '${\ $bench->mapping->{access_token_expires_at}}' BETWEEN '-1s' AND '30s'")
	  ->{rows},
	't', 'a token that lasts two hours by the answer');
$api->config(access_token_seconds => 3600, omit_expires_in => \1);
$bench->due;
$bench->read_all;
is( $session->query(
		"SELECT now() + '1h' - '${\ $bench->mapping->{access_token_expires_at}}' BETWEEN '-1s' AND '30s'")
	  ->{rows},
	't', 'a token without a time in the answer lasts an hour');
$api->config(omit_expires_in => \0, access_token_seconds => 30);
$bench->due;
is($bench->read_all, 'read', 'a new token that lasts half a minute is used');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
is($bench->read_all, 'read', '... and renewed for the next query');
is($bench->asked, "refresh_token 200\nrefresh_token 200", '... since less than a minute is left');
$api->config(access_token_seconds => 3600, omit_refresh_token => \1);
$bench->due;
my $kept = $bench->mapping->{refresh_token};
is($bench->read_all, 'read', 'an answer without a refresh token is accepted');
is($bench->mapping->{refresh_token}, $kept, '... the mapping keeps its refresh token');
is($bench->read_all, 'read', '... and the new access token is used');
is($bench->asked, 'refresh_token 200', '... without another request for tokens');
$api->config(omit_refresh_token => \0);
$bench->due;
is($bench->read_all, 'read', '... an hour later the kept refresh token is used');
ok($bench->holds_the_newest, '... and the new refresh token is stored');

# In transactions of every kind

foreach my $case (
	[ 'BEGIN READ ONLY', 'COMMIT' ],
	[ 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1', 'COMMIT' ],
	[ 'BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SELECT 1', 'COMMIT' ],
	[ 'BEGIN', 'ROLLBACK' ],
	[ 'BEGIN; SAVEPOINT s', 'ROLLBACK TO s; COMMIT' ],
	[ "SET default_transaction_read_only = on", 'RESET default_transaction_read_only' ])
{
	my ($begin, $end) = @$case;

	$bench->due;
	is($session->query($begin)->{state}, '', $begin);
	is($bench->read_all, 'read', '... links are read in the transaction');
	is($session->query(PlfTest::all_of('links'))->{rows}, $links, '... and read again');
	is($session->query($end)->{state}, '', "... $end");
	is($bench->asked, 'refresh_token 200', '... after one refresh');
	ok($bench->holds_the_newest, '... and the new tokens stay stored');
	is($bench->read_all, 'read', '... the next query reads all links');
	is($bench->asked, 'refresh_token 200', '... without another request for tokens');
}

# In queries of every kind: first with a token that has ended, then with a token that the
# API refuses

my ($id) = split /\|/, $links;
my $count = () = $links =~ /^/mg;
$session->query('CREATE TABLE ids AS SELECT id FROM links.payment_links');
$session->query('CREATE FUNCTION read_links() RETURNS SETOF text LANGUAGE plpgsql AS $$
	DECLARE link record; BEGIN
		FOR link IN SELECT * FROM links.payment_links LOOP RETURN NEXT link.id; END LOOP; END $$');
foreach my $case (
	[ 'SELECT count(*) FROM links.payment_links', $count ],
	[ "SELECT count(*) FROM links.payment_links WHERE id = '$id'", 1 ],
	[ "SELECT count(*) FROM links.payment_links WHERE id = (SELECT '$id'::uuid)", 1 ],
	[ 'SELECT count(*) FROM links.payment_links l JOIN ids i ON l.id = i.id', $count ],
	[
		"SELECT count(*) FROM ids i, LATERAL (SELECT * FROM links.payment_links l WHERE l.id = i.id OFFSET 0) x",
		$count
	],
	[ 'SELECT count(*) FROM links.payment_links a, links.payment_links b WHERE a.id = b.id', $count ],
	[ 'SELECT sum(n) FROM (SELECT count(*) n FROM links.payment_links GROUP BY status) s', $count ],
	[ 'SELECT count(*) FROM (SELECT * FROM links.payment_links ORDER BY amount LIMIT 7) l', 7 ],
	[ 'SELECT count(*) FROM links.payment_links WHERE amount >= 0', $count ],
	[ 'SELECT count(*) FROM read_links()', $count ],
	[ 'SELECT count(*) FROM (SELECT id FROM links.payment_links UNION ALL SELECT id FROM links.payment_links) u',
		2 * $count ],
	[ 'ANALYZE links.payment_links', '' ],
	[ "SELECT concat(ok, links, sqlstate, message) FROM payment_links_check('links')", "t$count" ])
{
	my ($sql, $rows) = @$case;

	$bench->due;
	my $result = $session->query($sql);
	is("$result->{rows}$result->{errors}", $rows, $sql);
	is($bench->asked, 'refresh_token 200', '... after one refresh of a token that has ended');

	$api->oauth_expire('access');
	$api->clear_log;
	$result = $session->query($sql);
	is("$result->{rows}$result->{errors}", $rows, '... and the same with a token that the API refuses');
	is($bench->asked, 'refresh_token 200', '... after one refresh');
	ok($bench->holds_the_newest, '... and the newest tokens are stored');
}

# A statement that makes no request to the API renews no token.
$bench->due;
$session->query($_)
  foreach 'EXPLAIN (VERBOSE) SELECT * FROM links.payment_links',
  'SELECT * FROM links.payment_links LIMIT 0', 'SELECT 1 FROM links.payment_links WHERE false',
  'SELECT * FROM payment_links_credentials', q{SELECT payment_links_authorize_url('links')};
is($api->count, 0, 'EXPLAIN, empty results and views make no request');

# A cursor that is open when its token ends

$bench->due;
$session->query('BEGIN; DECLARE c CURSOR FOR ' . PlfTest::all_of('links'));
is($bench->asked, '', 'DECLARE makes no request for tokens');
$session->query('CLOSE c; COMMIT');
$api->links(generate => 100);
my $all = PlfTest::links_of($api);
$session->query('ALTER SERVER links OPTIONS (ADD concurrency $$1$$)');
$bench->due;
$session->query('BEGIN; DECLARE c CURSOR FOR SELECT id, status, amount FROM links.payment_links');
my @rows = split /\n/, $session->query('FETCH 15 FROM c')->{rows};
is($bench->asked, 'refresh_token 200', 'the first FETCH renews the token');
$api->oauth_expire('access');
push @rows, split /\n/, $session->query('FETCH ALL FROM c')->{rows};
is($bench->asked, "refresh_token 200\nrefresh_token 200",
	'... a FETCH after the API has ended that token renews the token again');
is(join("\n", sort @rows), $all, '... and the cursor has returned every link once');
$session->query('COMMIT');

# A cursor whose mapping is dropped does not go on with the mapping of PUBLIC, which may be
# for another account.

my $application = "client_id 'sample-client', client_secret 'sample-client-secret'";
my ($own, $public) = ($api->oauth_issue, $api->oauth_issue);
$bench->as_admin("CREATE ROLE carl;
	GRANT USAGE ON SCHEMA links TO carl; GRANT SELECT ON links.payment_links TO carl;
	CREATE USER MAPPING FOR carl SERVER links OPTIONS ($application, refresh_token '$own->{refresh_token}', access_token '$own->{access_token}');
	CREATE USER MAPPING FOR PUBLIC SERVER links OPTIONS (access_token '$public->{access_token}')");
$api->clear_log;
$session->query('SET ROLE carl; BEGIN; DECLARE c CURSOR FOR SELECT id FROM links.payment_links');
$api->fault(kind => 'status', status => 401, page => 2, times => 1);
is(scalar(split /\n/, $session->query('FETCH 3 FROM c')->{rows}),
	3, 'a cursor begins with the mapping of its role');
$bench->as_admin('DROP USER MAPPING FOR carl SERVER links');
$session->query('SELECT FROM pg_language LIMIT 0');    # accepts invalidations
is_deeply(
	[ @{ $session->query('FETCH ALL FROM c') }{qw(rows state message)} ],
	[ '', '28000', 'the user mapping was dropped' ],
	'... and fails when that was dropped, where its token is refused');
$session->query('ROLLBACK');
$api->clear_faults;
is($session->query(PlfTest::all_of('links'))->{rows}, $all, '... while a query that begins then uses the mapping of PUBLIC');
$session->query('RESET ROLE');
$bench->as_admin('DROP USER MAPPING FOR PUBLIC SERVER links');

# A token that several requests in flight use is renewed once.

$session->query('ALTER SERVER links OPTIONS (SET concurrency $$8$$)');
$api->fault(kind => 'latency', ms => 50 * $PlfTest::slowdown, path => '/v2/');
$api->oauth_expire('access');
$api->clear_log;
is($session->query(PlfTest::all_of('links'))->{rows}, $all, 'all pages are read with a token that has ended');
is($bench->asked, 'refresh_token 200', '... after one refresh');
$api->clear_faults;
$api->before(n => 4, config => { refresh_ends_access_token => \1 });
$api->fault(kind => 'latency', ms => 50 * $PlfTest::slowdown, path => '/v2/');
$api->fault(kind => 'status', status => 401, path => '/v2/', nth => [ 3 .. 8 ]);
$api->clear_log;
is($session->query(PlfTest::all_of('links'))->{rows}, $all, 'all pages are read after several requests in flight were refused');
is($bench->asked, 'refresh_token 200', '... after one refresh');
is( scalar(grep { $_->{status} == 401 } $api->log),
	6, '... of six refusals');
ok($bench->holds_the_newest, '... and the newest tokens are stored');
$api->clear_faults;
$session->query('ALTER SERVER links OPTIONS (DROP concurrency)');

# A new token that the API refuses

$bench->renew;
$api->fault(kind => 'status', status => 401, path => '/v2/');
my $result = $session->query(PlfTest::all_of('links'));
is("$result->{state} $result->{message}",
	'28000 payment links API refused the access token',
	'a new token that the API refuses too is an error');
is_deeply(
	[ map { "$_->{path} $_->{status}" } $api->log ],
	[ '/oauth2/token 200', '/v2/payment_links 401', '/oauth2/token 200', '/v2/payment_links 401' ],
	'... after one refresh because of the refusal');
ok($bench->holds_the_newest, '... whose tokens are stored');
$api->clear_log;
foreach my $sql (PlfTest::all_of('links'), 'SELECT count(*) FROM links.payment_links')
{
	$result = $session->query($sql);
	is( "$result->{state} $result->{message}",
		'28000 access token was already refused by the payment links API',
		"... which is not sent again: $sql");
}
is( $session->query("SELECT sqlstate, split_part(message, ':', 1) FROM payment_links_check('links')")->{rows},
	'28000|access token was already refused by the payment links API',
	'... nor by payment_links_check()');
is($api->count, 0, '... none of these makes a request');
$api->clear_faults;
is($session->query(q{SELECT payment_links_refresh('links') > now()})->{rows},
	't', 'payment_links_refresh() renews the token');
is($bench->read_all, 'read', '... and then links are read');
is($bench->asked, 'refresh_token 200', '... after one refresh');

# payment_links_refresh()

my $before = $bench->mapping;
$api->clear_log;
is( $session->query(q{SELECT e - clock_timestamp() BETWEEN '59min' AND '1h' FROM payment_links_refresh('links') e})->{rows},
	't', 'payment_links_refresh() returns when the new token ends');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
ok($bench->holds_the_newest, '... and stores the tokens');
isnt($bench->mapping->{$_}, $before->{$_}, "... which have another $_")
  foreach qw(access_token refresh_token);
$session->query('BEGIN READ ONLY');
is($session->query(q{SELECT payment_links_refresh('links') > now()})->{rows},
	't', 'payment_links_refresh() works in a read-only transaction');
$session->query('ROLLBACK');
ok($bench->holds_the_newest, '... and stores the tokens although that is rolled back');
is($session->query(q{SELECT payment_links_refresh(NULL) IS NULL})->{rows},
	't', 'payment_links_refresh(NULL) returns NULL');

# Mappings that cannot renew their token are left as they are.

PlfTest::make_server($node, 'plain', base_url => $api->url, mapping => q{access_token 'a-token-of-old'});
$api->clear_log;
is($session->query(PlfTest::all_of('plain'))->{state},
	'28000', 'without a refresh token a refused access token is an error');
is($bench->asked, '', '... and no token is asked for');
$result = $session->query(q{SELECT payment_links_refresh('plain')});
is_deeply(
	[ @{$result}{qw(state message hint)} ],
	[
		'28000',
		"user mapping for $user on server \"plain\" has no refresh token",
		'Authorize again with payment_links_authorize_url() and payment_links_authorize().'
	],
	'... nor by payment_links_refresh()');
foreach my $option (qw(client_id client_secret))
{
	$bench->renew($option => undef);
	$result = $session->query(PlfTest::all_of('links'));
	is_deeply(
		[ @{$result}{qw(state message hint)} ],
		[
			'28000',
			"user mapping for $user on server \"links\" has a refresh token but no $option",
			"Add it with ALTER USER MAPPING ... OPTIONS (ADD $option '...')."
		],
		"a refresh token without $option is an error");
	is($api->count, 0, '... and is not sent');
}

$bench->quit;
$node->stop;
done_testing();
