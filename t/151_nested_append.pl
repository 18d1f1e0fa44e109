# An Append waits for its pages while another Append, above it in the plan or in the calling
# query, has a page that was not read yet: the backend sleeps meanwhile.

use strict;
use warnings;

use lib 't';

use List::Util qw(max);
use PlfTest;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

plan skip_all => 'processor time is read from /proc' unless -r "/proc/$$/stat";

my $wait = 4;
my $soon = SampleApi->new(count => 25);
my $later = SampleApi->new(count => 25, seed => 2, config => { latency_ms => 200 });
my $late = SampleApi->new(count => 25, config => { latency_ms => $wait * 1000 });
my $node = PlfTest::cluster('main');

PlfTest::make_server($node, 'soon', base_url => $soon->url);
PlfTest::make_server($node, 'later', base_url => $later->url);
PlfTest::make_server($node, 'late', base_url => $late->url);
my $session = PlfTest->session($node);
my ($first) = PlfTest::links_of($soon) =~ /^([^|]+)/;

# Seconds of processor time that a process has taken.
sub processor_time
{
	my ($pid) = @_;
	my $stat = slurp_file("/proc/$pid/stat");
	my @fields = split ' ', substr $stat, rindex($stat, ')') + 2;

	return ($fields[11] + $fields[12]) / POSIX::sysconf(&POSIX::_SC_CLK_TCK);
}

sub all_of_them { return join ' UNION ALL ', map { "SELECT id FROM $_.payment_links" } @_; }

my $outer = all_of_them(qw(soon later));
my $inner = all_of_them(qw(late late soon));

$session->query(
	"SET statement_timeout = 60000;
	SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;
	CREATE FUNCTION wait_for_late() RETURNS bigint LANGUAGE plpgsql AS
	'BEGIN RETURN (SELECT count(id::text) FROM ($inner) i); END'");
foreach my $case (
	[
		'in a join',
		"SELECT count(*) FROM ($outer) o LEFT JOIN ($inner) i ON i.id::text = o.id::text",
		qr/Nested Loop Left Join\n.*Append\n(.*Async){2}.*Append\n(.*Async){3}/s,
		100
	],
	[
		"in a function's query",
		"SELECT sum(CASE o.id WHEN '$first' THEN wait_for_late() ELSE 1 END) FROM ($outer) o",
		qr/Append\n(.*Async){2}/s,
		124
	])
{
	my ($name, $sql, $plan, $rows) = @$case;

	like($session->query("EXPLAIN (COSTS off) $sql")->{rows}, $plan, "$name: the plan");
	$late->quiet;
	$late->clear_log;
	my $before = processor_time($session->pid);
	my $result = $session->query($sql);
	my $took = processor_time($session->pid) - $before;

	is("$result->{state}|$result->{rows}", "|$rows", '... returns all rows');
	cmp_ok($result->{seconds}, '>=', $wait, '... after waiting');
	cmp_ok($took, '<', $wait / 8 * $PlfTest::slowdown, '... while the backend uses little processor time');
	is_deeply([ map { $_->{in_flight} } $late->log ], [ 1, 2 ],
		'... for both late scans at the same time');
}

$session->quit;
$node->stop;
done_testing();
