# A hostile server: its answers are endless, very large, deeply nested, not JSON or not HTTP.  For
# every kind of query each ends with its SQLSTATE or with exact rows, soon and in little memory,
# and then the same backend reads on.  t/111_liars.pl has answers that are well-formed and untrue.

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
PlfTest::make_server($node, 'many', @servers, page_size => 5, concurrency => 32);
my $bench = PlfTest->hostile($node, $api);
my $id = (split /\|/, $bench->{links})[0];

sub survives { return $bench->survives(@_); }
sub query { return $bench->{session}->query(@_); }

# One of each kind of query, and what it gives of an honest server.
my %queries = (
	scan => PlfTest::all_of('links'),
	ordered => 'SELECT id FROM links.payment_links ORDER BY amount DESC LIMIT 120',
	'ordered by date' => 'SELECT id FROM links.payment_links ORDER BY expiration_date',
	range => 'SELECT id FROM links.payment_links WHERE amount BETWEEN 30 AND 60',
	count => q{SELECT count(*) FROM links.payment_links WHERE status <> 'paid'},
	'count by status' => 'SELECT status, count(*) FROM links.payment_links GROUP BY status',
	'count of a range' => 'SELECT count(*) FROM links.payment_links WHERE amount > 50',
	minimum => 'SELECT min(expiration_date) FROM links.payment_links',
	lookup => "SELECT status FROM links.payment_links WHERE id = '$id'",
	analyze => 'ANALYZE links.analyzed',
	check =>
	  q{SELECT ok, links, sqlstate, split_part(message, ': ', 1) FROM payment_links_check('links')});
query('CREATE FOREIGN TABLE links.analyzed (id uuid, amount numeric, attrs jsonb) SERVER links');
my %honest = map { $_ => query($queries{$_})->{rows} } keys %queries;

# Whatever is asked, the answer is broken like that.

my $not_json = 'payment links API sent something that is not valid JSON';
my $too_large = 'answer of the payment links API is too large';
my $not_http = 'answer of the payment links API is not valid HTTP';
my $head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
foreach my $case (
	[ 'a body without end', $too_large, { kind => 'endless_body' } ],
	[ 'an array without end', $too_large, { kind => 'endless_body', text => '{},' } ],
	[ 'headers without end', $too_large, { kind => 'endless_headers' } ],
	[ 'interim answers without end', $too_large, { kind => 'endless_headers', interim => JSON::PP::true } ],
	[ 'a bomb', $too_large, { kind => 'gzip_bomb' } ],
	[ 'a nested body', $not_json, { kind => 'deep_nesting', where => 'body' } ],
	[ 'a nested body of 30 MB', $too_large, { kind => 'deep_nesting', where => 'body', depth => 15_000_000 } ],
	[ 'a nested field', $not_json, { kind => 'deep_nesting' }, sort keys %queries ],
	[ 'a key twice', $not_json, { kind => 'duplicate_keys' }, sort keys %queries ],
	[ 'invalid UTF-8', $not_json, { kind => 'invalid_utf8' } ],
	[ 'a zero byte', $not_json, { kind => 'wrong_types', raw => "\"\0\"" } ],
	[ 'a zero byte after the text', $not_json, { kind => 'body', text => "{}\0" } ],
	[ 'a key with an escaped zero', $not_json, { kind => 'wrong_types', raw => '{"a\\u0000b":1}' } ],
	[ 'half a surrogate', $not_json, { kind => 'wrong_types', raw => '"\\ud800"' } ],
	[ 'a number beyond all', $not_json, { kind => 'wrong_types', raw => '1E400' } ],
	[ 'an endless number', $not_json, { kind => 'long_value', before => '', text => '9', after => '', count => 20_000_000 } ],
	[ 'a string without end', $not_json, { kind => 'long_value', after => '', count => 20_000_000 } ],
	[ 'an escaped key twice', $not_json, { kind => 'wrong_types', raw => '{"id":1,"\\u0069d":2}' } ],
	[ 'a comma too many', $not_json, { kind => 'wrong_types', raw => '[1,]' } ],
	[ 'a comment', $not_json, { kind => 'wrong_types', raw => '/* */ 1' } ],
	[ 'NaN', $not_json, { kind => 'wrong_types', raw => 'NaN' } ],
	[ 'nothing', $not_json, { kind => 'empty_body' } ],
	[ 'half of it', $not_json, { kind => 'invalid_json' } ],
	[ 'another protocol', $not_http, { kind => 'garbage' }, sort keys %queries ],
	[ 'an answer of HTTP/0.9', $not_http, { kind => 'garbage', text => '{"payment_links":[]}' } ],
	[ 'a negative length', $not_http, { kind => 'garbage', text => "${head}Content-Length: -5\r\n\r\n{}" } ],
	[ 'lengths that differ', undef, { kind => 'garbage', text => "${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" } ],
	[ 'a chunk of 2^64 bytes', undef, { kind => 'garbage', text => "${head}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{}" }, sort keys %queries ],
	[ 'a coding that nobody knows', undef, { kind => 'garbage', text => "${head}Content-Encoding: sdch\r\nContent-Length: 2\r\n\r\n{}" } ],
	[ 'codings upon codings', undef, { kind => 'garbage', text => "${head}Content-Encoding: " . join(', ', ('gzip') x 100) . "\r\nContent-Length: 2\r\n\r\n{}" } ],
	[ 'gzip that is none', undef, { kind => 'garbage', text => "${head}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}" } ])
{
	my ($name, $message, $fault, @asked) = @$case;

	foreach my $query (@asked ? @asked : qw(scan count lookup analyze check))
	{
		survives(
			"$name: $query",
			fault => $fault,
			sql => $queries{$query},
			# In what libcurl calls broken, versions differ.
			state => defined $message ? '08P01' : qr/\A08(006|P01)\z/,
			message => $message,
			check => $query eq 'check',
			most => defined $message ? 7 : 14);
	}
}

# So many links that what is said of them is not believed

foreach my $query (sort keys %queries)
{
	survives(
		"a million links on a page: $query",
		fault => { kind => 'many_links' },
		sql => $queries{$query},
		($query eq 'lookup' ? (rows => $honest{lookup})
			: (state => '08P01', message => $too_large, check => $query eq 'check')),
		most => 7);
	survives(
		"eleven million links on a page, compressed: $query",
		fault => { kind => 'many_links', text => '{}', count => 11_000_000 },
		config => { gzip => JSON::PP::true },
		sql => $queries{$query},
		($query eq 'lookup' ? (rows => $honest{lookup})
			: (state => '08P01', message => $too_large, check => $query eq 'check')),
		most => 7) if $query =~ /scan|lookup|check/;
}

# Large answers of all requests together

# How many of these pages fit beside each other depends on how fast they are read; none
# of the fifty is asked for twice.
survives(
	'later pages of 30 MB each, 32 at a time',
	fresh => 1,
	fault => { kind => 'long_value', field => 'filler', count => 30_000_000, from => 2 },
	sql => PlfTest::all_of('many'),
	state => '08P01',
	message => $too_large,
	most => 50);
survives(
	'pages of 3 MB each',
	fresh => 1,
	fault => { kind => 'long_value', field => 'filler', count => 3_000_000 },
	sql => PlfTest::all_of('tens'),
	rows => $bench->{links},
	most => 25);
survives(
	'a search over pages of 10 MB',
	fresh => 1,
	fault => { kind => 'huge_list', total => 2**40, size => 100_000 },
	sql => 'SELECT id FROM links.payment_links WHERE amount BETWEEN 100000000000 AND 100000000001',
	state => '08P01',
	message => $too_large,
	most => 40);
my $some = join ',', map { (split /\|/)[0] } (split /\n/, $bench->{links})[ 0 .. 59 ];
query('CREATE FOREIGN TABLE links.heavy (id uuid, filler text OPTIONS (field $$filler$$)) SERVER links');
survives(
	'links of 8 MB, looked up',
	fresh => 1,
	fault => { kind => 'long_value', field => 'filler', count => 8_000_000 },
	sql => "SELECT count(*), sum(length(filler)) FROM links.heavy WHERE id = ANY ('{$some}')",
	rows => '60|480000000',
	least => 60,
	most => 60);

# Answers that are remembered are forgotten where they do not fit; the rows stay right.

my $others = join ',', map { (split /\|/)[0] } (split /\n/, $bench->{links})[ 30 .. 99 ];
query(q{SET work_mem = '64kB'});
survives(
	'lookups whose answers do not fit in work_mem',
	fault => { kind => 'long_value', field => 'filler', count => 5_000 },
	sql => "SELECT count(*), count(DISTINCT id), count(DISTINCT n) FROM generate_series(1, 4) n,
		LATERAL (SELECT id, attrs FROM links.payment_links
			WHERE id = ANY (CASE WHEN n % 2 = 1 THEN '{$some}'::uuid[] ELSE '{$others}' END) OFFSET 0) l
		WHERE attrs IS NOT NULL",
	rows => '260|100|4',
	least => 200,
	most => 260);
survives(
	'statuses without number, counted',
	config => { undocumented_share => 1 },
	links => { set_status => { map { ((split /\|/)[0] => $_ . 'x' x 2000) } split /\n/, $bench->{links} } },
	sql => 'SELECT status, count(*) FROM links.payment_links GROUP BY status',
	state => '54000',
	message => 'payment links have too many different statuses to be counted in memory',
	most => 15);
query(q{SET work_mem = '100MB'});
survives(
	'a status of its own for each of 40,000 links, counted',
	links => {
		replace => [
			map { { id => sprintf('%08x-0000-4000-8000-000000000000', $_), status => "status $_", created_at => '2025-01-01T00:00:00Z' } }
			  1 .. 40000
		]
	},
	sql => 'SELECT count(*), sum(n), max(n) FROM (SELECT status, count(*) AS n FROM links.payment_links GROUP BY status) s',
	rows => '40000|40000|1',
	most => 420);
my $none = join ', ', map { "'no status $_'" } 0 .. 9;
query('SET client_min_messages = warning');
survives(
	'long statuses, and literals that no link has',
	links => {
		replace => [
			map { { id => sprintf('%08x-0000-4000-8000-000000000000', $_), status => "status $_ " . 'x' x 900, created_at => '2025-01-01T00:00:00Z' } }
			  1 .. 40000
		]
	},
	sql => "SELECT count(*) FROM links.payment_links WHERE status NOT IN ($none)",
	rows => '40000',
	most => 420);
query('RESET client_min_messages');
query('RESET work_mem');

# A trickle ends when the time of a request does.

PlfTest::make_server($node, 'hurry', base_url => $api->url, max_retries => 0, request_timeout => '700ms');
foreach my $fault (
	{ kind => 'drip' },
	{ kind => 'drip', headers => JSON::PP::false, interval_ms => 300 },
	{ kind => 'hang' },
	{ kind => 'hang', after => 30000 })
{
	survives(
		"a trickle: $fault->{kind}",
		fault => $fault,
		sql => PlfTest::all_of('hurry'),
		state => '08006',
		message => 'payment links API did not answer in time',
		most => 1);
}

$bench->{session}->quit;
$node->stop;
done_testing();
