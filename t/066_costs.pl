# The planner's costs of a scan, and from which length of a list on they make PostgreSQL use its
# just-in-time compiler.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 100);
my $node = PlfTest::cluster('main');
my $session = PlfTest->session($node);
my $compiler = PlfTest::library_folder() . '/llvmjit.so';

sub query { return $session->query(@_); }

PlfTest::make_server($node, 'links', base_url => $api->url);
query(q{CREATE FOREIGN TABLE list (id uuid, debitor_name text) SERVER links OPTIONS (max_requests '1')});

# The plan of a query, after ANALYZE of a list with so many links.
sub plan_of
{
	my ($links, $query) = @_;

	$api->config(total_offset => $links - 100);
	query('ANALYZE list');
	return query("EXPLAIN $query")->{rows};
}

# A scan costs 100, a page 50, a link 0.01, and PostgreSQL adds 0.01 for each row.
like(plan_of(100, 'SELECT id FROM list'), qr/^Foreign Scan .*\(cost=150\.00\.\.152\.00 rows=100 /, 'one page');
like(plan_of(10_000, 'SELECT id FROM list'), qr/\(cost=150\.00\.\.5300\.00 rows=10000 /, '100 pages');
like(plan_of(190_000, 'SELECT id FROM list'), qr/\(cost=150\.00\.\.98900\.00 /, '1,900 pages');
like(plan_of(195_000, 'SELECT id FROM list'), qr/\(cost=150\.00\.\.101500\.00 /, '1,950 pages');

# The reference says when the just-in-time compiler is used, and how to prevent that.
SKIP:
{
	my $count = 'SELECT count(debitor_name) FROM list';

	skip 'this server has no just-in-time compiler, or does not use it', 5
	  unless -e $compiler and query('SHOW jit')->{rows} eq 'on';
	unlike(plan_of(190_000, $count), qr/^JIT:/m, 'a list of 190,000 links is read without the compiler');
	like(plan_of(195_000, $count), qr/^JIT:/m, 'a list of 195,000 links is read with the compiler');
	query(q{ALTER SERVER links OPTIONS (ADD fdw_page_cost '5')});
	unlike(plan_of(195_000, $count), qr/^JIT:/m, '... without the compiler where fdw_page_cost is lower');
	query(q{ALTER SERVER links OPTIONS (DROP fdw_page_cost)});
	like(plan_of(195_000, $count), qr/^JIT:/m, '... with the compiler at the default fdw_page_cost');
	query('ALTER DATABASE postgres SET jit = off');
	$session = PlfTest->session($node);
	unlike(plan_of(195_000, $count), qr/^JIT:/m, '... without the compiler where the database has jit = off');
}

done_testing();
