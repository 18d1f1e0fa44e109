# ANALYZE: which requests it makes, and which statistics the planner has afterwards.  From
# PostgreSQL 19 on the API counts the links of each status; before, the sample estimates
# their number.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

# Fifty pages, of which thirty are read.  All links of the newest page are open, so
# that a sample, which begins with it, takes a thirtieth of all links for open.
my @fifty_pages = (('paid') x 4890, ('processing') x 10, ('open') x 100);
my $frequencies = '0|3|{paid,open,processing}|{0.978,0.02,0.002}';

my $api = SampleApi->new(count => 0);
my $node = PlfTest::cluster('main');
PlfTest::make_server($node, 'links', base_url => $api->url);
my $session = PlfTest->session($node);
my $counts = $session->query('SHOW server_version_num')->{rows} >= 190000;

sub page { return "GET /v2/payment_links?page=$_[0]&per_page=100"; }

my @sample = map { page(1 + int($_ * 50 / 30)) } 0 .. 29;
my @counted = map { "GET /v2/payment_links?${_}page=1&per_page=1" }
  '', map { "status[]=$_&" } qw(open expired canceled paid processing);

# Gives the sample API a list of links with these statuses, the newest last.
sub fill
{
	$api->config(count => 0);
	$api->links(generate => [ map { { status => $_ } } @_ ]);
	return;
}

sub make_table
{
	my ($name, $columns, $options) = @_;

	$session->query("DROP FOREIGN TABLE IF EXISTS $name CASCADE");
	$session->query("CREATE FOREIGN TABLE $name ($columns) SERVER links"
		  . (defined $options ? " OPTIONS ($options)" : ''));
	return;
}

# Tests that ANALYZE of $what makes these requests.
sub analyze
{
	my ($what, @requests) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$api->clear_log;
	is($session->query("ANALYZE $what")->{errors}, '', "ANALYZE $what");
	is_deeply([ sort $api->requests ], [ sort @requests ], '... makes these requests');
	return;
}

# The pages and rows of a table in pg_class.
sub table
{
	return $session->query(
		"SELECT relpages, reltuples FROM pg_class WHERE oid = '$_[0]'::regclass")->{rows};
}

# NULLs, distinct values, the most common ones and their frequencies: a line for each
# of its columns that has statistics, in the order of their names.
sub columns
{
	return $session->query(
		"SELECT attname, null_frac, n_distinct, most_common_vals, most_common_freqs
		FROM pg_stats WHERE tablename = '$_[0]' AND NOT inherited ORDER BY attname")->{rows};
}

# How many links of a status the planner expects.
sub expected
{
	my ($table, $status) = @_;
	my $plan = $session->query("EXPLAIN SELECT * FROM $table WHERE status = '$status'")->{rows};

	return $plan =~ /rows=(\d+)/ ? $1 : undef;
}

fill(@fifty_pages);

subtest 'a whole table' => sub {
	analyze('links.payment_links', @sample, $counts ? @counted : ());
	is(table('links.payment_links'), '1|5000', 'the number of links is exact');
	like(columns('payment_links'), qr/^id\|0\|-1\|\|$/m, 'the ids are all different');
	like(columns('payment_links'), qr/^currency\|0\|4\|\{EUR,USD,GBP,CHF\}\|\{0\.8/m, 'the most frequent currency is EUR');
	like(columns('payment_links'), qr/^expiration_date\|0\.(1[5-9]|2[0-5])/m, 'a fifth of the links never expires');
};
subtest 'columns without the status' => sub {
	analyze('links.payment_links (amount, currency)', @sample);
};
subtest 'without count_pushdown, or with few requests allowed, no counts are asked for' => sub {
	make_table('t', 'id uuid, status text', q{count_pushdown 'false'});
	analyze('t', @sample);
	make_table('t', 'id uuid, status text', q{max_requests '35'});
	analyze('t', @sample);
	make_table('t', 'status text', q{max_requests '5'});
	analyze('t', @sample[ 0, 6, 12, 18, 24 ]);
};

subtest "a partition is read with its own owner's user mapping" => sub {
	make_table('t', q{account text OPTIONS (constant 'fr'), id uuid, status text});
	$session->query(qq{SET log_statement = 'none';
		CREATE ROLE part_owner;
		CREATE ROLE whole_owner;
		CREATE USER MAPPING FOR part_owner SERVER links OPTIONS (access_token '$PlfTest::access_token');
		CREATE TABLE whole (account text, id uuid, status text) PARTITION BY LIST (account);
		ALTER TABLE whole ATTACH PARTITION t FOR VALUES IN ('fr');
		ALTER TABLE whole OWNER TO whole_owner;
		ALTER FOREIGN TABLE t OWNER TO part_owner;
		CREATE TABLE ancestor (account text, id uuid, status text);
		CREATE FOREIGN TABLE heir () INHERITS (ancestor) SERVER links;
		ALTER TABLE ancestor OWNER TO whole_owner;
		ALTER FOREIGN TABLE heir ALTER account OPTIONS (constant 'de');
		ALTER FOREIGN TABLE heir OWNER TO part_owner});
	is($session->query('ANALYZE whole, ancestor')->{errors}, '', 'ANALYZE of the parents, which another role owns');
	is($session->query(q{SELECT tablename, n_distinct FROM pg_stats
			WHERE tablename IN ('whole', 'ancestor') AND attname = 'account' ORDER BY 1})->{rows},
		"ancestor|1\nwhole|1", '... gives the parents statistics');
	$session->query('DROP TABLE whole, ancestor CASCADE; DROP OWNED BY part_owner, whole_owner; DROP ROLE part_owner, whole_owner');
};
subtest 'the memory of a sample' => sub {
	plan skip_all => 'the peak of a process can be read only from /proc' unless -w '/proc/self/clear_refs';
	plan skip_all => 'a sanitizer or memcheck keeps freed memory' if PlfTest::keeps_what_is_freed($session->pid);
	make_table('t', 'id uuid, debitor_name text, attrs jsonb, status text', q{concurrency '1'});
	$session->query(q{SET maintenance_work_mem = '16MB'});
	$api->fault(kind => 'long_value', count => 2_000_000, page => $_) foreach map { 1 + int($_ * 50 / 30) } 0 .. 29;
	PlfTest::peak_memory($session->pid);
	my $before = PlfTest::peak_memory($session->pid);
	my $said = $session->query('ANALYZE VERBOSE t')->{errors};
	my $growth = PlfTest::peak_memory($session->pid) - $before;

	like($said, qr/"t": the API has 5000 payment links; 2970 of them in sample/, 'links that are too large are left out of the sample');
	cmp_ok($growth, '<', 50, 'the sample takes no more than maintenance_work_mem allows');
	note(sprintf 'it grew by %.1f MB', $growth);
	like(columns('t'), qr/^id\|0\|-1\|\|$/m, 'the statistics are those of the sample');
	$api->clear_faults;
	$session->query('RESET maintenance_work_mem');
};

if (!$counts)
{
	$session->quit;
	done_testing();
	exit;
}

subtest 'statistics of the status are exact' => sub {
	like(columns('payment_links'), qr/^status\|\Q$frequencies\E$/m, 'frequencies');
	is(expected('links.payment_links', 'open'), 100, 'the planner knows how many links have the status of the newest');
	is(expected('links.payment_links', 'processing'), 10, '... how many have a rare status');
	is(expected('links.payment_links', 'canceled'), 1, '... and expects one link of a status that no link has');
};
subtest 'ANALYZE of the status alone' => sub {
	make_table('t', 'id uuid, status text');
	analyze('t (status)', @counted);
	is(table('t'), '1|5000', 'sets the number of links');
	is(columns('t'), "status|$frequencies", '... and the frequencies of the statuses, and no other statistics');
	is($session->query(q{SELECT pg_stat_get_live_tuples('t'::regclass)})->{rows}, 5000, '... and reports the rows to the cumulative statistics');
	fill(('paid') x 200, ('expired') x 50);
	analyze('t (status)', @counted);
	is(table('t'), '1|250', 'the number of links of a shorter list');
	is(columns('t'), 'status|0|2|{paid,expired}|{0.8,0.2}', '... and its frequencies');
	fill();
	analyze('t (status)', @counted);
	is(table('t'), '1|0', 'the number of links of an empty list');
	is(columns('t'), '', '... which has no frequencies');
	fill(@fifty_pages);
};
subtest 'the column of the status may have other types' => sub {
	$session->query(q{CREATE TYPE state AS ENUM ('paid', 'open', 'expired', 'canceled', 'processing');
		CREATE TYPE few AS ENUM ('open', 'paid');
		CREATE DOMAIN word AS text CHECK (VALUE <> '')});
	make_table('t', q{state state OPTIONS (field 'status')});
	analyze('t', @counted);
	is(columns('t'), "state|$frequencies", 'an enum, in a column of another name');
	make_table('t', 'status word NOT NULL');
	analyze('t', @counted);
	is(columns('t'), "status|$frequencies", 'a domain');
	make_table('t', 'status few');
	like($session->query('ANALYZE t')->{errors}, qr/\AERROR:  HV004: column "status" of foreign table "t" cannot have type few$/m,
		'an enum without a label for each documented status is refused');
};
subtest 'where counts are not enough a sample is read' => sub {
	make_table('t', 'currency text, status text');
	$session->query('CREATE STATISTICS both_columns ON currency, status FROM t');
	analyze('t', @sample);
	is($session->query('SELECT statistics_name FROM pg_stats_ext')->{rows}, 'both_columns', 'for extended statistics');
	make_table('t', 'currency text, status text');
	$session->query('ALTER FOREIGN TABLE t ALTER status SET STATISTICS 0');
	analyze('t', @sample);
	like(columns('t'), qr/\Acurrency\|[^\n]*\z/, 'for other columns, where the status has no statistics target');
	make_table('t', 'status text');
	fill(('paid') x 100, ('refunded') x 300);
	analyze('t', @counted, map { page($_) } 1 .. 4);
	is(columns('t'), 'status|0|2|{refunded,paid}|{0.75,0.25}', 'for undocumented statuses');
	fill(@fifty_pages);
	make_table('t', 'currency text, status text');
	$session->query('CREATE TABLE child () INHERITS (t)');
	analyze('t', @sample, @sample);
	is($session->query(q{SELECT inherited FROM pg_stats WHERE tablename = 't' AND attname = 'status' ORDER BY 1})->{rows},
		"f\nt", 'for a table with children, once alone and once with them');
};
subtest 'partitions' => sub {
	make_table('t', q{account text OPTIONS (constant 'fr'), status text});
	$session->query(q{CREATE TABLE accounts (account text, status text) PARTITION BY LIST (account);
		ALTER TABLE accounts ATTACH PARTITION t FOR VALUES IN ('fr')});
	analyze('accounts', @sample, @sample, @counted);
	is(columns('t'), "account|0|1|{fr}|{1}\nstatus|$frequencies", 'statistics of the status of a partition are exact');
	is($session->query(q{SELECT reltuples FROM pg_class WHERE relname = 'accounts'})->{rows}, 5000, 'the parent has the number of links');
};
subtest "ANALYZE uses the user mapping of the table's owner" => sub {
	make_table('t', 'id uuid, status text');
	$session->query(qq{SET log_statement = 'none';
		CREATE ROLE owner;
		CREATE ROLE helper;
		CREATE USER MAPPING FOR owner SERVER links OPTIONS (access_token '$PlfTest::access_token');
		ALTER FOREIGN TABLE t OWNER TO owner;
		GRANT MAINTAIN ON t TO helper;
		DROP USER MAPPING FOR CURRENT_USER SERVER links;
		SET ROLE helper});
	analyze('t', @sample, @counted);
	analyze('t (status)', @counted);
	$session->query('RESET ROLE');
	is(columns('t'), "id|0|-1||\nstatus|$frequencies", 'when a role without a mapping runs it');
};
subtest 'a failure leaves the statistics as they are' => sub {
	my $before = columns('t') . table('t');

	fill(('open') x 5000);
	$api->fault(kind => 'status', status => 403, query_contains => 'status[]=paid');
	is($session->query('ANALYZE t')->{state}, '42501', '403 for a count');
	is($session->query('ANALYZE t (status)')->{state}, '42501', '403 for a count without a sample');
	$api->clear_faults;
	$api->fault(kind => 'status', status => 403, query_contains => 'page=4&per_page=100');
	is($session->query('ANALYZE t')->{state}, '42501', '403 for a page');
	$api->clear_faults;
	is(columns('t') . table('t'), $before, 'the statistics are those from before');
};
subtest 'VERBOSE' => sub {
	my $said = $session->query('ANALYZE VERBOSE t')->{errors};

	is_deeply([ $said =~ /^INFO:  00000: (analyzing .*|"t": .*)$/mg ],
		[
			'analyzing "public.t"',
			'"t": the API has 5000 payment links; 3000 of them in sample',
			'"t": the API has 5000 payment links, counted by status'
		],
		'tells the number of links, and how they were counted');
};

$session->quit;
done_testing();
