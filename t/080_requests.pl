# How many requests each kind of query makes, for lists of several lengths: never more than the
# bound that this file gives, and none of them twice.  The rows are those of a local copy.

use strict;
use warnings;

use lib 't';

use List::Util qw(max);
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use POSIX qw(ceil);
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 0);
my $node = PlfTest::cluster('main');

PlfTest::make_server($node, 'links', base_url => $api->url);
my $session = PlfTest->session($node);

# Pages of a hundred, one at least; how many times they can be halved.
sub pages { return max(1, ceil($_[0] / 100)); }
sub search { return ceil(log(pages($_[0])) / log(2)); }

# Query, and its requests for a list of so many links: exactly, or at most.
my @queries = (
	[ 'SELECT count(*) FROM T', sub { 1 } ],
	[ 'SELECT count(1), count(id), sum(1) FROM T', sub { 1 } ],
	[ q{SELECT count(*) FROM T WHERE status = 'open'}, sub { 1 } ],
	[ q{SELECT count(*) FROM T WHERE status IN ('open', 'paid')}, sub { 1 } ],
	[ q{SELECT count(*) FROM T WHERE status <> 'paid'}, sub { 2 } ],
	[ q{SELECT count(*) FROM T WHERE status LIKE 'p%'}, sub { 3 } ],
	[ 'SELECT status, count(*) FROM T GROUP BY status ORDER BY status', sub { 6 } ],
	[ 'SELECT DISTINCT status FROM T ORDER BY status', sub { 6 } ],
	[ q{SELECT count(*) FILTER (WHERE status = 'open'), count(*) FILTER (WHERE status = 'paid'), count(*) FROM T}, sub { 3 } ],
	[ 'SELECT status FROM T GROUP BY status HAVING count(*) > 1000000', sub { 6 } ],
	[ 'SELECT trim_scale(amount) FROM T ORDER BY amount LIMIT 5', sub { 1 } ],
	[ 'SELECT trim_scale(amount) FROM T ORDER BY amount DESC LIMIT 100', sub { 1 } ],
	[ 'SELECT trim_scale(amount) FROM T ORDER BY amount LIMIT 250', sub { $_[0] > 200 ? 3 : pages($_[0]) } ],
	[ 'SELECT trim_scale(amount) FROM T ORDER BY amount LIMIT 20 OFFSET 1000', sub { $_[0] > 1000 ? 1 : 2 } ],
	[ 'SELECT trim_scale(amount) FROM T ORDER BY amount LIMIT 20 OFFSET 40', sub { $_[0] > 40 ? 1 : 2 } ],
	[ 'SELECT expiration_date FROM T ORDER BY expiration_date DESC NULLS LAST LIMIT 10', sub { 1 } ],
	[ 'SELECT max(expiration_date) FROM T', sub { 1 } ],
	[ 'SELECT min(expiration_date) FROM T', sub { 2 + search($_[0]) }, 'most' ],
	[ 'SELECT expiration_date FROM T ORDER BY expiration_date LIMIT 10', sub { 2 + search($_[0]) }, 'most' ],
	[ 'SELECT trim_scale(min(amount)) FROM T', sub { 1 } ],
	[ 'SELECT trim_scale(max(amount)) FROM T', sub { 1 } ],
	[ 'SELECT id FROM T WHERE amount > 10000000000000000 ORDER BY id', sub { 1 } ],
	[ 'SELECT id FROM T WHERE amount BETWEEN 100 AND 101 ORDER BY id', sub { 1 + search($_[0]) + 2 }, 'most' ],
	[ q{SELECT id FROM T WHERE amount = 77.123456 ORDER BY id}, sub { 1 + search($_[0]) }, 'most' ],
	[ 'SELECT count(*) FROM T WHERE amount > 100', sub { 1 + search($_[0]) }, 'most' ],
	[ 'SELECT count(*) FROM T WHERE amount BETWEEN 20 AND 2000', sub { 1 + 2 * search($_[0]) }, 'most' ],
	[ q{SELECT count(*) FROM T WHERE status = 'open' AND expiration_date < date '2025-06-01'}, sub { 1 + 2 * search($_[0]) }, 'most' ],
	[ 'SELECT id FROM T WHERE expiration_date IS NULL ORDER BY id', sub { 1 + pages($_[0] * 0.21) }, 'most' ],
	[ 'SELECT id FROM T WHERE expiration_date IS NOT NULL ORDER BY id', sub { 1 + search($_[0]) + pages($_[0] * 0.81) }, 'most' ],
	[ 'SELECT count(*) FROM T WHERE expiration_date IS NULL', sub { 2 + search($_[0]) }, 'most' ],
	[ 'SELECT count(*) FROM T WHERE expiration_date IS NOT NULL', sub { 2 + search($_[0]) }, 'most' ],
	[ q{SELECT count(*) FROM T WHERE status IN ('open', 'paid') AND expiration_date IS NULL}, sub { 2 + search($_[0]) }, 'most' ],
	[ q{SELECT count(*) FROM T WHERE expiration_date IS NULL AND expiration_date > '2025-01-01'}, sub { 0 } ],
	[ 'SELECT id FROM T WHERE amount IS NULL', sub { 0 } ],
	[ 'SELECT EXISTS (SELECT FROM T WHERE amount = 77.123456)', sub { 1 + search($_[0]) }, 'most' ],
	[ q{SELECT id FROM T WHERE expiration_date < '2000-01-01' LIMIT 10}, sub { 2 + search($_[0]) }, 'most' ],
	[ 'SELECT id FROM T WHERE amount BETWEEN 30 AND 20', sub { 0 } ],
	[ 'SELECT id FROM T WHERE amount > 5 AND amount <= 5', sub { 0 } ],
	[ q{SELECT count(*) FROM T WHERE status = 'open' AND amount > 5 AND amount < 3}, sub { 0 } ],
	[ 'SELECT trim_scale((SELECT max(amount) FROM T t WHERE t.amount < b.amount)) FROM bounds b ORDER BY b.amount', sub { pages($_[0]) }, 'most' ],
	[ 'SELECT trim_scale(t.amount) FROM bounds b, LATERAL (SELECT amount FROM T t WHERE t.amount > b.amount ORDER BY amount LIMIT 1) t ORDER BY b.amount', sub { pages($_[0]) }, 'most' ],
	[ q{SELECT status FROM T WHERE id = '00000000-0000-0000-0000-000000000000'}, sub { 2 } ],
	[ q{SELECT status FROM T WHERE id IN (SELECT id FROM few)}, sub { 4 } ],
	[ q{SELECT l.status FROM few JOIN T l USING (id) ORDER BY 1}, sub { 4 } ],
	[ q{SELECT status FROM T WHERE id = (SELECT id FROM copy ORDER BY id LIMIT 1)}, sub { $_[0] > 0 ? 1 : 0 } ],
	[ q{SELECT EXISTS (SELECT FROM T WHERE status = 'open')}, sub { 1 } ],
	[ 'SELECT id FROM T LIMIT 0', sub { 0 } ],
	[ q{SELECT count(*) FROM T WHERE status = 'open' AND status IN ('paid', 'expired')}, sub { 0 } ],
	[ q{SELECT count(*) FROM T WHERE amount > NULL::numeric}, sub { 0 } ],
	[ 'SELECT count(amount + 1) FROM T', sub { pages($_[0]) } ],
	[ q{SELECT count(debitor_name) FROM T WHERE status <> 'paid'}, sub { 2 + pages($_[0]) }, 'most' ],
);

# The same with parameters, whose values only the execution knows: types, query,
# values, requests.
my @prepared = (
	[ 'text', 'SELECT count(*) FROM T WHERE status = $1', q{'open'}, sub { 1 } ],
	[ 'text', 'SELECT count(*) FROM T WHERE status = $1', 'NULL', sub { 0 } ],
	[ 'text[]', 'SELECT count(*) FROM T WHERE status = ANY ($1)', q{'{open,paid}'}, sub { 1 } ],
	[ 'text', 'SELECT count(*) FROM T WHERE status <> $1', q{'paid'}, sub { 2 } ],
	[ 'text', 'SELECT count(*) FROM T WHERE status LIKE $1', q{'p%'}, sub { 3 } ],
	[ 'text', 'SELECT count(*) FILTER (WHERE status = $1), count(*) FROM T', q{'open'}, sub { 2 } ],
	[ 'bigint', 'SELECT trim_scale(amount) FROM T ORDER BY amount LIMIT $1', 5, sub { 1 } ],
	[ 'bigint', 'SELECT trim_scale(amount) FROM T ORDER BY amount LIMIT $1', 0, sub { 0 } ],
	[ 'bigint', 'SELECT trim_scale(amount) FROM T ORDER BY amount LIMIT $1', 'NULL', sub { pages($_[0]) } ],
	[ 'bigint, bigint', 'SELECT trim_scale(amount) FROM T ORDER BY amount LIMIT $1 OFFSET $2', '20, 1000', sub { $_[0] > 1000 ? 1 : 2 } ],
	[ 'numeric', 'SELECT id FROM T WHERE amount > $1 ORDER BY id', '10000000000000000', sub { 1 } ],
	[ 'numeric, numeric', 'SELECT id FROM T WHERE amount BETWEEN $1 AND $2 ORDER BY id', '100, 101', sub { 1 + search($_[0]) + 2 }, 'most' ],
	[ 'numeric', 'SELECT id FROM T WHERE amount > $1', 'NULL', sub { 0 } ],
	[ 'numeric', 'SELECT count(*) FROM T WHERE amount > $1', 100, sub { 1 + search($_[0]) }, 'most' ],
	[ 'numeric', 'SELECT count(*) FROM T WHERE amount > $1', 'NULL', sub { 0 } ],
	[ 'uuid', 'SELECT status FROM T WHERE id = $1', q{'00000000-0000-0000-0000-000000000000'}, sub { 2 } ],
	[ 'uuid', 'SELECT status FROM T WHERE id = $1', 'NULL', sub { 0 } ],
	[ 'uuid[]', 'SELECT status FROM T WHERE id = ANY ($1)', q{'{00000000-0000-0000-0000-000000000000,00000000-0000-0000-0000-000000000001,NULL}'}, sub { 3 } ],
);

# Queries over a list in which no link expires
my @never = (
	[ 'SELECT expiration_date FROM T ORDER BY expiration_date LIMIT 10', sub { $_[0] > 10 ? 2 : 1 } ],
	[ 'SELECT min(expiration_date), max(expiration_date) FROM T', sub { $_[0] > 1 ? 4 : 2 } ],
	[ 'SELECT count(*) FROM T WHERE expiration_date IS NULL', sub { pages($_[0]) } ],
	[ 'SELECT id FROM T WHERE expiration_date IS NULL ORDER BY id', sub { pages($_[0]) } ],
);

# Tests that the query returns the rows of the local copy, in $expected requests; with $most,
# in at most as many.
sub takes
{
	my ($query, $expected, $most) = @_;
	my $here = $query =~ s/\bT\b/copy/gr;
	my $there = $query =~ s/\bT\b/links.payment_links/gr;
	my %asked;

	$api->clear_log;
	is($session->answer($there), $session->answer($here), $query);
	my @requests = $api->log;
	if ($most)
	{
		cmp_ok(@requests, '<=', $expected, "... makes at most $expected requests");
	}
	else
	{
		is(@requests, $expected, "... makes $expected requests");
	}
	my @twice = grep { $asked{"$_->{path}?$_->{query}"}++ } @requests;
	is(@twice, 0, '... none of them twice');
	return;
}

$session->query(
	q{CREATE TABLE few (id uuid);
	INSERT INTO few SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid FROM generate_series(1, 3) n;
	ANALYZE few;
	CREATE TABLE bounds AS SELECT 7.5 * n AS amount FROM generate_series(1, 40) n});
foreach my $links (0, 1, 99, 100, 101, 10_000)
{
	subtest "$links links" => sub {
		$api->config(count => $links);
		$session->query('DROP TABLE IF EXISTS copy;
			CREATE TABLE copy AS SELECT * FROM links.payment_links');
		foreach my $case (@queries)
		{
			my ($query, $requests, $most) = @$case;

			takes($query, $requests->($links), $most);
		}
	};
	subtest "$links links, with parameters" => sub {
		foreach my $case (@prepared)
		{
			my ($types, $query, $values, $requests, $most) = @$case;

			takes(
				"SET plan_cache_mode = force_generic_plan; PREPARE p($types) AS $query; EXECUTE p($values); DEALLOCATE p",
				$requests->($links), $most);
		}
	};
}
$api->config(zero_share => 1);
foreach my $links (1, 100, 101, 1000)
{
	subtest "$links links that never expire" => sub {
		$api->config(count => $links);
		$session->query('DROP TABLE copy;
			CREATE TABLE copy AS SELECT * FROM links.payment_links');
		takes($_->[0], $_->[1]->($links)) foreach @never;
	};
}

# Where links have undocumented statuses, a window is cut here out of the whole list: what
# fills it is asked for, the two requests of the status check, and no page ahead.
my @windows = (
	[ q{SELECT trim_scale(amount) FROM T WHERE status <> 'paid' ORDER BY amount LIMIT 3}, 4 ],
	[ q{SELECT trim_scale(amount) FROM T WHERE status <> 'paid' ORDER BY amount DESC LIMIT 3 OFFSET 10}, 4 ],
	[ q{SELECT id FROM T WHERE status <> 'paid' LIMIT 3}, 4 ],
	[ q{SET plan_cache_mode = force_generic_plan; PREPARE p(text, bigint) AS SELECT trim_scale(amount) FROM T WHERE status <> $1 ORDER BY amount LIMIT $2; EXECUTE p('paid', 3); DEALLOCATE p}, 4 ],
	[ q{SET plan_cache_mode = force_generic_plan; PREPARE p(int) AS SELECT trim_scale(amount) FROM T WHERE status >= 'a' OR status = (10 / $1)::text ORDER BY amount LIMIT 3; EXECUTE p(0); DEALLOCATE p}, 4 ],
);
$api->config(count => 1000, zero_share => 0.2, undocumented_share => 0.1);
$session->query('DROP TABLE copy;
	CREATE TABLE copy AS SELECT * FROM links.payment_links');
takes(@$_, 'most') foreach @windows;
$session->query(q{ALTER FOREIGN TABLE links.payment_links OPTIONS (ADD max_requests '5')});
takes(@$_, 'most') foreach @windows;
$session->query('ALTER FOREIGN TABLE links.payment_links OPTIONS (DROP max_requests)');
$api->config(undocumented_share => 0);

# More ids than the list has pages are not looked up, if the length of the list is known.  More
# ids than max_requests are an error before the first request.  No link has one of these ids,
# so one more request tells whether the list exists.

$api->config(zero_share => 0.2, count => 433);
$session->query(
	q{DROP TABLE copy;
	CREATE TABLE copy AS SELECT * FROM links.payment_links;
	ANALYZE links.payment_links});
my $ids = join ', ', map { "'00000000-0000-0000-0000-00000000000$_'" } 1 .. 6;
foreach my $case ([ 1, 2 ], [ 5, 6 ], [ 6, 5 ])
{
	my ($count, $requests) = @$case;
	my $array = 'ARRAY[' . join(', ', (split /, /, $ids)[ 0 .. $count - 1 ]) . ']::uuid[]';

	takes(
		"SET plan_cache_mode = force_generic_plan; PREPARE p(uuid[]) AS SELECT status FROM T WHERE id = ANY (\$1); EXECUTE p($array); DEALLOCATE p",
		$requests);
	takes("SELECT status FROM T WHERE id = ANY ($array)", $requests);
}
$session->query(q{ALTER FOREIGN TABLE links.payment_links OPTIONS (ADD max_requests '3')});
$api->clear_log;
$ids = join ', ', (split /, /, $ids)[ 0 .. 3 ];
my $result = $session->query("SELECT id FROM links.payment_links WHERE id IN ($ids)");
is("$result->{state} " . $result->{errors} =~ s/.*(at least \d+ requests).*/$1/sr,
	'54000 at least 4 requests', 'more ids than max_requests allows');
is($api->count, 0, '... are an error before any request');

$session->quit;
done_testing();
