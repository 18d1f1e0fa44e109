# How many background workers renew tokens: one for each mapping, even if the sessions that
# started it have ended, and for all mappings together at most half of the server's, so that
# parallel queries get theirs.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

# PostgreSQL's defaults.
my $node = PlfTest::cluster('main', 'max_worker_processes = 8', 'max_parallel_workers = 8');
my @benches = map { OAuthTest->new($node, "links_$_") } 1 .. 6;
my $bench = $benches[0];
my $parallel = PlfTest->session($node);

$parallel->query('CREATE TABLE numbers AS SELECT generate_series(1, 100000) n; ANALYZE numbers');
$parallel->query("SET $_") foreach 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0',
  'min_parallel_table_scan_size = 0', 'max_parallel_workers_per_gather = 2';

# How many of its two workers a parallel query gets.
sub launched
{
	my ($plan) = $parallel->query(
		'EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) SELECT sum(n) FROM numbers')->{rows};

	return $plan =~ /Workers Launched: (\d+)/ ? $1 : $plan;
}

sub number_of_workers { return scalar split /\n/, $bench->workers; }

# A role that may only read, with a user mapping on the server of each bench.
$bench->as_admin('CREATE ROLE guest; CREATE ROLE other');
foreach my $each (@benches)
{
	my ($name, $token) = ($each->name, $each->api->oauth_issue->{refresh_token});

	$bench->as_admin("GRANT USAGE ON FOREIGN SERVER $name TO guest; GRANT USAGE ON SCHEMA $name TO guest;
		GRANT SELECT ON $name.payment_links TO guest;
		CREATE USER MAPPING FOR guest SERVER $name OPTIONS (client_id 'sample-client',
			client_secret 'sample-client-secret', refresh_token '$token')");
	$each->session->query('SET ROLE guest');
	$each->api->clear_log;
}

# Ten queries that end by statement_timeout while the token host does not answer

is(launched(), 2, 'a parallel query gets two workers');
$bench->hold_answers;
$bench->query("SET statement_timeout = '${\ (50 * $PlfTest::slowdown)}ms'");
is_deeply(
	[ map { $bench->query(PlfTest::all_of('links_1'))->{state} } 1 .. 10 ],
	[ ('57014') x 10 ],
	'ten queries end by statement_timeout');
is(number_of_workers(), 1, '... one worker is left');
is(launched(), 2, '... and a parallel query gets two workers');
is($bench->query(q{SELECT payment_links_refresh('links_1')})->{state},
	'57014', 'payment_links_refresh() waits for that worker');
is( $bench->query(q{SELECT payment_links_authorize('links_1', 'a-code')})->{state},
	'28000', 'a code is not exchanged for a mapping without redirect_uri');
$bench->as_admin('ALTER USER MAPPING FOR guest SERVER links_2 OPTIONS (ADD redirect_uri $$http://localhost/callback$$)');
is(number_of_workers(), 1, '... and there is still one worker');

# A session that is terminated while it waits, and one that waits for the answer

my $ended = PlfTest->session($node);
$ended->query('SET ROLE guest');
$ended->start(PlfTest::all_of('links_1'));
ok($bench->sessions_wait($ended), 'another session waits for the worker');
$bench->as_admin('SELECT pg_terminate_backend(' . $ended->pid . ')');
is($ended->finish->{state}, '57P01', '... and is terminated');
is(number_of_workers(), 1, '... the worker goes on');
$bench->query('RESET statement_timeout');
$bench->session->start(PlfTest::all_of('links_1'));
ok($bench->sessions_wait($bench->session), 'a session without statement_timeout waits');
$bench->api->release;
is($bench->session->finish->{rows}, $bench->links, '... and reads all links');
is($bench->asked, 'refresh_token 200', '... after the one request that the first query made');
ok($bench->holds_the_newest('guest'), '... and the new tokens are stored');
ok($bench->workers_are_gone, 'then no worker is left');

# A worker exchanges authorization codes as well.

my $coder = $benches[1];
$coder->hold_answers;
$coder->query("SET statement_timeout = '${\ (50 * $PlfTest::slowdown)}ms'");
is_deeply(
	[ map { $coder->query(q{SELECT payment_links_authorize('links_2', 'a-code')})->{state} } 1 .. 5 ],
	[ ('57014') x 5 ],
	'five exchanges of a code end by statement_timeout');
is(number_of_workers(), 1, '... one worker is left');
$coder->api->release;
ok($bench->workers_are_gone, '... which ends');
is($coder->asked, 'authorization_code 400', '... after one request for tokens');
$coder->api->clear_log;
$coder->query('RESET statement_timeout');

# Queries that end by statement_timeout before their worker has begun

$bench->as_admin('ALTER USER MAPPING FOR guest SERVER links_1 OPTIONS (DROP access_token)');
$bench->api->clear_log;
foreach my $ms (1 .. 20)
{
	$bench->query("SET statement_timeout = '${ms}ms'; " . PlfTest::all_of('links_1') . '; RESET statement_timeout');
	# A worker that had not begun was told to end, and may not have ended yet.
	cmp_ok(number_of_workers(), '<=', 2, "a query that ends after $ms ms leaves no further workers behind");
}
ok($bench->workers_are_gone, 'all workers end');
is($bench->read_all, 'read', '... the next query reads all links');
is($bench->asked, 'refresh_token 200', '... after one request for tokens in all');

# More mappings than workers

$bench->as_admin('ALTER USER MAPPING FOR guest SERVER links_1 OPTIONS (DROP access_token)');
$bench->api->clear_log;
$_->hold_answers foreach @benches;
$_->session->start(PlfTest::all_of($_->name)) foreach @benches;
ok($bench->sessions_wait(map { $_->session } @benches), 'six sessions wait for the tokens of six mappings');
ok( $node->poll_query_until(
		'postgres',
		"SELECT count(*) = 4 FROM pg_stat_activity WHERE backend_type = 'payment_links_fdw token refresh'"),
	'... which four workers renew, half of the server\'s');
is(launched(), 2, '... and a parallel query gets two workers');
my $most = 0;
my $until = time + 0.5;
while (time < $until)
{
	my $now = number_of_workers();

	$most = $now if $now > $most;
	sleep 0.02;
}
is($most, 4, '... there are never more than four');
$_->api->release foreach @benches;
foreach my $each (@benches)
{
	is($each->session->finish->{rows}, $each->links, 'all links of ' . $each->name . ' are read');
	is($each->asked, 'refresh_token 200', '... after one request for tokens');
}

# A parallel query has all workers of the server.

ok($bench->workers_are_gone, 'all workers end');
$parallel->query('ALTER TABLE numbers SET (parallel_workers = 8); SET max_parallel_workers_per_gather = 8');
$parallel->start('SELECT count(pg_sleep(10 + n * 0)) FROM numbers');
$node->poll_query_until('postgres', q{SELECT count(*) = 7 FROM pg_stat_activity WHERE backend_type = 'parallel worker'})
  or die 'the parallel query has not got its workers';
foreach my $each (@benches[ 0 .. 2 ])
{
	$bench->as_admin("ALTER USER MAPPING FOR guest SERVER ${\ $each->name} OPTIONS (SET access_token_expires_at '"
		  . OAuthTest::in_seconds($each == $benches[2] ? 30 : -1) . "')");
	$each->api->clear_log;
}
is($benches[2]->read_all, 'read', 'without a worker, an access token that ends in half a minute reads all links');
is($benches[2]->asked, '', '... without a request for tokens');
$benches[0]->session->start(PlfTest::all_of('links_1'));
$benches[1]->session->start(q{SELECT payment_links_refresh('links_2') IS NOT NULL});
sleep 0.5;
is($benches[0]->asked . $benches[1]->asked, '', 'sessions whose token has ended wait for a worker');
$bench->as_admin('SELECT pg_cancel_backend(' . $parallel->pid . ')');
is($parallel->finish->{state}, '57014', '... until the parallel query ends');
is($benches[0]->session->finish->{rows}, $benches[0]->links, '... then a query reads all links');
is($benches[1]->session->finish->{rows}, 't', '... and payment_links_refresh() refreshes');
is($_->asked, 'refresh_token 200', '... after one request for tokens') foreach @benches[ 0, 1 ];

# Without a free worker, a token that has not ended is used.

ok($bench->workers_are_gone, 'all workers end');
foreach my $each (@benches[ 0 .. 4 ])
{
	$bench->as_admin("ALTER USER MAPPING FOR guest SERVER ${\ $each->name} OPTIONS (SET access_token_expires_at '"
		  . OAuthTest::in_seconds($each == $benches[4] ? 30 : -1) . "')");
	$each->api->clear_log;
}
$_->hold_answers foreach @benches[ 0 .. 3 ];
$_->session->start(PlfTest::all_of($_->name)) foreach @benches[ 0 .. 3 ];
ok($_->wait_until_asked, 'a worker renews the token of ' . $_->name) foreach @benches[ 0 .. 3 ];
is($benches[4]->read_all, 'read', 'while four workers are busy, an access token that ends in half a minute reads all links');
is($benches[4]->asked, '', '... without a request for tokens');
$_->api->release foreach @benches[ 0 .. 3 ];
is($_->session->finish->{rows}, $_->links, 'all links of ' . $_->name . ' are read') foreach @benches[ 0 .. 3 ];

$_->quit foreach @benches;
$node->stop;
done_testing();
