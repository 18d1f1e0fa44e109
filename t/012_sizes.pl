# Statements that meet very long values, which a user typed or an API sent, can be
# cancelled: under statement_timeout each ends in time, with its result or with 57014, and
# then the same backend reads all links.

use strict;
use warnings;

use lib 't';

use JSON::PP;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

# Seconds within which a statement has to end. Its statement_timeout is one second; the
# other five are for a loaded machine, and for loops of PostgreSQL itself that do not check
# for cancellation.
my $bound = 6 * $PlfTest::slowdown;

my $api = SampleApi->new(count => 250);
my $open = SampleApi->new(count => 20_000, config => { undocumented_share => 0.01 });
my $node = PlfTest::cluster('main');
PlfTest::make_server($node, 'links', base_url => $api->url);
PlfTest::make_server($node, 'many', base_url => $open->url);
my $session = PlfTest->session($node);
my $links = PlfTest::links_of($api);
my $id = $session->query('SELECT id FROM links.payment_links LIMIT 1')->{rows};

# The long values are made here, so that the statements below do not spend their time on it.
$session->query(
	q{CREATE TABLE long AS SELECT
		array(SELECT 'status ' || n FROM generate_series(1, 150000) n) AS words,
		array_fill('open'::text, ARRAY[1000000]) AS opens,
		array_fill(gen_random_uuid(), ARRAY[1000000]) AS one_id,
		array(SELECT gen_random_uuid() FROM generate_series(1, 300000)) AS ids,
		repeat('o', 50000000) AS word;
	SET plan_cache_mode = force_generic_plan;
	SET jit = off;
	SET client_min_messages = warning});
my $words = join ',', map { "'status $_'" } 1 .. 150_000;

sub ends
{
	my ($name, $sql, %case) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	subtest $name => sub {
		$session->query($case{before}) if $case{before};
		$session->query('SET statement_timeout = ' . ($case{timeout} // 1000));
		my $result = $session->query($sql);

		cmp_ok($result->{seconds}, '<', $bound, 'it ends in time');
		my $ends = $case{state} // '';
		like($result->{state}, $case{cancelled} ? qr/^57014$/ : qr/^(?:57014|\Q$ends\E)$/,
			'... with its result, or cancelled');
		is($result->{rows}, $case{rows} // '', '... and the result is right')
		  if $result->{state} eq '';
		is($session->query('RESET statement_timeout; ' . PlfTest::all_of('links'))->{rows},
			$links, 'then the same backend reads all links');
	};
	return;
}

# Long values that a user types.

ends('150,000 literals', "SELECT count(*) FROM links.payment_links WHERE status = ANY (ARRAY[$words])", rows => 0);
ends('150,000 literals in a FILTER',
	"SELECT count(*) FILTER (WHERE status IN ($words)) FROM links.payment_links", rows => 0);
ends('150,000 literals in NOT IN', "SELECT count(*) FROM links.payment_links WHERE status NOT IN ($words)", rows => 250);
foreach my $words (qw(words opens))
{
	my $expected = $words eq 'words' ? 0 : 93;

	ends("an array of $words",
		"SELECT (SELECT count(*) FROM links.payment_links WHERE status = ANY (words)) FROM (SELECT $words AS words FROM long) l",
		rows => $expected);
	ends("an array of $words, with a LIMIT",
		"SELECT (SELECT count(*) FROM (SELECT id FROM links.payment_links WHERE status <> ALL (words) LIMIT 400) l) FROM (SELECT $words AS words FROM long) l",
		rows => 250 - $expected);
}
ends('a million times the same id', "SELECT (SELECT count(*) FROM links.payment_links WHERE id = ANY (one_id)) FROM long", rows => 0);
ends('300,000 ids', "SELECT (SELECT count(*) FROM links.payment_links WHERE id = ANY (ids)) FROM long", rows => 0);
ends('300,000 ids, converted from text', "SELECT (SELECT count(*) FROM links.payment_links WHERE id = ANY (ids::text[]::uuid[])) FROM long", rows => 0);
ends('30,000 parameters, with a LIMIT', 'EXECUTE parameters(' . join(', ', map { "'status $_'" } 1 .. 30_000) . ')',
	before => 'PREPARE parameters AS SELECT id FROM links.payment_links WHERE status IN ('
	  . join(', ', map { "\$$_" } 1 .. 30_000) . ') LIMIT 5');
ends('ids joined by OR', 'SELECT count(*) FROM links.payment_links WHERE '
	  . join(' OR ', map { sprintf "id = '%08x-0000-0000-0000-000000000000'", $_ } 1 .. 3000), rows => 0);
ends('statuses joined by OR', 'SELECT count(*) FROM links.payment_links WHERE '
	  . join(' OR ', map { "status = 'status $_'" } 1 .. 3000), rows => 0);
ends('bounds joined by AND', 'SELECT count(*) FROM links.payment_links WHERE '
	  . join(' AND ', map { "amount > -$_" } 1 .. 3000), rows => 250);
ends('bounds in both directions', 'SELECT count(id) FROM links.payment_links WHERE '
	  . join(' AND ', map { "amount > -$_ AND amount < 1e40 + $_" } 1 .. 1500), rows => 250);
ends('bounds by an outer row', 'SELECT (SELECT count(id) FROM links.payment_links WHERE '
	  . join(' AND ', map { "amount > n - 1e6 - $_" } 1 .. 8000) . ') FROM generate_series(1, 1) n', rows => 250);
ends('counts', 'SELECT ' . join(' + ', map { "count(*) FILTER (WHERE status = 'status $_')" } 1 .. 1500)
	  . ' FROM links.payment_links', rows => 0);
ends('a literal of 50 MB', 'SELECT (SELECT count(*) FROM links.payment_links WHERE status = word) FROM long', rows => 0);
ends('a pattern of 50 MB', q{SELECT (SELECT count(*) FROM links.payment_links WHERE status LIKE word || '%') FROM long}, rows => 0);
ends('members of an Append', 'SELECT count(*) FROM (' . join(' UNION ALL ',
		('SELECT id FROM links.payment_links WHERE amount < 0') x 200) . ') l', rows => 0);
my $value = 'x' x 10_000_000;
foreach my $option (qw(base_url environment page_size connect_timeout fdw_page_cost ca_file))
{
	ends("an option $option of 10 MB", "ALTER SERVER links OPTIONS (" .
		($option eq 'base_url' ? 'SET' : 'ADD') . " $option '$value')", state => '22023');
}
ends('a name of 10 MB in a path', "CREATE FOREIGN TABLE pg_temp.t (a text OPTIONS (field '$value')) SERVER links",
	state => '22023');
ends('a path of 10 MB', "CREATE FOREIGN TABLE pg_temp.t (a text OPTIONS (field '" . 'x.' x 5_000_000 . "x')) SERVER links",
	state => '22023');
ends('an IMPORT of 10,000 tables', 'IMPORT FOREIGN SCHEMA x LIMIT TO (' .
	join(', ', map { "t$_" } 1 .. 10_000) . ') FROM SERVER links INTO public');
ends('a code of 10 MB', "SELECT payment_links_authorize('links', '$value')", state => '28000');
ends('a basket of 1,000,000 items',
	q{SELECT count(*) FROM payment_link_items((SELECT jsonb_agg('{"title": "x"}'::jsonb) FROM generate_series(1, 1000000)))},
	rows => 1_000_000);

# Lengths that a server decides.

my $one = SampleApi->new(count => 1);
my $field = JSON::PP->new->decode($one->control('links'))->[0];
PlfTest::make_server($node, 'one', base_url => $one->url);
my %long = (
	debitor_name => 'n' x 20_000_000,
	potential_payment_methods => [ ('card') x 200_000 ],
	items => [ ({ title => 'x' }) x 100_000 ],
	status => 's' x 10_000_000);
foreach my $name (sort keys %long)
{
	$one->control('links', { replace => [ { %$field, $name => $long{$name} } ] });
	ends("a link with a long $name", 'SELECT count(l) FROM (SELECT * FROM one.payment_links OFFSET 0) l', rows => 1);
	ends("... which is counted", 'SELECT count(*) FROM one.payment_links WHERE status <> left(repeat(status, 2), 5)', rows => 1);
}
# One link, of which each column takes long.
$one->control('links', { replace => [ { %$field, debitor_name => $long{debitor_name} } ] });
$session->query('CREATE FOREIGN TABLE wide (' . join(', ', map { "attrs$_ jsonb OPTIONS (field 'attrs')" } 1 .. 30) . ') SERVER one');
ends('30 columns of a long link', 'SELECT count(w) FROM (SELECT * FROM wide OFFSET 0) w', rows => 1);
$one->reset;

# 20,000 links take longer than their statement_timeout of 30 ms.
foreach my $case (
	[ 'read', 'SELECT count(reusable) FROM many.payment_links' ],
	[ 'sorted', 'SELECT id FROM many.payment_links ORDER BY url' ],
	[ 'counted by status', q{SELECT count(*) FROM many.payment_links WHERE status > 'paid'} ],
	[ 'skipped', q{SELECT id FROM many.payment_links WHERE status > 'paid' OFFSET 15000} ],
	[ 'counted in a range', q{SELECT count(*) FROM many.payment_links WHERE status > 'paid' AND amount > 1} ],
	[ 'held back', 'SELECT id FROM many.payment_links ORDER BY expiration_date DESC NULLS LAST' ],
	[ 'read again and again', 'SELECT sum((SELECT count(*) FROM many.payment_links WHERE reusable = (n > 0))) FROM generate_series(1, 100000) n' ],
	[ 'joined', 'SELECT count(*) FROM many.payment_links a JOIN many.payment_links b ON a.amount <> b.amount' ])
{
	my ($name, $sql) = @$case;

	ends("20,000 links, $name", $sql, timeout => 30, cancelled => 1);
}

done_testing();
