# A connection that was kept for the next request may have been closed by the server
# meanwhile.  However many of them have, the request is sent on a new one, and that is no
# retry: "max_retries" counts what the API refused or failed to answer.

use strict;
use warnings;

use lib 't';

use PlfTest;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 160);
my $node = PlfTest::cluster('main');
my $session = PlfTest->session($node);

PlfTest::make_server(
	$node, 'links',
	base_url => $api->url,
	page_size => 10,
	concurrency => 16,
	max_retries => 0);

# Each connection goes on to look alive when the next request is sent on it, and is reset
# a little later than the one before.
foreach my $round (1 .. 4)
{
	$api->clear_log;
	$api->fault(
		kind => 'drip',
		nth => [$_],
		size => 1 << 20,
		interval_ms => 30 * ($_ - 1)) foreach 2 .. 16;
	my $result = $session->query('SELECT count(DISTINCT id) FROM links.payment_links');
	is("$result->{state}|$result->{rows}", '|160', "round $round: pages come on many connections");
	$api->clear_faults;

	$result = $session->query('SELECT count(*) FROM links.payment_links');
	is("$result->{state}|$result->{rows}", '|160', '... and all of them die while the next request waits');
}

$api->fault(kind => 'close', nth => [1]);
$api->clear_log;
my $result = PlfTest->session($node)->query('SELECT count(*) FROM links.payment_links');
is($result->{state}, '08006', 'a new connection that ends without an answer is an error');
is_deeply([ $api->requests ], ['GET /v2/payment_links?page=1&per_page=1'], '... after one request');

done_testing;
