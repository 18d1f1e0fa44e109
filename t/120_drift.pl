# Random queries over a list that changes between their requests, and while several
# are in flight, keep the promise of test/drift/guarantee.py in every configuration that
# test/drift/run.py knows.  Then what random changes seldom bring about.

use strict;
use warnings;

use lib 't';

use IPC::Run ();
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $seed = 23;
my $schedules = 200;    # of each configuration
my @run = ($ENV{PYTHON} || 'python3', 'test/drift/run.py');

my $node = PlfTest::cluster('main');
local @ENV{qw(PGHOST PGPORT PGDATABASE)} =
  ($node->host, $node->port, 'postgres');

IPC::Run::run([ @run, '--list' ], '>', \my $names) or die 'no configurations';
IPC::Run::run([ @run, '--schedules', $schedules, '--seed', $seed ],
	'>', \my $output, '2>', \my $errors);
is($errors, '', 'it runs');
note($output);
foreach my $name (split /\n/, $names)
{
	my ($line) = $output =~ /^(\Q$name\E: .*)/m;

	like($line, qr/: $schedules schedules, 0 wrong;/, "$name: the promise is kept")
	  or diag($output =~ /^(# \Q$name\E, .*\n(?:#  .*\n)*)/mg);
	cmp_ok($line =~ /changed in (\d+)/ ? $1 : 0,
		'>', $schedules / 3, '... during a third of the queries at least');
}

# A list that moves whenever it is searched is read; when a link then gets a status
# that nobody documented, the reading begins anew.

my $api = SampleApi->new(count => 40, config => { zero_share => 0.5 });
PlfTest::make_server(
	$node, 'links',
	base_url => $api->url,
	page_size => 2,
	concurrency => 1);
my $session = PlfTest->session($node);
my %expires = (expiration_date => '2025-02-01T00:00:00Z');
my $count =
  q{SELECT count(*) FROM links.payment_links WHERE status <> 'paid' AND expiration_date IS NULL};

is($session->query($count)->{rows}, '8', 'the links that never expire are counted');
$api->clear_faults;
$api->before(n => $_, links => { generate => [ { %expires, status => 'open' } ] })
  foreach 4, 6, 8;
$api->before(
	n => 11,
	links => { generate => [ map { { %expires, status => $_ } } qw(refunded open) ] });
is($session->query($count)->{rows},
	'8', '... and again where others come whenever they are searched for');
is($session->query('SELECT count(*) FROM links.payment_links')->{rows},
	'45', '... which did happen');

done_testing();
