# The worker that renews a token ends when it is told to, wherever it stands, and the
# server can be shut down at every step; what the token host sent is not lost for it. A
# synchronous standby that is away holds nothing up.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION payment_links_fdw');
my $bench = OAuthTest->new($node, 'links');
my $token = '/oauth2/token';
my $lock = PlfTest->session($node);
my $ended = '55000 the background worker that refreshes the access token ended early';

sub error_of { return "$_[0]->{state} $_[0]->{message}"; }

# Locks the row of the user mapping.
sub lock_row
{
	return $bench->as_admin(
		"BEGIN; SELECT 1 FROM pg_user_mapping m, pg_foreign_server s
		WHERE s.oid = umserver AND srvname = 'links' FOR UPDATE OF m", $lock);
}

# Shuts the server down, in reasonable time, and starts it again.
sub restart
{
	my ($name) = @_;
	my $began = time;

	$node->stop('fast');
	cmp_ok(time - $began, '<', 15 * $PlfTest::slowdown, "a shutdown $name");
	$bench->api->clear_faults;
	$node->start;
	$bench->quit_sessions;
	$bench->connect;
	$lock->quit;
	$lock = PlfTest->session($node);
	is($bench->read_all, 'read', '... after which links are read');
	ok($bench->holds_the_newest, '... with tokens that are stored');
	return;
}

# A synchronous standby that is away

sub standby
{
	my ($name) = @_;

	$node->append_conf('postgresql.conf', "synchronous_standby_names = '$name'");
	$node->reload;
	return $node->poll_query_until('postgres', "SELECT current_setting('synchronous_standby_names') = '$name'");
}

ok(standby('away'), 'a synchronous standby is away');
# What the tests themselves write waits for nobody.
$bench->as_admin('SET synchronous_commit = local', $_) foreach $bench->{admin}, $bench->session;
$bench->query("SET statement_timeout = '${\ (20 * $PlfTest::slowdown)}s'");
$bench->due;
is($bench->read_all, 'read', '... and tokens are renewed');
is($bench->asked, 'refresh_token 200', '... once');
ok($bench->holds_the_newest, '... and stored');
is($bench->workers, '', '... by a worker that has ended');
is($bench->query(q{SELECT payment_links_refresh('links') > now()})->{rows}, 't', '... by payment_links_refresh');
$bench->api->fault(kind => 'status', status => 403, path => $token);
$bench->due;
is( error_of($bench->query(PlfTest::all_of('links'))),
	'42501 the access token could not be refreshed',
	'... and a failure is told');
$bench->api->clear_faults;
$bench->due;
$bench->answer_late(500);
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, '... and the token host is asked');
my $before = $bench->mapping;
restart('while a synchronous standby is away');
isnt($bench->mapping->{refresh_token}, $before->{refresh_token}, '... stores what the token host sent, or asks again');
$bench->query("SET statement_timeout = '20s'; SET synchronous_commit = local");
ok(standby(''), 'without a standby');

# The worker waits for the row of the mapping.

foreach my $how ('ended', 'shut down')
{
	$bench->due;
	lock_row();
	$bench->session->start(PlfTest::all_of('links'));
	ok($bench->worker_waits('transactionid'), 'the worker waits for the mapping');
	if ($how eq 'ended')
	{
		$bench->as_admin('SELECT pg_terminate_backend(' . $bench->workers . ')');
		my $result = $bench->session->finish;
		is(error_of($result), $ended, '... and is ended');
		cmp_ok($result->{seconds}, '<', 4.5 * $PlfTest::slowdown, '... without more ado');
		is($bench->api->count, 0, '... and nothing was asked');
		$lock->query('ROLLBACK');
		is($bench->read_all, 'read', '... and the next query reads');
	}
	else
	{
		restart('while the mapping is waited for');
	}
}

# It waits for the answer, which a cancel of the worker does not lose.

$bench->due;
$before = $bench->mapping;
$bench->hold_answers;
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the worker waits for the answer');
$bench->as_admin('SELECT pg_cancel_backend(' . $bench->workers . ')');
$bench->api->release;
is($bench->session->finish->{rows}, $bench->links, '... and goes on when it is cancelled');
is($bench->asked, 'refresh_token 200', '... and asks once');
ok($bench->holds_the_newest, '... and stores the tokens');
$bench->due;
$bench->api->fault(kind => 'hang', path => $token);
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the token host does not answer');
restart('while the answer is waited for');
$bench->due;
$bench->api->fault(kind => 'drip', path => $token, interval_ms => 200);
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the token host answers byte by byte');
restart('in the middle of an answer');

# Its own database is dropped: PostgreSQL takes the worker for a session.

$bench->as_admin('CREATE DATABASE other');
my ($url, $oauth) = ($bench->api->url, $bench->api->oauth_url);
$node->safe_psql('other', "CREATE EXTENSION payment_links_fdw;
	CREATE SERVER other FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (base_url '$url', token_url '$oauth$token');
	CREATE USER MAPPING FOR CURRENT_USER SERVER other OPTIONS (client_id 'sample-client',
		client_secret 'sample-client-secret', refresh_token 'x')");
$bench->api->fault(kind => 'hang', path => $token);
my $leaver = PlfTest->session($node, database => 'other');
$leaver->start(q{SELECT payment_links_refresh('other')});
ok($bench->wait_until_asked, 'the token host does not answer');
$bench->as_admin('SELECT pg_terminate_backend(' . $leaver->pid . ')');
is($leaver->finish->{state}, '57P01', '... the session is ended, and the worker goes on');
is($bench->{admin}->query('DROP DATABASE other')->{state}, '55006', '... for which its database is not dropped');
my $forced = $bench->{admin}->query('DROP DATABASE other WITH (FORCE)');
is(error_of($forced), ' ', '... but by force');
cmp_ok($forced->{seconds}, '<', 4.5 * $PlfTest::slowdown, '... in time');
$bench->api->clear_faults;

# It waits to store the answer.

foreach my $how ('is let go', 'is not', 'shut down')
{
	$bench->due;
	$bench->hold_answers;
	$bench->session->start(PlfTest::all_of('links'));
	ok($bench->wait_until_asked, 'the worker waits for the answer');

	# The worker has read the server before it asked, and has to read it again.
	$bench->as_admin("ALTER SERVER links OPTIONS (SET page_size '10')", $lock);
	$bench->as_admin('BEGIN; LOCK TABLE pg_foreign_server', $lock);
	$bench->api->release;
	ok($bench->worker_waits('relation'), '... and then for a catalog');
	if ($how eq 'is let go')
	{
		$lock->query('ROLLBACK');
		is($bench->session->finish->{rows}, $bench->links, '... which is let go');
		is($bench->asked, 'refresh_token 200', '... after one request');
	}
	elsif ($how eq 'is not')
	{
		my $result = $bench->session->finish;
		is( error_of($result),
			'55P03 could not store a new access token: canceling statement due to lock timeout',
			'... which is not let go');
		$lock->query('ROLLBACK');
		is($bench->read_all, 'read', '... and the next query asks again');
	}
	else
	{
		restart('while a catalog is waited for');
	}
	ok($bench->holds_the_newest, '... and the tokens are stored');
}

# It was registered and has not begun: the postmaster is stopped and starts nothing.

$bench->due;
my $postmaster = $node->{_pid};
kill 'STOP', $postmaster;
my $result = $bench->query("SET statement_timeout = '300ms'; " . PlfTest::all_of('links'));
is($result->{state}, '57014', 'a call that is given up before its worker has begun');
cmp_ok($result->{seconds}, '<', 3 * $PlfTest::slowdown, '... in time');
kill 'CONT', $postmaster;
$bench->query("SET statement_timeout = '20s'");
is($bench->read_all, 'read', '... and the next one reads');
is($bench->asked, 'refresh_token 200', '... after one request');
is($bench->workers, '', '... and no worker is left');

# A token with more than five seconds left is used while the worker goes on, but not one
# that has ended when the session no longer waits for its worker.

$bench->due(8);
kill 'STOP', $postmaster;
$bench->session->start(PlfTest::all_of('links'));
sleep 11;
kill 'CONT', $postmaster;
is($bench->session->finish->{rows}, $bench->links, 'links are read after a worker has not begun for ten seconds');
is($bench->asked, 'refresh_token 200', '... with a new token, because the old one has ended');

$lock->quit;
$bench->quit;
$node->stop;
done_testing();
