# Whatever the network does, a query can be cancelled, a session terminated, a database dropped
# and the server stopped, each in time.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;
use Time::HiRes qw(sleep time);

# Seconds.  What is promised is one; a loaded machine may need another.
my $bound = 2 * $PlfTest::slowdown;

my $good = SampleApi->new(count => 25);
my $links = PlfTest::links_of($good);

# Nothing that the situations wait for is over before the tests are.
my %patient = (
	connect_timeout => '10min',
	request_timeout => '10min',
	max_retry_wait => '10min',
	page_size => 10);

my $resolver = PlfTest::resolver();
my $resolver_answers = PostgreSQL::Test::Utils::tempdir() . '/answers';

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
PlfTest::start_with($node, $resolver, PLF_RESOLVER_ANSWERS => $resolver_answers);
$node->safe_psql('postgres', 'CREATE EXTENSION payment_links_fdw');
# One connection, whatever the timing: descriptors are counted.
PlfTest::make_server(
	$node, 'good',
	base_url => $good->url,
	page_size => 10,
	concurrency => 1);

# Situations: how a server behaves, and which calls get stuck on it.

my @situations;

sub situation
{
	my ($name, $text, $base_url, $calls) = @_;

	PlfTest::make_server($node, $name, base_url => $base_url, %patient);
	my %sql = (
		scan => PlfTest::all_of($name),
		append => "SELECT count(reusable) FROM (SELECT * FROM $name.payment_links
			UNION ALL SELECT * FROM $name.payment_links) l",
		check => "SELECT * FROM payment_links_check('$name')");

	push @situations, map { { name => $name, text => $text, call => $_, sql => $sql{$_} } } @$calls;
	return;
}

# The APIs live as long as this list.
my @apis;

sub sample_situation
{
	my ($name, $text, $calls, %fault) = @_;
	my $api = SampleApi->new(count => 25);

	$api->fault(%fault);
	push @apis, $api;
	situation($name, $text, $api->url, $calls);
	return $api;
}

my $hanging = sample_situation('hangs', 'an API that never answers',
	[qw(scan check append)], kind => 'hang');
sample_situation('drips', 'an API that sends a byte at a time',
	[qw(scan check)], kind => 'drip');
sample_situation(
	'stops', 'an API that stops within its answer',
	[qw(scan check)],
	kind => 'hang',
	after => 100);
sample_situation(
	'later', 'an API that hangs after its first page',
	[qw(scan append)],
	kind => 'hang',
	page => [ 2, 3 ]);
sample_situation(
	'backoff', 'an API that asks to come back later',
	[qw(scan append)],
	kind => 'status',
	status => 503,
	retry_after => 20);

my ($deaf_port, @deaf) = PlfTest::deaf_port();
situation('deaf', 'a host that never accepts',
	"http://127.0.0.1:$deaf_port", [qw(scan check append)]);

if (defined $resolver)
{
	situation('unresolved', 'a resolver that does not answer',
		'https://never-answers.test', [qw(scan check)]);
}
else
{
  SKIP:
	{
		skip 'no C compiler for a resolver that does not answer', 1;
	}
}

my $admin = PlfTest->session($node);
my %session;    # a victim for each situation, kept
my @databases = map { "unrelated_$_" } 0 .. $#situations;
$admin->query("CREATE DATABASE $_ TEMPLATE template0") foreach @databases;

sub label
{
	my ($situation) = @_;
	return "$situation->{text}, $situation->{call}";
}

sub stuck
{
	my ($session, $situation) = @_;

	$session->start($situation->{sql});
	ok( $admin->wait_for_network($session->pid),
		label($situation) . ': it waits for the network');
	return;
}

sub ends_with
{
	my ($session, $began, $state, $text) = @_;
	my $result = $session->finish;
	my $seconds = time - $began;

	is($result->{state}, $state, "$text: SQLSTATE");
	is($result->{rows}, '', "$text: no row");
	cmp_ok($seconds, '<', $bound, "$text: the query ends in time");
	return;
}

foreach my $situation (@situations)
{
	my $text = label($situation);
	my $session = PlfTest->session($node);
	my $began;

	$began = time;
	$session->start("SET statement_timeout = '300ms'; $situation->{sql}");
	ends_with($session, $began, '57014', "$text, statement_timeout");
	is( $session->query(
			'RESET statement_timeout; ' . PlfTest::all_of('good'))->{rows},
		$links,
		"$text: then the session reads another server");

	stuck($session, $situation);
	$began = time;
	my $database = shift @databases;
	is($admin->query("DROP DATABASE $database")->{errors},
		'', "$text: DROP DATABASE");
	cmp_ok(time - $began, '<', $bound, "$text, DROP DATABASE: in time");

	$began = time;
	is( $admin->query('SELECT pg_cancel_backend(' . $session->pid . ')')
		  ->{rows},
		't',
		"$text: the query still waits");
	ends_with($session, $began, '57014', "$text, pg_cancel_backend");
	is($session->query(PlfTest::all_of('good'))->{rows},
		$links, "$text: then the session reads another server");

	stuck($session, $situation);
	$began = time;
	$admin->query('SELECT pg_terminate_backend(' . $session->pid . ')');
	ends_with($session, $began, '57P01', "$text, pg_terminate_backend");
	$session->quit;
}

# Of what a cancelled query had open nothing stays open.

my $session = PlfTest->session($node);
$session->query(PlfTest::all_of('good'));
cancelled($session, $_) foreach @situations;
my $descriptors = descriptors_of($session, 0);

is_deeply(
	[ map { cancelled($session, $situations[ $_ % @situations ]) } 1 .. 100 ],
	[ ('57014') x 100 ],
	'a hundred queries are cancelled');
is($session->query(PlfTest::all_of('good'))->{rows},
	$links, '... then the session reads a server');
# Connections over which the API that hangs later has answered are kept.
cmp_ok(descriptors_of($session, $descriptors + 2),
	'<=', $descriptors + 2, '... and has no more descriptors open than before');

sub cancelled
{
	my ($session, $situation) = @_;

	return $session->query(
		"BEGIN; SET LOCAL statement_timeout = '60ms'; $situation->{sql}; ROLLBACK")
	  ->{state};
}

# Waits some time for as few as that: a thread of the resolver that nobody waits
# for goes when it has its answer.
sub descriptors_of
{
	my ($session, $wanted) = @_;
	my $lowest = PlfTest::descriptors($session->pid);

	append_to_file($resolver_answers, '');
	foreach (1 .. 100)
	{
		last if $lowest <= $wanted;
		sleep 0.01;
		my $now = PlfTest::descriptors($session->pid);
		$lowest = $now if $now < $lowest;
	}
	unlink $resolver_answers;
	return $lowest;
}

# A scan that was cancelled works when the API does.

$session->query("SET statement_timeout = '100ms'; " . PlfTest::all_of('hangs'));
$hanging->clear_faults;
$hanging->clear_log;
is( $session->query(
		'RESET statement_timeout; ' . PlfTest::all_of('hangs'))->{rows},
	$links,
	'after a cancel the same server is read again');
is_deeply(
	[ sort $hanging->requests ],
	[ map { "GET /v2/payment_links?page=$_&per_page=10" } 1 .. 3 ],
	'... with one request for each page');
$hanging->fault(kind => 'hang');

# A cursor that is half read holds nobody up, and its connection is let go.

$session->query('BEGIN; DECLARE c CURSOR FOR SELECT id FROM later.payment_links');
is(scalar(split /\n/, $session->query('FETCH 10 FROM c')->{rows}),
	10, 'a cursor returns the links of the page that has arrived');
$session->start('FETCH 10 FROM c');
ok($admin->wait_for_network($session->pid), '... and waits for the next page');
my $began = time;
$admin->query('SELECT pg_cancel_backend(' . $session->pid . ')');
ends_with($session, $began, '57014', 'a cursor, pg_cancel_backend');
is($session->query('ROLLBACK; ' . PlfTest::all_of('good'))->{rows},
	$links, '... then the session reads another server');
$session->quit;

# Fast shutdown, with all of them stuck at once.

my @victims;
foreach my $situation (@situations)
{
	my $victim = PlfTest->session($node);

	stuck($victim, $situation);
	push @victims, $victim;
}
$began = time;
ok($node->stop('fast', fail_ok => 1), 'fast shutdown');
cmp_ok(time - $began, '<', $bound, '... in time');
foreach my $i (0 .. $#situations)
{
	is($victims[$i]->finish->{state},
		'57P01', label($situations[$i]) . ': fast shutdown');
	$victims[$i]->quit;
}
$admin->quit;

done_testing();
