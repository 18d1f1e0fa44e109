# Random queries return the same from the foreign table and from a local copy of it, with
# constants and with parameters, in every configuration of test/differential/run.py.  The
# server neither crashes nor leaks.

use strict;
use warnings;

use lib 't';

use IPC::Run ();
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $seed = 35;
my $queries = 7;    # of each configuration
my @run = ($ENV{PYTHON} || 'python3', 'test/differential/run.py');

my $api = SampleApi->new(count => 0);
# After a crash the query that brought it about is looked for.
my $node = PlfTest::cluster('main', 'restart_after_crash = on');
local @ENV{qw(PGHOST PGPORT PGDATABASE)} =
  ($node->host, $node->port, 'postgres');

IPC::Run::run([ @run, '--list' ], '>', \my $names) or die 'no configurations';
foreach my $name (split /\n/, $names)
{
	subtest $name => sub {
		my ($output, $errors);

		IPC::Run::run(
			[
				@run, '--api', $api->url, '--configuration', $name,
				'--queries', $queries, '--seed', $seed,
				'--server-log', $node->logfile
			],
			'>', \$output, '2>', \$errors);
		is($errors, '', 'test/differential/run.py ends without a difference');
		like($output, qr/^\Q$name\E: $queries queries, 0 differ;/m, 'the same answers')
		  or diag($output);
		cmp_ok($output =~ /; (\d+) also with parameters/ ? $1 : 0,
			'>', $queries / 3, '... many queries ran with parameters as well');
	};
}

done_testing();
