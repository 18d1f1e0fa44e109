# A server whose answers are well-formed and untrue: values that no column can hold, a list of
# 2^53 links, repeated pages, a list that changes all the time, links that were not asked for.
# Each ends with its SQLSTATE or with exact rows, after few requests and in little memory, and
# then the same backend reads on.

use strict;
use warnings;

use lib 't';

use JSON::PP;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 250);
my $node = PlfTest::cluster('main');
my @servers = (base_url => $api->url, max_retries => 1);

PlfTest::make_server($node, 'links', @servers);
PlfTest::make_server($node, 'tens', @servers, page_size => 10);
PlfTest::make_server($node, 'capped', @servers, max_requests => 100);
my $bench = PlfTest->hostile($node, $api);
my @links = split /\n/, $bench->{links};
my ($id, $another) = map { (split /\|/)[0] } @links;
my $true = JSON::PP::true;

sub survives { return $bench->survives(@_); }
sub query { return $bench->{session}->query(@_); }

my %queries = (
	scan => PlfTest::all_of('links'),
	ordered => 'SELECT id FROM links.payment_links ORDER BY amount DESC LIMIT 120',
	'ordered by date' => 'SELECT id FROM links.payment_links ORDER BY expiration_date',
	range => 'SELECT id FROM links.payment_links WHERE amount BETWEEN 30 AND 60',
	count => 'SELECT count(*) FROM links.payment_links',
	'count by status' => 'SELECT status, count(*) FROM links.payment_links GROUP BY status ORDER BY 1',
	'count of a range' => 'SELECT count(*) FROM links.payment_links WHERE amount > 50',
	minimum => 'SELECT min(expiration_date) FROM links.payment_links',
	lookup => "SELECT status FROM links.payment_links WHERE id = '$id'",
	check => q{SELECT ok, links, sqlstate FROM payment_links_check('links')});
my %honest = map { $_ => query($queries{$_})->{rows} } keys %queries;

# Keys in another spelling are the same keys.

survives(
	"escaped keys: $_",
	fault => { kind => 'escaped_keys' },
	sql => $queries{$_},
	rows => $honest{$_},
	most => 12) foreach sort keys %queries;

# Fields that fit nowhere: an error that repeats little of them, or the value.

query(
	q{CREATE TYPE mood AS ENUM ('open', 'expired', 'canceled', 'paid', 'processing');
	CREATE FOREIGN TABLE links.odd (id text, status mood, amount numeric, created_at timestamptz, reusable boolean,
		debitor_name varchar(100), potential_payment_methods text[], items jsonb) SERVER links});
foreach my $case (
	[ 'id', 'payment_links', '22P02', 'invalid input for type uuid', { kind => 'long_value', field => 'id', count => 20_000_000 } ],
	[ 'id', 'payment_links', '22P02', 'invalid input syntax for type uuid: "17"', { field => 'id', value => '17' } ],
	[ 'status', 'odd', '22P02', 'invalid input for type mood', { kind => 'long_value', field => 'status', count => 20_000_000 } ],
	[ 'reusable', 'odd', '22P02', 'invalid input for type boolean', { kind => 'long_value', field => 'reusable', count => 20_000_000 } ],
	[ 'debitor_name', 'odd', '22001', 'value too long for type character varying(100)', { kind => 'long_value', count => 20_000_000 } ],
	[ 'amount', 'odd', '22003', 'value overflows numeric format', { kind => 'long_value', field => 'amount.value', text => '9', count => 20_000_000 } ],
	[ 'amount', 'odd', '22003', 'value overflows numeric format', { field => 'amount.value', value => '1e131072' } ],
	[ 'amount', 'odd', '22003', 'value overflows numeric format', { field => 'amount.value', value => '1e-999999999999999999999' } ],
	[ 'amount', 'odd', '22P02', 'invalid input for type numeric', { kind => 'long_value', field => 'amount.value', count => 20_000_000 } ],
	[ 'amount', 'odd', '22P02', 'invalid input syntax for type numeric: "NaN"', { field => 'amount.value', value => 'NaN' } ],
	[ 'amount', 'odd', '22P02', 'invalid input syntax for type numeric: "0x1F"', { field => 'amount.value', value => '0x1F' } ],
	[ 'amount', 'odd', '22P02', 'invalid input for type numeric', { field => 'amount.value', value => [1] } ],
	[ 'created_at', 'odd', '22007', 'invalid RFC 3339 timestamp in column "created_at"', { kind => 'long_value', field => 'created_at', count => 20_000_000 } ],
	[ 'created_at', 'odd', '22007', 'invalid RFC 3339 timestamp in column "created_at"', { field => 'created_at', value => 'infinity' } ],
	[ 'created_at', 'odd', '22008', 'date/time field value out of range: "9999-99-99T00:00:00Z"', { field => 'created_at', value => '9999-99-99T00:00:00Z' } ])
{
	my ($column, $table, $state, $message, $fault) = @$case;

	survives(
		"$message, $column",
		fresh => $fault->{count} ? 1 : 0,
		fault => { kind => 'wrong_types', %$fault },
		sql => "SELECT $column FROM links.$table",
		state => $state,
		message => $message,
		most => 3);
	survives(
		"$message, $column not read",
		fault => { kind => 'wrong_types', %$fault },
		sql => 'SELECT count(currency) FROM links.payment_links',
		rows => '250',
		most => 3);
}
foreach my $case (
	[ "min(length(id)) || ' ' || count(id)", '11 250', { kind => 'wrong_types', field => 'id', value => 'no uuid' } ],
	[ 'max(length(amount::text))', '131072', { kind => 'wrong_types', field => 'amount.value', value => '1e131071', link => 'all' } ],
	[ 'max(length(amount::text))', '131072', { kind => 'long_value', field => 'amount.value', text => '7', count => 131072 } ],
	[ 'max(cardinality(potential_payment_methods))', '200001', { kind => 'long_value', field => 'potential_payment_methods', before => '["a"', text => ',"b"', count => 200_000, after => ']' } ],
	[ 'max(jsonb_array_length(items))', '100001', { kind => 'long_value', field => 'items', before => '[0', text => ',1e-300', count => 100_000, after => ']', link => 3 } ],
	[ 'max(length(items::text))', '4000', { kind => 'long_value', field => 'items', before => '', text => '[', count => 2000, after => ']' x 2000 } ],
	[ 'max(length(items::text))', '12000002', { kind => 'long_value', field => 'items', before => '"', text => '\\u0001\\"', count => 1_500_000, after => '"' } ])
{
	my ($value, $row, $fault) = @$case;

	$fault->{times} = 1;
	survives(
		"$value is $row",
		fresh => 1,
		fault => $fault,
		sql => "SELECT $value FROM links.odd",
		rows => $row,
		most => 3) if $value !~ /id/;
}
survives(
	'ids that are no uuids, where the column is text',
	links => {
		replace => [ map { { id => "no uuid $_", amount => { value => "$_", currency => 'EUR' } } } 1 .. 250 ] },
	sql => 'SELECT count(*), count(DISTINCT id), sum(amount) FROM links.odd',
	rows => '250|250|31375',
	most => 3);
survives(
	'one id for all',
	fault => { kind => 'wrong_types', field => 'id', value => 'x', link => 'all' },
	sql => 'SELECT id FROM links.odd',
	state => '40001',
	most => 12);
survives(
	'words of an error in many lines and colours',
	fault => { kind => 'status', status => 400, detail => "gone\r\nERROR:  XX000: \e[2J\x{9b}31m" . 'x' x 60000, code => "\a" },
	sql => $queries{scan},
	state => 'HV000',
	message => 'payment links API refused the request with status 400',
	most => 1);

# What an answer says of itself

my $shape = 'payment links API sent JSON that is not of the documented shape';
my $contradiction = 'payment links API contradicts itself about the length of the list';
my $another_page = 'payment links API sent another page than asked for';
foreach my $case (
	(map { [ $shape, { total_count => $_ } ] } -1, -2**31, (1 << 53) + 2, 1.5, 'many', [1], {}, $true, undef),
	(map { [ $shape, { total_pages => $_ } ] } -1, 1.5, '3', (1 << 60)),
	(map { [ $contradiction, { total_pages => $_ } ] } 0, 1, 2**31, (1 << 53)),
	(map { [ $contradiction, { total_count => $_ } ] } 1, 10**6, (1 << 53)),
	(map { [ $another_page, { per_page => $_ } ] } 0, 1, 99, 101, 2**31),
	(map { [ $another_page, { current_page => $_ } ] } 0, 2, 2**31))
{
	my ($message, $meta) = @$case;
	my $text = JSON::PP->new->canonical->allow_nonref->encode($meta);

	survives(
		"$text: $_",
		fault => { kind => 'meta', meta => $meta },
		sql => $queries{$_},
		state => '08P01',
		message => $message,
		most => 6) foreach qw(scan range), 'count of a range', 'ordered by date';
}
survives(
	'a number that a double cannot hold exactly',
	fault => { kind => 'wrong_types', field => 'x', raw => '0}],"meta":{"total_count":9223372036854775807,"total_pages":92233720368547759},"y":[{"z":0' },
	sql => $queries{count},
	state => '08P01',
	most => 1);

# A list that is said to be longer or shorter than it is

foreach my $meta (
	{ total_count => 10**12, total_pages => 10**10 },
	{ total_count => 1000, total_pages => 10 },
	{ total_count => 251, total_pages => 3 },
	{ total_count => 249, total_pages => 3 },
	{ total_count => 99, total_pages => 1 },
	{ total_count => 0, total_pages => 0 })
{
	survives(
		"it says $meta->{total_count}: $_",
		fault => { kind => 'meta', meta => $meta },
		sql => $queries{$_},
		state => '40001',
		most => 40) foreach 'scan', 'ordered by date';
}

# payment_links_check() says "ok" only if a list with such a meta can be read.

foreach my $case (
	[ { current_page => 2 }, 'payment links API sent another page than asked for: Asked for page 1 of 1 links, got page 2 of 1.' ],
	[ { per_page => 10 }, 'payment links API sent another page than asked for: Asked for page 1 of 1 links, got page 1 of 10.' ],
	[ { total_pages => 3 }, 'payment links API contradicts itself about the length of the list: It reports 250 links on 3 pages of 1.' ])
{
	my ($meta, $message) = @$case;

	survives(
		'a check of a list with the ' . join(' ', %$meta),
		fault => { kind => 'meta', meta => $meta },
		sql => q{SELECT ok, links, sqlstate, message LIKE '} . $message . q{%' FROM payment_links_check('links')},
		rows => 'f||08P01|t',
		most => 1);
}

my $most = '9007199254740992';
my $longest = { kind => 'meta', meta => { total_count => (1 << 53), total_pages => undef } };
foreach my $case (
	[ 'SELECT count(*) FROM links.payment_links', $most ],
	[ q{SELECT count(*) FROM links.payment_links WHERE status <> 'paid'}, '0' ],
	[ q{SELECT count(*) FILTER (WHERE status IN ('open', 'paid')), count(*) FILTER (WHERE status = 'open'), count(*) FILTER (WHERE status = 'paid') FROM links.payment_links}, "18014398509481984|$most|$most" ],
	[ 'SELECT sum(1000) FROM links.payment_links', '9007199254740992000' ],
	[ q{SELECT ok, links FROM payment_links_check('links')}, "t|$most" ])
{
	survives(
		"it says 2^53: $case->[0]",
		fault => $longest,
		sql => $case->[0],
		rows => $case->[1],
		most => 3);
}
survives(
	'it says 2^53: a sum that no bigint holds',
	fault => $longest,
	sql => 'SELECT sum(2147483647) FROM links.payment_links',
	state => '22003',
	message => 'bigint out of range',
	most => 1);
survives(
	'one status is said to have more links than there are',
	fault => { kind => 'meta', query_contains => 'status[]=paid', meta => { total_count => 1000, total_pages => 1000 } },
	sql => $queries{'count by status'},
	rows => $honest{'count by status'},
	most => 15);

survives(
	'a page in the middle is refused, and the list is said to be empty beside a link',
	fault => [
		{ kind => 'status', status => 404, shape => 'html', page => 15 },
		{ kind => 'meta', query_contains => 'per_page=1', page => 1, meta => { total_count => 0, total_pages => 0 } } ],
	sql => 'SELECT id FROM links.payment_links ORDER BY amount LIMIT 7 OFFSET 98',
	state => '40001',
	most => 40);

# A list without end

my $endless = { kind => 'huge_list', total => (1 << 53) };
my $place = sub { sprintf '00000000-%04x-4000-8000-%012x', $_[0] >> 48, $_[0] & (1 << 48) - 1 };
survives(
	'a list without end',
	fault => $endless,
	sql => PlfTest::all_of('capped'),
	state => '54000',
	message => 'the scan would take at least 90071992547410 requests, more than max_requests allows',
	most => 1);
survives(
	'... for a second',
	fault => $endless,
	sql => q{SET statement_timeout = '1s'; } . $queries{scan},
	state => '57014',
	most => 100000);
query('RESET statement_timeout');
foreach my $case (
	[ 'LIMIT 250', 4, 0 .. 249 ],
	[ 'OFFSET 9007199254740982', 2, (1 << 53) - 10 .. (1 << 53) - 1 ],
	[ 'OFFSET 9007199254740993 LIMIT 5', 2 ],
	[ 'ORDER BY amount DESC LIMIT 2', 1, (1 << 53) - 1, (1 << 53) - 2 ],
	[ 'ORDER BY expiration_date NULLS FIRST LIMIT 2', 3, 0, 1 ],
	[ 'WHERE amount BETWEEN 4503599627370496 AND 4503599627370498 ORDER BY amount', 60, (1 << 52) .. (1 << 52) + 2 ],
	[ 'WHERE expiration_date IS NULL', 60 ])
{
	my ($clauses, $requests, @places) = @$case;

	survives(
		"a list without end: $clauses",
		fault => $endless,
		sql => "SELECT id FROM links.payment_links $clauses",
		rows => join("\n", map { $place->($_) } @places),
		most => $requests);
}
survives(
	'a list without end: a count of a range',
	fault => $endless,
	sql => 'SELECT count(*) FROM links.payment_links WHERE amount >= 1000',
	rows => '9007199254739992',
	most => 60);
survives(
	'a list without end: ANALYZE, and plans with what it found',
	fault => $endless,
	sql => 'CREATE FOREIGN TABLE links.analyzed (id uuid, status text, amount numeric) SERVER links; ANALYZE links.analyzed;
		SELECT reltuples::bigint FROM pg_class WHERE relname = $$analyzed$$;
		SELECT count(*) FROM links.analyzed JOIN generate_series(1, 3) g ON amount = g AND amount < 4;
		SELECT amount FROM links.analyzed WHERE amount >= 2 AND status = $$open$$ ORDER BY amount LIMIT 1',
	rows => "$most\n3\n2",
	most => 200);

# Pages that come again and again

survives(
	"every page is the first one: $_",
	fault => { kind => 'huge_list', total => 250, same => $true },
	sql => $queries{$_},
	state => '40001',
	most => 40) foreach qw(scan ordered), 'ordered by date';

survives(
	"every page is the first one, without end: $_",
	fault => { %$endless, same => $true },
	sql => $queries{$_} =~ s/LIMIT 120/LIMIT 250/r,
	state => '40001',
	most => 40) foreach qw(scan ordered), 'ordered by date', 'count by status', 'count of a range';

# A list that moves so far that nothing of it is found again: the first fault is for the
# first page, the second from a page on that comes after some have been delivered.

my $first = { %$endless, page => 1 };
my $far = 'SELECT id FROM links.payment_links WHERE amount >= 4503599627370496 ORDER BY amount LIMIT 1000';
my $offset = 'SELECT id FROM links.payment_links OFFSET 9007199254000000 LIMIT 1000';
foreach my $case (
	[ 'refused', $far, 50, { kind => 'status', status => 422 } ],
	[ 'refused', $offset, 2, { kind => 'status', status => 422 } ],
	[ 'shorter by one, and another', $far, 50, { %$endless, total => (1 << 53) - 1, same => $true } ],
	[ 'shorter by one, and another', $offset, 2, { %$endless, total => (1 << 53) - 1, same => $true } ])
{
	my ($name, $sql, $from, $fault) = @$case;

	survives(
		"$name, from the request $from on",
		fault => [ $first, { %$fault, from => $from }, $endless ],
		sql => $sql,
		state => '40001',
		most => 300);
}

# A list that never holds still.  Before each of eight repairs, and before it is given up,
# a window of pages is on its way, and one more; what comes before its place is looked at,
# twice.  How many of them were sent depends on how fast the answers come.

my $most_requests = 9 * (8 + 1 + 2);

foreach my $case (
	[ 'it grows and shrinks', { kind => 'meta', every => 2, meta => { total_count => 251, total_pages => undef } } ],
	[ 'a page lacks a link', { kind => 'short_page', page => [ 2 .. 25 ] } ],
	[ 'all pages lack a link', { kind => 'short_page' } ],
	[ 'pages are empty', { kind => 'short_page', drop => 100, page => [ 2 .. 25 ] } ],
	(map { [ "pages are refused with $_", { kind => 'status', status => $_, page => [ 2 .. 25 ] } ] } 400, 404, 410, 422, 451),
	[ 'more links than a page has', { kind => 'many_links', count => 1000, page => [ 2 .. 25 ] } ])
{
	my ($name, $fault) = @$case;

	foreach my $query ('scan', 'ordered', 'ordered by date')
	{
		survives(
			"$name: $query",
			fault => $fault,
			sql => $queries{$query} =~ s/links\./tens./r,
			state => '40001',
			most => $most_requests);
	}
}

# Links that were not asked for

my ($link) = grep { $_->{id} eq $another } @{ JSON::PP->new->decode($api->control('links')) };
survives(
	'another link',
	fault => { kind => 'body', text => JSON::PP->new->encode($link) },
	sql => $queries{lookup},
	state => '08P01',
	message => 'payment links API sent another link than asked for',
	most => 1);
foreach my $form (uc $another, "{$another}", $another =~ tr/-//dr)
{
	survives(
		"the link, its id spelled $form",
		fault => { kind => 'body', text => JSON::PP->new->encode({ %$link, id => $form }) },
		sql => "SELECT id, amount FROM links.payment_links WHERE id = '$another'",
		rows => "$another|$link->{amount}{value}",
		most => 1);
}
foreach my $text ('[]', '{}', '{"payment_link":null}', '{"payment_link":[]}', '{"payment_links":[]}', '{"id":7}', '{"id":null}', '"x"')
{
	survives(
		"no link: $text",
		fault => { kind => 'body', text => $text },
		sql => $queries{lookup},
		state => '08P01',
		most => 1);
}

$bench->{session}->quit;
$node->stop;
done_testing();
