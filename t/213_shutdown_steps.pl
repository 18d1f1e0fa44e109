# At every step of its work, the worker that renews a token ends when it is terminated, and
# the server can be shut down.  Tokens that the token host has sent are stored all the same.
# A synchronous standby that is away delays nothing.

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

# Tests that the server shuts down in time, and that after a start all links are read.
sub restart
{
	my ($name) = @_;
	my $began = time;

	$node->stop('fast');
	cmp_ok(time - $began, '<', 15 * $PlfTest::slowdown, "a fast shutdown $name ends in time");
	$bench->api->clear_faults;
	$node->start;
	$bench->quit_sessions;
	$bench->connect;
	$lock->quit;
	$lock = PlfTest->session($node);
	is($bench->read_all, 'read', '... after the start all links are read');
	ok($bench->holds_the_newest, '... and the new tokens are stored');
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
# The commits of this test do not wait for the standby.
$bench->as_admin('SET synchronous_commit = local', $_) foreach $bench->{admin}, $bench->session;
$bench->query("SET statement_timeout = '${\ (20 * $PlfTest::slowdown)}s'");
$bench->due;
is($bench->read_all, 'read', '... all links are read');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
ok($bench->holds_the_newest, '... the new tokens are stored');
is($bench->workers, '', '... and no worker is left');
is($bench->query(q{SELECT payment_links_refresh('links') > now()})->{rows}, 't', '... payment_links_refresh() refreshes');
$bench->api->fault(kind => 'status', status => 403, path => $token);
$bench->due;
is( error_of($bench->query(PlfTest::all_of('links'))),
	'42501 the access token could not be refreshed',
	'... and a failure of the token host is an error');
$bench->api->clear_faults;
$bench->due;
$bench->answer_late(500);
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, '... a session asks the token host');
my $before = $bench->mapping;
restart('while a synchronous standby is away');
isnt($bench->mapping->{refresh_token}, $before->{refresh_token}, '... and the mapping has another refresh token');
$bench->query("SET statement_timeout = '20s'; SET synchronous_commit = local");
ok(standby(''), 'no synchronous standby any more');

# The worker waits for the row of the user mapping.

foreach my $how ('terminated', 'shut down')
{
	$bench->due;
	lock_row();
	$bench->session->start(PlfTest::all_of('links'));
	ok($bench->worker_waits('transactionid'), 'the worker waits for the row');
	if ($how eq 'terminated')
	{
		$bench->as_admin('SELECT pg_terminate_backend(' . $bench->workers . ')');
		my $result = $bench->session->finish;
		is(error_of($result), $ended, '... and is terminated, which fails the query');
		cmp_ok($result->{seconds}, '<', 4.5 * $PlfTest::slowdown, '... at once');
		is($bench->api->count, 0, '... without a request');
		$lock->query('ROLLBACK');
		is($bench->read_all, 'read', '... the next query reads all links');
	}
	else
	{
		restart('while the worker waits for the row');
	}
}

# The worker waits for the answer. A cancel of the worker does not lose the answer.

$bench->due;
$before = $bench->mapping;
$bench->hold_answers;
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the worker waits for the answer');
$bench->as_admin('SELECT pg_cancel_backend(' . $bench->workers . ')');
$bench->api->release;
is($bench->session->finish->{rows}, $bench->links, '... is cancelled, and all links are read all the same');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
ok($bench->holds_the_newest, '... and the new tokens are stored');
$bench->due;
$bench->api->fault(kind => 'hang', path => $token);
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the worker waits for an answer that does not come');
restart('while the worker waits for the answer');
$bench->due;
$bench->api->fault(kind => 'drip', path => $token, interval_ms => 200);
$bench->session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'the token host answers byte by byte');
restart('in the middle of an answer');

# The worker's own database is dropped: PostgreSQL treats the worker like a session.

$bench->as_admin('CREATE DATABASE other');
my ($url, $oauth) = ($bench->api->url, $bench->api->oauth_url);
$node->safe_psql('other', "CREATE EXTENSION payment_links_fdw;
	CREATE SERVER other FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (base_url '$url', token_url '$oauth$token');
	CREATE USER MAPPING FOR CURRENT_USER SERVER other OPTIONS (client_id 'sample-client',
		client_secret 'sample-client-secret', refresh_token 'x')");
$bench->api->fault(kind => 'hang', path => $token);
my $leaver = PlfTest->session($node, database => 'other');
$leaver->start(q{SELECT payment_links_refresh('other')});
ok($bench->wait_until_asked, 'the worker waits for the answer');
$bench->as_admin('SELECT pg_terminate_backend(' . $leaver->pid . ')');
is($leaver->finish->{state}, '57P01', '... its session is terminated');
is($bench->{admin}->query('DROP DATABASE other')->{state}, '55006', '... the worker goes on, and DROP DATABASE is refused');
my $forced = $bench->{admin}->query('DROP DATABASE other WITH (FORCE)');
is(error_of($forced), ' ', '... DROP DATABASE WITH (FORCE) drops the database');
cmp_ok($forced->{seconds}, '<', 4.5 * $PlfTest::slowdown, '... in time');
$bench->api->clear_faults;

# The worker waits to store the answer.

foreach my $how ('released', 'kept', 'shut down')
{
	$bench->due;
	$bench->hold_answers;
	$bench->session->start(PlfTest::all_of('links'));
	ok($bench->wait_until_asked, 'the worker waits for the answer');

	# The worker reads pg_foreign_server before its request, and again after the answer.
	$bench->as_admin("ALTER SERVER links OPTIONS (SET page_size '10')", $lock);
	$bench->as_admin('BEGIN; LOCK TABLE pg_foreign_server', $lock);
	$bench->api->release;
	ok($bench->worker_waits('relation'), '... and then for a lock on a catalog');
	if ($how eq 'released')
	{
		$lock->query('ROLLBACK');
		is($bench->session->finish->{rows}, $bench->links, '... which is released: all links are read');
		is($bench->asked, 'refresh_token 200', '... after one request for tokens');
	}
	elsif ($how eq 'kept')
	{
		my $result = $bench->session->finish;
		is( error_of($result),
			'55P03 could not store a new access token: canceling statement due to lock timeout',
			'... which is not released: the query fails');
		$lock->query('ROLLBACK');
		is($bench->read_all, 'read', '... the next query reads all links');
	}
	else
	{
		restart('while the worker waits for a catalog');
	}
	ok($bench->holds_the_newest, '... and the new tokens are stored');
}

# The worker is registered and does not begin, as the postmaster is stopped and starts nothing.

$bench->due;
my $postmaster = $node->{_pid};
kill 'STOP', $postmaster;
my $result = $bench->query("SET statement_timeout = '300ms'; " . PlfTest::all_of('links'));
is($result->{state}, '57014', 'a query ends by statement_timeout before its worker has begun');
cmp_ok($result->{seconds}, '<', 3 * $PlfTest::slowdown, '... in time');
kill 'CONT', $postmaster;
$bench->query("SET statement_timeout = '20s'");
is($bench->read_all, 'read', '... the next query reads all links');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
is($bench->workers, '', '... and no worker is left');

# A session whose token ends in a few seconds waits up to ten seconds for its worker, and
# does not use the token after its end.

$bench->due(8);
kill 'STOP', $postmaster;
$bench->session->start(PlfTest::all_of('links'));
sleep 11;
kill 'CONT', $postmaster;
is($bench->session->finish->{rows}, $bench->links, 'all links are read although the worker did not begin for ten seconds');
is($bench->asked, 'refresh_token 200', '... with a new token, since the old one has ended');

$lock->quit;
$bench->quit;
$node->stop;
done_testing();
