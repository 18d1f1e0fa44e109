# A single-user server (postgres --single), which is used for repairs, reads the API like any
# other server.  It has no postmaster, and therefore no worker that could renew a token.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 25);
my $node = PlfTest::cluster('main');

PlfTest::make_server($node, 'links', base_url => $api->url, page_size => 10);
PlfTest::make_server(
	$node, 'renewed',
	base_url => $api->url,
	token_url => $api->{oauth_url} . '/oauth2/token',
	mapping => q{client_id 'c', client_secret 's', redirect_uri 'https://localhost/', refresh_token 'r'});
$node->stop;

# What the statements, a line each, print: values of rows, and errors.
sub single_user
{
	my (@statements) = @_;
	my $input = join '', map { "$_\n" } @statements;
	my ($output, $errors) = ('', '');

	IPC::Run::run(
		[ 'postgres', '--single', '-D', $node->data_dir, 'postgres' ],
		'<', \$input, '>', \$output, '2>', \$errors);
	return join "\n", $output =~ /^\t \d+: \w* = "([^"]*)"/mg, $errors =~ /ERROR:  (.*)/g;
}

$api->clear_log;
is(single_user('SELECT count(DISTINCT id), count(status) FROM links.payment_links'),
	"25\n25", 'all links are read');
is_deeply(
	[ sort $api->requests ],
	[ map { "GET /v2/payment_links?page=$_&per_page=10" } 1 .. 3 ],
	'... with one request for each page');

$api->fault(kind => 'status', status => 503, nth => [1]);
is(single_user('SELECT count(*) FROM links.payment_links'), '25', 'a request that fails is sent again');

is( single_user(
		'SELECT count(*) FROM renewed.payment_links',
		'SELECT count(*) FROM links.payment_links'),
	"25\nthe access token cannot be refreshed in single-user mode", 'an expired token is an error that says why');

$node->start;
is($node->safe_psql('postgres', 'SELECT count(*) FROM links.payment_links'),
	'25', 'the cluster starts again');

done_testing;
