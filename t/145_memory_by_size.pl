# Memory by the length of the list and by the number of rescans: for every kind of node, a list
# of 20,000 links takes a backend no more than 24 bytes a link above a list of 1,000.  No other
# memory of a scan depends on the length of the list.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

plan skip_all => 'the peak of a process is told by /proc alone'
  unless -w '/proc/self/clear_refs';

# What is documented for each link that a scan has received; and what a process may have
# grown by otherwise: the set of ids grows by doubling, and the C library keeps some of
# what was freed.
my $link_bytes = 24;
my $slack_mb = 3;

# Half of the links never expire.
my %api =
  map { $_->[0] => SampleApi->new(count => $_->[1], config => { zero_share => 0.5 }) }
  ([ short => 1000 ], [ long => 20000 ], [ few => 5 ]);
my $node = PlfTest::cluster('main');
foreach my $list (sort keys %api)
{
	PlfTest::make_server($node, $list, base_url => $api{$list}->url, concurrency => 4);
	$node->safe_psql(
		'postgres', qq{
		CREATE FOREIGN TABLE $list.whole (attrs jsonb, word text OPTIONS (constant 'x')) SERVER $list;
		CREATE TABLE $list.some_ids AS SELECT id FROM $list.payment_links LIMIT 500;
		ANALYZE $list.some_ids});
}

sub new_session
{
	my $session = PlfTest->session($node);

	$session->query(
		q{SET work_mem = '256kB'; SET maintenance_work_mem = '1MB'; SET jit = off;
		SELECT count(id) FROM short.payment_links});
	return $session;
}

if (PlfTest::keeps_what_is_freed(new_session()->pid))
{
	plan skip_all => 'a sanitizer or memcheck keeps what is freed';
}

# By how many MB the second of these makes the peak of a backend larger than the first.
sub growth
{
	my @statements = @_;
	my $session = new_session();
	my @peaks;

	PlfTest::peak_memory($session->pid);
	foreach my $sql (@statements)
	{
		my $result = $session->query($sql);

		is($result->{state}, '', "no error: $result->{message}") if $result->{state} ne '';
		push @peaks, PlfTest::peak_memory($session->pid);
	}
	$session->quit;
	note(sprintf '%.1f and %.1f MB: %s', @peaks, $statements[1]);
	return $peaks[1] - $peaks[0];
}

# Reads both lists by a statement in which LIST stands for the schema, and which makes so
# many scans.
sub reads
{
	my ($name, $sql, $scans) = @_;
	my $growth = growth(map { $sql =~ s/LIST/$_/gr } qw(short long));

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	cmp_ok($growth, '<=', $slack_mb + ($scans // 1) * 19000 * $link_bytes / 2**20, $name);
	return;
}

# Every row of a query, none of which is kept by the nodes above.
sub rows_of { return "SELECT count(r) FROM ($_[0] OFFSET 0) r"; }

my $order = 'SELECT * FROM LIST.payment_links ORDER BY expiration_date';

reads('every column', rows_of('SELECT * FROM LIST.payment_links'));
reads('one column', rows_of('SELECT id FROM LIST.payment_links'));
reads('a condition that is checked here', rows_of(q{SELECT id FROM LIST.payment_links WHERE url LIKE 'http%'}));
reads('the whole link alone', rows_of('SELECT attrs FROM LIST.whole'));
reads('an order', rows_of('SELECT * FROM LIST.payment_links ORDER BY amount DESC'));
reads('an order with a second key', rows_of('SELECT * FROM LIST.payment_links ORDER BY amount, id'));
reads('a cursor WITH HOLD', 'BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT * FROM LIST.payment_links; COMMIT; CLOSE c');
reads('a cursor that scrolls', 'BEGIN; DECLARE c SCROLL CURSOR FOR SELECT * FROM LIST.payment_links; MOVE ALL IN c; MOVE BACKWARD ALL IN c; COMMIT');
reads('a range with a lower bound', rows_of('SELECT * FROM LIST.payment_links WHERE amount > 1'));
reads('a range with an upper bound', rows_of(q{SELECT * FROM LIST.payment_links WHERE expiration_date < '2099-01-01'}));
reads('a range with both', rows_of('SELECT * FROM LIST.payment_links WHERE amount BETWEEN 1 AND 1000000'));
reads('a window', 'SELECT FROM LIST.payment_links ORDER BY amount OFFSET 10 LIMIT 19000');
reads('groups that are read', 'SELECT reusable, count(*) FROM LIST.payment_links GROUP BY 1');
reads('a lookup by an array', 'SELECT count(*) FROM LIST.payment_links WHERE id = ANY (ARRAY(SELECT id FROM LIST.some_ids LIMIT 90))');
reads('a join by lookups', 'SELECT count(l) FROM LIST.some_ids JOIN LIST.payment_links l USING (id)');
reads('a hash join', 'SET enable_nestloop = off; SELECT count(l) FROM LIST.payment_links l JOIN LIST.some_ids USING (id)');
reads('a merge join', 'SET enable_nestloop = off; SET enable_hashjoin = off;
	SELECT count(l) FROM LIST.payment_links l JOIN LIST.payment_links m USING (amount) WHERE l.id = m.id', 2);
reads('rows that are read again', 'SELECT count(l) FROM generate_series(1, 3) n LEFT JOIN LIST.payment_links l ON l.amount > n');
reads('scans at the same time', 'SELECT count(l) FROM (SELECT * FROM LIST.payment_links UNION ALL SELECT * FROM LIST.payment_links) l', 2);
reads('ANALYZE', 'ANALYZE LIST.payment_links');

# By the number of pages: five, and a thousand.
foreach my $list (qw(few short))
{
	PlfTest::make_server($node, "${list}_singly", base_url => $api{$list}->url, page_size => 1, concurrency => 4);
}
my %by_page = (
	'the whole list' => rows_of('SELECT * FROM LIST_singly.payment_links'),
	'an order' => rows_of('SELECT * FROM LIST_singly.payment_links ORDER BY expiration_date NULLS LAST'),
	'a range' => rows_of('SELECT * FROM LIST_singly.payment_links WHERE amount BETWEEN 1 AND 1000000'),
	'a cursor' => 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM LIST_singly.payment_links; MOVE ALL IN c; COMMIT',
	'members of an Append' =>
	  'SELECT count(l) FROM (SELECT * FROM LIST_singly.payment_links UNION ALL SELECT * FROM LIST_singly.payment_links) l');
foreach my $name (sort keys %by_page)
{
	cmp_ok(growth(map { $by_page{$name} =~ s/LIST/$_/gr } qw(few short)), '<=', 1, "a thousand pages: $name");
}

foreach my $block (qw(first last middle both))
{
	$_->config(null_block => $block) foreach values %api;
	reads("NULLS LAST, with the links without a date: $block", rows_of("$order NULLS LAST"));
	reads("NULLS FIRST, likewise", rows_of("$order NULLS FIRST")) if $block ne 'middle';
	reads('IS NULL, likewise', rows_of('SELECT * FROM LIST.payment_links WHERE expiration_date IS NULL'));
	reads('IS NOT NULL, likewise', rows_of('SELECT * FROM LIST.payment_links WHERE expiration_date IS NOT NULL'));
}

# By the number of FILTERs, beside a condition of 20,000 literals.
my $literals = join ', ', map { "'$_'" } 1 .. 20_000;
cmp_ok(growth(map { 'SELECT ' . join(', ', map { "count(*) FILTER (WHERE status <= 'p$_')" } 1 .. $_)
			  . " FROM few.payment_links WHERE status NOT IN ($literals)" } 2, 60),
	'<=', $slack_mb, '60 FILTERs beside a long condition');

# What is compared is long, and decoded to be compared alone.
my %long_amount = (
	kind => 'wrong_types',
	link => 'all',
	field => 'amount',
	value => { value => '1.' . '123456789' x 100, currency => 'EUR' });
sub fault { my %fault = @_; $_->fault(%fault) foreach values %api; return; }
sub clear_faults { $_->clear_faults foreach values %api; return; }

# A status that nobody documented: what counts and windows rely on has to be read.
foreach my $list (sort keys %api)
{
	my ($id) = PlfTest::links_of($api{$list}) =~ /^(.*?)\|/;

	$api{$list}->links(set_status => { $id => 'refunded' });
}
reads('a count that has to read', q{SELECT status, count(*) FROM LIST.payment_links WHERE status LIKE '%e%' GROUP BY status});
reads('statuses that have to be read', q{SELECT DISTINCT status FROM LIST.payment_links WHERE status LIKE '%e%'});
reads('a count over a range that has to read', q{SELECT count(*) FROM LIST.payment_links WHERE amount > 1 AND status LIKE '%e%'});
fault(%long_amount);
reads('... of long values', q{SELECT count(*) FROM LIST.payment_links WHERE amount > 0.5 AND status LIKE '%e%'});
reads('a range of long values', rows_of('SELECT id FROM LIST.payment_links WHERE amount > 0.5'));
reads('an order by long values', rows_of('SELECT id FROM LIST.payment_links ORDER BY amount'));
clear_faults();
reads('a count of links without a date that has to read',
	q{SELECT count(*) FROM LIST.payment_links WHERE expiration_date IS NULL AND status LIKE '%e%'});
reads('a window that has to read', q{SELECT FROM LIST.payment_links WHERE status LIKE '%e%' ORDER BY amount OFFSET 19000 LIMIT 10});
$_->reset foreach values %api;

# A list that changes half-way
sub changes
{
	foreach my $list (sort keys %api)
	{
		$api{$list}->before(n => 8, links => { generate => 2 });
	}
	return;
}
changes();
reads('a list that grows', rows_of('SELECT * FROM LIST.payment_links'));
$_->reset foreach values %api;
changes();
reads('an order that is repaired', rows_of('SELECT * FROM LIST.payment_links ORDER BY amount'));
$_->reset foreach values %api;

# The words of each id cancel each other out, so that a hash which is fixed, and therefore
# known to the server, may be the same for all of them.  The set of ids would grow, and
# be searched link by link.
foreach my $list (qw(short long))
{
	my $last = $list eq 'short' ? 1000 : 20000;

	$api{$list}->links(
		replace => [
			map
			{
				{
					id => sprintf('%08x-0000-0000-0000-0000%08x', $_, $_),
					status => 'paid',
					created_at => '2025-01-01T00:00:00Z'
				}
			} 1 .. $last
		]);
}
reads('ids that were chosen to collide', rows_of('SELECT id FROM LIST.payment_links'));
$_->reset foreach values %api;

# Runs a statement in which N stands for a number of rescans, some and many.
sub rescans
{
	my ($name, $sql, @numbers) = @_;
	my $growth = growth(map { $sql =~ s/\bN\b/$_/gr } @numbers ? @numbers : (1000, 20000));

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	cmp_ok($growth, '<=', 1, $name);
	return;
}

# A query that is made once for each n.
sub each_n { return "SELECT sum((SELECT count(q) FROM ($_[0]) q)) FROM generate_series(1, N) n"; }

# Of an id of the list
my $nth_id = '(ARRAY(SELECT id FROM few.some_ids))[n % 5 + 1]';
my $links = 'FROM few.payment_links WHERE';

rescans('rows that are kept', each_n("SELECT * $links n > 0"));
rescans('kept rows of an order', each_n("SELECT * $links n > 0 ORDER BY expiration_date"));
rescans('kept rows of a range', each_n("SELECT * $links amount > n - n"));
rescans('kept rows of a status', each_n("SELECT * $links status = CASE WHEN n > 0 THEN 'open' END"));
rescans('a window that stays', each_n('SELECT * FROM few.payment_links ORDER BY amount OFFSET n - n LIMIT 3 + n - n'));
rescans('links by id', each_n("SELECT * $links id = $nth_id"));
rescans('links by an array', each_n("SELECT * $links id = ANY (ARRAY[$nth_id, $nth_id])"));
rescans('a count', "SELECT sum((SELECT count(*) $links status = CASE WHEN n > 0 THEN 'open' END)) FROM generate_series(1, N) n");
rescans('counts by status', each_n("SELECT status, count(*) $links status <> CASE WHEN n > 0 THEN 'open' END GROUP BY 1"));
rescans('a count over a range', "SELECT sum((SELECT count(*) $links amount > n - n)) FROM generate_series(1, N) n");
rescans('nothing to ask for', each_n("SELECT * $links status = CASE WHEN n < 0 THEN 'open' END"));
rescans('no row wanted', each_n('SELECT * FROM few.payment_links ORDER BY amount LIMIT n - n'));
# Scans under an Append that waits for all of them: each_n would have their parameters
# checked above the scans.
sub both_n
{
	my $both = join ' UNION ALL ', map { "SELECT id $links $_" } @_, @_;

	return "SELECT sum((SELECT count(CASE WHEN n > 0 THEN q.id END) FROM ($both) q)) FROM generate_series(1, N) n";
}
like($node->safe_psql('postgres', 'EXPLAIN ' . both_n('amount > 0.5') =~ s/\bN\b/9/r), qr/Async Foreign Scan/, 'scans at the same time');
rescans('... of all links', both_n('true'));
rescans('... of a range', both_n('amount > 0.5'));
rescans('... of statuses', both_n(q{status LIKE '%e%'}));
rescans('... of a status that no link has', both_n(q{status = 'opened'}));

# What is pushed down is evaluated at each rescan; here that fails, and no row gets so far.
rescans('a status that cannot be evaluated', each_n("SELECT * $links reusable IS NULL AND status = (1 / (n - n))::text"));
rescans('an id that cannot be evaluated', each_n("SELECT * $links reusable IS NULL AND id = ('no uuid ' || n)::uuid"));

# Each asks anew.
rescans('a range that moves', each_n("SELECT * $links amount > n"), 100, 1000);
rescans('a window that moves', each_n('SELECT * FROM few.payment_links ORDER BY amount LIMIT 1 + n % 2'), 100, 1000);
rescans('statuses that change', each_n("SELECT * $links status = (ARRAY['open', 'paid'])[n % 2 + 1]"), 100, 1000);
rescans('a count that changes',
	"SELECT sum((SELECT count(*) $links status = (ARRAY['open', 'paid'])[n % 2 + 1])) FROM generate_series(1, N) n", 100, 1000);
rescans('a count over a range that moves', "SELECT sum((SELECT count(*) $links amount > n)) FROM generate_series(1, N) n", 100, 1000);
rescans('links that are not there', each_n("SELECT * $links id = gen_random_uuid()"), 100, 1000);

done_testing();
