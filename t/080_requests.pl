# How many requests each kind of query takes, for lists of several lengths: never
# more than stands here, and the rows are those of a local copy.

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
	[ 'SELECT count(*) FROM T WHERE expiration_date IS NULL', sub { 1 + search($_[0]) }, 'most' ],
	[ 'SELECT count(*) FROM T WHERE expiration_date IS NOT NULL', sub { 1 + search($_[0]) }, 'most' ],
	[ q{SELECT count(*) FROM T WHERE status IN ('open', 'paid') AND expiration_date IS NULL}, sub { 1 + search($_[0]) }, 'most' ],
	[ q{SELECT count(*) FROM T WHERE expiration_date IS NULL AND expiration_date > '2025-01-01'}, sub { 0 } ],
	[ 'SELECT id FROM T WHERE amount IS NULL', sub { 0 } ],
	[ q{SELECT status FROM T WHERE id = '00000000-0000-0000-0000-000000000000'}, sub { 1 } ],
	[ q{SELECT status FROM T WHERE id IN (SELECT id FROM few)}, sub { 3 } ],
	[ q{SELECT l.status FROM few JOIN T l USING (id) ORDER BY 1}, sub { 3 } ],
	[ q{SELECT EXISTS (SELECT FROM T WHERE status = 'open')}, sub { 1 } ],
	[ 'SELECT id FROM T LIMIT 0', sub { 0 } ],
	[ q{SELECT count(*) FROM T WHERE status = 'open' AND status IN ('paid', 'expired')}, sub { 0 } ],
	[ q{SELECT count(*) FROM T WHERE amount > NULL::numeric}, sub { 0 } ],
	[ 'SELECT count(amount + 1) FROM T', sub { pages($_[0]) } ],
	[ q{SELECT count(debitor_name) FROM T WHERE status <> 'paid'}, sub { 2 + pages($_[0]) }, 'most' ],
);

$session->query(
	q{CREATE TABLE few (id uuid);
	INSERT INTO few SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid FROM generate_series(1, 3) n;
	ANALYZE few});
foreach my $links (0, 1, 99, 100, 101, 10_000)
{
	subtest "$links links" => sub {
		$api->config(count => $links);
		$session->query('DROP TABLE IF EXISTS copy;
			CREATE TABLE copy AS SELECT * FROM links.payment_links');
		foreach my $case (@queries)
		{
			my ($query, $requests, $most) = @$case;
			my $here = $query =~ s/\bT\b/copy/gr;
			my $there = $query =~ s/\bT\b/links.payment_links/gr;

			$api->clear_log;
			is($session->query($there)->{rows},
				$session->query($here)->{rows}, $query);
			if ($most)
			{
				cmp_ok($api->count, '<=', $requests->($links), '... and its requests');
			}
			else
			{
				is($api->count, $requests->($links), '... and its requests');
			}
		}
	};
}

$session->quit;
done_testing();
