# Memory does not grow with the number of rescans: for each kind of node, 20,000 rescans
# take a backend no more memory than 1,000.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

plan skip_all => 'peaks of memory are read from Linux\'s /proc'
  unless -r '/proc/self/status';

# MB.  One kB kept for each rescan would be 19 MB.
my $most = 4;

my $api = SampleApi->new(count => 60, config => { undocumented_share => 0.1 });
my $documented = SampleApi->new(count => 60);
my $node = PlfTest::cluster('main');
PlfTest::make_server($node, 'links', base_url => $documented->url);
PlfTest::make_server($node, 'new_status', base_url => $api->url);
if (PlfTest::keeps_what_is_freed(PlfTest->session($node)->pid))
{
	plan skip_all => 'a sanitizer or memcheck keeps freed memory';
}
my $id = $node->safe_psql('postgres', 'SELECT id FROM links.payment_links LIMIT 1');

# Subqueries, each of which rescan() evaluates for every n.
my %nodes = (
	'a scan' => 'SELECT count(*) FROM links.payment_links WHERE reusable = (n > 0)',
	'a condition on status' =>
	  q{SELECT count(*) FROM links.payment_links WHERE reusable = (n > 0) AND status <> left('paid', n % 2 + 8)},
	'a range' =>
	  'SELECT count(*) FROM links.payment_links WHERE reusable = (n > 0) AND amount > 1000',
	'a range of two bounds' =>
	  "SELECT count(*) FROM links.payment_links WHERE reusable = (n > 0) AND expiration_date
		BETWEEN timestamptz '2025-01-01' AND now()",
	'a lookup' => "SELECT count(*) FROM links.payment_links WHERE id = '$id' AND reusable = (n > 0)",
	'a lookup by an array' => "SELECT count(*) FROM links.payment_links
		WHERE id = ANY (ARRAY['$id', left('$id', 36 + n % 2)::uuid]) AND status IN ('open', 'paid') AND reusable = (n > 0)",
	'a lookup of more ids than are asked for' => "SELECT count(*) FROM links.payment_links
		WHERE id = ANY (array_fill(left('$id', 36 + n % 2)::uuid, ARRAY[20])) AND status = 'open'",
	'a window' => q{SELECT count(*) FROM (SELECT id FROM links.payment_links WHERE status = left('open', n % 2 + 8) LIMIT 5) l},
	'a window of an unfiltered list' =>
	  q{SELECT count(*) FROM (SELECT id FROM new_status.payment_links WHERE status <> left('open', n % 2 + 8) LIMIT 5 OFFSET 20) l},
	'a count' => q{SELECT count(*) FROM links.payment_links WHERE status = left('open', n % 2 + 8)},
	'a count for which the list is read' =>
	  q{SELECT count(*) FROM new_status.payment_links WHERE status <> left('open', n % 2 + 8)},
	'a count by status' => q{SELECT sum(c) FROM (SELECT status, count(*) c FROM links.payment_links
		WHERE status <> left('open', n % 2 + 8) GROUP BY status) l},
	'a count of a range' => q{SELECT count(*) FROM links.payment_links
		WHERE amount > 1000 AND status = left('open', n % 2 + 8)},
	'a condition that raises an error' => q{SELECT count(*) FROM links.payment_links
		WHERE reusable IS NULL AND status <> (n / (n - n))::text},
	'a condition of ten literals that raises an error' => q{SELECT count(*) FROM links.payment_links WHERE reusable IS NULL
		AND (status IN ('open', 'paid', 'open', 'paid', 'open', 'paid', 'open', 'paid', 'open', 'paid') OR status <> (n / (n - n))::text)},
	'a bound of ten literals that raises an error' => q{SELECT count(id) FROM links.payment_links WHERE reusable IS NULL AND url <> n::text
		AND amount > 1 / ((SELECT count(*) FROM pg_class WHERE oid = 0) IN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10))::int},
	'an id of ten literals that raises an error' => q{SELECT count(*) FROM links.payment_links WHERE reusable IS NULL
		AND id = (CASE WHEN left('none', n % 2 + 8) IN ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j') THEN '' ELSE 'none' END)::uuid},
	'a bound that raises an error' => q{SELECT count(id) FROM links.payment_links
		WHERE reusable IS NULL AND url <> n::text AND amount > 1 / (SELECT count(*) FROM pg_class WHERE oid = 0)},
	'an id that raises an error' => q{SELECT count(*) FROM links.payment_links
		WHERE reusable IS NULL AND status = 'open' AND id = left('none', n % 2 + 8)::uuid},
	'a count that raises an error' => q{SELECT count(*) FILTER (WHERE status = (n / (n - n))::text)
		FROM links.payment_links WHERE status = left('none', n % 2 + 8)},
	'an Append' => q{SELECT count(*) FROM (SELECT * FROM links.payment_links
		UNION ALL SELECT * FROM new_status.payment_links) l WHERE reusable = (n > 0) AND amount > 1000},
	'an Append with conditions on status' =>
	  q{SELECT count(*) FROM (SELECT * FROM links.payment_links UNION ALL SELECT * FROM new_status.payment_links) l
		WHERE reusable = (n > 0) AND status <> left('paid', n % 2 + 8)});

sub rescan
{
	my ($sql, $times, $jit) = @_;
	my $session = PlfTest->session($node);
	my $result = $session->query(
		"SET jit = @{[ $jit // 'off' ]}; SET jit_above_cost = 0; SET statement_timeout = '10min';
		SELECT sum(c) >= 0 FROM (SELECT ($sql) AS c FROM generate_series(1, $times) n) s");

	is($result->{errors}, '', "$times rescans end without an error");
	is($result->{rows}, 't', '... and each gives a number');
	my $peak = PlfTest::peak_memory($session->pid);
	$session->quit;
	return $peak;
}

foreach my $name (sort keys %nodes)
{
	subtest $name => sub {
		my $few = rescan($nodes{$name}, 1_000);
		my $many = rescan($nodes{$name}, 20_000);

		cmp_ok($many, '<', $few + $most, 'many rescans take no more memory than few');
	};
}

# Compiled code is kept until the statement ends. Expressions that are made again after an
# error are therefore not compiled.
subtest 'errors, with the just-in-time compiler' => sub {
	my $sql = $nodes{'a condition that raises an error'};
	my $few = rescan($sql, 500, 'on');
	my $many = rescan($sql, 2_500, 'on');

	cmp_ok($many, '<', $few + $most, 'many rescans take no more memory than few');
};

done_testing();
