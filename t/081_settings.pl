# The planner's settings do not change what is asked of the API for a query over one table. The
# one exception is an order with further keys, which needs enable_incremental_sort.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 250);
my $node = PlfTest::cluster('main');
my $session = PlfTest->session($node);

sub query { return $session->query(@_); }

PlfTest::make_server($node, 'links', base_url => $api->url);
query('CREATE VIEW l AS SELECT * FROM links.payment_links');
my ($one, $two) = split /\n/, query('SELECT id FROM l LIMIT 2')->{rows};

my @queries = (
	'SELECT count(*) FROM l',
	'SELECT count(*) FROM l WHERE status <> \'paid\'',
	'SELECT count(*) FROM l WHERE amount > 100',
	'SELECT count(*) FILTER (WHERE status = \'open\'), sum(1) FROM l',
	'SELECT status, count(*) FROM l GROUP BY status',
	'SELECT status, count(*) FROM l GROUP BY status HAVING count(*) > 20 ORDER BY count(*) DESC LIMIT 2',
	'SELECT status FROM l GROUP BY status',
	'SELECT DISTINCT status FROM l',
	'SELECT count(*) FROM (SELECT DISTINCT status FROM l) s',
	'SELECT (SELECT count(*) FROM l WHERE status = \'open\'), (SELECT count(*) FROM l)',
	'SELECT min(amount), max(expiration_date) FROM l',
	'SELECT id FROM l ORDER BY amount LIMIT 5',
	'SELECT id FROM l LIMIT 5 OFFSET 110',
	'SELECT id, amount FROM l WHERE status = \'open\' ORDER BY amount DESC LIMIT 20',
	'SELECT id FROM l WHERE amount > 3000',
	'SELECT id FROM l WHERE expiration_date IS NULL LIMIT 3',
	'SELECT 1 WHERE EXISTS (SELECT FROM l WHERE status = \'open\')',
	"SELECT status FROM l WHERE id = '$one'",
	"SELECT status FROM l WHERE id = '$one' OR id = '$two'");

# All requests of all queries, and their rows, in a session with such a setting.
sub outcome
{
	my ($setting) = @_;

	query($setting);
	$api->clear_log;
	my @rows = map { query($_) } @queries;
	my $outcome = {
		requests => [ sort $api->requests ],
		rows => [ map { join "\n", $_->{errors}, sort split /\n/, $_->{rows} } @rows ]
	};
	query('RESET ALL');
	return $outcome;
}

my $usual = outcome('SELECT 1');
my %other = (
	from_collapse_limit => 1,
	parallel_setup_cost => 0,
	jit_above_cost => 0,
	cursor_tuple_fraction => 1,
	default_statistics_target => 1,
	plan_cache_mode => 'force_generic_plan',
	seq_page_cost => 1000,
	$node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query' => 'regress');
my @settings = split /\n/, query(q{SELECT name || ' = ' || CASE setting WHEN 'on' THEN 'off' ELSE 'on' END FROM pg_settings
	WHERE vartype = 'bool' AND category LIKE 'Query Tuning%' AND context = 'user' AND name <> 'enable_incremental_sort' ORDER BY name})->{rows};
cmp_ok(scalar @settings, '>', 15, 'the server has such settings');
foreach my $setting (@settings, map { "$_ = '$other{$_}'" } sort keys %other)
{
	is_deeply(outcome("SET $setting"), $usual, $setting);
}

# Later keys are sorted here, in groups of the first.
$api->clear_log;
query('SELECT id FROM l ORDER BY amount, id LIMIT 3');
is(scalar $api->requests, 1, 'an order with a further key takes one page');
query('SET enable_incremental_sort = off');
$api->clear_log;
query('SELECT id FROM l ORDER BY amount, id LIMIT 3');
is(scalar $api->requests, 3, '... and the whole list with enable_incremental_sort = off');

done_testing();
