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
	return { map { $_ => $result->{$_} } qw(state message detail hint) };
}

PlfTest::make_server($node, 'links', base_url => $api->url);

# An enum that lacks the label of a documented status is refused, whatever is asked of
# the table, however the column and the domain over the enum are called.

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
		refusal('state', 'named', $type, $lacking{$type}), "$type: another column of the status");
	is($api->count, 0, "$type: no request");
	is(outcome("SELECT count(*) FROM (SELECT id FROM other OFFSET 0) l"), 60, "$type: what is not the status may lack labels");
	query('DROP FOREIGN TABLE lacking, named, other');
}

# Labels come and go: what was planned before is refused when it is run, and taken again.

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

$session->quit;
$node->stop;
done_testing();
