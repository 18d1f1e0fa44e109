# TLS, HTTP/2 and proxies, with nginx before the sample API: how connections are shared, which
# certificates are accepted, and which hosts get the token.

use strict;
use warnings;

use lib 't';

use Digest::MD5 qw(md5_hex);
use JSON::PP;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;
use TlsFront;
use Time::HiRes qw(time);

plan skip_all => TlsFront->missing unless TlsFront->available;

my $access_token = 'sample-access-token';
my $staging_token = 'sample-staging-token';

my $api = SampleApi->new(count => 250);
my $front = TlsFront->new(upstream_port => $api->port);
my $ca_file = $front->ca_file;

# The server's environment is not asked for a proxy.  Nobody listens on port 9.
local @ENV{qw(http_proxy https_proxy HTTPS_PROXY ALL_PROXY)} =
  ('http://127.0.0.1:9') x 4;
delete local @ENV{qw(no_proxy NO_PROXY)};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'log_min_messages = debug1');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION payment_links_fdw');

# Makes a server, with these options, that is read as NAME.payment_links.
sub make_server
{
	my ($name, %options) = @_;
	my $mapping = delete $options{mapping} // '';
	my $list = join ', ',
	  map { "$_ '$options{$_}'" } sort keys %options;

	# Core would log the statement with the tokens.
	$node->safe_psql(
		'postgres', qq{
		SET log_statement = 'none';
		CREATE SERVER $name FOREIGN DATA WRAPPER payment_links_fdw
			OPTIONS ($list);
		CREATE USER MAPPING FOR CURRENT_USER SERVER $name
			OPTIONS (access_token '$access_token' $mapping);
		CREATE SCHEMA $name;
		IMPORT FOREIGN SCHEMA qonto FROM SERVER $name INTO $name;
	});
	return;
}

sub forget
{
	$api->clear_faults;
	$api->clear_log;
	$front->clear_log;
	return;
}

# A query for what decides whether all links were read, each once.
sub all_of
{
	my ($name) = @_;
	return "SELECT id, status, amount FROM $name.payment_links ORDER BY id";
}

# Rows in few words.
sub digest
{
	my ($rows) = @_;
	return split(/\n/, $rows) . ' rows, ' . md5_hex($rows);
}

# What all_of has to give, in the API's own words.
my $links = digest(
	join "\n", sort
	  map { "$_->{id}|$_->{status}|$_->{amount}{value}" }
	  @{ JSON::PP->new->decode($api->control('links')) });

# What it gives.
sub read_all { return digest($node->safe_psql('postgres', all_of($_[0]))); }

# SQLSTATE and message of a query's error, or what it gave.
sub error_of
{
	my ($sql) = @_;
	my ($code, $out, $err) =
	  $node->psql('postgres', "\\set VERBOSITY verbose\n$sql");
	return $err =~ /ERROR:  ([0-9A-Z]{5}): (.*)/ ? "$1 $2" : $out;
}

# The values of one key in the front's log, each once.
sub logged
{
	my ($key, $from) = @_;
	my %value = map { $_->{$key} => 1 } ($from // $front)->log;
	return join ' ', sort keys %value;
}

# HTTP/2

make_server('tls',
	base_url => $front->url,
	ca_file => $ca_file,
	page_size => 10);

forget();
is(read_all('tls'), $links, 'all links are read over TLS');
is(logged('protocol'), 'HTTP/2.0', '... in HTTP/2');
is(logged('authorization'), '1', '... with the access token');
is(logged('staging'), '0', '... and no other token');
is_deeply(
	[ sort $api->requests ],
	[ sort map { "GET /v2/payment_links?page=$_&per_page=10" } 1 .. 25 ],
	'... with one request for each page');

forget();
$api->config(latency_ms => 50 * $PlfTest::slowdown);
is(read_all('tls'), $links, 'all links are read from a slow API');
$api->config(latency_ms => 0);
is($api->stats->{max_in_flight}, 8, '... with eight requests in flight');
is($front->connections, 1, '... on one connection');

forget();
$node->safe_psql('postgres', join ';', (all_of('tls')) x 3);
is(scalar($api->requests), 75, 'three queries in one session read every page');
is($front->connections, 1, '... on one connection');
$node->safe_psql('postgres', all_of('tls'));
is($front->connections, 2, 'another session has a connection of its own');

forget();
$api->config(gzip => 1);
is(read_all('tls'), $links, 'all links are read compressed');
$api->config(gzip => 0);
is(logged('encoding'), 'gzip', '... with gzip');

forget();
$api->fault(kind => 'short_body', nth => 7);
is(read_all('tls'), $links, 'all links are read although a stream breaks off');
is(scalar($api->requests), 26, '... whose page is asked for again');
is($front->connections, 1, '... on the same connection');

# A cancel ends the streams and leaves the connection.
forget();
$api->fault(kind => 'latency', ms => 20000 * $PlfTest::slowdown, nth => [ 2 .. 9 ]);
my $began = time;
my ($code, $out, $err) = $node->psql(
	'postgres',
	join(';',
		"SET statement_timeout = '${PlfTest::slowdown}s'", all_of('tls'),
		'SET statement_timeout = 0', all_of('tls')),
	on_error_stop => 0);
cmp_ok(time - $began, '<', 5 * $PlfTest::slowdown, 'statement_timeout does not wait for the API');
like(
	$err,
	qr/ERROR:  canceling statement due to statement timeout/,
	'... and is raised by the server');
is(digest($out), $links,
	'... and the next query in the session gives all links');
is($front->connections, 1, '... on the same connection');

# Servers that are mean with connections

{
	my $mean = TlsFront->new(
		upstream_port => $api->port,
		settings => ['keepalive_requests 3']);
	make_server('goaway',
		base_url => $mean->url,
		ca_file => $mean->ca_file,
		page_size => 10);
	forget();
	is(read_all('goaway'),
		$links, 'all links are read although connections end after three requests');
	is(logged('protocol', $mean), 'HTTP/2.0', '... in HTTP/2');
	is(scalar($api->requests), 25, '... and no page is asked for twice');
	cmp_ok($mean->connections, '>=', 9, '... on several connections');

	my $narrow = TlsFront->new(
		upstream_port => $api->port,
		settings => ['http2_max_concurrent_streams 2']);
	make_server('narrow',
		base_url => $narrow->url,
		ca_file => $narrow->ca_file,
		page_size => 10);
	forget();
	is(read_all('narrow'),
		$links, 'all links are read with two streams for each connection');
	is(logged('protocol', $narrow), 'HTTP/2.0', '... in HTTP/2');
	is(scalar($api->requests), 25, '... and no page is asked for twice');

	my $old = SampleApi->new(
		count => 250,
		tls_cert => $front->cert_file,
		tls_key => $front->key_file);
	make_server('http1',
		base_url => $old->url,
		ca_file => $ca_file,
		page_size => 10);
	$old->config(latency_ms => 200 * $PlfTest::slowdown);
	is(read_all('http1'),
		$links, 'all links are read from a server without HTTP/2');
	is_deeply(
		[ grep { $_->{http_version} ne 'HTTP/1.1' } $old->log ],
		[], '... in HTTP/1.1');
	is($old->stats->{max_in_flight}, 8, '... with eight requests in flight');
	is($old->stats->{connections}, 8, '... on eight connections');
}

# The staging token

make_server(
	'staging',
	base_url => $front->url,
	ca_file => $ca_file,
	page_size => 10,
	mapping => ", staging_token '$staging_token'");

forget();
$api->config(staging_token => $staging_token);
is(read_all('staging'), $links, 'all links are read with a staging token');
is(logged('protocol'), 'HTTP/1.1', '... in HTTP/1.1');
is(logged('staging'), '1', '... which every request has');
is_deeply([ grep { $_->{staging_token} ne 'good' } $api->log ],
	[], '... in a header that is spelled as documented');
cmp_ok($front->connections, '<=', 8, '... on connections that are kept');
$api->config(staging_token => '');

# What is verified.  Each is tried once, and no request is made.

make_server('other_ca', base_url => $front->url,
	ca_file => $front->other_ca_file);
make_server('system_ca', base_url => $front->url);
make_server('no_ca', base_url => $front->url, ca_file => "$ca_file.missing");
make_server('wrong_name',
	base_url => $front->wrong_name_url,
	ca_file => $ca_file);
my $unverified = qr/^08001 could not \w+ .*TLS connection/;
my %problem = (
	other_ca => 'the certificate of another authority',
	system_ca => 'a certificate of an authority that the system does not know',
	wrong_name => 'the certificate of another host');

foreach my $name (sort keys %problem)
{
	forget();
	like(error_of(all_of($name)), $unverified, "$problem{$name} is refused");
	is($front->attempts, 1, '... after one try');
	is(scalar($front->log), 0, '... before any request');
	is( $node->safe_psql(
			'postgres',
			"SELECT ok, sqlstate FROM payment_links_check('$name')"),
		'f|08001',
		'... and payment_links_check says so');
}
like(error_of(all_of('no_ca')), $unverified, 'a missing ca_file is an error');

make_server('plain', base_url => $front->plain_url);
forget();
is( error_of(all_of('plain')),
	'HV000 payment links API refused the request with status 400',
	'a TLS port refuses a request in the clear');
is(scalar($front->log), 1, '... after one try');

make_server('not_tls', base_url => $front->not_tls_url, ca_file => $ca_file);
forget();
like(error_of(all_of('not_tls')),
	$unverified, 'a port without TLS is refused');
is($front->attempts, 1, '... after one try');

# Redirects are not followed, to whatever host

my $elsewhere = SampleApi->new(count => 1);
(my $other_name = $front->url) =~ s/localhost/127.0.0.1/;
foreach my $target ($other_name, $elsewhere->url, $front->url)
{
	forget();
	$api->fault(kind => 'redirect', location => "$target/v2/payment_links");
	is( error_of(all_of('tls')),
		'08P01 payment links API answered with a redirect',
		'a redirect is an error');
	is_deeply(
		[ map { "$_->{host} $_->{status}" } $front->log ],
		['localhost 302'],
		'... after one request');
}
is(scalar($elsewhere->requests), 0, 'no other host has seen a request');
$api->clear_faults;

# Proxies

my $proxy = $front->proxy('api.test');
make_server(
	'proxied',
	base_url => 'https://api.test',
	ca_file => $ca_file,
	proxy => $proxy->url,
	page_size => 10);

forget();
is(read_all('proxied'), $links, 'all links are read through a proxy');
is(logged('protocol'), 'HTTP/2.0', '... in HTTP/2');
is(logged('host'), 'api.test', '... from the host of base_url');
is(logged('authorization'), '1', '... with the access token');
is_deeply(
	[ map { "$_->{method} $_->{target}" } $proxy->log ],
	['CONNECT api.test:443'],
	'... through one tunnel');
is_deeply(
	[ grep { /authorization|token|accept/ } map { @{ $_->{headers} } }
		  $proxy->log ],
	[],
	'... and the proxy sees no header of the requests');

make_server(
	'staging_proxied',
	base_url => 'https://api.test',
	ca_file => $ca_file,
	proxy => $proxy->url,
	page_size => 10,
	mapping => ", staging_token '$staging_token'");
forget();
$proxy->clear_log;
$api->config(staging_token => $staging_token);
is(read_all('staging_proxied'),
	$links, 'all links are read through a proxy with a staging token');
$api->config(staging_token => '');
is(logged('protocol'), 'HTTP/1.1', '... in HTTP/1.1');
is(logged('staging'), '1', '... which every request has');
cmp_ok(scalar($proxy->log), '<=', 8, '... through tunnels that are kept');
is_deeply(
	[ grep { /authorization|token|accept/ } map { @{ $_->{headers} } }
		  $proxy->log ],
	[],
	'... and the proxy sees no header of the requests');

$proxy->clear_log;
foreach my $host (qw(localhost 127.0.0.1))
{
	(my $name = "direct_$host") =~ tr/./_/;
	make_server(
		$name,
		base_url => "https://$host:" . $front->port,
		ca_file => $ca_file,
		proxy => $proxy->url);
	is(read_all($name), $links, "all links are read from $host");
}
is(scalar($proxy->log), 0, '... not through the proxy');

make_server('refused',
	base_url => 'https://other.test',
	ca_file => $ca_file,
	proxy => $proxy->url);
forget();
is( error_of(all_of('refused')),
	'08001 could not reach the payment links API through the proxy',
	'a proxy that refuses is an error');
is_deeply(
	[ map { "$_->{target} $_->{status}" } $proxy->log ],
	['other.test:443 403'],
	'... after one request to the proxy');

make_server(
	'no_proxy',
	base_url => 'https://api.test',
	ca_file => $ca_file,
	proxy => 'http://127.0.0.1:9');
like(error_of(all_of('no_proxy')),
	qr/^08001 /, 'a proxy that does not listen is an error');

my $log = slurp_file($node->logfile);
unlike($log, qr/\Q$access_token\E|\Q$staging_token\E/,
	'no token is in the log of the server');

$node->stop;
done_testing();
