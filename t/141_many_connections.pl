# However many scans a session runs, its connections stay below the limit on a process's open
# files: further requests wait for their turn, and their timeouts begin only then.  If
# descriptors run out all the same, the error says so.

use strict;
use warnings;

use lib 't';

use List::Util qw(max);
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;
use Time::HiRes qw(sleep);

plan skip_all => 'descriptors are counted in /proc' unless -d "/proc/$$/fd";

my $most = 64;
my $api = SampleApi->new(count => 80);
my $node = PlfTest::cluster('main');
my @pages = (page_size => 10, max_retries => 0);
my $session = PlfTest->session($node);

PlfTest::make_server($node, 'links', base_url => $api->url, @pages);
PlfTest::make_server($node, 'closed', base_url => 'http://127.0.0.1:' . PlfTest::closed_port(), @pages);

sub union { return join ' UNION ALL ', ("SELECT id FROM $_[1].payment_links") x $_[0]; }

# Runs a query; the most descriptors that its backend has meanwhile.
sub descriptors_of
{
	my ($sql) = @_;
	my $descriptors = 0;

	$session->start("$sql; SELECT 'over'");
	until ($session->{out} =~ /over/ or $session->{err} =~ /ERROR/)
	{
		$descriptors = max($descriptors, PlfTest::descriptors($session->pid));
		$session->{psql}->pump_nb;
		sleep 0.02;
	}
	return ($session->finish, $descriptors);
}

# Of 150 scans at the same time, each wants eight connections.

$api->config(latency_ms => 100);
$api->clear_log;
my ($result, $descriptors) =
  descriptors_of('SELECT count(*), count(DISTINCT id) FROM (' . union(150, 'links') . ') l');
is("$result->{state} $result->{message} $result->{rows}", "  12000|80\nover", 'all links of 150 scans');
is($api->count, 150 * 8, '... with one request for each page');
cmp_ok($api->stats->{max_in_flight}, '<=', $most, '... no more requests in flight than connections are allowed');
cmp_ok($descriptors, '<', 2 * $most, '... and the backend has few descriptors');

# Cursors that are not read to their end have pages that nobody reads.

$api->config(latency_ms => 0);
$api->clear_log;
my $cursors = 100;
my $sql = 'SET cursor_tuple_fraction = 1; BEGIN;';
$sql .= "DECLARE c$_ CURSOR FOR SELECT id FROM links.payment_links; FETCH 1 FROM c$_;" foreach 1 .. $cursors;
$sql .= "MOVE ALL FROM c$_;" foreach reverse 1 .. $cursors;
($result, $descriptors) =
  descriptors_of("$sql SELECT count(*) FROM (" . union(10, 'links') . ') l; COMMIT');
is("$result->{state} $result->{message}", ' ', "$cursors cursors that are read in turns");
is($api->count, 8 * ($cursors + 10), '... are read to their ends');
like($result->{rows}, qr/\n800\nover\z/, '... and so is a scan at the same time');
cmp_ok($descriptors, '<', 2 * $most, '... and the backend has few descriptors');

# The last of 256 requests is sent after three others had the same connection.

my $second = 1000 * $PlfTest::slowdown;
PlfTest::make_server($node, 'timed', base_url => $api->url, @pages,
	request_timeout => 3 * $second . 'ms', connect_timeout => 2 * $second . 'ms');
$api->config(latency_ms => $second);
$result = $session->query('SELECT count(*) FROM (' . union(32, 'timed') . ') l');
is("$result->{state} $result->{message} $result->{rows}", '  2560', 'a timeout begins when the request is sent');
cmp_ok($result->{seconds}, '>', 3, '... and not while the request waits for its turn');
$api->config(latency_ms => 0);

# None is left: what the system says, in whatever libcurl was doing.

SKIP:
{
	skip 'no prlimit', 1 if system('prlimit --version >/dev/null 2>&1') != 0;

	my $port = $api->port;
	my %server = (
		wide => $api->url,
		named => "http://localhost:$port",
		unknown => 'https://no-such-host.invalid',
		secure => 'https://127.0.0.1:1');

	foreach my $name (sort keys %server)
	{
		# The server may close a file or two meanwhile: 32 connections want more than that.
		PlfTest::make_server($node, $name, base_url => $server{$name}, page_size => 2, concurrency => 32, max_retries => 0);
		foreach my $left (0, 1)
		{
			my $fresh = PlfTest->session($node);
			my $pid = $fresh->pid;

			# What all scans of a session share is there, the catalog is read, and no connection.
			$fresh->query("SELECT * FROM payment_links_check('closed')");
			$fresh->query("EXPLAIN SELECT id FROM $name.payment_links");
			my @taken = sort { $a <=> $b } map { /(\d+)$/ } glob "/proc/$pid/fd/*";
			my $limit = free_up_to($left, @taken);
			system('prlimit', '--pid', $pid, "--nofile=$limit:");
			my $got = $fresh->query("SELECT id FROM $name.payment_links");
			is($got->{state}, '53000', "$name, $left left");
			like("$got->{message} $got->{detail}", qr/Too many open files/, '... with the words of the operating system');
			# The server itself may want a file of the catalog, and raise the same.
			my $check = $fresh->query("SELECT sqlstate FROM payment_links_check('$name')");
			is($check->{rows} || $check->{state}, '53000', '... payment_links_check says the same')
			  if $server{$name} =~ /^https/;
			system('prlimit', '--pid', $pid, '--nofile=1024:');
			is($fresh->query('SELECT count(id::text) FROM links.payment_links')->{rows},
				80, '... then all links are read');
			$fresh->quit;
		}
	}
}

# The limit that leaves so many descriptors: the numbers below it that are not taken.
sub free_up_to
{
	my ($left, @taken) = @_;
	my %taken = map { $_ => 1 } @taken;
	my $limit = 0;

	while ($left > 0 or $taken{$limit})
	{
		$left-- unless $taken{$limit};
		$limit++;
	}
	return $limit;
}

$session->quit;
$node->stop;
done_testing();
