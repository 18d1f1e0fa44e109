# A token is sent only to the host that the server's options name, whatever redirects, proxies,
# kept connections and open cursors there are, and whichever role changes an option.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;
use TlsFront;

my $access_token = 'Qx7-recognisable-access-token-0123456789';
my $staging_token = 'Zk9-recognisable-staging-token-9876543210';
my $secret = qr/Qx7-reco|Zk9-reco/i;
my $tokens = "access_token '$access_token', staging_token '$staging_token'";

my $api = SampleApi->new(
	count => 25,
	token => $access_token,
	staging_token => $staging_token);
my $elsewhere = SampleApi->new(
	count => 40,
	seed => 2,
	token => $access_token,
	staging_token => $staging_token);
my $links = PlfTest::links_of($api);
my $other_links = PlfTest::links_of($elsewhere);
my $node = PlfTest::cluster('main');

PlfTest::make_server(
	$node, 'links',
	base_url => $api->url,
	page_size => 10,
	concurrency => 1,
	mapping => $tokens);
my $session = PlfTest->session($node);
my $admin = PlfTest->session($node);

sub query { return $session->query(@_); }

# How many requests the two hosts had since the last call, each with both tokens.
sub requests
{
	my @counts;

	foreach my $host ($api, $elsewhere)
	{
		my @log = $host->log;
		my @bare = grep { "$_->{token} $_->{staging_token}" ne 'good good' } @log;

		push @counts, @log . (@bare ? ' (' . @bare . ' without tokens)' : '');
		$host->clear_log;
	}
	return "@counts";
}

# Redirects

foreach my $status (301, 302, 303, 307, 308)
{
	foreach my $location ($elsewhere->url . '/v2/payment_links',
		'//127.0.0.1:' . $elsewhere->port . '/v2/payment_links')
	{
		$api->fault(
			kind => 'redirect',
			status => $status,
			location => $location);
		is(query(PlfTest::all_of('links'))->{state},
			'08P01', "$status to $location is an error");
		is(requests(), '1 0', '... and no request is made to that address');
		$api->clear_faults;
	}
}
is(query(PlfTest::all_of('links'))->{rows}, $links, 'then all links are read');
is(requests(), '3 0', '... from the API\'s own host');

# A server that a superuser alters: the next scan goes there, one that has begun
# ends where it began.

query('BEGIN; DECLARE c CURSOR FOR SELECT id FROM links.payment_links');
is(scalar(split /\n/, query('FETCH 10 FROM c')->{rows}),
	10, 'a cursor returns the links of a page');
is(requests(), '1 0', '... from the old host');
my $new_url = $elsewhere->url;
$admin->query("ALTER SERVER links OPTIONS (SET base_url '$new_url')");
is(scalar(split /\n/, query('FETCH ALL FROM c')->{rows}),
	15, 'a cursor that was open when base_url changed returns the other links');
is(requests(), '2 0', '... from the old host');
query('COMMIT');
is(query(PlfTest::all_of('links'))->{rows},
	$other_links, 'the next scan reads the new host, with the same user mapping');
is(requests(), '0 4', '... and it alone');
is(query(q{SELECT links FROM payment_links_check('links')})->{rows},
	40, 'payment_links_check() asks the new host');
is(requests(), '0 1', '... and it alone');
$admin->query("ALTER SERVER links OPTIONS (SET base_url '${\ $api->url}')");
is(query(PlfTest::all_of('links'))->{rows},
	$links, 'with the old base_url the old host is read');
is(requests(), '3 0', '... and no other, though connections to both are open');

# A role that is no superuser cannot send them anywhere, not even as the owner.

$admin->query(
	'CREATE ROLE owner; GRANT USAGE ON FOREIGN DATA WRAPPER payment_links_fdw TO owner;
	CREATE SERVER plain FOREIGN DATA WRAPPER payment_links_fdw;
	ALTER SERVER plain OWNER TO owner;
	ALTER SERVER links OWNER TO owner;
	GRANT CREATE ON SCHEMA public TO owner');
my %destination = (
	base_url => $new_url,
	proxy => 'http://127.0.0.1:' . $elsewhere->port,
	ca_file => '/tmp/own.pem');
query('SET ROLE owner');
foreach my $option (sort keys %destination)
{
	my $setting = "$option '$destination{$option}'";

	foreach my $sql (
		"CREATE SERVER made FOREIGN DATA WRAPPER payment_links_fdw OPTIONS ($setting)",
		"ALTER SERVER plain OPTIONS (ADD $setting)",
		'ALTER SERVER links OPTIONS ('
		. ($option eq 'base_url' ? 'SET' : 'ADD')
		. " $setting)")
	{
		is(query($sql)->{state}, '42501', "the owner of a server may not: $sql");
	}
	is( query(
			"CREATE FOREIGN TABLE made (id uuid) SERVER plain OPTIONS ($setting)")
		  ->{state},
		'HV00D',
		"$option is no option of a table");
	is( query(
			"CREATE USER MAPPING FOR owner SERVER plain OPTIONS ($setting)")
		  ->{state},
		'HV00D',
		"$option is no option of a user mapping");
}
is(query('ALTER SERVER links OPTIONS (SET page_size $$5$$)')->{state},
	'42501', 'the owner may change nothing of a server that has one of these options');
query('RESET ROLE');
is(query(PlfTest::all_of('links'))->{rows},
	$links, 'then the server is read');
is(requests(), '3 0', '... from its own host');

# A server of the same name is another server: the mapping has gone with the old.

is( query(
		"DROP SERVER links CASCADE;
		CREATE SERVER links FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (base_url '$new_url');
		IMPORT FOREIGN SCHEMA qonto FROM SERVER links INTO links;"
		  . PlfTest::all_of('links'))->{state},
	'28000',
	'a server that was dropped and created again has no user mapping');
is(requests(), '0 0', '... and gets no request');

# Proxies.  What they record is all that came to them, the tunnel's inside too.

SKIP:
{
	skip(TlsFront->missing, 1) unless TlsFront->available;

	my $front = TlsFront->new(upstream_port => $api->port);
	my @secure = (ca_file => $front->ca_file, page_size => 10, mapping => $tokens);
	my $both = $front->proxy;
	my $tls = $front->proxy({ tls => 1 }, 'api.test');
	my %proxy = (
		http => [ $both, $both->url, 'CONNECT' ],
		https => [ $tls, $tls->url, 'CONNECT' ],
		socks5h => [ $both, $both->socks_url, 'SOCKS' ]);

	foreach my $kind (sort keys %proxy)
	{
		my ($proxy, $url, $method) = @{ $proxy{$kind} };

		PlfTest::make_server(
			$node, $kind, @secure,
			base_url => 'https://api.test',
			proxy => $url);
		$proxy->clear_log;
		is(query(PlfTest::all_of($kind))->{rows},
			$links, "all links are read through the proxy $kind");
		is(requests(), '3 0', '... with one request for each page');
		is_deeply(
			[ grep { $_ ne "$method api.test:443 200" }
				  map { "$_->{method} $_->{target} $_->{status}" } $proxy->log ],
			[],
			'... in tunnels to the host of base_url');
		cmp_ok(length $proxy->record, '>', 1000, '... all of whose bytes the proxy has kept');
		unlike($proxy->record, $secret, '... and there is no token in them');

		PlfTest::make_server(
			$node, "${kind}_direct", @secure,
			base_url => $front->url,
			proxy => $url);
		$proxy->clear_log;
		is(query(PlfTest::all_of("${kind}_direct"))->{rows},
			$links, "$kind: a loopback host is read");
		is(requests(), '3 0', '... with one request for each page');
		is(scalar($proxy->log), 0, '... without the proxy');
	}

	# Proxies that would rather have the request for themselves
	foreach my $refusal (
		'403 X-Refused: yes',
		'302 Location: ' . $elsewhere->url . '/v2/payment_links',
		'407 Proxy-Authenticate: Basic realm=api.test',
		'401 WWW-Authenticate: Bearer realm=api.test')
	{
		my $proxy = $front->proxy({ refusal => $refusal }, 'another.test');
		my ($status) = split / /, $refusal;

		PlfTest::make_server(
			$node, "refused_$status", @secure,
			base_url => 'https://api.test',
			proxy => $proxy->url);
		is(query(PlfTest::all_of("refused_$status"))->{state},
			'08001', "a proxy that answers $status is an error");
		is_deeply(
			[ map { "$_->{method} $_->{target} $_->{status}" } $proxy->log ],
			["CONNECT api.test:443 $status"],
			'... after one request to the proxy');
		unlike($proxy->record, $secret, '... without a token');
		is(requests(), '0 0', '... and no request to another host');
	}
	PlfTest::make_server(
		$node, 'unlisted', @secure,
		base_url => 'https://other.test',
		proxy => $both->socks_url);
	is(query(PlfTest::all_of('unlisted'))->{state},
		'08001', 'a SOCKS proxy that refuses is an error');
	unlike($both->record, $secret, '... and sees no token');

	# Without TLS a token would be the proxy's to read: such a host has to be the
	# machine itself, for which no proxy is used.
	is( query(
			"CREATE SERVER made FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (
			base_url 'http://api.test', proxy '${\ $both->url}')")->{state},
		'22023',
		'http to another machine is refused');
	PlfTest::make_server(
		$node, 'clear',
		base_url => $api->url,
		proxy => $both->url,
		page_size => 10,
		mapping => $tokens);
	$both->clear_log;
	is(query(PlfTest::all_of('clear'))->{rows},
		$links, 'a loopback host is read in the clear');
	is(requests(), '3 0', '... with one request for each page');
	is(scalar($both->log), 0, '... without the proxy');
}

$_->quit foreach $session, $admin;
$node->stop;
done_testing();
