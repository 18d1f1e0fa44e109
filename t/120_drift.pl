# Random queries over a list that changes between their requests, and while several
# are in flight, keep the promise of test/drift/guarantee.py in every configuration that
# test/drift/run.py knows.

use strict;
use warnings;

use lib 't';

use IPC::Run ();
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
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

done_testing();
