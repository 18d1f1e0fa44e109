# Tokens are renewed although workers are rare, are terminated, or the server is shut down
# or crashes meanwhile.  A standby uses the primary server's tokens, and renews them itself
# after its promotion.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;
use Time::HiRes qw(sleep time);

my $token = '/oauth2/token';
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
# PostgreSQL's launcher of logical replication is one of the two.
$node->append_conf('postgresql.conf', 'max_worker_processes = 2');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION payment_links_fdw');
my $bench = OAuthTest->new($node, 'links');
my $other = OAuthTest->new($node, 'other');

sub error_of { return "$_[0]->{state} $_[0]->{message}"; }

# Opens new sessions after a restart of the server.
sub reconnect
{
	foreach my $of ($bench, $other)
	{
		$of->quit_sessions;
		$of->connect;
	}
	return;
}

# The only worker is busy for a while.

$bench->hold_answers;
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the only worker is busy');
$other->session->start(PlfTest::all_of('other'));
sleep 0.3;
is($other->asked, '', 'a session with another mapping waits for the worker');
$bench->api->release;
is($bench->session->finish->{rows}, $bench->links, 'the first session reads all links');
is($other->session->finish->{rows}, $other->links, '... and then the other session');
is($other->asked, 'refresh_token 200', '... after one request for tokens');

# The only worker stays busy.

my $busy = '53000 no background worker is free to refresh the access token';
my @waiting = ($other->session, map { PlfTest->session($node) } 1, 2);
$bench->due;
$other->change(access_token => undef);
$other->api->clear_log;
$bench->hold_answers;
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the only worker is busy for long');
$waiting[0]->start(PlfTest::all_of('other'));
$waiting[1]->start(q{SELECT payment_links_refresh('other')});
$waiting[2]->start(q{SELECT sqlstate FROM payment_links_check('other')});
my $result = $waiting[0]->finish;
is(error_of($result), $busy, 'a session with another mapping fails');
is_deeply(
	[ @{$result}{qw(detail hint)} ],
	[
		'The setting max_worker_processes limits their number; the token host was not asked.',
		'Try again, or raise max_worker_processes.'
	],
	'... the hint says what to do');
is(error_of($waiting[1]->finish), $busy, '... payment_links_refresh() fails');
is($waiting[2]->finish->{rows}, '53000', '... payment_links_check() reports the same error');
$_->quit foreach @waiting[ 1, 2 ];
$other->change(access_token => $other->api->oauth_issue->{access_token});
$other->due(45);
is($other->read_all, 'read', 'an access token that ends in less than a minute reads all links');
is($other->asked, '', '... without a request for tokens');
ok($bench->workers, '... while the worker is busy');
$bench->api->release;
is($bench->session->finish->{rows}, $bench->links, 'the first session reads all links when the token host answers');
$other->due;
is($other->read_all, 'read', 'when the worker is free the other session reads all links');
is($other->asked, 'refresh_token 200', '... after one request for tokens');

# A worker that is terminated ends, and the next query has the token renewed.

my $kept = $bench->mapping->{refresh_token};
$bench->due;
$bench->api->fault(kind => 'hang', path => $token, times => 1);
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'a worker waits for the token host');
$bench->as_admin('SELECT pg_terminate_backend(' . $bench->workers . ')');
$result = $bench->session->finish;
is( error_of($result),
	'55000 the background worker that refreshes the access token ended early',
	'... and is terminated, which fails the query');
is($result->{hint}, 'The server log may say why; try again.', '... the hint says to try again');
cmp_ok($result->{seconds}, '<', 8, '... at once');
is($bench->mapping->{refresh_token}, $kept, '... the refresh token is unchanged');
is($bench->read_all, 'read', 'the next query reads all links');
ok($bench->holds_the_newest, '... and the new tokens are stored');
$bench->api->clear_faults;

# An answer that comes within a second after the worker was terminated is stored.
my $before = $bench->mapping;
$bench->due;
$bench->hold_answers;
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'a worker waits for the token host');
$bench->as_admin('SELECT pg_terminate_backend(' . $bench->workers . ')');
$bench->api->release;
is($bench->session->finish->{rows}, $bench->links, '... is terminated, gets the answer, and all links are read');
isnt($bench->mapping->{refresh_token}, $before->{refresh_token}, '... the mapping has another refresh token');
ok($bench->holds_the_newest, '... the newest one');

# The server is shut down while the token host does not answer.

$bench->due;
$bench->api->fault(kind => 'hang', path => $token);
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'a worker waits for the token host');
my $began = time;
$node->stop('fast');
cmp_ok(time - $began, '<', 8 * $PlfTest::slowdown, '... a fast shutdown ends in time');
$bench->api->clear_faults;
$node->start;
reconnect();
is($bench->read_all, 'read', 'after the start all links are read');
ok($bench->holds_the_newest, '... and the new tokens are stored');

# The server crashes after the tokens were stored and before they were used.

$before = $bench->mapping;
$bench->due;
$bench->api->fault(kind => 'hang', path => '/v2/');
$bench->session->start(PlfTest::all_of('links'));
foreach (1 .. 3000)
{
	last if $bench->mapping->{access_token} ne $before->{access_token};
	sleep 0.01;
}
$node->stop('immediate');
is($bench->asked, 'refresh_token 200', 'the server crashed after one request for tokens');
$bench->api->clear_faults;
$node->start;
reconnect();
ok($bench->holds_the_newest, '... whose tokens are stored');
is($bench->read_all, 'read', '... all links are read');
is($bench->asked, 'refresh_token 200', '... without another request for tokens');

# The server crashes before the answer: the same refresh token is sent again, which the token
# host accepts for a minute.

$bench->due;
$bench->api->fault(kind => 'hang', path => $token, times => 1);
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'a worker waits for the token host');
$node->stop('immediate');
$node->start;
reconnect();
is($bench->read_all, 'read', '... when the server crashes; after the start all links are read');
ok($bench->holds_the_newest, '... and the new tokens are stored');
$bench->api->clear_faults;

# A standby uses the tokens that the primary server has stored.

my $standby = PostgreSQL::Test::Cluster->new('standby');
$node->backup('for_standby');
$standby->init_from_backup($node, 'for_standby', has_streaming => 1);
$standby->start;
my $reader = PlfTest->session($standby);
my $on_standby = '25006 the access token cannot be refreshed on a standby server';
my $hint =
  'Refresh it on the primary server, with payment_links_refresh(). This server receives the new token by replication.';

# Waits until the standby has replayed all changes of the primary server.
sub catch_up
{
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	return;
}

$bench->api->clear_log;
is($bench->read_all($reader), 'read', 'a standby reads all links with a good token');
$bench->due(45);
catch_up();
is($bench->read_all($reader), 'read', '... and with one that ends in less than a minute');
is($bench->asked, '', '... without a request for tokens');
$bench->due;
catch_up();
$result = $reader->query(PlfTest::all_of('links'));
is(error_of($result), $on_standby, 'a token that has ended is an error on the standby');
is($result->{hint}, $hint, '... the hint says to refresh on the primary server');
is(error_of($reader->query(q{SELECT payment_links_refresh('links')})), $on_standby,
	'... payment_links_refresh() fails too');
is(error_of($reader->query(q{SELECT payment_links_authorize('links', 'code')})), $on_standby,
	'... and payment_links_authorize()');
is( $reader->query(q{SELECT ok, sqlstate, hint FROM payment_links_check('links')})->{rows},
	"f|25006|$hint", '... and payment_links_check()');
is($bench->api->count, 0, '... none of them makes a request');
$bench->change(access_token_expires_at => undef, access_token => 'refused-by-the-api');
catch_up();
is(error_of($reader->query(PlfTest::all_of('links'))), $on_standby, 'a token that the API refuses is an error on the standby');
is_deeply(
	[ map { "$_->{path} $_->{status}" } $bench->api->log ],
	['/v2/payment_links 401'],
	'... after one request to the API');
is($bench->query(q{SELECT payment_links_refresh('links') > now()})->{rows},
	't', 'the token is refreshed on the primary server');
catch_up();
is($bench->read_all($reader), 'read', '... then the standby reads all links');
is( $reader->query(
		"SELECT now() - refreshed_at BETWEEN '-1s' AND $PlfTest::slowdown * interval '1min'
		FROM payment_links_credentials WHERE server = 'links'"
	)->{rows},
	't', '... and shows when the token was refreshed');

# The standby after its promotion.
$node->stop;
$standby->promote;
foreach (1 .. 300)
{
	last if $reader->query('SELECT pg_is_in_recovery()')->{rows} eq 'f';
	sleep 0.1;
}
$bench->api->oauth_expire('access');
$bench->api->clear_log;
is($bench->read_all($reader), 'read', 'after its promotion the standby reads all links');
is($bench->asked, 'refresh_token 200', '... after one request for tokens of its own');

$reader->quit;
$_->quit foreach $bench, $other;
$standby->stop;
done_testing();
