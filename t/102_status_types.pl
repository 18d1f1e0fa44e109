# The type of the status column: an enum has to have every documented status, and what
# a count answers is what reading the links answers, errors included.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 60);
my $node = PlfTest::cluster('main');
my $session = PlfTest->session($node);
my @documented = qw(open expired canceled paid processing);

sub query { return $session->query(@_); }

# The error of a statement that fails with one, else its rows.
sub outcome
{
	my ($sql) = @_;
	my $result = query($sql);

	return $result->{rows} if $result->{state} eq '';
	# From 17 on ANALYZE has a search_path of its own.
	$result->{message} =~ s/ type public\./ type /;
	return { map { $_ => $result->{$_} } qw(state message detail hint) };
}

PlfTest::make_server($node, 'links', base_url => $api->url);

# An enum without the label of a documented status is refused in every query, under every
# name of the column, and behind domains.

sub refusal
{
	my ($column, $table, $type, $missing) = @_;

	return {
		state => 'HV004',
		message => qq{column "$column" of foreign table "$table" cannot have type $type},
		detail => "Its enum lacks labels of documented statuses: $missing.",
		hint => 'Add them with ALTER TYPE ... ADD VALUE, or declare the column as text.'
	};
}

query(<<'END');
CREATE TYPE two AS ENUM ('open', 'paid');
CREATE TYPE four AS ENUM ('open', 'expired', 'canceled', 'paid', 'refunded');
CREATE TYPE nothing AS ENUM ();
CREATE TYPE shouted AS ENUM ('OPEN', 'expired', 'canceled', 'paid', 'processing');
CREATE TYPE british AS ENUM ('open', 'expired', 'cancelled', 'paid', 'processing');
CREATE DOMAIN over_two AS two;
CREATE DOMAIN over_domain AS over_two NOT NULL;
END
my %lacking = (
	two => 'expired, canceled, processing',
	over_two => 'expired, canceled, processing',
	over_domain => 'expired, canceled, processing',
	four => 'processing',
	nothing => 'open, expired, canceled, paid, processing',
	shouted => 'open',
	british => 'canceled');
foreach my $type (sort keys %lacking)
{
	query(qq{
		CREATE FOREIGN TABLE lacking (id uuid, status $type, amount numeric) SERVER links;
		CREATE FOREIGN TABLE named (id uuid, status text, state $type OPTIONS (field 'status')) SERVER links;
		CREATE FOREIGN TABLE other (id uuid, status $type OPTIONS (field 'not.the.status'), currency $type) SERVER links;
	});
	$api->clear_log;
	foreach my $sql (
		"SELECT * FROM lacking", "SELECT id FROM lacking", "SELECT count(*) FROM lacking",
		"SELECT count(*) FROM lacking WHERE status::text <> 'paid'", "SELECT DISTINCT status FROM lacking",
		"SELECT id FROM lacking WHERE status::text <> 'paid' LIMIT 1", "SELECT max(amount) FROM lacking",
		"SELECT id FROM lacking WHERE id = '01995126-3edf-752b-8170-d3686d7603f8'",
		"EXPLAIN SELECT status FROM lacking", "ANALYZE lacking")
	{
		is_deeply(outcome($sql), refusal('status', 'lacking', $type, $lacking{$type}), "$type: $sql");
	}
	is_deeply(outcome("SELECT id FROM named WHERE status = 'open'"),
		refusal('state', 'named', $type, $lacking{$type}), "$type: a column of another name that reads the field status is refused too");
	is($api->count, 0, "$type: none of these made a request");
	is(outcome("SELECT count(*) FROM (SELECT id FROM other OFFSET 0) l"), 60, "$type: a column that reads another field may have the enum");
	query('DROP FOREIGN TABLE lacking, named, other');
}

# After a label is renamed, plans that were made before are refused; after it has its name
# back, they run.

query(q{
	CREATE TYPE whole AS ENUM ('processing', 'refunded', 'paid', 'open', 'expired', 'canceled');
	CREATE FOREIGN TABLE planned (id uuid, status whole NOT NULL, amount numeric) SERVER links;
	SET plan_cache_mode = force_generic_plan;
	PREPARE rows AS SELECT count(id) FROM (SELECT id FROM planned WHERE status <> 'paid' OFFSET 0) l;
	PREPARE counted AS SELECT count(*) FROM planned WHERE status <> 'paid';
	PREPARE grouped AS SELECT count(*) FROM (SELECT status FROM planned GROUP BY status OFFSET 0) l;
	PREPARE best AS SELECT count(*) FROM (SELECT id FROM planned WHERE status < 'open' ORDER BY amount LIMIT 3) l;
});
my %prepared = (
	rows => query("SELECT count(*) FROM (SELECT FROM links.payment_links WHERE status <> 'paid' OFFSET 0) l")->{rows},
	counted => query("SELECT count(*) FROM links.payment_links WHERE status <> 'paid'")->{rows},
	grouped => query('SELECT count(DISTINCT status) FROM links.payment_links')->{rows},
	best => 3);
foreach my $round (1, 2)
{
	is(outcome("EXECUTE $_"), $prepared{$_}, "prepared $_, round $round") foreach sort keys %prepared;
	query("ALTER TYPE whole RENAME VALUE 'expired' TO 'lapsed'");
	is_deeply(outcome("EXECUTE $_"), refusal('status', 'planned', 'whole', 'expired'), "$_ after a label is renamed")
	  foreach sort keys %prepared;
	query("ALTER TYPE whole RENAME VALUE 'lapsed' TO 'expired'");
}
query('RESET plan_cache_mode');

# A count by the API returns what counting the links here returns, for every type of the
# column: the same rows, or the same error.

query(<<'END');
CREATE DOMAIN plain AS text;
CREATE DOMAIN word AS text CHECK (VALUE <> '');
CREATE DOMAIN settled AS text CHECK (VALUE NOT IN ('processing', 'expired'));
CREATE DOMAIN nested AS settled CHECK (length(VALUE) < 100);
CREATE DOMAIN needed AS text NOT NULL;
CREATE DOMAIN short AS varchar(4);
CREATE DOMAIN some_whole AS whole CHECK (VALUE <> 'canceled');
CREATE DOMAIN small AS numeric CHECK (VALUE < 30);
CREATE DOMAIN expiring AS timestamptz NOT NULL;
END
my @types = (
	'text', 'character varying', 'character varying(10)', 'character varying(9)', 'character varying(4)',
	'whole', 'plain', 'word', 'settled', 'nested', 'needed', 'short', 'some_whole');
my %lists = (
	'no link' => [],
	'links that are open or paid' => [qw(open paid open paid)],
	'every documented status' => [ @documented, @documented ],
	'a status that is not documented' => [ @documented, 'refunded', @documented ],
	'a status that is long' => [ 'open', 'partially_refunded', 'paid', 'open' ],
	'links without a status' => [ @documented, undef, undef ]);
my @conditions = (
	q{status::text = 'open'},
	q{status::text = 'expired'},
	q{status::text <> 'paid'},
	q{status::text IN ('open', 'paid')},
	q{status::text NOT IN ('open', 'paid')},
	q{status::text LIKE 'p%'},
	q{status::text IS DISTINCT FROM 'canceled'},
	q{status IS NOT NULL},
	q{status IS NULL},
	q{status::text = 'refunded'});
my @queries = (
	'SELECT count(*) FROM T',
	'SELECT status, count(*) FROM T GROUP BY status',
	'SELECT DISTINCT status FROM T',
	'SELECT status FROM T GROUP BY status HAVING count(*) > 1',
	q{SELECT DISTINCT status FROM T WHERE status::text <> 'paid'},
	q{SELECT status, count(*) FROM T WHERE status::text IN ('open', 'expired') GROUP BY status},
	q{SELECT sum(2), count(*) FROM T HAVING count(*) > 0},
	'SELECT count(*) FROM T WHERE amount > 5',
	'SELECT count(*) FROM T WHERE expiration_date IS NULL',
	(map { ("SELECT count(*) FROM T WHERE $_", "SELECT count(*) FROM T WHERE $_ AND amount > 2") } @conditions));

# Gives the sample API a list of links with these statuses.
sub fill
{
	my $n = 0;

	$api->links(
		replace => [],
		raw => [
			map {
				sprintf '{"id": "00000000-0000-7000-8000-%012x", %s"created_at": "2026-01-01T00:00:00Z", '
				  . '"amount": {"value": "%d.50", "currency": "EUR"}, "expiration_date": "%s"}', ++$n,
				  defined $_ ? qq{"status": "$_", } : '', $n * 3, $n % 3 ? '2026-05-01T00:00:00Z' : '0001-01-01T00:00:00Z'
			} @_
		]);
	return;
}

# Runs a query over table t twice, counted by the API and counted here; returns both results.
sub counted_and_read
{
	my ($sql) = @_;
	my @said;

	foreach my $option ('true', 'false')
	{
		query("ALTER FOREIGN TABLE t OPTIONS (SET count_pushdown '$option')");
		my $result = query($sql =~ s/\bT\b/t/r);
		push @said, "$result->{state} $result->{message} " . join "\n", sort split /\n/, $result->{rows};
	}
	return @said;
}

sub make_table
{
	my ($columns) = @_;

	query("DROP FOREIGN TABLE IF EXISTS t; CREATE FOREIGN TABLE t ($columns) SERVER links OPTIONS (count_pushdown 'true', page_size '2')");
	return;
}

query("SET client_min_messages = warning;\n\\pset null none");
foreach my $list (sort keys %lists)
{
	fill(@{ $lists{$list} });
	foreach my $type (@types)
	{
		my @differences;

		make_table("id uuid, status $type, amount numeric, expiration_date timestamptz");
		foreach my $sql (@queries)
		{
			my ($counted, $read) = counted_and_read($sql);

			push @differences, "$sql\n\t$counted\n\tinstead of $read" if $counted ne $read;
		}
		is(join("\n", @differences), '', "counted as read: $list, status $type");
	}
}

# A condition in FILTER counts the links that the same condition in WHERE counts.

foreach my $list (sort keys %lists)
{
	fill(@{ $lists{$list} });
	foreach my $type (@types)
	{
		my @differences;

		make_table("id uuid, status $type");
		foreach my $condition (@conditions)
		{
			my $filtered = outcome("SELECT count(*) FILTER (WHERE $condition) FROM t");
			my $where = outcome("SELECT count(*) FROM t WHERE $condition");

			s/^\$VAR1 = // foreach my @texts = (ref $filtered ? $filtered->{message} : $filtered, ref $where ? $where->{message} : $where);
			push @differences, "$condition: $texts[0] instead of $texts[1]" if $texts[0] ne $texts[1];
		}
		is(join("\n", @differences), '', "FILTER counts as WHERE does: $list, status $type");
	}
}

# Sort keys whose domain refuses links of the range, and whose precision refuses them.

fill(@documented, @documented);
foreach my $columns (
	'id uuid, status text, amount small, expiration_date timestamptz',
	'id uuid, status text, amount numeric(3,1), expiration_date timestamptz',
	'id uuid, status text, amount numeric(2,1), expiration_date timestamptz',
	'id uuid, status text, amount numeric(4,0), expiration_date timestamptz(0)',
	'id uuid, status text, amount numeric, expiration_date expiring')
{
	my @differences;

	make_table($columns);
	foreach my $sql (
		(map { "SELECT count(*) FROM T WHERE $_" } 'amount > 5', 'amount < 20', 'amount > 25', 'amount BETWEEN 3 AND 29',
			'amount < 40', 'amount = 4', 'expiration_date IS NULL', 'expiration_date IS NOT NULL', q{expiration_date > '2026-01-01'},
			q{status = 'open' AND expiration_date IS NULL}, q{status <> 'open' AND amount < 20}))
	{
		my ($counted, $read) = counted_and_read($sql);

		push @differences, "$sql\n\t$counted\n\tinstead of $read" if $counted ne $read;
	}
	is(join("\n", @differences), '', "counted as read: $columns");
}

# A status that the column's type refuses is not stored, and the error says where it comes from.

foreach my $type ('character varying(4)', 'settled', 'nested', 'short')
{
	make_table("id uuid, status $type NOT NULL");
	foreach my $sql ('SELECT status FROM t GROUP BY status', 'SELECT DISTINCT status FROM t LIMIT 1')
	{
		my $result = query("CREATE TABLE made AS $sql");

		like($result->{state}, qr/^(22001|23514)$/, "$type: $sql is not stored");
		like($result->{context}, qr/^column "status" of payment links whose status is "expired"$/m, '... and the error names the status');
	}
}
make_table("id uuid, account varchar(4) OPTIONS (constant 'Berlin')");
is(query('SELECT account FROM t')->{state}, '22001', 'a constant that the type of its column refuses is an error');
is(query('SELECT account FROM t')->{context}, 'option "constant" of column "account"', '... which names the option and the column');

# Until the commit, a label that the transaction has added is refused, by counts as by reads.

query("CREATE TYPE growing AS ENUM ('open', 'canceled', 'paid', 'processing')");
make_table('id uuid, status growing NOT NULL');
query("BEGIN; ALTER TYPE growing ADD VALUE 'expired'");
is(outcome("SELECT count(*) FROM t WHERE status IN ('open', 'paid')"), 4, 'the other labels can be counted');
foreach my $option ('true', 'false')
{
	query("ALTER FOREIGN TABLE t OPTIONS (SET count_pushdown '$option'); SAVEPOINT here");
	foreach my $sql (q{SELECT count(*) FROM t WHERE status::text = 'expired'}, q{SELECT count(*) FROM t WHERE status <> 'paid'},
		'SELECT status FROM t GROUP BY status')
	{
		my $result = query($sql);

		is($result->{state}, '55P04', "with count_pushdown $option the new label is refused before the commit: $sql");
		query('ROLLBACK TO here');
	}
}
query('COMMIT');
is(outcome(q{SELECT count(*) FROM t WHERE status::text = 'expired'}), 2, 'after the commit the new label is counted');

# Only a type that may refuse a status needs more requests than text.

foreach my $case (
	[ 'text', q{status = 'open'}, 1 ],
	[ 'text', q{status <> 'paid'}, 2 ],
	[ 'text', q{status LIKE 'p%'}, 3 ],
	[ 'varchar', q{status <> 'paid'}, 2 ],
	[ 'plain', q{status <> 'paid'}, 2 ],
	[ 'whole', q{status = 'open'}, 1 ],
	[ 'whole', q{status IN ('open', 'paid')}, 1 ],
	[ 'whole', q{status <> 'paid'}, 3 ],
	[ 'varchar(4)', q{status IN ('open', 'paid')}, 1 ],
	[ 'word', q{status = 'open'}, 1 ],
	[ 'word', q{status IN ('open', 'paid')}, 2 ],
	[ 'word', q{status <> 'paid'}, 6 ])
{
	my ($type, $condition, $requests) = @$case;

	make_table("id uuid, status $type NOT NULL");
	$api->clear_log;
	is(query("SELECT count(*) >= 0 FROM t WHERE $condition")->{rows}, 't', "$type: counted where $condition");
	is($api->count, $requests, "... in $requests requests");
}
make_table('id uuid, status word');
$api->clear_log;
query('SELECT count(*) FROM t');
is($api->count, 1, 'a count without a condition on the status takes one request');

$session->quit;
$node->stop;
done_testing();
