# A refresh token or an application that the token host refused is not sent again by any
# session, until the user mapping changes.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $node = PlfTest::cluster('main', q{timezone = 'UTC'});
my $bench = OAuthTest->new($node, 'links');
my ($api, $session) = ($bench->api, $bench->session);
my $other = PlfTest->session($node);
my $user = $session->query('SELECT current_user')->{rows};
my $refused = 'the token host refused the refresh token (invalid_grant)';
my $refused_client = 'the token host refused the application (invalid_client)';
my $client_hint =
  "Check client_id and client_secret in the user mapping for $user on server \"links\".";
my $hint = 'Authorize again with payment_links_authorize_url() and payment_links_authorize().';

# Nobody asks: not this session, not another, not a new one, nor by hand.
sub rests
{
	my ($message, $name) = @_;
	my $hint = $message eq $refused_client ? $client_hint : $hint;
	my $new = PlfTest->session($node);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$api->clear_log;
	subtest $name => sub {
		foreach my $each ($session, $other, $new)
		{
			my $result = $each->query(PlfTest::all_of('links'));

			is("$result->{state} $result->{message}", "28000 $message", 'links are not read');
			is( $result->{detail},
				'It is not asked again before the user mapping changes.',
				'... because that rests');
			is($result->{hint}, $hint, '... and what to do');
		}
		my $result = $session->query(q{SELECT payment_links_refresh('links')});
		is("$result->{state} $result->{message}", "28000 $message", 'nor by payment_links_refresh');
		is( $session->query(q{SELECT ok, sqlstate, message, hint FROM payment_links_check('links')})->{rows},
			"f|28000|$message: It is not asked again before the user mapping changes.|$hint",
			'payment_links_check says so');
		is( $session->query(
				"SELECT last_failure, now() - last_failure_at BETWEEN '-1s' AND 30 * $PlfTest::slowdown * interval '1s'
				FROM payment_links_credentials"
			)->{rows},
			"$message|t",
			'and so does payment_links_credentials');
		is($api->count, 0, 'nobody is asked anything');
	};
	$new->quit;
	return;
}

# An error of the first request, which is made once.
sub refused
{
	my ($message, $name) = @_;
	my $result;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$api->clear_log;
	$result = $session->query(PlfTest::all_of('links'));
	is("$result->{state} $result->{message}", "28000 $message", $name);
	is(scalar(grep { $_->{oauth} } $api->log), 1, '... at one request');
	return $result;
}

# The refresh token

$api->oauth_revoke;
my $result = refused($refused, 'a refresh token that was revoked');
is( $result->{detail},
	'The token host said: It has been revoked. Host: 127.0.0.1:' . $api->port . '.',
	'... with what was said');
is($result->{hint}, $hint, '... and what to do');
rests($refused, '... rests');
$bench->change(access_token_expires_at => OAuthTest::in_seconds(-1));
rests($refused, 'so it does when a time in the mapping changes');
$session->query('ALTER SERVER links OPTIONS (ADD concurrency $$4$$)');
rests($refused, 'and when the server does');
$session->query('BEGIN');
$bench->change(session => $session, refresh_token => 'for-a-moment');
is($session->query(PlfTest::all_of('links'))->{state}, '55000', 'a change that is not committed');
$session->query('ROLLBACK');
rests($refused, '... and is rolled back changes nothing');
$node->restart;
$other->quit;
$bench->quit_sessions;
$bench->connect;
$session = $bench->session;
$other = PlfTest->session($node);
rests($refused, 'a restart neither');

$bench->change(refresh_token => 'another-bad-one');
refused($refused, 'another token is sent');
rests($refused, '... and rests when it is refused');
$bench->change(refresh_token => $api->oauth_issue->{refresh_token});
$api->clear_log;
is($bench->read_all($other), 'read', 'a good one is used by the first who comes');
is($bench->asked, 'refresh_token 200', '... which is one request');
is($session->answer('SELECT last_failure FROM payment_links_credentials'),
	'', '... and the failure is forgotten');

# It is forgotten by hand too.
$bench->renew(refresh_token => 'bad-once');
refused($refused, 'a refresh token');
rests($refused, '... rests');
$bench->change(last_failure => undef);
refused($refused, '... until last_failure is dropped');
rests($refused, '... and from then on');

# An access token that someone puts there is used, since only the other one rests.
$bench->change(access_token => $api->oauth_issue->{access_token},
	access_token_expires_at => undef);
$api->clear_log;
is($bench->read_all, 'read', 'an access token of its own is used meanwhile');
is($bench->asked, '', '... without a refresh');

# A family whose old token is used after the grace
$bench->renew;
$bench->read_all;
my $old = $bench->mapping->{refresh_token};
$bench->due;
$bench->read_all;
$bench->change(refresh_token => $old);
$bench->due;
is($bench->read_all, 'read', 'the token before the last one works within its grace');
$api->advance(61);
$bench->change(refresh_token => $old);
$bench->due;
$result = refused($refused, '... and not after it');
like($result->{detail}, qr/^The token host said: It has already been used\./, '... which is said');
rests($refused, '... and rests');

# The application

foreach my $option (qw(client_id client_secret))
{
	$bench->renew($option => 'not-this-one');
	$result = refused($refused_client, "a wrong $option");
	is($result->{hint}, $client_hint, '... with what to do');
	rests($refused_client, '... rests');
	$bench->change($option => 'nor-this-one');
	refused($refused_client, '... until there is another');
	rests($refused_client, '... which is refused too');
	$bench->change($option => 'sample-client' . ($option eq 'client_secret' ? '-secret' : ''));
	$api->clear_log;
	is($bench->read_all, 'read', 'the right one is sent at once');
	is($bench->asked, 'refresh_token 200', '... and accepted');
}

# What passes is asked again.

$bench->renew;
$api->fault(kind => 'status', status => 403, path => '/oauth2/token');
foreach my $each ($session, $other)
{
	$api->clear_log;
	$result = $each->query(PlfTest::all_of('links'));
	is("$result->{state} $result->{message}", '42501 the access token could not be refreshed',
		'a failure that is about neither');
	is($bench->asked, 'refresh_token 403', '... is asked again by every query');
}
is( $session->query(
		q{SELECT last_failure, now() - last_failure_at BETWEEN '-1s' AND '30s' FROM payment_links_credentials})->{rows},
	'the access token could not be refreshed|t',
	'... and shows meanwhile');

# A token that still works is used whatever the token host says.

$api->clear_faults;
$bench->read_all;
foreach my $case (
	[ 'refuses the token', sub { $api->oauth_expire('refresh') } ],
	[ 'fails', sub { $api->fault(kind => 'status', status => 403, path => '/oauth2/token') } ])
{
	my ($name, $make) = @$case;

	$bench->renew;
	$bench->read_all;
	$make->();
	$bench->due(30);
	is($bench->read_all, 'read', "while the token host $name, one that has half a minute left is used");
	$bench->workers_are_gone;    # a token that is good is not waited for to the end
	like($bench->asked, qr/^refresh_token 40[03]$/, '... after a request for another');
	like($bench->mapping->{last_failure}, qr/ (final|passing_42501) the /, '... whose failure is remembered');
	is($bench->read_all, 'read', '... and again');
	$bench->workers_are_gone;
	is(scalar(split /\n/, $bench->asked), $name eq 'fails' ? 2 : 1,
		'... ' . ($name eq 'fails' ? 'after another' : 'which rests'));
	$bench->change(access_token_expires_at => OAuthTest::in_seconds(-1));
	like($bench->read_all, qr/^(?:28000|42501) /, '... until its time is up');
}

$_->quit foreach $bench, $other;
$node->stop;
done_testing();
