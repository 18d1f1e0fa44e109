# A dump has the tokens, and a copy of a database does not use up the refresh tokens of the
# original: only the database that stored a refresh token uses it, and sends it only to the
# token host that it was stored for.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $node = PlfTest::cluster('main');
my $bench = OAuthTest->new($node, 'links');
my $api = $bench->api;
my $user = $bench->query('SELECT current_user')->{rows};
my $authorize = 'Authorize again with payment_links_authorize_url() and payment_links_authorize()';
is($bench->read_all, 'read', 'the original reads all links');
my $original = $bench->mapping;

sub error_of { return "$_[0]->{state} $_[0]->{message}"; }

# Reads all links in a session: 'read', or the error.
sub read_by
{
	my ($by) = @_;
	my $result = $by->query(PlfTest::all_of('links'));

	return $result->{state} eq '' && $result->{rows} eq $bench->links ? 'read' : error_of($result);
}

sub options_of
{
	my ($by) = @_;

	return { map { split /=/, $_, 2 } split /\n/,
		$by->query('SELECT unnest(umoptions) FROM pg_user_mapping')->{rows} };
}

# Sets the access token of a copy's mapping to have ended.
sub due_in
{
	my ($by) = @_;

	$by->query(
		"ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (SET access_token_expires_at '2020-01-01T00:00:00Z')");
	$api->clear_log;
	return;
}

# Copies: by dump and restore, and by CREATE DATABASE

my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'the database is dumped');
my $text = slurp_file($dump);
like($text, qr/\Q$original->{$_}\E/, "... with $_")
  foreach qw(client_id client_secret refresh_token access_token stored_by token_host);
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ],
	'... and restored');
$bench->quit_sessions;
$node->safe_psql('postgres', 'CREATE DATABASE cloned TEMPLATE postgres');
$bench->connect;

my $belongs =
  "28000 the refresh token of the user mapping for $user on server \"links\" was stored by another database";
my %copies = map { $_ => PlfTest->session($node, database => $_) } qw(restored cloned);
foreach my $name (sort keys %copies)
{
	my $copy = $copies{$name};

	is_deeply(options_of($copy), $original, "$name: the user mapping is the same");
	$api->clear_log;
	is(read_by($copy), 'read', '... all links are read with its access token');
	is($bench->asked, '', '... without a request for tokens');
	due_in($copy);
	my $result = $copy->query(PlfTest::all_of('links'));
	is(error_of($result), $belongs, '... after the end of the access token a query fails');
	is_deeply(
		[ @{$result}{qw(detail hint)} ],
		[
			'This database is a copy. A refresh token can be used once: if the copy used the token, the original would be locked out.',
			"$authorize, or, if the original is gone, ALTER USER MAPPING ... OPTIONS (DROP stored_by)."
		],
		'... detail and hint say why, and what to do');
	is(error_of($copy->query(q{SELECT payment_links_refresh('links')})), $belongs, '... payment_links_refresh() fails too');
	is($copy->query(q{SELECT ok, sqlstate FROM payment_links_check('links')})->{rows},
		'f|28000', '... and payment_links_check()');
	is($api->count, 0, '... none of them makes a request');
}

# The original still renews its tokens.
$bench->due;
is($bench->read_all, 'read', 'the original reads all links after the end of its access token');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
ok($bench->holds_the_newest, '... and the new tokens are stored');

# After an authorization the copy has tokens of its own, and both renew theirs.
my $copy = $copies{cloned};
my ($challenge) = $copy->query(q{SELECT payment_links_authorize_url('links')})->{rows} =~ /code_challenge=([^&]*)/;
my $code = $api->oauth_consent(code_challenge => $challenge, code_challenge_method => 'S256')->{code};
is($copy->query("SELECT payment_links_authorize('links', '$code') > now()")->{rows},
	't', 'a copy is authorized');
isnt(options_of($copy)->{stored_by}, $original->{stored_by}, '... stored_by names the copy');
due_in($copy);
is(read_by($copy), 'read', '... it reads all links after the end of its access token');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
$bench->due;
is($bench->read_all, 'read', '... and so does the original');

# The original is gone: without stored_by the copy uses the refresh token.
$copy = $copies{restored};
$copy->query(
	"ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (DROP stored_by, SET refresh_token '${\ $bench->mapping->{refresh_token}}')");
due_in($copy);
is(read_by($copy), 'read', 'without stored_by a copy reads all links');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
like(options_of($copy)->{stored_by}, qr{^\d+(/\d+){4}$}, '... stored_by has its five numbers');
isnt(options_of($copy)->{stored_by}, $original->{stored_by}, '... which are not those of the original');

# stored_by with other values
foreach my $stored_by ('1/1', '/', "$original->{stored_by}0", '0' . $original->{stored_by})
{
	$bench->renew(stored_by => $stored_by);
	is($bench->read_all, $belongs, "with stored_by $stored_by a query fails");
	is($api->count, 0, '... without a request');
}
$bench->change(stored_by => $original->{stored_by});
is($bench->read_all, 'read', 'with its own stored_by a database reads all links');

# A refresh token is sent only to the host that it was stored for.

my $elsewhere = SampleApi->new(count => 25, config => { token => [] });
my $host = '127.0.0.1:' . $api->port;
my $other_host = '127.0.0.1:' . $elsewhere->port;
$bench->due;
$bench->query("ALTER SERVER links OPTIONS (SET token_url '${\ $elsewhere->oauth_url}/oauth2/token')");
my $result = $bench->query(PlfTest::all_of('links'));
is(error_of($result), "28000 the refresh token of the user mapping for $user on server \"links\" is for another host",
	'with another token host a query fails');
is_deeply(
	[ @{$result}{qw(detail hint)} ],
	[ "The token was stored for $host, and the server's token host is $other_host.", "$authorize." ],
	'... the detail names both hosts');
is($elsewhere->count . $api->count, '00', '... no request is made');
$bench->query("ALTER SERVER links OPTIONS (SET token_url 'HTTP://127.0.0.1:${\ $api->port}/oauth2/token/')");
is($bench->read_all, 'read', 'another spelling of the same host reads all links');
is($bench->mapping->{token_host}, $host, '... and token_host has the usual spelling');

# The owner of a server, who is no superuser, changes it from production to sandbox.
$bench->as_admin(q{CREATE ROLE owner; GRANT USAGE ON FOREIGN DATA WRAPPER payment_links_fdw TO owner;
	CREATE SERVER plain FOREIGN DATA WRAPPER payment_links_fdw; ALTER SERVER plain OWNER TO owner});
$bench->as_admin("CREATE USER MAPPING FOR CURRENT_USER SERVER plain OPTIONS (client_id 'x', client_secret 'x',
	refresh_token 'x', token_host 'oauth.qonto.com', staging_token 'x')");
$bench->query('SET ROLE owner');
is($bench->query(q{ALTER SERVER plain OPTIONS (ADD environment 'sandbox')})->{state}, '', 'the owner of a server changes its environment');
foreach my $option (qw(token_url authorize_url))
{
	$result = $bench->query("ALTER SERVER plain OPTIONS (ADD $option 'https://evil.example')");
	is(error_of($result),
		qq{42501 only a superuser may create or alter a server that has the option "$option"},
		"... only a superuser may set $option");
}
$bench->query('RESET ROLE');
$result = $bench->query(q{SELECT payment_links_refresh('plain')});
is($result->{detail},
	"The token was stored for oauth.qonto.com, and the server's token host is oauth-sandbox.staging.qonto.co.",
	'... and the refresh token of production is not sent to the sandbox');

# The consent pages of the environments
foreach my $case (
	[ 'sandbox', 'https://oauth-sandbox.staging.qonto.co/oauth2/auth' ],
	[ 'production', 'https://oauth.qonto.com/oauth2/auth' ])
{
	my ($environment, $page) = @$case;

	$bench->as_admin("ALTER SERVER plain OPTIONS (SET environment '$environment')");
	$bench->as_admin('ALTER USER MAPPING FOR CURRENT_USER SERVER plain OPTIONS (ADD redirect_uri $$http://localhost/$$)')
	  if $environment eq 'sandbox';
	like($bench->query(q{SELECT payment_links_authorize_url('plain')})->{rows},
		qr/^\Q$page\E\?client_id=x&redirect_uri=http%3A%2F%2Flocalhost%2F&response_type=code&/,
		"the address of the consent page of $environment");
}

$_->quit foreach values %copies, $bench;
$node->stop;
done_testing();
