# Failures of the API, the network and the user mapping: each has its SQLSTATE, message, hint
# and number of requests.  After each failure the same session reads all links.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;
use Time::HiRes qw(time);

my $api = SampleApi->new(count => 25);
my $host = '127.0.0.1:' . $api->port;
my $links = PlfTest::links_of($api);
my $resolver = PlfTest::resolver();

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
PlfTest::start_with($node, $resolver);
$node->safe_psql('postgres', 'CREATE EXTENSION payment_links_fdw');

# Three pages; "once" tries once, "again" twice more, "hurry" does not wait long.
# Where a later page fails it is the last: of "once" and "twice", the one behind it
# may have been asked for already.
my @pages = (base_url => $api->url, page_size => 10);
PlfTest::make_server($node, 'once', @pages, max_retries => 0, concurrency => 1);
PlfTest::make_server($node, 'strict', @pages, on_drift => 'error', concurrency => 1);
PlfTest::make_server($node, 'twice', @pages, max_retries => 1, concurrency => 1);
PlfTest::make_server($node, 'again', @pages, max_retries => 2);
PlfTest::make_server(
	$node, 'hurry', @pages,
	max_retries => 0,
	request_timeout => '500ms');
PlfTest::make_server(
	$node, 'hurry_again', @pages,
	max_retries => 2,
	request_timeout => '500ms');
PlfTest::make_server($node, 'refused', @pages);
PlfTest::make_server(
	$node, 'impatient', @pages,
	max_retries => 2,
	max_retry_wait => '2s');

my %bench = (
	node => $node,
	api => $api,
	session => PlfTest->session($node),
	links => $links);

sub fails { return PlfTest::fails(\%bench, @_); }
sub query { return $bench{session}->query(@_); }

# A fault of the first page, of the second, of the last.
sub first { return { page => 1, @_ }; }
sub second { return { page => 2, @_ }; }
sub third { return { page => 3, @_ }; }

my $here = qr/Host: \Q$host\E, page 1\./;

# Refusals

fails(
	"status $_",
	fault => first(kind => 'status', status => $_, detail => 'so it is'),
	state => 'HV000',
	message => "payment links API refused the request with status $_",
	detail => qr/The API said: so it is \(\w+\)\. $here Trace id: \w{32}\./,
	requests => 1,
	check => 1) foreach 400, 410, 422;
fails(
	'status 403',
	fault => first(kind => 'status', status => 403),
	state => '42501',
	message => 'payment links API denied access',
	detail => $here,
	hint => qr/payment_link\.read/,
	requests => 1,
	check => 1);
fails(
	'404 of the list',
	fault => first(kind => 'status', status => 404),
	state => 'HV00R',
	message => 'payment links API does not offer the list of payment links',
	detail => $here,
	hint => qr/not be enabled for the organization/,
	requests => 1,
	check => 1);
fails(
	'an error in another shape',
	fault => first(kind => 'status', status => 422, shape => 'object', detail => 'so'),
	state => 'HV000',
	message => 'payment links API refused the request with status 422',
	detail => qr/The API said: so\. /,
	requests => 1);
fails(
	'an error page of a proxy',
	fault => first(kind => 'status', status => 400, shape => 'html', trace => JSON::PP::false),
	state => 'HV000',
	message => 'payment links API refused the request with status 400',
	detail => qr/\A$here\z/,
	requests => 1);

# A page after the first that is refused shows that the list has changed: the page
# before it is read again, and then that one.  Eight times, if it has to be.

my $changed = 'the list of payment links changed while it was read';

fails(
	'422 of a later page, once',
	fault => third(kind => 'status', status => 422, times => 1),
	requests => 5);
fails(
	'422 of a later page',
	fault => third(kind => 'status', status => 422),
	server => 'twice',
	state => '40001',
	message => $changed,
	detail =>
	  qr/The API refused the page.*status 422\. The API said: invalid.*Trace id: \w{32}\. Host: \Q$host\E, page 3\./,
	hint => qr/Run the query again.*concurrency '1'.*sort_pushdown 'false'/,
	requests => 3 + 8 * 2);
fails(
	'422 of a later page, and on_drift says error',
	fault => third(kind => 'status', status => 422),
	server => 'strict',
	state => '40001',
	message => $changed,
	requests => 3);
fails(
	'a link less on a later page, which was read before it went',
	before => { n => 3, config => { count => 24 } },
	requests => 5);
fails(
	'the same, and on_drift says error',
	before => { n => 3, config => { count => 24 } },
	server => 'strict',
	state => '40001',
	message => $changed,
	detail => qr/The list had 25 links, now it has 24\..*page 3\./,
	requests => 3);

# One goes and one comes: the total is the same, and yet a link comes twice.  The list
# is read once more.
fails(
	'a link that moved to the page before',
	before => {
		n => 2,
		links => { generate => 1, remove => [ (split /\|/, $links)[0] ] } },
	sql => 'SELECT count(*), count(DISTINCT id) FROM
		(SELECT id FROM once.payment_links OFFSET 0) l',
	rows => '25|25',
	requests => 6);
fails(
	'the same, and on_drift says error',
	server => 'strict',
	before => {
		n => 2,
		links => { generate => 1, remove => [ (split /\|/, $links)[0] ] } },
	sql => 'SELECT status FROM strict.payment_links',
	state => '40001',
	message => $changed,
	detail => qr/1 of the links came more than once/,
	requests => 3);
fails(
	'a link that comes twice is delivered once',
	before => {
		n => 2,
		links => { generate => 1, remove => [ (split /\|/, $links)[0] ] } },
	sql =>
	  'SELECT count(*), count(DISTINCT id) FROM
		(SELECT id FROM once.payment_links WHERE random() < 2 LIMIT 15) l',
	rows => '15|15',
	requests => 2);
fails(
	'a page with fewer links than it says',
	fault => third(kind => 'short_page'),
	state => '40001',
	message => $changed,
	detail => qr/The page holds 4 links of a list of 25, too few or too many\./,
	requests => 3 + 8 * 2);

# What is done about a token that was refused is the matter of t/045_refused_tokens.pl.

fails(
	'status 401',
	fault => first(kind => 'status', status => 401, detail => 'so it is'),
	state => '28000',
	message => 'payment links API refused the access token',
	detail => qr/The API said: so it is \(\w+\)\. $here/,
	hint => qr/wrong or has expired.*an hour.*user mapping for \w+ on server "refused"/,
	server => 'refused',
	requests => 1);

# Without a token nothing is sent

query('CREATE ROLE reporting');
query(
	'GRANT USAGE ON SCHEMA once TO reporting; GRANT SELECT ON once.payment_links TO reporting'
);
fails(
	'no user mapping',
	sql => 'SET ROLE reporting; ' . PlfTest::all_of('once') . '; RESET ROLE',
	state => '28000',
	message => 'role "reporting" has no user mapping on server "once"',
	hint => qr/CREATE USER MAPPING FOR reporting SERVER once.*a view owned by/,
	requests => 0);
query('CREATE USER MAPPING FOR PUBLIC SERVER once');
fails(
	'a user mapping without a token',
	sql => 'SET ROLE reporting; ' . PlfTest::all_of('once') . '; RESET ROLE',
	state => '28000',
	message => 'user mapping for PUBLIC on server "once" has no access token',
	hint => qr/ALTER USER MAPPING/,
	requests => 0);
my $user = query('SELECT current_user')->{rows};
PlfTest::make_server($node, 'sandbox', @pages, environment => 'sandbox');
fails(
	'the sandbox without a staging token',
	server => 'sandbox',
	state => '28000',
	message =>
	  qq{user mapping for $user on server "sandbox" has no staging token},
	hint => qr/ADD staging_token/,
	requests => 0);

# Throttling

fails(
	'status 429',
	fault => { kind => 'status', status => 429 },
	state => '53400',
	message => 'payment links API limits the rate of requests',
	detail => $here,
	hint => qr/ten minutes at the latest/,
	requests => 1,
	check => 1);
fails(
	'429 with Retry-After',
	fault => { kind => 'status', status => 429, retry_after => 7 },
	state => '53400',
	message => 'payment links API limits the rate of requests',
	hint => qr/Try again in 7 s\./,
	requests => 1,
	check => 1);
fails(
	'429 with a date in Retry-After',
	fault => { kind => 'status', status => 429, retry_after_date => 60 },
	state => '53400',
	message => 'payment links API limits the rate of requests',
	hint => qr/Try again in (59|60) s\./,
	requests => 1);
fails(
	'429 again and again',
	fault => { kind => 'status', status => 429 },
	server => 'again',
	state => '53400',
	message => 'payment links API limits the rate of requests',
	detail => qr/The request was sent 3 times\./,
	requests => 3);
fails(
	'429 twice',
	fault => first(kind => 'status', status => 429, times => 2),
	server => 'again',
	requests => 5);
fails(
	'429 once, with Retry-After',
	fault => first(kind => 'status', status => 429, times => 1, retry_after => 1),
	server => 'again',
	seconds => 1,
	requests => 4);
fails(
	'429 once, with a date in Retry-After',
	fault => first(kind => 'status', status => 429, times => 1, retry_after_date => 2),
	server => 'again',
	seconds => 0.9,
	requests => 4);
fails(
	'503 once, with Retry-After, of a later page',
	fault => second(kind => 'status', status => 503, times => 1, retry_after => 1),
	server => 'again',
	seconds => 1,
	requests => 4);
foreach my $status (429, 503)
{
	foreach my $form (qw(retry_after retry_after_date))
	{
		fails(
			"$status with $form beyond max_retry_wait",
			fault => { kind => 'status', status => $status, $form => 3600 },
			server => 'impatient',
			state => '53400',
			message => $status == 429
			? 'payment links API limits the rate of requests'
			: 'payment links API failed with status 503',
			detail =>
			  qr/asked to wait 3(599|600|601) s, longer than max_retry_wait \(2000 ms\)/,
			hint => qr/Try again in 3(599|600|601) s.*"max_retry_wait" of server "impatient"/,
			requests => 1);
	}
}

# Failures of the API

foreach my $status (408, 425, 500, 502, 503, 504)
{
	fails(
		"status $status",
		fault => { kind => 'status', status => $status },
		state => '08006',
		message => "payment links API failed with status $status",
		detail => $here,
		hint => qr/Try again later\./,
		requests => 1,
		check => 1);
	fails(
		"status $status twice",
		fault => first(kind => 'status', status => $status, times => 2),
		server => 'again',
		requests => 5);
}
fails(
	'500 again and again',
	fault => { kind => 'status', status => 500 },
	server => 'again',
	state => '08006',
	message => 'payment links API failed with status 500',
	detail => qr/The request was sent 3 times\./,
	requests => 3);
fails(
	'500 once for each of two pages',
	fault => [ map { { kind => 'status', page => $_, times => 1 } } 2, 3 ],
	server => 'again',
	requests => 5);

# Connections that break.  Of a connection that was kept, libcurl takes no answer
# for a sign that it had been closed meanwhile, and asks on another.

my %broken = (
	'a reset' => { kind => 'reset' },
	'a reset within the body' => { kind => 'reset', after => 100 },
	'no answer' => { kind => 'close' },
	'a short body' => { kind => 'short_body' });
foreach my $name (sort keys %broken)
{
	fails(
		$name,
		fault => $broken{$name},
		fresh => 1,
		state => '08006',
		message => 'connection to the payment links API was lost before the answer was complete',
		detail => $here,
		hint => qr/Try again later\./,
		requests => 1,
		check => 1);
	fails(
		"$name, once",
		fault => second(%{ $broken{$name} }, times => 1),
		server => 'again',
		requests => 4);
}
my %slow = (
	'silence' => { kind => 'hang' },
	'silence within the body' => { kind => 'hang', after => 100 },
	'a byte at a time' => { kind => 'drip' });
foreach my $name (sort keys %slow)
{
	fails(
		$name,
		fault => $slow{$name},
		server => 'hurry',
		state => '08006',
		message => 'payment links API did not answer in time',
		detail => $here,
		hint => qr/"request_timeout" of server "hurry"/,
		requests => 1,
		check => 1);
	fails(
		"$name, once",
		fault => second(%{ $slow{$name} }, times => 1),
		server => 'hurry_again',
		requests => 4);
}

# Connections that are not made are not tried again.

my $closed_port = PlfTest::closed_port();
my ($deaf_port, @deaf) = PlfTest::deaf_port();

PlfTest::make_server($node, 'closed',
	base_url => "http://127.0.0.1:$closed_port");
PlfTest::make_server(
	$node, 'deaf',
	base_url => "http://127.0.0.1:$deaf_port",
	connect_timeout => '300ms');
PlfTest::make_server($node, 'unknown',
	base_url => 'https://no-such-host.test');
foreach my $server (qw(closed deaf))
{
	fails(
		"a host that is $server",
		server => $server,
		state => '08001',
		message => 'could not connect to the payment links API',
		detail => qr/Host: 127\.0\.0\.1:\d+, page 1\.\z/,
		hint => qr/"proxy" and "connect_timeout" of server "$server"/,
		requests => 0,
		check => 1);
}
SKIP:
{
	skip 'no C compiler for a resolver of our own', 1
	  unless defined $resolver;
	fails(
		'a host that is not known',
		server => 'unknown',
		state => '08001',
		message => 'could not resolve the host of the payment links API',
		detail => qr/Host: no-such-host\.test, page 1\.\z/,
		hint => qr/"proxy" of server "unknown"/,
		requests => 0,
		check => 1);
}

$bench{session}->quit;
$node->stop;
done_testing();
