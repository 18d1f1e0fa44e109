# How many workers there are: one for a mapping, whatever becomes of those who started
# it, and so few for all mappings that parallel queries have theirs.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

# As by default.
my $node = PlfTest::cluster('main', 'max_worker_processes = 8', 'max_parallel_workers = 8');
my @benches = map { OAuthTest->new($node, "links_$_") } 1 .. 6;
my $bench = $benches[0];
my $parallel = PlfTest->session($node);

$parallel->query('CREATE TABLE numbers AS SELECT generate_series(1, 100000) n; ANALYZE numbers');
$parallel->query("SET $_") foreach 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0',
  'min_parallel_table_scan_size = 0', 'max_parallel_workers_per_gather = 2';

# How many workers a parallel query gets, of two.
sub launched
{
	my ($plan) = $parallel->query(
		'EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) SELECT sum(n) FROM numbers')->{rows};

	return $plan =~ /Workers Launched: (\d+)/ ? $1 : $plan;
}

sub number_of_workers { return scalar split /\n/, $bench->workers; }

# A role without any privilege but to read, with a mapping on a server of each bench.
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

# Ten calls, each given up while the token host takes its time

is(launched(), 2, 'a parallel query has its workers');
$bench->hold_answers;
$bench->query("SET statement_timeout = '${\ (50 * $PlfTest::slowdown)}ms'");
is_deeply(
	[ map { $bench->query(PlfTest::all_of('links_1'))->{state} } 1 .. 10 ],
	[ ('57014') x 10 ],
	'ten calls that are given up');
is(number_of_workers(), 1, '... leave one worker');
is(launched(), 2, '... and a parallel query has its own');
is($bench->query(q{SELECT payment_links_refresh('links_1')})->{state},
	'57014', 'payment_links_refresh waits for it');
is( $bench->query(q{SELECT payment_links_authorize('links_1', 'a-code')})->{state},
	'28000', 'a code is not exchanged for a mapping without redirect_uri');
$bench->as_admin('ALTER USER MAPPING FOR guest SERVER links_2 OPTIONS (ADD redirect_uri $$http://localhost/callback$$)');
is(number_of_workers(), 1, '... with the one worker');

# One that is ended, and one that is not

my $ended = PlfTest->session($node);
$ended->query('SET ROLE guest');
$ended->start(PlfTest::all_of('links_1'));
ok($bench->sessions_wait($ended), 'another session waits for it');
$bench->as_admin('SELECT pg_terminate_backend(' . $ended->pid . ')');
is($ended->finish->{state}, '57P01', '... and is ended');
is(number_of_workers(), 1, '... and the worker is not');
$bench->query('RESET statement_timeout');
$bench->session->start(PlfTest::all_of('links_1'));
ok($bench->sessions_wait($bench->session), 'a session with more patience waits');
$bench->api->release;
is($bench->session->finish->{rows}, $bench->links, '... and reads');
is($bench->asked, 'refresh_token 200', '... after one request, which the first call began');
ok($bench->holds_the_newest('guest'), '... and the tokens are stored');
ok($bench->workers_are_gone, 'then there is no worker');

# A code that is exchanged is a worker as well.

my $coder = $benches[1];
$coder->hold_answers;
$coder->query("SET statement_timeout = '${\ (50 * $PlfTest::slowdown)}ms'");
is_deeply(
	[ map { $coder->query(q{SELECT payment_links_authorize('links_2', 'a-code')})->{state} } 1 .. 5 ],
	[ ('57014') x 5 ],
	'five codes whose exchange is given up');
is(number_of_workers(), 1, '... leave one worker');
$coder->api->release;
ok($bench->workers_are_gone, '... which ends');
is($coder->asked, 'authorization_code 400', '... after one request');
$coder->api->clear_log;
$coder->query('RESET statement_timeout');

# Calls that are given up before their worker has begun

$bench->as_admin('ALTER USER MAPPING FOR guest SERVER links_1 OPTIONS (DROP access_token)');
$bench->api->clear_log;
foreach my $ms (1 .. 20)
{
	$bench->query("SET statement_timeout = '${ms}ms'; " . PlfTest::all_of('links_1') . '; RESET statement_timeout');
	# One that has not begun in time is told to end, and may not have ended yet.
	cmp_ok(number_of_workers(), '<=', 2, "a call that is given up after $ms ms leaves no workers behind");
}
ok($bench->workers_are_gone, 'workers end');
is($bench->read_all, 'read', '... and the next call reads');
is($bench->asked, 'refresh_token 200', '... after one request in all');

# More mappings than there may be workers

$bench->as_admin('ALTER USER MAPPING FOR guest SERVER links_1 OPTIONS (DROP access_token)');
$bench->api->clear_log;
$_->hold_answers foreach @benches;
$_->session->start(PlfTest::all_of($_->name)) foreach @benches;
ok($bench->sessions_wait(map { $_->session } @benches), 'six mappings are to be renewed');
ok( $node->poll_query_until(
		'postgres',
		"SELECT count(*) = 4 FROM pg_stat_activity WHERE backend_type = 'payment_links_fdw token refresh'"),
	'... by four workers, half of the server\'s');
is(launched(), 2, '... and a parallel query has its own');
my $most = 0;
my $until = time + 0.5;
while (time < $until)
{
	my $now = number_of_workers();

	$most = $now if $now > $most;
	sleep 0.02;
}
is($most, 4, '... and by no more');
$_->api->release foreach @benches;
foreach my $each (@benches)
{
	is($each->session->finish->{rows}, $each->links, $each->name . ' is read');
	is($each->asked, 'refresh_token 200', '... after one request');
}

# Parallel queries have all workers of the server

ok($bench->workers_are_gone, 'workers end');
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
is($benches[2]->read_all, 'read', 'with no worker, a token that has half a minute left is used');
is($benches[2]->asked, '', '... at once');
$benches[0]->session->start(PlfTest::all_of('links_1'));
$benches[1]->session->start(q{SELECT payment_links_refresh('links_2') IS NOT NULL});
sleep 0.5;
is($benches[0]->asked . $benches[1]->asked, '', 'sessions wait while no worker is free');
$bench->as_admin('SELECT pg_cancel_backend(' . $parallel->pid . ')');
is($parallel->finish->{state}, '57014', '... until the parallel query ends');
is($benches[0]->session->finish->{rows}, $benches[0]->links, '... and read then');
is($benches[1]->session->finish->{rows}, 't', '... or refresh');
is($_->asked, 'refresh_token 200', '... after one request') foreach @benches[ 0, 1 ];

# Those for which there is no place use a token that is good.

ok($bench->workers_are_gone, 'workers end');
foreach my $each (@benches[ 0 .. 4 ])
{
	$bench->as_admin("ALTER USER MAPPING FOR guest SERVER ${\ $each->name} OPTIONS (SET access_token_expires_at '"
		  . OAuthTest::in_seconds($each == $benches[4] ? 30 : -1) . "')");
	$each->api->clear_log;
}
$_->hold_answers foreach @benches[ 0 .. 3 ];
$_->session->start(PlfTest::all_of($_->name)) foreach @benches[ 0 .. 3 ];
ok($_->wait_until_asked, 'the token of ' . $_->name . ' is asked for') foreach @benches[ 0 .. 3 ];
is($benches[4]->read_all, 'read', 'with no place, one that has half a minute left is used');
is($benches[4]->asked, '', '... at once');
$_->api->release foreach @benches[ 0 .. 3 ];
is($_->session->finish->{rows}, $_->links, $_->name . ' is read') foreach @benches[ 0 .. 3 ];

$_->quit foreach @benches;
$node->stop;
done_testing();
