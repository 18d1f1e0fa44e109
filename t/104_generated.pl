# Generated columns: virtual ones are computed from the fields that the API sends, and are never
# asked of the API; stored ones are read from the API like other columns.

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
my $unknown = 'column "cents" of foreign table "t" is no field of a payment link';

sub query { return $session->query(@_); }

PlfTest::make_server($node, 'links', base_url => $api->url);
query('CREATE TABLE copy AS SELECT * FROM links.payment_links');

# Stored

query(q{CREATE FOREIGN TABLE t (id uuid, amount numeric,
	cents numeric GENERATED ALWAYS AS (amount * 100) STORED) SERVER links});
foreach my $what ('SELECT id FROM t', 'ANALYZE t')
{
	my $result = query($what);

	is($result->{state}, 'HV005', "$what: a stored generated column that is no field is an error");
	is($result->{message}, $unknown, '... which names the column');
	like(
		$result->{hint},
		qr/^A stored generated column is read from the API\. Compute it in a view, or, from PostgreSQL 18 on, declare it VIRTUAL\.$/,
		'... whose hint says what to do');
}
query('DROP FOREIGN TABLE t');
query(q{CREATE FOREIGN TABLE t (id uuid, amount numeric, currency text GENERATED ALWAYS AS ('?') STORED,
	cents numeric OPTIONS (field 'amount.value') GENERATED ALWAYS AS (amount * 100) STORED) SERVER links});
is(
	query('SELECT count(*) FROM copy c JOIN t USING (id) WHERE (t.currency, t.cents) = (c.currency, c.amount)')->{rows},
	250,
	'stored generated columns that are fields are read');
query('DROP FOREIGN TABLE t');

if ($node->pg_version < 18)
{
	done_testing();
	exit;
}

# Virtual: the same rows as over a local table with the same columns.

my $columns = q{
	gone int GENERATED ALWAYS AS (1) VIRTUAL,
	cents bigint GENERATED ALWAYS AS ((amount * 100)::bigint) VIRTUAL,
	id uuid, status text NOT NULL,
	is_open boolean GENERATED ALWAYS AS (status = 'open') VIRTUAL NOT NULL,
	currency text GENERATED ALWAYS AS ('?' || status) VIRTUAL,
	amount numeric NOT NULL, unused text,
	same_amount numeric GENERATED ALWAYS AS (amount) VIRTUAL,
	expiration_date timestamptz,
	expires boolean GENERATED ALWAYS AS (expiration_date IS NOT NULL) VIRTUAL,
	attrs_id text GENERATED ALWAYS AS (id::text) VIRTUAL};
(my $of_api = $columns) =~ s/unused text/unused text OPTIONS (field 'unused')/;

query("CREATE FOREIGN TABLE t ($of_api) SERVER links");
query("CREATE TABLE c ($columns)");
foreach my $table ('FOREIGN TABLE t', 'TABLE c')
{
	query("ALTER $table DROP COLUMN gone");
	query("ALTER $table DROP COLUMN unused");
	query("ALTER $table ADD COLUMN later text GENERATED ALWAYS AS (upper(status)) VIRTUAL");
}
query('INSERT INTO c (id, status, amount, expiration_date) SELECT id, status, amount, expiration_date FROM copy');
query('CREATE TABLE few AS SELECT id, amount FROM copy ORDER BY id LIMIT 3; ANALYZE few');

# Each query, and how many requests it is worth, as with the expression written out.
my @queries = (
	[ 'SELECT * FROM %s', 3 ],
	[ 'SELECT t FROM %s t', 3 ],
	[ 'SELECT row_to_json(t)::text FROM %s t', 3 ],
	[ 'SELECT cents FROM %s', 3 ],
	[ 'SELECT currency, count(*) FROM %s GROUP BY currency', 3 ],
	[ 'SELECT id FROM %s WHERE is_open', 1 ],
	[ 'SELECT id FROM %s WHERE NOT is_open', undef ],
	[ 'SELECT id, later FROM %s WHERE later = \'OPEN\'', undef ],
	[ 'SELECT id FROM %s WHERE cents > 10000', 3 ],
	[ 'SELECT id FROM %s WHERE same_amount > 4000', 1 ],
	[ 'SELECT same_amount FROM %s ORDER BY same_amount LIMIT 2', 1 ],
	[ 'SELECT expires, count(*) FROM %s GROUP BY expires', 3 ],
	[ 'SELECT id FROM %s WHERE NOT expires', undef ],
	[ 'SELECT count(is_open) AS n FROM %s', undef ],
	[ 'SELECT count(*) FROM %s WHERE is_open', 1 ],
	[ 'SELECT count(*) FILTER (WHERE is_open) AS open FROM %s', 1 ],
	[ 'SELECT DISTINCT currency FROM %s', 3 ],
	[ 'SELECT t.cents, f.amount FROM %s t JOIN few f USING (id)', 3 ],
	[ 'SELECT f.id, t.is_open, t FROM few f LEFT JOIN %s t ON t.id = f.id AND t.is_open', undef ],
	[ 'SELECT (SELECT t.later FROM %s t WHERE t.id = f.id) AS l FROM few f', 3 ],
	[ 'SELECT attrs_id FROM %s WHERE id = (SELECT min(id::text)::uuid FROM few)', 1 ],
	[ 'SELECT tableoid IS NOT NULL AS is, later FROM %s', 3 ]);

foreach (@queries)
{
	my ($sql, $requests) = @$_;
	my ($foreign, $local) = map { sprintf $sql, $_ } qw(t c);

	$api->clear_log;
	my $result = query("CREATE TEMP TABLE a AS $foreign");
	is($result->{errors}, '', $foreign);
	is(scalar $api->requests, $requests, "... in $requests requests") if defined $requests;
	query("CREATE TEMP TABLE b AS $local");
	is(query('SELECT count(*) FROM ((SELECT a::text FROM a EXCEPT ALL SELECT b::text FROM b) UNION ALL (SELECT b::text FROM b EXCEPT ALL SELECT a::text FROM a)) x')->{rows},
		0, '... returns the rows of a local table');
	query('DROP TABLE a, b');
}

# Statistics

$api->clear_log;
is(query('ANALYZE t')->{errors}, '', 'ANALYZE works');
is(query("SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_stats WHERE tablename = 't'")->{rows},
	'amount expiration_date id status', '... and makes statistics of the columns that are read');
is(query('ANALYZE t (status, later)')->{errors}, '', 'ANALYZE of a virtual column works');
like(query('EXPLAIN SELECT id FROM t WHERE is_open')->{rows}, qr/status\[\]=open/,
	'then a condition on a virtual column is pushed down');

# Under a parent

query(q{CREATE TABLE parent (id uuid, status text NOT NULL, later text GENERATED ALWAYS AS (upper(status)) VIRTUAL, account text) PARTITION BY LIST (account)});
query(q{CREATE FOREIGN TABLE child (status text NOT NULL, account text OPTIONS (constant 'fr'), id uuid, later text GENERATED ALWAYS AS (upper(status)) VIRTUAL) SERVER links});
query(q{ALTER TABLE parent ATTACH PARTITION child FOR VALUES IN ('fr')});
is(query('SELECT count(*) FROM parent p JOIN c USING (id) WHERE p.later = c.later')->{rows},
	250, 'a partition may have a virtual column');

done_testing();
