# From an application of the developer portal to first rows: the address of the consent, the
# exchange of its code, which role may do this for which, and the view of the credentials.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;
use TlsFront;

my $node = PlfTest::cluster('main', q{timezone = 'UTC'});
my $bench = OAuthTest->new($node, 'links', mapping => { refresh_token => undef });
my ($api, $session) = ($bench->api, $bench->session);
my $user = $session->query('SELECT current_user')->{rows};

sub error_of { return "$_[0]->{state} $_[0]->{message}"; }

# The address of the consent page, and its query as {name => value}.
sub authorize_url
{
	my ($by, $server) = @_;
	my $url = ($by // $session)->query("SELECT payment_links_authorize_url('" . ($server // 'links') . "')")->{rows};
	my ($page, $query) = split /\?/, $url, 2;
	my %query = map { my ($n, $v) = split /=/, $_, 2; ($n, $v =~ s/%(..)/chr hex $1/ger) } split /&/, $query;

	return ($page, \%query);
}

# Consents at the address of the consent page. Returns the address to which the browser is
# then sent, with the changes of "change" to its parameters, and the code in it.
sub consent
{
	my (%how) = @_;
	my ($page, $query) = authorize_url($how{by}, $how{server});
	my $told = ($how{api} // $api)->oauth_consent(%$query, %{ $how{ask} // {} });
	my %told = (%$told, %{ $how{change} // {} });
	my $address = 'http://localhost/callback?'
	  . HTTP::Tiny->new->www_form_urlencode({ map { $_ => $told{$_} } grep { defined $told{$_} } keys %told });

	return ($address, $told->{code});
}

# Exchanges a code or an address. The result has the row 't' if the token ends in an hour.
sub exchange
{
	my ($code, %how) = @_;
	my $server = $how{server} // 'links';
	my $for = defined $how{for} ? ", '$how{for}'" : '';

	return ($how{by} // $session)
	  ->query("SELECT e - clock_timestamp() BETWEEN '59min' AND '1h' FROM payment_links_authorize('$server', '$code'$for) e");
}

# Exchanges a code or an address, and returns the row or the error.
sub authorize
{
	my $result = exchange(@_);

	return $result->{state} ? error_of($result) : $result->{rows};
}

# The address of the consent

my ($page, $query) = authorize_url();
is($page, $api->oauth_url . '/oauth2/auth', 'the address is that of the consent page');
is_deeply(
	{ map { $_ => $query->{$_} } grep { !/^(state|code_challenge)$/ } keys %$query },
	{
		client_id => 'sample-client',
		redirect_uri => 'http://localhost/callback',
		response_type => 'code',
		scope => 'payment_link.read offline_access',
		code_challenge_method => 'S256'
	},
	'... its query has the application, the scope and PKCE');
like($query->{$_}, qr/^[A-Za-z0-9_-]{43}$/, "... and a random $_")
  foreach qw(state code_challenge);
isnt($query->{state}, $query->{code_challenge}, '... which differ from each other');

# Every ten minutes the address changes; a second pair of addresses is surely of one slot.
my $between = PlfTest->session($node);
my @same = map { [ authorize_url($_) ] } $between, $session;
@same = map { [ authorize_url($_) ] } $between, $session unless $same[0][1]{state} eq $same[1][1]{state};
is_deeply($same[0], $same[1], 'another session returns the same address');
is($api->count, 0, 'none of these makes a request');
is($session->query(q{SELECT payment_links_authorize_url(NULL) IS NULL})->{rows}, 't', 'payment_links_authorize_url(NULL) returns NULL');

# From the address to rows

my $none = $session->query(PlfTest::all_of('links'));
is(error_of($none), "28000 user mapping for $user on server \"links\" has no access token", 'without a token a query is an error');
is($none->{hint}, 'Authorize with payment_links_authorize_url() and payment_links_authorize().', '... whose hint says how to authorize');
my ($address, $code) = consent();
$api->clear_log;
is(authorize($address), 't', 'the address to which the browser was sent is exchanged for tokens');
is($bench->asked, 'authorization_code 200', '... by one request');
is(($api->log)[0]->{oauth}{$_}, 'good', "... with the right $_") foreach qw(client client_secret code);
ok($bench->holds_the_newest, '... and the tokens are stored');
is_deeply(
	[ sort keys %{ $bench->mapping } ],
	[
		qw(access_token access_token_expires_at client_id client_secret redirect_uri
		  refresh_token refresh_token_expires_at refreshed_at stored_by token_host)
	],
	'... with their times, their token host and who stored them');
is($bench->read_all, 'read', 'then all links are read');
is($bench->asked, 'authorization_code 200', '... without another request for tokens');
$bench->due;
is($bench->read_all, 'read', 'an hour later all links are read');
is($bench->asked, 'refresh_token 200', '... after a refresh');

($address, $code) = consent();
is(authorize($code), 't', 'the code alone is exchanged too');
ok($bench->holds_the_newest, '... and the new tokens replace the old ones');
$session->query('BEGIN READ ONLY');
is(authorize((consent())[0]), 't', 'a code is exchanged in a read-only transaction');
$session->query('ROLLBACK');
ok($bench->holds_the_newest, '... and its tokens are stored although that is rolled back');
is(authorize((consent())[0] . '#_=_'), 't', 'a fragment of the address does not matter');
is(authorize("\n " . (consent())[0] . " \r\n"), 't', 'blanks and line ends around an address do not matter');
is(authorize("\t" . (consent())[1] . "\n"), 't', '... nor around a code');

# Codes and addresses that are refused

my $begin = 'Begin again with payment_links_authorize_url().';
my $works_once =
  'A code can be used once, within ten minutes, and with the redirect_uri of its authorization. '
  . 'Begin again with payment_links_authorize_url(), and give the whole address.';
my $refused = '28000 the token host refused the authorization code (invalid_grant)';

sub refused
{
	my ($result, $name, $error, $hint, $requests) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(error_of($result), $error, $name);
	is($result->{hint}, $hint, '... its hint');
	is(scalar(() = $bench->asked =~ /^authorization_code/mg), $requests, "... its number of requests, $requests");
	return;
}

sub unchanged
{
	my ($name, $make, @expected) = @_;
	my $given = $make->();
	my $before = $bench->mapping;

	$api->clear_log;
	my $result = exchange($given);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	refused($result, $name, @expected);
	is_deeply($bench->mapping, $before, '... and the mapping is unchanged');
	return;
}

my $not_ours = '28000 this user mapping did not ask for the authorization';
unchanged('an address with another state', sub { (consent(change => { state => 'x' x 43 }))[0] }, $not_ours, $begin, 0);
unchanged('an address without a state', sub { (consent(change => { state => undef }))[0] }, $not_ours, $begin, 0);
unchanged(
	'the address of a refused consent',
	sub { 'http://localhost/callback?error=access_denied&error_description=No&state=' . $query->{state} },
	'28000 the authorization was refused',
	$begin, 0);
unchanged(
	'an address without a code',
	sub { (consent(change => { code => undef }))[0] },
	'22023 there is no authorization code in the address',
	'Give the whole address to which the browser was sent back, or the value of "code" in it.', 0);
unchanged($_->[0], sub { $_->[1] },
	'22023 this is not an authorization code',
	'It is the value of "code" in the address to which the browser was sent back.', 0)
  foreach [ 'an empty code', '' ], [ 'blanks', " \n " ], [ 'a code of 4,096 bytes', 'x' x 4096 ],
  [ 'an address with an empty code', "http://localhost/callback?code=&state=$query->{state}" ];
unchanged('a code that the token host did not issue', sub { 'no-code' }, $refused, $works_once, 1);
unchanged('a code of 4,095 bytes', sub { 'x' x 4095 }, $refused, $works_once, 1);
unchanged('a code with odd characters', sub { "a&b=c+d%41\x{c3}\x{a9} e" }, $refused, $works_once, 1);
unchanged(
	'a code that is used again',
	sub { my ($a) = consent(); authorize($a); $a },
	$refused, $works_once, 1);
$bench->renew;
unchanged('a code that is older than ten minutes', sub { my ($a) = consent(); $api->advance(601); $a }, $refused, $works_once, 1);
unchanged(
	'a code for another challenge',
	sub { (consent(ask => { code_challenge => 'x' x 43 }))[1] },
	$refused, $works_once, 1);
unchanged(
	'a code for another redirect_uri',
	sub {
		my ($a, $c) = consent();
		$bench->change(redirect_uri => 'http://localhost/elsewhere');
		$c;
	},
	$refused, $works_once, 1);
$bench->renew(client_secret => 'not-this-one');
unchanged(
	'a wrong client_secret',
	sub { (consent())[0] },
	'28000 the token host refused the application (invalid_client)',
	"Check client_id and client_secret in the user mapping for $user on server \"links\".", 1);
$bench->renew;
$api->config(omit_refresh_token => \1);
unchanged(
	'an answer without a refresh token',
	sub { (consent())[0] },
	'08P01 the token host did not send the tokens that were requested',
	'The authorization needs the scope "offline_access"; payment_links_authorize_url() asks for it.', 1);
$bench->renew;
$api->fault(kind => 'status', status => 403, path => '/oauth2/token');
unchanged('a token host that fails', sub { (consent())[0] },
	'42501 the authorization code could not be exchanged',
	'Check the option "token_url" of server "links".', 1);
$api->clear_faults;
unchanged('the code after that failure, which has used it up', sub { $code }, $refused, $works_once, 1);
foreach my $option (qw(client_id client_secret redirect_uri))
{
	my $error = "28000 user mapping for $user on server \"links\" has no $option";
	my $hint = "Add it with ALTER USER MAPPING ... OPTIONS (ADD $option '...').";

	$bench->renew($option => undef);
	my $result = $session->query(q{SELECT payment_links_authorize_url('links')});
	is(error_of($result), $error, "payment_links_authorize_url() without $option is an error");
	is($result->{hint}, $hint, '... whose hint says how to add it');
	unchanged("an exchange without $option", sub { 'code' }, $error, $hint, 0);

	# The option is dropped while the worker waits for the mapping.
	my $drops = PlfTest->session($node);
	$bench->renew;
	$drops->query('BEGIN');
	$bench->change(session => $drops, $option => undef);
	$session->start(q{SELECT payment_links_authorize('links', 'code')});
	ok($bench->worker_waits('transactionid'), 'the worker waits for a transaction that drops an option');
	$drops->query('COMMIT');
	is(error_of($session->finish), $error, "... $option: the exchange fails");
	is($api->count, 0, '... without a request');
	$drops->quit;
}
$bench->renew;
unchanged('a wrong code, where the mapping has a good refresh token', sub { 'no-code' }, $refused, $works_once, 1);
is($bench->read_all, 'read', '... which still reads all links');

# An authorization replaces a refused refresh token.
$bench->renew(refresh_token => 'bad');
like($bench->read_all, qr/invalid_grant/, 'a refresh token is refused');
is(authorize((consent())[0]), 't', '... an authorization replaces it');
is($bench->read_all, 'read', '... then all links are read');

# A description of the token host is cut between characters.
my $latin = PlfTest->session($node, encoding => 'LATIN1');
foreach my $letters (1019 .. 1022)
{
	$api->fault(
		kind => 'status', status => 400, shape => 'oauth', code => 'invalid_grant', path => '/oauth2/token',
		detail => 'x' x ($letters - 1000) . "\x{e9}" x 1000);
	my $result = exchange('code', by => $latin);
	is(error_of($result), $refused, 'a refusal with a long description is an error');
	my $x = $letters - 1000;
	my $e = int((500 - $x) / 2);
	like(
		$result->{detail},
		qr/^The token host said: x{$x}\xe9{$e}\. Host: 127\.0\.0\.1:\d+\.$/,
		'... whose detail has whole characters, in the encoding of the client');
	$api->clear_faults;
}
$latin->quit;

# Which role may authorize for which

$bench->as_admin('CREATE ROLE owner; CREATE ROLE alice; CREATE ROLE bob; CREATE ROLE monitor IN ROLE pg_monitor;
	GRANT USAGE ON FOREIGN DATA WRAPPER payment_links_fdw TO owner;
	GRANT USAGE ON SCHEMA links TO PUBLIC; GRANT SELECT ON links.payment_links TO PUBLIC;
	GRANT USAGE ON FOREIGN SERVER links TO owner, alice;
	ALTER SERVER links OWNER TO CURRENT_USER');
my $application = "client_id 'sample-client', client_secret 'sample-client-secret', redirect_uri 'http://localhost/callback'";
$bench->as_admin("CREATE USER MAPPING FOR $_ SERVER links OPTIONS ($application)") foreach qw(alice owner);
my $as = PlfTest->session($node);

sub as
{
	my ($role) = @_;
	$as->query("RESET ROLE; SET ROLE $role");
	return $as;
}

is(authorize((consent(by => as('alice')))[0], by => $as), 't', 'a role with USAGE authorizes for itself');
ok($bench->holds_the_newest('alice'), '... its mapping has the tokens');
is($bench->read_all($as), 'read', '... it reads all links');
is(authorize((consent(by => as('alice')))[0], by => $as, for => 'alice'), 't', '... it may give its own name');
is(authorize('code', by => $as, for => 'owner'), '42501 must be owner of foreign server links',
	'... it may not authorize for another role');
is(authorize('code', by => $as, for => 'public'), '42501 must be owner of foreign server links',
	'... nor for PUBLIC');
is(authorize('code', by => as('bob')), '42501 permission denied for foreign server links',
	'a role without USAGE authorizes for nobody');
is( error_of($as->query(q{SELECT payment_links_authorize_url('links')})),
	'42501 permission denied for foreign server links',
	'... nor does it get the address');
is(error_of($as->query(q{SELECT payment_links_refresh('links')})),
	'42501 permission denied for foreign server links',
	'... nor a refresh');

$bench->as_admin('ALTER SERVER links OPTIONS (DROP base_url, DROP token_url, DROP authorize_url)');
$bench->as_admin('ALTER SERVER links OWNER TO owner');
is( authorize('code', by => as('owner'), for => 'nobody at all'),
	'42704 role "nobody at all" does not exist',
	'the role has to exist');
is( authorize('code', by => $as, for => 'bob'),
	'28000 role "bob" has no user mapping on server "links"',
	'... and to have a user mapping');
is( authorize('code', by => $as, for => 'public'),
	'28000 there is no user mapping for PUBLIC on server "links"',
	'... and so has PUBLIC');
is(authorize('', by => $as, for => 'alice'), '22023 this is not an authorization code',
	'the owner of the server may authorize for another role');
$bench->as_admin('ALTER SERVER links OWNER TO CURRENT_USER');
$bench->as_admin("ALTER SERVER links OPTIONS ("
	  . join(', ', map { my %o = OAuthTest::server_options($api); "ADD $_ '$o{$_}'" } qw(base_url token_url authorize_url))
	  . ')');
is(authorize((consent(by => as('alice')))[0], for => 'alice'), 't', 'a superuser may authorize for another role');
ok($bench->holds_the_newest('alice'), '... whose mapping then has the tokens');

# Only the server's owner may authorize for PUBLIC's mapping, which serves all roles without
# a mapping of their own.

$bench->as_admin("GRANT USAGE ON FOREIGN SERVER links TO bob; CREATE USER MAPPING FOR PUBLIC SERVER links OPTIONS ($application)");
($address) = consent(by => as('bob'));
my $public = sub {
	return $bench->as_admin(
		q{SELECT count(*) FROM pg_user_mappings, unnest(umoptions) o WHERE srvname = 'links' AND umuser = 0 AND o LIKE 'refresh_token=%'});
};
$api->clear_log;
my $result = exchange($address, by => $as);
is( error_of($result),
	'28000 role "bob" has no user mapping of its own on server "links"',
	"a role that uses PUBLIC's mapping may not authorize for it");
is($result->{hint}, q{Create one for the role, or let the owner of the server authorize for_role => 'public'.},
	'... the hint says who may');
is($api->count . $public->(), '00', '... no request is made, and nothing stored');
is(authorize($address, for => 'public'), 't', 'the owner of the server may');
is($public->(), 1, '... the mapping has the tokens');
is($bench->read_all($as), 'read', '... the role reads all links');
$bench->as_admin('ALTER USER MAPPING FOR PUBLIC SERVER links OPTIONS (SET access_token_expires_at $$2020-01-01T00:00:00Z$$)');
$api->clear_log;
is($bench->read_all($as), 'read', '... and so it does after the end of the access token');
is($bench->asked, 'refresh_token 200', '... after a refresh');
is( $bench->as_admin(
		q{SELECT count(*) FROM pg_user_mappings WHERE srvname = 'links' AND umuser = 0 AND NOT umoptions::text LIKE '%2020-01-01%'}),
	1, "... and PUBLIC's mapping has the new times");

# The view payment_links_credentials

$bench->as_admin(q{CREATE SERVER filed FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (environment 'sandbox');
	CREATE USER MAPPING FOR CURRENT_USER SERVER filed OPTIONS (access_token_file '/nowhere');
	CREATE USER MAPPING FOR alice SERVER filed OPTIONS (access_token 'x');
	CREATE USER MAPPING FOR PUBLIC SERVER filed OPTIONS (staging_token 'x');
	CREATE FOREIGN DATA WRAPPER other; CREATE SERVER other FOREIGN DATA WRAPPER other;
	CREATE USER MAPPING FOR alice SERVER other OPTIONS (refresh_token 'x')});
my $columns = q{server, role, split_part(host, ':', 1), kind, access_token_expires_at > now(),
	refresh_token_expires_at > now() + interval '89 days', refreshed_at <= now(), last_failure_at, last_failure};
my $view = "SELECT $columns FROM payment_links_credentials ORDER BY server, role COLLATE \"C\"";
my $sandbox = 'thirdparty-sandbox.staging.qonto.co';
my %rows = (
	'filed PUBLIC' => "filed|PUBLIC|$sandbox||||||",
	'filed alice' => "filed|alice|$sandbox|access_token|||||",
	"filed $user" => "filed|$user|$sandbox|access_token_file|||||",
	'links PUBLIC' => 'links|PUBLIC|127.0.0.1|refresh_token|t|t|t||',
	'links alice' => 'links|alice|127.0.0.1|refresh_token|t|t|t||',
	'links owner' => 'links|owner|127.0.0.1||||||',
	"links $user" => "links|$user|127.0.0.1|refresh_token|t|t|t||");
foreach my $case (
	[ 'alice', 'links PUBLIC', 'links alice', 'filed alice' ],
	[ 'bob', 'links PUBLIC' ],
	[ 'monitor', keys %rows ],
	[ $user, keys %rows ])
{
	my ($role, @sees) = @$case;

	is(as($role)->query($view)->{rows}, join("\n", map { $rows{$_} } sort @sees), "the rows that $role sees");
}
is(as('bob')->query('SELECT count(*) FROM payment_links_credentials WHERE role = $$alice$$')->{rows},
	0, 'a role does not see the mapping of another role');
my $all = as('monitor')->query('SELECT * FROM payment_links_credentials')->{rows};
unlike($all, qr/ory_|sample-client/, 'no row has a secret');

# The last failure
as('alice');
$api->oauth_revoke;
$bench->as_admin('ALTER USER MAPPING FOR alice SERVER links OPTIONS (SET access_token_expires_at $$2020-01-01T00:00:00Z$$)');
like($bench->read_all($as), qr/^28000 .*invalid_grant/, 'a refresh of alice fails');
my $failed = q{SELECT role, access_token_expires_at, last_failure_at - now() BETWEEN '-1min' AND '1s', last_failure
	FROM payment_links_credentials WHERE last_failure IS NOT NULL};
is(as($_)->query($failed)->{rows},
	'alice|2020-01-01 00:00:00+00|t|the token host refused the refresh token (invalid_grant)', "$_ sees the failure")
  foreach qw(alice monitor);
is(as('bob')->answer($failed), '', 'bob does not see the failure');
$_->quit foreach $as, $bench;

# The same over TLS

SKIP:
{
	skip(TlsFront->missing, 13) unless TlsFront->available;

	my $plain = SampleApi->new(count => 25, config => { token => [] });
	my $front = TlsFront->new(upstream_port => $plain->port);
	my %options = (OAuthTest::server_options($plain, $front), ca_file => $front->ca_file);

	PlfTest::make_server($node, 'tls', %options, mapping => $application);
	my $tls = PlfTest->session($node);
	my ($page, $query) = authorize_url($tls, 'tls');
	is($page, $front->url . '/oauth2/auth', 'over TLS: the address of the consent page');
	my ($address) = consent(by => $tls, server => 'tls', api => $plain);
	is(authorize($address, by => $tls, server => 'tls'), 't', '... the exchange of a code');
	is($tls->query(PlfTest::all_of('tls'))->{rows}, PlfTest::links_of($plain), '... all links are read');
	is($tls->query(q{SELECT payment_links_refresh('tls') > now()})->{rows}, 't', '... a refresh works');
	$plain->oauth_expire('access');
	is($tls->query(PlfTest::all_of('tls'))->{rows}, PlfTest::links_of($plain),
		'... and a refresh after a refusal');
	is_deeply(
		[ map { "$_->{uri} $_->{protocol} $_->{status} $_->{authorization}" } grep { $_->{uri} =~ /oauth/ } $front->log ],
		[ ('/oauth2/token HTTP/2.0 200 0') x 3 ],
		'... three requests for tokens, in HTTP/2 and without an access token');
	$tls->query("ALTER SERVER tls OPTIONS (SET ca_file '${\ $front->other_ca_file}')");
	$plain->clear_log;
	my $result = $tls->query(q{SELECT payment_links_refresh('tls')});
	is(error_of($result), '08001 the access token could not be refreshed', 'a token host whose certificate cannot be verified is an error');
	like($result->{hint}, qr/"ca_file" of server "tls"\.$/, '... whose hint names ca_file');
	is($plain->count, 0, '... and no request is sent');

	# The token host is reached through a proxy; the API, which is on this machine, is not.
	my $proxy = $front->proxy('api.test');
	$tls->query("ALTER SERVER tls OPTIONS (SET ca_file '${\ $front->ca_file}', SET base_url '${\ $plain->url}',
		SET token_url 'https://api.test/oauth2/token', ADD proxy '${\ $proxy->url}');
		ALTER USER MAPPING FOR CURRENT_USER SERVER tls OPTIONS (DROP token_host)");
	is($tls->query(q{SELECT payment_links_refresh('tls') > now()})->{rows}, 't', 'a refresh through a proxy works');
	is_deeply(
		[ map { "$_->{method} $_->{target} @{$_->{headers}}" } $proxy->log ],
		['CONNECT api.test:443 host proxy-connection user-agent'],
		'... which sees only the host');
	is($tls->query(PlfTest::all_of('tls'))->{rows}, PlfTest::links_of($plain), '... all links are read');
	is(scalar($proxy->log), 1, '... without the proxy');
	$tls->quit;
}

$node->stop;
done_testing();
