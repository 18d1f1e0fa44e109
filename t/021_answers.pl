# Answers that are not what was asked for: not from the API, broken, of another shape or of
# another list; values that a column cannot hold; limits.  Each has its SQLSTATE, message and
# hint, and after each the same session reads all links.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 25);
my $host = '127.0.0.1:' . $api->port;
my $links = PlfTest::links_of($api);
my $node = PlfTest::cluster('main');

# Three pages; "again" has retries.  Where a later page fails it is the last: of "once",
# the one behind it may have been asked for already.
my @pages = (base_url => $api->url, page_size => 10);
PlfTest::make_server($node, 'once', @pages, max_retries => 0, concurrency => 1);
PlfTest::make_server($node, 'again', @pages, max_retries => 2);
PlfTest::make_server($node, 'whole', base_url => $api->url);

my %bench = (
	node => $node,
	api => $api,
	session => PlfTest->session($node),
	links => $links);

sub fails { return PlfTest::fails(\%bench, @_); }
sub query { return $bench{session}->query(@_); }

# A fault of the last page
sub third { return { page => 3, @_ }; }

my $here = qr/Host: \Q$host\E, page 1\./;

# Answers that are not the API's; retries are left and not used.

fails(
	"a redirect, $_",
	fault => { kind => 'redirect', status => $_, location => $api->url . '/v2/payment_links' },
	server => 'again',
	state => '08P01',
	message => 'payment links API answered with a redirect',
	detail => $here,
	hint => qr/never followed.*"base_url" of server "again"/,
	requests => 1) foreach 301, 302, 307;
fails(
	'a login page',
	fault => { kind => 'html_login' },
	server => 'again',
	state => '08P01',
	message => 'payment links API sent an HTML page instead of JSON',
	detail => qr{Its content type is "text/html; charset=utf-8"\. $here},
	hint => qr/base_url.*staging_token/,
	requests => 1);

my $broken_json = 'payment links API sent something that is not valid JSON';
my $wrong_shape =
  'payment links API sent JSON that is not of the documented shape';
my $too_large = 'answer of the payment links API is too large';
my $no_id = 'payment links API sent a link without an id';
my $no_http = 'answer of the payment links API is not valid HTTP';
my $json = qr{The answer could not be read: .*\. Its content type is "application/json.*$here};
foreach my $case (
	[ 'invalid JSON', $broken_json, $json, { kind => 'invalid_json' } ],
	[ 'an empty body', $broken_json, $json, { kind => 'empty_body' } ],
	[ 'a key twice', $broken_json, $json, { kind => 'duplicate_keys' } ],
	[ 'invalid UTF-8', $broken_json, $json, { kind => 'invalid_utf8' } ],
	[ 'a deeply nested field', $broken_json, $json, { kind => 'deep_nesting' } ],
	[
		'a deeply nested body', $broken_json, $json,
		{ kind => 'deep_nesting', where => 'body' }
	],
	[ 'an array', $wrong_shape, $json, { kind => 'body', text => '[]' } ],
	[ 'an object without links', $wrong_shape, $json, { kind => 'body', text => '{}' } ],
	[ 'no id', $no_id, $json, { kind => 'missing_field' } ],
	[
		'an id that is a number', $no_id, $json,
		{ kind => 'wrong_types', field => 'id', value => 1 }
	],
	[
		'no total', $wrong_shape, $json,
		{ kind => 'meta', remove => ['total_count'] }
	],
	[
		'a negative number of pages', $wrong_shape, $json,
		{ kind => 'meta', meta => { total_pages => -1 } }
	],
	[ 'a body without end', $too_large, $here, { kind => 'endless_body' } ],
	[ 'headers without end', $too_large, $here, { kind => 'endless_headers' } ],
	[ 'a bomb', $too_large, $here, { kind => 'gzip_bomb' } ],
	[ 'another protocol', $no_http, $here, { kind => 'garbage' } ])
{
	my ($name, $message, $detail, $fault) = @$case;

	fails(
		$name,
		fault => $fault,
		server => 'again',
		state => '08P01',
		message => $message,
		detail => $detail,
		requests => 1);
}

# An answer that is not what was asked for

my $another_page = 'payment links API sent another page than asked for';
my $contradiction =
  'payment links API contradicts itself about the length of the list';
foreach my $case (
	[
		'2^31 pages', $contradiction, qr/25 links on 2147483648 pages of 10\./,
		{ kind => 'meta', meta => { total_pages => 2**31 } }
	],
	[
		'a total that is wrong', $contradiction, qr/1000 links on 3 pages of 10\./,
		{ kind => 'total_count', value => 1000 }
	],
	[
		'pages of another size', $another_page, qr/page 1 of 10 links, got page 1 of 5\./,
		{ kind => 'per_page', value => 5 }
	],
	[
		'another page', $another_page, qr/page 1 of 10 links, got page 7 of 10\./,
		{ kind => 'current_page', value => 7 }
	])
{
	my ($name, $message, $detail, $fault) = @$case;

	fails(
		$name,
		fault => $fault,
		server => 'again',
		state => '08P01',
		message => $message,
		detail => $detail,
		requests => 1);
}
fails(
	'a total that is wrong, and as many pages',
	fault => {
		kind => 'meta',
		meta => { total_count => 30, total_pages => 3 } },
	state => '40001',
	message => 'the list of payment links changed while it was read',
	detail => qr/The page holds 5 links of a list of 30, too few or too many\./,
	requests => 3 + 8 * 2);
fails(
	'a page that is another',
	fault => third(kind => 'current_page', value => 2),
	state => '08P01',
	message => $another_page,
	detail => qr/Host: \Q$host\E, page 3\./,
	requests => 3);

my ($id, $other_id) = map { /^([^|]+)/ } split /\n/, $links;
fails(
	'a link that is another',
	fault => { kind => 'wrong_types', field => 'id', value => $other_id },
	sql => "SELECT id FROM once.payment_links WHERE id = '$id'",
	state => '08P01',
	message => 'payment links API sent another link than asked for',
	detail => qr/\AAsked for $id\. Host: \Q$host\E\.\z/,
	requests => 1);
fails(
	'an id that is written in another way',
	fault => { kind => 'wrong_types', field => 'id', value => uc "{$id}" },
	sql => "SELECT id FROM once.payment_links WHERE id = '$id'",
	rows => $id,
	requests => 1);

# What is odd and does no harm

foreach my $fault (
	{ kind => 'chunked' },
	{ kind => 'gzip' },
	{ kind => 'wrong_content_type' },
	{ kind => 'meta', remove => [qw(total_pages current_page per_page)] })
{
	fails("all links come all the same: $fault->{kind}",
		fault => $fault, requests => 3);
}
fails(
	'a slow answer',
	fault => { kind => 'drip', interval_ms => 5, size => 200 },
	requests => 3);

# Values that a column cannot hold

sub unfit
{
	my ($name, $state, $message, $column, %fault) = @_;

	fails(
		$name,
		fault => third(kind => 'wrong_types', %fault),
		sql => 'SELECT * FROM once.payment_links',
		state => $state,
		message => $message,
		context => qr/\Acolumn "$column" of payment link [-0-9a-f]{2,36}, page 3\z/,
		requests => 3);
	return;
}

unfit(
	'an amount in words', '22P02',
	'invalid input syntax for type numeric: "ten"', 'amount',
	field => 'amount.value',
	value => 'ten');
unfit(
	'a date in words', '22007',
	'invalid RFC 3339 timestamp in column "created_at"', 'created_at',
	field => 'created_at',
	value => 'yesterday');
unfit(
	'a boolean that is a number', '22P02',
	'invalid input for type boolean', 'reusable',
	field => 'reusable',
	value => 12.5);
unfit(
	'an id of another kind', '22P02',
	'invalid input syntax for type uuid: "17"', 'id',
	field => 'id',
	value => '17');
unfit(
	'a null that may not be', '23502',
	'null value in column "status" of foreign table "payment_links" violates not-null constraint',
	'status',
	field => 'status',
	value => undef);
unfit(
	'a zero byte', '22P05',
	'unsupported Unicode escape sequence', 'debitor_name',
	kind => 'nul_escape');
query(
	'CREATE FOREIGN TABLE narrow (amount numeric(4,2)) SERVER whole');
fails(
	'a number that is too large',
	fault => {
		kind => 'wrong_types',
		field => 'amount.value',
		value => '100.00'
	},
	sql => 'SELECT * FROM narrow',
	state => '22003',
	message => 'numeric field overflow',
	context => qr/column "amount" of payment link [-0-9a-f]{36}, page 1\z/,
	requests => 1);

# The order, where the plan relies on it

fails(
	'a list that is not in order',
	config => { broken_order => 'reverse' },
	sql => 'SELECT id, amount FROM whole.payment_links ORDER BY amount',
	state => 'HV000',
	message => 'payment links API did not send the links in the order of "amount:asc"',
	hint => qr/sort_pushdown 'false'/,
	requests => 1);

# Limits

PlfTest::make_server($node, 'capped', @pages, max_requests => 2);
fails(
	'more requests than allowed',
	server => 'capped',
	state => '54000',
	message =>
	  'the scan would take at least 3 requests, more than max_requests allows',
	detail => qr/"max_requests" is 2\./,
	requests => 1);
fails(
	'as many requests as allowed',
	sql => 'SELECT count(*) FROM (SELECT id FROM capped.payment_links LIMIT 20) l',
	rows => '20',
	requests => 2);
fails(
	'a negative LIMIT',
	sql => 'SELECT * FROM once.payment_links LIMIT -1',
	state => '2201W',
	message => 'LIMIT must not be negative',
	requests => 0);
fails(
	'a negative OFFSET',
	sql => 'SELECT * FROM once.payment_links OFFSET -1',
	state => '2201X',
	message => 'OFFSET must not be negative',
	requests => 0);

# An API that sends its last page for any page past the end: as good as one that refuses it.

$api->clear_faults;
$api->clear_log;
$api->fault(
	kind => 'body',
	page => 11,
	text => '{"payment_links":[],"meta":{"current_page":3,"total_pages":3,"total_count":25,"per_page":10}}');
my $past_end = query('SELECT id FROM once.payment_links ORDER BY amount OFFSET 100 LIMIT 10');
is("$past_end->{state}$past_end->{rows}", '', 'the last page in place of a page beyond the end: no row');
is_deeply([ map { /(page=.*)/ } $api->requests ],
	[ 'page=11&per_page=10', 'page=1&per_page=1' ], '... after that page was checked');

$bench{session}->quit;
$node->stop;
done_testing();
