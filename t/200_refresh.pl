# An access token that is missing or about to end is renewed before a scan, one that the
# API refuses is renewed once, and the query goes on; what the authorization server
# refuses is not asked for again.

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

# When

is($bench->read_all, 'read', 'a mapping without an access token is read');
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
	'... with all that it takes');
is(($api->log)[0]->{token}, 'none', '... and no access token');
ok($bench->holds_the_newest, '... whose tokens are stored');
my $mapping = $bench->mapping;
is_deeply(
	[ sort keys %$mapping ],
	[
		qw(access_token access_token_expires_at client_id client_secret redirect_uri
		  refresh_token refresh_token_expires_at refreshed_at stored_by token_host)
	],
	'... with when and where from');
is( $session->query(
		"SELECT '$mapping->{access_token_expires_at}'::timestamptz - '$mapping->{refreshed_at}'::timestamptz
			BETWEEN '59min 55s' AND '1h',
		'$mapping->{refresh_token_expires_at}'::timestamptz - '$mapping->{refreshed_at}'::timestamptz
			BETWEEN '89 days 23:59:55' AND '90 days',
		now() - '$mapping->{refreshed_at}' BETWEEN '-1s' AND '30s'")->{rows},
	't|t|t', '... an hour and 90 days from now');
is($mapping->{token_host}, '127.0.0.1:' . $api->port, '... and the host alone');
is( $mapping->{stored_by},
	$session->query(
		"SELECT system_identifier || '/' || oid || '/1/' || substring('$mapping->{stored_by}' FROM '[0-9]+/[0-9]+\$')
		FROM pg_control_system(), pg_database WHERE datname = current_database()"
	)->{rows},
	'... and this database, with its place and machine');

$api->clear_log;
is($bench->read_all, 'read', 'a token that is good');
is($bench->asked, '', '... is used as it is');
foreach my $case (
	[ 3600, '', 'an hour to go' ],
	[ 75, '', 'more than a minute to go' ],
	[ 50, 'refresh_token 200', 'less than a minute to go' ],
	[ 0, 'refresh_token 200', 'its time is up' ],
	[ -86400, 'refresh_token 200', 'it ended yesterday' ])
{
	my ($seconds, $asked, $name) = @$case;

	$bench->due($seconds);
	is($bench->read_all, 'read', $name);
	$bench->workers_are_gone;    # a token that is good is not waited for to the end
	is($bench->asked, $asked, '... ' . ($asked ? 'is renewed' : 'is not renewed'));
	ok($bench->holds_the_newest, '... the newest tokens are there');
}
$bench->change(access_token_expires_at => undef);
$api->clear_log;
is($bench->read_all, 'read', 'a token whose end is not known is used');
is($bench->asked, '', '... as it is');
$bench->change(access_token => 'refused-by-the-api');
$api->clear_log;
is($bench->read_all, 'read', 'one that the API refuses is renewed');
is_deeply(
	[ map { "$_->{path} $_->{status} $_->{token}" } $api->log ],
	[
		'/v2/payment_links 401 bad',
		'/oauth2/token 200 none',
		('/v2/payment_links 200 good') x 3
	],
	'... and the request is sent again');
ok($bench->holds_the_newest, '... and the new ones are stored');

# The end is told by the answer; without one it is an hour.
$api->config(access_token_seconds => 7200);
$bench->due;
$bench->read_all;
is( $session->query(
		"SELECT now() + '2h' - '${\ $bench->mapping->{access_token_expires_at}}' BETWEEN '-1s' AND '30s'")
	  ->{rows},
	't', 'a token of two hours');
$api->config(access_token_seconds => 3600, omit_expires_in => \1);
$bench->due;
$bench->read_all;
is( $session->query(
		"SELECT now() + '1h' - '${\ $bench->mapping->{access_token_expires_at}}' BETWEEN '-1s' AND '30s'")
	  ->{rows},
	't', 'one whose end is not told');
$api->config(omit_expires_in => \0, access_token_seconds => 30);
$bench->due;
is($bench->read_all, 'read', 'a token of half a minute is used when it is new');
is($bench->asked, 'refresh_token 200', '... once');
is($bench->read_all, 'read', '... and renewed for the next query');
is($bench->asked, "refresh_token 200\nrefresh_token 200", '... each time');
$api->config(access_token_seconds => 3600, omit_refresh_token => \1);
$bench->due;
my $kept = $bench->mapping->{refresh_token};
is($bench->read_all, 'read', 'an answer without a refresh token');
is($bench->mapping->{refresh_token}, $kept, '... leaves the one that is there');
is($bench->read_all, 'read', '... and is good');
is($bench->asked, 'refresh_token 200', '... for an hour');
$api->config(omit_refresh_token => \0);
$bench->due;
is($bench->read_all, 'read', '... after which it is used again');
ok($bench->holds_the_newest, '... and another is stored');

# Where: whatever the transaction is

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
	is($bench->read_all, 'read', '... links are read');
	is($session->query(PlfTest::all_of('links'))->{rows}, $links, '... twice');
	is($session->query($end)->{state}, '', "... $end");
	is($bench->asked, 'refresh_token 200', '... after one refresh');
	ok($bench->holds_the_newest, '... which stays');
	is($bench->read_all, 'read', '... and its token is used');
	is($bench->asked, 'refresh_token 200', '... as it is');
}

# ... and whatever the query is; also when the API refuses the token it starts with

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
	is($bench->asked, 'refresh_token 200', '... after one refresh');

	$api->oauth_expire('access');
	$api->clear_log;
	$result = $session->query($sql);
	is("$result->{rows}$result->{errors}", $rows, '... and after a refusal');
	is($bench->asked, 'refresh_token 200', '... likewise');
	ok($bench->holds_the_newest, '... whose tokens are stored');
}

# What asks nothing of the API asks for no token.
$bench->due;
$session->query($_)
  foreach 'EXPLAIN (VERBOSE) SELECT * FROM links.payment_links',
  'SELECT * FROM links.payment_links LIMIT 0', 'SELECT 1 FROM links.payment_links WHERE false',
  'SELECT * FROM payment_links_credentials', q{SELECT payment_links_authorize_url('links')};
is($api->count, 0, 'plans, empty results and views make no request');

# A cursor that lives longer than its token

$bench->due;
$session->query('BEGIN; DECLARE c CURSOR FOR ' . PlfTest::all_of('links'));
is($bench->asked, '', 'a cursor is declared without a token');
$session->query('CLOSE c; COMMIT');
$api->links(generate => 100);
my $all = PlfTest::links_of($api);
$session->query('ALTER SERVER links OPTIONS (ADD concurrency $$1$$)');
$bench->due;
$session->query('BEGIN; DECLARE c CURSOR FOR SELECT id, status, amount FROM links.payment_links');
my @rows = split /\n/, $session->query('FETCH 15 FROM c')->{rows};
is($bench->asked, 'refresh_token 200', 'the first rows ask for a token');
$api->oauth_expire('access');
push @rows, split /\n/, $session->query('FETCH ALL FROM c')->{rows};
is($bench->asked, "refresh_token 200\nrefresh_token 200",
	'... and for another when the API has ended that one');
is(join("\n", sort @rows), $all, '... and every row is there once');
$session->query('COMMIT');

# Several refusals at once are one refresh.

$session->query('ALTER SERVER links OPTIONS (SET concurrency $$8$$)');
$api->fault(kind => 'latency', ms => 50 * $PlfTest::slowdown, path => '/v2/');
$api->oauth_expire('access');
$api->clear_log;
is($session->query(PlfTest::all_of('links'))->{rows}, $all, 'a token that ended, for many pages');
is($bench->asked, 'refresh_token 200', '... is renewed once');
$api->clear_faults;
$api->before(n => 4, config => { refresh_ends_access_token => \1 });
$api->fault(kind => 'latency', ms => 50 * $PlfTest::slowdown, path => '/v2/');
$api->fault(kind => 'status', status => 401, path => '/v2/', nth => [ 3 .. 8 ]);
$api->clear_log;
is($session->query(PlfTest::all_of('links'))->{rows}, $all, 'several refusals in flight');
is($bench->asked, 'refresh_token 200', '... are renewed once');
is( scalar(grep { $_->{status} == 401 } $api->log),
	6, '... however many there were');
ok($bench->holds_the_newest, '... and the newest tokens are stored');
$api->clear_faults;
$session->query('ALTER SERVER links OPTIONS (DROP concurrency)');

# Refused again after a refresh

$bench->renew;
$api->fault(kind => 'status', status => 401, path => '/v2/');
my $result = $session->query(PlfTest::all_of('links'));
is("$result->{state} $result->{message}",
	'28000 payment links API refused the access token',
	'a new token that is refused too is an error');
is_deeply(
	[ map { "$_->{path} $_->{status}" } $api->log ],
	[ '/oauth2/token 200', '/v2/payment_links 401', '/oauth2/token 200', '/v2/payment_links 401' ],
	'... after one refresh for the refusal');
ok($bench->holds_the_newest, '... whose tokens are stored');
$api->clear_log;
foreach my $sql (PlfTest::all_of('links'), 'SELECT count(*) FROM links.payment_links')
{
	$result = $session->query($sql);
	is( "$result->{state} $result->{message}",
		'28000 access token was already refused by the payment links API',
		"... and rests: $sql");
}
is( $session->query("SELECT sqlstate, split_part(message, ':', 1) FROM payment_links_check('links')")->{rows},
	'28000|access token was already refused by the payment links API',
	'... payment_links_check says so');
is($api->count, 0, '... without a request to anybody');
$api->clear_faults;
is($session->query(q{SELECT payment_links_refresh('links') > now()})->{rows},
	't', 'payment_links_refresh renews it at once');
is($bench->read_all, 'read', '... and then links are read');
is($bench->asked, 'refresh_token 200', '... after one refresh');

# Renewed by hand

my $before = $bench->mapping;
$api->clear_log;
is( $session->query(q{SELECT e - clock_timestamp() BETWEEN '59min' AND '1h' FROM payment_links_refresh('links') e})->{rows},
	't', 'payment_links_refresh tells when the new token ends');
is($bench->asked, 'refresh_token 200', '... after one request');
ok($bench->holds_the_newest, '... stores it');
isnt($bench->mapping->{$_}, $before->{$_}, "... and another $_")
  foreach qw(access_token refresh_token);
$session->query('BEGIN READ ONLY');
is($session->query(q{SELECT payment_links_refresh('links') > now()})->{rows},
	't', 'also in a read-only transaction');
$session->query('ROLLBACK');
ok($bench->holds_the_newest, '... that is rolled back');
is($session->query(q{SELECT payment_links_refresh(NULL) IS NULL})->{rows},
	't', 'of no server there is nothing to refresh');

# What cannot be renewed is left as it is.

PlfTest::make_server($node, 'plain', base_url => $api->url, mapping => q{access_token 'a-token-of-old'});
$api->clear_log;
is($session->query(PlfTest::all_of('plain'))->{state},
	'28000', 'a mapping without a refresh token');
is($bench->asked, '', '... is not renewed');
$result = $session->query(q{SELECT payment_links_refresh('plain')});
is_deeply(
	[ @{$result}{qw(state message hint)} ],
	[
		'28000',
		"user mapping for $user on server \"plain\" has no refresh token",
		'Authorize again with payment_links_authorize_url() and payment_links_authorize().'
	],
	'... by hand neither');
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
		"a refresh token without $option");
	is($api->count, 0, '... is not sent');
}

$bench->quit;
$node->stop;
done_testing();
