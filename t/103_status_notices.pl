# A status in a condition that no link has is probably misspelt: a NOTICE suggests another one,
# wherever in a query the condition is.  There is no NOTICE for a status that a link has, and
# the NOTICE takes no request.

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

PlfTest::make_server($node, 'links', base_url => $api->url);

sub query { return $session->query(@_); }

# What a statement says by the way: each notice's status, in order, and its hint.
sub notices
{
	my ($sql) = @_;
	my $said = query($sql)->{errors};

	return $said =~ /ERROR/ ? $said : [ $said =~ /^NOTICE:  00000: no payment link of server "links" has the status "(.*)"$/mg ];
}

is(query(q{
	CREATE TYPE whole AS ENUM ('open', 'expired', 'canceled', 'paid', 'processing');
	CREATE FOREIGN TABLE enums (id uuid, status whole NOT NULL) SERVER links;
	CREATE FOREIGN TABLE lengths (id uuid, status varchar(20) NOT NULL) SERVER links;
	CREATE FOREIGN TABLE named (id uuid, state text OPTIONS (field 'status')) SERVER links;
	CREATE TABLE accounts (account text, amount numeric, status text) PARTITION BY LIST (account);
	CREATE FOREIGN TABLE account (status text, account text OPTIONS (constant 'fr'), amount numeric) SERVER links;
	ALTER TABLE accounts ATTACH PARTITION account FOR VALUES IN ('fr');
	CREATE TABLE parent (state text);
	CREATE FOREIGN TABLE child (id uuid, state text OPTIONS (field 'status')) INHERITS (parent) SERVER links;
	CREATE VIEW shown AS SELECT status, amount FROM links.payment_links;
	CREATE TABLE kept (id uuid, kind text);
	INSERT INTO kept SELECT id FROM links.payment_links})->{state}, '', 'the tables');

# Where a misspelt status is found: S stands for it.

my @found = (
	q{SELECT count(*) FROM links.payment_links WHERE status = S},
	q{SELECT count(*) FILTER (WHERE status = S) FROM links.payment_links},
	q{SELECT count(*), count(*) FILTER (WHERE status IN ('open', S)) FROM links.payment_links},
	q{SELECT count(*) FILTER (WHERE status <> S) FROM links.payment_links WHERE status <> 'open'},
	q{SELECT status, count(*) FILTER (WHERE status = S) FROM links.payment_links GROUP BY status},
	q{SELECT CASE status WHEN 'open' THEN 1 WHEN S THEN 2 END, count(*) FROM links.payment_links GROUP BY status},
	q{SELECT status FROM links.payment_links GROUP BY status HAVING count(*) > 1 AND (status = S OR count(*) > 2)},
	q{SELECT DISTINCT status, status = S FROM links.payment_links},
	q{SELECT sum(amount) FILTER (WHERE status = S) FROM links.payment_links},
	q{SELECT sum(CASE WHEN status = S THEN 1 ELSE 0 END) FROM links.payment_links},
	q{SELECT sum(CASE WHEN status IN (S, 'open') THEN amount END) FROM links.payment_links},
	q{SELECT CASE status WHEN S THEN 1 WHEN 'open' THEN 2 END FROM links.payment_links},
	q{SELECT id, nullif(status, S) FROM links.payment_links},
	q{SELECT id, S = status FROM links.payment_links},
	q{SELECT id, status IS DISTINCT FROM S FROM links.payment_links},
	q{SELECT id, status <> ALL (ARRAY['open', S]) FROM links.payment_links},
	q{SELECT id FROM links.payment_links ORDER BY status = S, id},
	q{SELECT status = S, sum(amount) FROM links.payment_links GROUP BY 1},
	q{SELECT currency, sum(amount) FROM links.payment_links GROUP BY currency HAVING bool_or(status = S)},
	q{SELECT id, row_number() OVER (PARTITION BY status = S) FROM links.payment_links},
	q{SELECT count(*) FROM links.payment_links WHERE status = S OR reusable},
	q{SELECT count(*) FROM links.payment_links WHERE CASE status WHEN S THEN true ELSE reusable END},
	q{SELECT count(CASE WHEN status = S THEN 1 END) FROM shown},
	q{SELECT count(*) FROM (SELECT status AS s FROM links.payment_links) l WHERE s = S},
	q{SELECT k.id, l.status = S FROM kept k LEFT JOIN links.payment_links l USING (id)},
	q{SELECT k.id FROM kept k LEFT JOIN links.payment_links l ON l.id = k.id AND l.status = S},
	q{UPDATE kept k SET kind = CASE l.status WHEN S THEN 'x' END FROM links.payment_links l WHERE k.id = l.id},
	q{INSERT INTO kept SELECT id, CASE WHEN status = S THEN 'x' END FROM links.payment_links RETURNING kind},
	q{SELECT count(*) FILTER (WHERE status::text = S) FROM enums},
	q{SELECT sum(CASE WHEN status::text = S THEN 1 END) FROM enums},
	q{SELECT count(*) FILTER (WHERE status = S) FROM lengths},
	q{SELECT sum(CASE status WHEN S THEN 1 END) FROM lengths},
	q{SELECT sum(CASE state WHEN S THEN 1 END) FROM named},
	q{SELECT sum(amount) FILTER (WHERE status = S) FROM accounts},
	q{SELECT sum(CASE state WHEN S THEN 1 END) FROM parent},
	q{SELECT sum(CASE status WHEN S THEN 1 END) FROM (SELECT status FROM links.payment_links UNION ALL SELECT kind FROM kept) u});

# Where nothing that is asked anyway tells whether a link has it.
my @silent = (
	q{SELECT count(*) FILTER (WHERE status = S) FROM links.payment_links WHERE status = 'open'},
	q{SELECT sum(CASE WHEN status = S THEN 1 END) FROM links.payment_links WHERE status IN ('open', 'paid')},
	q{SELECT id, status = S FROM links.payment_links LIMIT 3},
	q{SELECT id, status = S FROM links.payment_links OFFSET 58},
	q{SELECT id, status = S FROM links.payment_links ORDER BY amount LIMIT 3},
	q{SELECT sum(CASE WHEN status = S THEN 1 END) FROM links.payment_links WHERE amount > 1000},
	q{SELECT sum(CASE WHEN status = S THEN 1 END) FROM links.payment_links WHERE expiration_date IS NULL},
	q{SELECT sum(CASE WHEN status = S THEN 1 END) FROM links.payment_links WHERE expiration_date IS NOT NULL},
	q{SELECT status = S FROM links.payment_links WHERE id = '00000000-0000-7000-8000-000000000000'},
	q{SELECT count(*) FROM links.payment_links WHERE status IN ('open', 'paid') AND status <> S});

foreach my $sql (@found, @silent)
{
	my ($there, $misspelt) = map { $sql =~ s/\bS\b/'$_'/r } 'paid', 'Paid';
	my $expected = (grep { $_ eq $sql } @silent) ? [] : ['Paid'];
	my @requests;

	is_deeply(notices("BEGIN; $there"), [], "no notice: $there");
	query('ROLLBACK');
	$api->clear_log;
	query("BEGIN; $there; ROLLBACK");
	my $requests = $api->count;
	$api->clear_log;
	is_deeply(notices("BEGIN; $misspelt; ROLLBACK"), $expected, $misspelt);

	# A condition on the status itself has always had the status check.
	cmp_ok($api->count, '<=', $requests + ($sql =~ /WHERE status|AND l.status|status = S\)|WHERE s =|IN \('open', S/ ? 2 : 0), '... and no request for it');
}

# The same over links of a status that is not documented: those have it, wherever they are.

$api->config(undocumented_share => 0.05);
is_deeply(notices("BEGIN; $_; ROLLBACK"), [], "no notice where a link has it: $_")
  foreach map { my $sql = $_; map { $sql =~ s/\bS\b/'refunded'/r } 1 } grep { !/\bkept\b|\benums\b/ } @found, @silent,
  q{SELECT id FROM links.payment_links WHERE status = S AND amount > 1000000},
  q{SELECT id FROM links.payment_links WHERE status = S AND amount < 0},
  q{SELECT count(*) FROM links.payment_links WHERE status = S AND amount < 0},
  q{SELECT count(*) FROM links.payment_links WHERE status IN ('open', S) AND expiration_date > '2100-01-01'},
  q{SELECT id FROM links.payment_links WHERE status = S AND expiration_date > '2100-01-01'},
  q{SELECT status, count(*) FROM links.payment_links WHERE status IN ('open', 'paid') AND status <> S GROUP BY status},
  q{SELECT id FROM links.payment_links WHERE status IN ('open', 'paid') AND status <> S},
  q{SELECT id FROM links.payment_links WHERE status IN ('open', S) ORDER BY amount LIMIT 1},
  q{SELECT id FROM links.payment_links WHERE status IN ('open', S) LIMIT 2 OFFSET 1};
$api->reset;

# A scan that is run again says it once.

is_deeply(notices("$_ FROM (VALUES ('open'), ('paid'), ('x')) v (s)"), ['Paid'], "once: $_")
  foreach q{SELECT (SELECT count(*) FROM links.payment_links WHERE status <> v.s AND status <> 'Paid')},
  q{SELECT (SELECT max(id::text) FROM links.payment_links WHERE status <> v.s AND status <> 'Paid')},
  q{SELECT (SELECT count(*) FILTER (WHERE status <> v.s AND status = 'Paid') FROM links.payment_links)};

# Many of them: a few notices.

is(scalar @{ notices(q{SELECT count(*) FROM links.payment_links WHERE status IN (}
	  . join(', ', map { "'status $_'" } 1 .. 5000) . ')') },
	10, 'ten notices for many');

# The hint: what differs in case, accents or one letter, or means the same; else the five.

my $five = 'The documented statuses are: open, expired, canceled, paid, processing.';
my %hints = (
	Paid => 'paid',
	PAID => 'paid',
	'ｐａｉｄ' => 'paid',
	'páid' => 'paid',
	'PÁÍD' => 'paid',
	'expiré' => 'expired',
	'expiréd' => 'expired',
	pai => 'paid',
	payd => 'paid',
	paids => 'paid',
	' paid' => 'paid',
	unpaid => undef,
	repaid => undef,
	prepaid => undef,
	opened => undef,
	reopen => undef,
	opens => 'open',
	OPN => 'open',
	unexpired => undef,
	cancelled => 'canceled',
	Cancelled => 'canceled',
	cancelled2 => undef,
	pending => 'processing',
	'Pending' => 'processing',
	processed => undef,
	refunded => undef,
	closed => undef,
	'' => undef,
	'支払済' => undef,
	'x' x 300 => undef);
foreach my $status (sort keys %hints)
{
	my $said = query("SELECT count(*) FROM links.payment_links WHERE status = '$status'");

	like($said->{errors}, qr/^NOTICE:  00000: no payment link of server "links" has the status "/m, "$status: notice");
	is($said->{errors} =~ /^HINT:  (.*)$/m ? $1 : '', defined $hints{$status} ? qq{Perhaps you meant "$hints{$status}".} : $five,
		"$status: hint");
}

$session->quit;
$node->stop;
done_testing();
