# A 404 to a lookup means that no link has the id only if the answer has the API's own
# form, and only if the list is known to exist.  Any other 404 is an error, since an
# anti-join would return a row for each link that it takes for missing.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 25);
my $links = PlfTest::links_of($api);
my ($known, $other) = map { (split /\|/)[0] } split /\n/, $links;
my ($unknown, @more) = map { "00000000-0000-0000-0000-00000000000$_" } 1 .. 4;
my $node = PlfTest::cluster('main');
my $asked_list = 'GET /v2/payment_links?page=1&per_page=1';

PlfTest::make_server($node, 'links', base_url => $api->url, max_retries => 0);
PlfTest::make_server($node, 'again', base_url => $api->url, max_retries => 0);
PlfTest::make_server($node, 'elsewhere', base_url => $api->url . '/api', max_retries => 0);
my $session = PlfTest->session($node);

sub query { return $session->query(@_); }

query(
	"CREATE TABLE local (id uuid);
	INSERT INTO local VALUES ('$known'), ('$other'), ('$unknown');
	ANALYZE local;
	SET enable_hashjoin = off;
	SET enable_mergejoin = off");
my $lookup = "SELECT status FROM links.payment_links WHERE id = '$unknown'";
my $anti_join =
  'SELECT id FROM local WHERE NOT EXISTS (SELECT FROM links.payment_links l WHERE l.id = local.id) ORDER BY id';

sub asked { return map { "GET /v2/payment_links/$_" } @_; }

# Tests that a query returns these rows, or fails with this SQLSTATE and message, and makes
# these requests.
sub gives
{
	my ($name, $sql, $expected, @requests) = @_;
	my ($result, $said);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$api->clear_log;
	$result = query($sql);
	$said = $result->{state} ? "$result->{state} $result->{message}" : $result->{rows};
	is($said, $expected, $name);
	is_deeply([ sort $api->requests ], [ sort @requests ], '... and makes these requests');
	return $result;
}

my $not_offered = 'HV00R payment links API does not offer the list of payment links';
my $not_its_own = 'HV00R 404 answer to the lookup of a link does not have the form of the API\'s errors';

# The list exists: no row.

gives('an id that no link has', $lookup, '', asked($unknown), $asked_list);
gives('the next statement asks again', $lookup, '', asked($unknown), $asked_list);
foreach my $shape (qw(list object flat))
{
	$api->fault(kind => 'status', status => 404, shape => $shape, path => $unknown);
	gives("404 in the shape \"$shape\"", $lookup, '', asked($unknown), $asked_list);
	$api->clear_faults;
}
$api->config(count => 0);
gives('an empty list exists too', $lookup, '', asked($unknown), $asked_list);
$api->reset;
gives('an anti-join returns the id', $anti_join, $unknown, asked($known, $other, $unknown), $asked_list);

# One statement asks for the list once, in every plan.

gives('several unknown ids',
	"SELECT status FROM links.payment_links WHERE id IN ('$unknown', '$more[0]', '$more[1]', '$known')",
	query("SELECT status FROM links.payment_links WHERE id = '$known'")->{rows},
	asked($unknown, @more[ 0, 1 ], $known), $asked_list);
gives('several lookups of one statement',
	join(' UNION ALL ', map { "SELECT status FROM links.payment_links WHERE id = '$_'" } $unknown, @more),
	'', asked($unknown, @more), $asked_list);
gives('a join that looks up again for each row',
	"SELECT v.id, (SELECT status FROM links.payment_links l WHERE l.id = v.id)
	FROM (VALUES ('$unknown'::uuid), ('$more[0]'), ('$more[1]'), ('$unknown')) v(id)",
	"$unknown|\n$more[0]|\n$more[1]|\n$unknown|", asked($unknown, @more[ 0, 1 ]), $asked_list);
gives('a scan that has read the list makes the request unnecessary',
	"WITH a AS MATERIALIZED (SELECT count(debitor_name IS NULL) n FROM links.payment_links)
	SELECT n, (SELECT status FROM links.payment_links WHERE id = '$unknown') FROM a",
	'25|', 'GET /v2/payment_links?page=1&per_page=100', asked($unknown));
gives('... and so does a count',
	"WITH a AS MATERIALIZED (SELECT count(*) n FROM links.payment_links)
	SELECT n, (SELECT status FROM links.payment_links WHERE id = '$unknown') FROM a",
	'25|', $asked_list, asked($unknown));
gives('for each server the list is asked for',
	"SELECT (SELECT count(*) FROM links.payment_links),
	(SELECT status FROM again.payment_links WHERE id = '$unknown')",
	'25|', $asked_list, asked($unknown), $asked_list);
query(
	"CREATE FUNCTION status_of(uuid) RETURNS text LANGUAGE plpgsql AS
	'BEGIN RETURN (SELECT status FROM links.payment_links WHERE id = \$1); END'");
gives('each query of a function is a statement, and asks for the list',
	"SELECT status_of('$unknown'), status_of('$unknown')",
	'|', (asked($unknown), $asked_list) x 2);
query(
	"CREATE ROLE colleague;
	CREATE USER MAPPING FOR colleague SERVER links OPTIONS (access_token '$PlfTest::access_token');
	GRANT USAGE ON SCHEMA links TO colleague;
	GRANT SELECT ON links.payment_links TO colleague;
	CREATE VIEW theirs AS SELECT * FROM links.payment_links;
	ALTER VIEW theirs OWNER TO colleague");
gives('for each user mapping the list is asked for',
	"SELECT (SELECT count(*) FROM links.payment_links), (SELECT status FROM theirs WHERE id = '$unknown')",
	'25|', $asked_list, asked($unknown), $asked_list);
gives('another cursor asks for the list again',
	"BEGIN; DECLARE c CURSOR FOR $lookup; FETCH c; FETCH c; CLOSE c;
	DECLARE c CURSOR FOR $lookup; FETCH c; COMMIT",
	'', (asked($unknown), $asked_list) x 2);
query(q{ALTER FOREIGN TABLE links.payment_links OPTIONS (ADD max_requests '1')});
gives('the request for the list counts for max_requests', $lookup,
	'54000 the scan would take at least 2 requests, more than max_requests allows',
	asked($unknown));
query(q{ALTER FOREIGN TABLE links.payment_links OPTIONS (SET max_requests '2')});
gives('... and is made where max_requests allows it', $lookup, '', asked($unknown), $asked_list);
query(q{ALTER FOREIGN TABLE links.payment_links OPTIONS (DROP max_requests)});

# The list does not exist or cannot be read: the error is that of the list.

foreach my $case (
	[ 'a wrong prefix', { kind => 'status', status => 404 }, $not_offered ],
	(map { [ "404, $_, of the list", { kind => 'status', status => 404, shape => $_ }, $not_offered ] }
		qw(object flat html empty)),
	[ '403', { kind => 'status', status => 403 }, '42501 payment links API denied access' ],
	[ '401', { kind => 'status', status => 401 }, '28000 payment links API refused the access token' ],
	[ '500', { kind => 'status', status => 500 }, '08006 payment links API failed with status 500' ],
	[ '422', { kind => 'status', status => 422 }, 'HV000 payment links API refused the request with status 422' ],
	[ 'a redirect', { kind => 'redirect' }, '08P01 payment links API answered with a redirect' ],
	[ 'a login page', { kind => 'html_login' }, '08P01 payment links API sent an HTML page instead of JSON' ],
	[ 'an empty answer', { kind => 'empty_body' }, '08P01 payment links API sent something that is not valid JSON' ],
	[
		'another list',
		{ kind => 'body', text => '{"clients": [], "meta": {"total_count": 0}}' },
		'08P01 payment links API sent JSON that is not of the documented shape'
	],
	[ 'half an answer', { kind => 'short_body' }, '08006 connection to the payment links API was lost before the answer was complete' ])
{
	my ($name, $fault, $expected) = @$case;

	$api->fault(%$fault, query_contains => 'per_page=1');
	gives("the list is answered with $name", $lookup, $expected, asked($unknown), $asked_list);
	$api->clear_faults;
	query(q{ALTER SERVER links OPTIONS (SET max_retries '0')});
}
$api->fault(kind => 'status', status => 404, query_contains => 'per_page=1');
gives('an anti-join returns no row', $anti_join, $not_offered, asked($known, $other, $unknown), $asked_list);
$api->clear_faults;
my $result = query("SELECT id FROM elsewhere.payment_links WHERE id = '$known'");
is("$result->{state} $result->{rows}", 'HV00R ', 'a wrong prefix in base_url is an error');
like($result->{hint}, qr/"base_url"/, '... whose hint names base_url');

# A 404 that is not the API's: an error, without a request for the list.

foreach my $body (
	'', '{}', '[]', 'null', '"not found"', 'Not Found', '<html><h1>404</h1></html>',
	'{"error": "not_found", "error_description": "x"}',
	'{"error": "Not Found"}',
	'{"message": "no Route matched with those values"}',
	'{"code": "not_found", "message": "x"}',
	'{"code": 404, "message": "x", "trace_id": "t"}',
	'{"code": "not_found", "trace_id": "t"}',
	'{"trace_id": "t"}',
	'{"errors": [], "trace_id": "t"}',
	'{"errors": {}, "trace_id": "t"}',
	'{"errors": "x", "trace_id": "t"}',
	'{"errors": [null], "trace_id": "t"}',
	'{"errors": [{"code": "not_found"}]}',
	'{"errors": [{"detail": "x"}], "trace_id": ""}',
	'{"errors": {"message": "x"}, "trace_id": null}',
	'{"errors": [{"code": "not_found", "detail": "x"}], "trace_id": "t"',
	'{"payment_link": null}')
{
	$api->fault(kind => 'body', status => 404, text => $body, path => $unknown);
	$result = gives("404 with the body $body", $lookup, $not_its_own, asked($unknown));
	$api->clear_faults;
}
like($result->{hint}, qr/"base_url" and "proxy" of server "links"/, 'the hint names the options base_url and proxy');
like($result->{detail}, qr/Its content type is "application\/json; charset=utf-8"\. Host: 127\.0\.0\.1:\d+\./, 'the detail names the content type and the host');
$api->fault(kind => 'status', status => 404, shape => 'html', path => $unknown);
gives('an anti-join returns no row', $anti_join, $not_its_own, asked($known, $other, $unknown));
gives('... not even where the statement has read the list',
	"WITH a AS MATERIALIZED (SELECT count(*) n FROM links.payment_links)
	SELECT n, (SELECT status FROM links.payment_links WHERE id = '$unknown') FROM a",
	$not_its_own, $asked_list, asked($unknown));
$api->clear_faults;

# Another status, or another answer with status 200, never means that no link has the id.

foreach my $status (400, 405, 410, 422, 451)
{
	$api->fault(kind => 'status', status => $status, path => $unknown);
	gives("status $status", $lookup,
		"HV000 payment links API refused the request with status $status", asked($unknown));
	$api->clear_faults;
}
foreach my $body (
	'', '{}', '[]', 'null', '<html></html>', '{"payment_link": null}', '{"payment_link": []}',
	'{"payment_link": {}}', '{"payment_links": [], "meta": {"total_count": 0}}',
	'{"payment_links": [{"id": "x"}], "meta": {"total_count": 1}}',
	'{"errors": [{"code": "not_found", "detail": "x"}], "trace_id": "t"}')
{
	$api->fault(kind => 'body', status => 200, text => $body, path => $unknown);
	$api->clear_log;
	$result = query($lookup);
	is("$result->{state} $result->{rows}", '08P01 ', "200 with the body $body");
	is_deeply([ $api->requests ], [ asked($unknown) ], '... and makes one request');
	$api->clear_faults;
}
is(query(PlfTest::all_of('links'))->{rows}, $links, 'then all links are read');

$session->quit;
$node->stop;
done_testing();
