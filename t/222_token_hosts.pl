# A mapping's secrets are sent only to the token host that they are for, in any spelling.
# Another role may neither send them elsewhere nor replace the token of PUBLIC's mapping.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $node = PlfTest::cluster('main', 'max_worker_processes = 12');
my $bench = OAuthTest->new($node, 'links');
my $api = $bench->api;
my $elsewhere = SampleApi->new(count => 25, config => { token => [] });
my $lock = PlfTest->session($node);
my $user = $bench->as_admin('SELECT current_user');

sub error_of { return "$_[0]->{state} $_[0]->{message}"; }

sub lead_to
{
	my ($url) = @_;
	$bench->as_admin("ALTER SERVER links OPTIONS (SET token_url '$url')");
	return;
}

# Spellings of one host

my $another = "28000 the refresh token of the user mapping for $user on server \"links\" is for another host";
my $no_connection = '08001 the access token could not be refreshed';
foreach my $case (
	[ 'https://127.0.0.1:443', $no_connection, '127.0.0.1', '127.0.0.1:443' ],
	[ 'https://127.0.0.1/x', $no_connection, '127.0.0.1', '127.0.0.1:443' ],
	[ 'http://127.0.0.1', $no_connection, '127.0.0.1', '127.0.0.1:80' ],
	[ 'https://127.0.0.1:444', $another, '127.0.0.1', '127.0.0.1:443', '127.0.0.1:4444' ],
	[ 'https://127.0.0.1:80', $another, '127.0.0.1', '127.0.0.1:443' ],
	[ 'https://[0:0:0:0:0:0:0:1]:443', $no_connection, '[::1]', '[::1]:443', '[0:0::1]', '[::0001]:443' ],
	[ 'https://LocalHost:443', $no_connection, 'localhost', 'LOCALHOST', 'localhost.', 'localhost.:443' ],
	[ 'https://localhost.', $no_connection, 'localhost', 'localhost:443', 'LOCALHOST.' ],
	[ 'https://localhost', $another, 'localhost.example', 'example', '127.0.0.1', '::1', 'localhost:', 'localhost:x', ':', '.' ])
{
	my ($url, $error, @hosts) = @$case;

	lead_to("$url/oauth2/token");
	foreach my $host (@hosts)
	{
		$bench->renew(token_host => $host);
		is(error_of($bench->query(q{SELECT payment_links_refresh('links')})), $error, "a refresh token of $host, where the server has $url");
	}
}
is($api->count, 0, 'none of these made a request');
$bench->renew(token_host => 'x' x 5000);
is( $bench->query(q{SELECT payment_links_refresh('links')})->{detail},
	'The token was stored for ' . 'x' x 260 . "..., and the server's token host is localhost.",
	'a token_host of 5,000 characters is cut in the message');
lead_to("HTTP://localhost:${\ $api->port}/oauth2/token/");
$bench->renew(token_host => 'LOCALHOST.:' . $api->port);
is($bench->read_all, 'read', 'with its own token host in another spelling a mapping reads all links');
is($bench->mapping->{token_host}, 'localhost:' . $api->port, '... and token_host has the usual spelling');

# Another role makes the extension send an application's secret.

lead_to($api->oauth_url . '/oauth2/token');
my $application = "client_id 'sample-client', client_secret 'sample-client-secret', redirect_uri 'http://localhost/callback'";
$bench->as_admin("CREATE ROLE alice; CREATE ROLE bob; GRANT USAGE ON FOREIGN SERVER links TO alice, bob;
	GRANT USAGE ON SCHEMA links TO alice, bob; GRANT SELECT ON links.payment_links TO alice, bob;
	CREATE USER MAPPING FOR alice SERVER links OPTIONS ($application, token_host 'oauth.example')");

# The code of a consent for the mapping of alice.
sub consent_of_alice
{
	my $url = $bench->query(q{SET ROLE alice; SELECT payment_links_authorize_url('links')})->{rows};
	my ($challenge) = $url =~ /code_challenge=([^&]+)/;
	my $code = $api->oauth_consent(code_challenge => $challenge, code_challenge_method => 'S256')->{code};

	$api->clear_log;
	return $code;
}

# Exchanges such a code as this role.
sub authorize_alice
{
	my ($as) = @_;
	my $code = consent_of_alice();

	return $bench->query("SET ROLE $as; SELECT payment_links_authorize('links', '$code', 'alice') > now()");
}

my $result = authorize_alice('none');
is( error_of($result),
	'28000 the user mapping for alice on server "links" is for another token host',
	'a superuser may not authorize for a role whose mapping is for another token host');
is_deeply(
	[ @{$result}{qw(detail hint)} ],
	[
		"Its tokens come from oauth.example, and the server's token host is 127.0.0.1:${\ $api->port}.",
		'Let the role authorize for itself.'
	],
	'... the hint says who may');
is($api->count, 0, '... without a request');
$bench->as_admin("ALTER USER MAPPING FOR alice SERVER links OPTIONS (SET token_host '" . 'x' x 5000 . "')");
is( authorize_alice('none')->{detail},
	'Its tokens come from ' . 'x' x 260 . "..., and the server's token host is 127.0.0.1:${\ $api->port}.",
	'... a token_host of 5,000 characters is cut in the message');
is(authorize_alice('alice')->{rows}, 't', '... the role itself may');
is($bench->mapping('alice')->{token_host}, '127.0.0.1:' . $api->port, '... then its mapping is for the server\'s token host');
is(authorize_alice('none')->{rows}, 't', '... and a superuser may authorize for the role');

# The token host changes while a code waits for the mapping.
$bench->as_admin('BEGIN; SELECT 1 FROM pg_user_mapping FOR UPDATE', $lock);
my $code = consent_of_alice();
$bench->session->start("SELECT payment_links_authorize('links', '$code')");
ok($bench->worker_waits('transactionid'), 'an exchange waits for the mapping');
lead_to($elsewhere->oauth_url . '/oauth2/token');
$lock->query('ROLLBACK');
is( error_of($bench->session->finish),
	'28000 the token host of server "links" changed before the code was sent',
	'... and fails after the token host was changed');
is($api->count . $elsewhere->count, '00', '... without a request to either');
lead_to($api->oauth_url . '/oauth2/token');

# PUBLIC's mapping

my $pair = $api->oauth_issue;
$bench->as_admin("CREATE USER MAPPING FOR PUBLIC SERVER links OPTIONS ($application, refresh_token '$pair->{refresh_token}')");
$bench->query('RESET ROLE; SET ROLE bob');
$api->clear_log;
is( error_of($bench->query(q{SELECT payment_links_refresh('links')})),
	'42501 must be owner of foreign server links',
	"a role that uses PUBLIC's mapping may not call payment_links_refresh()");
is($api->count, 0, '... without a request');
is($bench->read_all, 'read', '... but reads all links when the token has to be renewed');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
is(error_of($bench->query(q{SELECT payment_links_refresh('links')})),
	'42501 must be owner of foreign server links', '... and still may not call payment_links_refresh()');
$bench->as_admin("DROP USER MAPPING FOR $user SERVER links");
$bench->query('RESET ROLE');
is($bench->query(q{SELECT payment_links_refresh('links') > now()})->{rows},
	't', 'the owner of the server may');
is($bench->asked, "refresh_token 200\nrefresh_token 200", '... after one more request');

$elsewhere->stop;
$lock->quit;
$bench->quit;
$node->stop;
done_testing();
