# A server that is shut down, or crashes, while tokens are renewed; one that has no
# worker to renew them with; a standby, and what becomes of it.

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
# Core's launcher of logical replication is one of the two.
$node->append_conf('postgresql.conf', 'max_worker_processes = 2');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION payment_links_fdw');
my $bench = OAuthTest->new($node, 'links');
my $other = OAuthTest->new($node, 'other');

sub error_of { return "$_[0]->{state} $_[0]->{message}"; }

# Sessions on the server as it is after a start.
sub reconnect
{
	foreach my $of ($bench, $other)
	{
		$of->quit_sessions;
		$of->connect;
	}
	return;
}

# No worker is free.

$bench->hold_answers;
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the only worker is busy');
$other->session->start(PlfTest::all_of('other'));
sleep 0.3;
is($other->asked, '', 'a session with another mapping waits for it');
$bench->api->release;
is($bench->session->finish->{rows}, $bench->links, 'the first session is answered');
is($other->session->finish->{rows}, $other->links, '... and then the other');
is($other->asked, 'refresh_token 200', '... after one request');

# None becomes free.

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
is(error_of($result), $busy, 'a session with another mapping');
is_deeply(
	[ @{$result}{qw(detail hint)} ],
	[
		'The setting max_worker_processes limits their number; the token host was not asked.',
		'Try again, or raise max_worker_processes.'
	],
	'... is told what to do');
is(error_of($waiting[1]->finish), $busy, '... by payment_links_refresh');
is($waiting[2]->finish->{rows}, '53000', '... and by payment_links_check');
$_->quit foreach @waiting[ 1, 2 ];
$other->change(access_token => $other->api->oauth_issue->{access_token});
$other->due(45);
is($other->read_all, 'read', 'a token that has less than a minute left is used');
is($other->asked, '', '... while nothing is asked of the token host');
ok($bench->workers, '... and the worker is busy');
$bench->api->release;
is($bench->session->finish->{rows}, $bench->links, 'the first session was not disturbed');
$other->due;
is($other->read_all, 'read', 'when the worker is free');
is($other->asked, 'refresh_token 200', '... it refreshes for the other');

# The worker is told to end: it does, and the next one asks again.

my $kept = $bench->mapping->{refresh_token};
$bench->due;
$bench->api->fault(kind => 'hang', path => $token, times => 1);
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the token host does not answer');
$bench->as_admin('SELECT pg_terminate_backend(' . $bench->workers . ')');
$result = $bench->session->finish;
is( error_of($result),
	'55000 the background worker that refreshes the access token ended early',
	'... the worker that waits for it is ended');
is($result->{hint}, 'The server log may say why; try again.', '... which is said');
cmp_ok($result->{seconds}, '<', 8, '... before its patience ends');
is($bench->mapping->{refresh_token}, $kept, '... and nothing has changed');
is($bench->read_all, 'read', 'the next query reads');
ok($bench->holds_the_newest, '... with tokens that are stored');
$bench->api->clear_faults;

# ... and an answer that comes within the second is stored.
my $before = $bench->mapping;
$bench->due;
$bench->hold_answers;
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the token host takes its time');
$bench->as_admin('SELECT pg_terminate_backend(' . $bench->workers . ')');
$bench->api->release;
is($bench->session->finish->{rows}, $bench->links, '... and is waited for by a worker that is ended');
isnt($bench->mapping->{refresh_token}, $before->{refresh_token}, '... which has another token');
ok($bench->holds_the_newest, '... and stores it');

# The server is shut down while the token host does not answer.

$bench->due;
$bench->api->fault(kind => 'hang', path => $token);
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the token host does not answer');
my $began = time;
$node->stop('fast');
cmp_ok(time - $began, '<', 8 * $PlfTest::slowdown, 'a fast shutdown is not held up');
$bench->api->clear_faults;
$node->start;
reconnect();
is($bench->read_all, 'read', 'after a start the token is asked for again');
ok($bench->holds_the_newest, '... and stored');

# The server crashes when the tokens are stored and before anybody has used them.

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
is($bench->asked, 'refresh_token 200', 'the server crashed after a refresh');
$bench->api->clear_faults;
$node->start;
reconnect();
ok($bench->holds_the_newest, '... whose tokens are there');
is($bench->read_all, 'read', '... and used');
is($bench->asked, 'refresh_token 200', '... as they are');

# It crashes before the answer: the token host is asked again, within the grace.

$bench->due;
$bench->api->fault(kind => 'hang', path => $token, times => 1);
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the token host does not answer');
$node->stop('immediate');
$node->start;
reconnect();
is($bench->read_all, 'read', '... before a crash, after which it is asked again');
ok($bench->holds_the_newest, '... and what it says is stored');
$bench->api->clear_faults;

# A standby uses what there is.

my $standby = PostgreSQL::Test::Cluster->new('standby');
$node->backup('for_standby');
$standby->init_from_backup($node, 'for_standby', has_streaming => 1);
$standby->start;
my $reader = PlfTest->session($standby);
my $on_standby = '25006 the access token cannot be refreshed on a standby server';
my $hint =
  'Refresh it on the primary server, with payment_links_refresh(); what is stored there comes over by replication.';

# What was done on the primary server is there too.
sub catch_up
{
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	return;
}

$bench->api->clear_log;
is($bench->read_all($reader), 'read', 'a standby reads with a good token');
$bench->due(45);
catch_up();
is($bench->read_all($reader), 'read', '... and with one that has less than a minute left');
is($bench->asked, '', '... without a refresh');
$bench->due;
catch_up();
$result = $reader->query(PlfTest::all_of('links'));
is(error_of($result), $on_standby, 'a token whose time is up');
is($result->{hint}, $hint, '... and what to do');
is(error_of($reader->query(q{SELECT payment_links_refresh('links')})), $on_standby,
	'... of payment_links_refresh');
is(error_of($reader->query(q{SELECT payment_links_authorize('links', 'code')})), $on_standby,
	'... of payment_links_authorize');
is( $reader->query(q{SELECT ok, sqlstate, hint FROM payment_links_check('links')})->{rows},
	"f|25006|$hint", '... of payment_links_check');
is($bench->api->count, 0, '... without a request');
$bench->change(access_token_expires_at => undef, access_token => 'refused-by-the-api');
catch_up();
is(error_of($reader->query(PlfTest::all_of('links'))), $on_standby, 'a token that the API refuses');
is_deeply(
	[ map { "$_->{path} $_->{status}" } $bench->api->log ],
	['/v2/payment_links 401'],
	'... after one request');
is($bench->query(q{SELECT payment_links_refresh('links') > now()})->{rows},
	't', 'it is refreshed on the primary server');
catch_up();
is($bench->read_all($reader), 'read', '... and the standby reads');
is( $reader->query(
		"SELECT now() - refreshed_at BETWEEN '-1s' AND $PlfTest::slowdown * interval '1min'
		FROM payment_links_credentials WHERE server = 'links'"
	)->{rows},
	't', '... and shows when that was');

# Promoted, it is the server.
$node->stop;
$standby->promote;
foreach (1 .. 300)
{
	last if $reader->query('SELECT pg_is_in_recovery()')->{rows} eq 'f';
	sleep 0.1;
}
$bench->api->oauth_expire('access');
$bench->api->clear_log;
is($bench->read_all($reader), 'read', 'when it is promoted it refreshes');
is($bench->asked, 'refresh_token 200', '... itself');

$reader->quit;
$_->quit foreach $bench, $other;
$standby->stop;
done_testing();
