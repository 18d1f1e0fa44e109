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

# Tests that the refusal is not asked about again: queries of this session, of another and
# of a new one fail with this message without a request, and so do the functions.
sub not_sent
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

			is("$result->{state} $result->{message}", "28000 $message", 'a query fails');
			is( $result->{detail},
				'The token host is not asked again until the user mapping changes.',
				'... the detail says why nothing is asked');
			is($result->{hint}, $hint, '... the hint says what to do');
		}
		my $result = $session->query(q{SELECT payment_links_refresh('links')});
		is("$result->{state} $result->{message}", "28000 $message", 'payment_links_refresh() fails');
		is( $session->query(q{SELECT ok, sqlstate, message, hint FROM payment_links_check('links')})->{rows},
			"f|28000|$message: The token host is not asked again until the user mapping changes.|$hint",
			'payment_links_check() reports the failure');
		is( $session->query(
				"SELECT last_failure, now() - last_failure_at BETWEEN '-1s' AND 30 * $PlfTest::slowdown * interval '1s'
				FROM payment_links_credentials"
			)->{rows},
			"$message|t",
			'payment_links_credentials shows the failure');
		is($api->count, 0, 'none of these makes a request');
	};
	$new->quit;
	return;
}

# Tests that a query makes one request for tokens and fails with this message.
sub refused
{
	my ($message, $name) = @_;
	my $result;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$api->clear_log;
	$result = $session->query(PlfTest::all_of('links'));
	is("$result->{state} $result->{message}", "28000 $message", $name);
	is(scalar(grep { $_->{oauth} } $api->log), 1, '... after one request for tokens');
	return $result;
}

# Refusals of the refresh token

$api->oauth_revoke;
my $result = refused($refused, 'a refresh token that was revoked is refused');
is( $result->{detail},
	'The token host said: It has been revoked. Host: 127.0.0.1:' . $api->port . '.',
	'... the detail has the words of the token host');
is($result->{hint}, $hint, '... the hint says what to do');
not_sent($refused, '... and not sent again');
$bench->change(access_token_expires_at => OAuthTest::in_seconds(-1));
not_sent($refused, 'not sent after a change of access_token_expires_at');
$session->query('ALTER SERVER links OPTIONS (ADD concurrency $$4$$)');
not_sent($refused, 'not sent after ALTER SERVER');
$session->query('BEGIN');
$bench->change(session => $session, refresh_token => 'for-a-moment');
is($session->query(PlfTest::all_of('links'))->{state}, '55000', 'a transaction that has changed the mapping does not renew the token');
$session->query('ROLLBACK');
not_sent($refused, 'not sent after that transaction is rolled back');
$node->restart;
$other->quit;
$bench->quit_sessions;
$bench->connect;
$session = $bench->session;
$other = PlfTest->session($node);
not_sent($refused, 'not sent after a restart of the server');

$bench->change(refresh_token => 'another-bad-one');
refused($refused, 'another refresh token is sent, and refused');
not_sent($refused, '... and not sent again');
$bench->change(refresh_token => $api->oauth_issue->{refresh_token});
$api->clear_log;
is($bench->read_all($other), 'read', 'with a good refresh token another session reads all links');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
is($session->answer('SELECT last_failure FROM payment_links_credentials'),
	'', '... and last_failure is gone');

# A user can drop last_failure.
$bench->renew(refresh_token => 'bad-once');
refused($refused, 'a refresh token is refused');
not_sent($refused, '... and not sent again');
$bench->change(last_failure => undef);
refused($refused, '... but sent after last_failure was dropped');
not_sent($refused, '... and then not again');

# An access token that a user sets is used, since only the refresh token was refused.
$bench->change(access_token => $api->oauth_issue->{access_token},
	access_token_expires_at => undef);
$api->clear_log;
is($bench->read_all, 'read', 'an access token that a user has set reads all links');
is($bench->asked, '', '... without a refresh');

# The token host accepts a refresh token that was used for a minute more.
$bench->renew;
$bench->read_all;
my $old = $bench->mapping->{refresh_token};
$bench->due;
$bench->read_all;
$bench->change(refresh_token => $old);
$bench->due;
is($bench->read_all, 'read', 'the refresh token before the last one is accepted within the minute');
$api->advance(61);
$bench->change(refresh_token => $old);
$bench->due;
$result = refused($refused, '... and refused after it');
like($result->{detail}, qr/^The token host said: It has already been used\./, '... the detail says why');
not_sent($refused, '... and not sent again');

# Refusals of the application

foreach my $option (qw(client_id client_secret))
{
	$bench->renew($option => 'not-this-one');
	$result = refused($refused_client, "a wrong $option is refused");
	is($result->{hint}, $client_hint, '... the hint says what to check');
	not_sent($refused_client, '... and not sent again');
	$bench->change($option => 'nor-this-one');
	refused($refused_client, "another wrong $option is sent, and refused");
	not_sent($refused_client, '... and not sent again');
	$bench->change($option => 'sample-client' . ($option eq 'client_secret' ? '-secret' : ''));
	$api->clear_log;
	is($bench->read_all, 'read', "with the right $option all links are read");
	is($bench->asked, 'refresh_token 200', '... after one request for tokens');
}

# Failures that say nothing of refresh token or application: each query asks again.

$bench->renew;
$api->fault(kind => 'status', status => 403, path => '/oauth2/token');
foreach my $each ($session, $other)
{
	$api->clear_log;
	$result = $each->query(PlfTest::all_of('links'));
	is("$result->{state} $result->{message}", '42501 the access token could not be refreshed',
		'status 403 of the token host is an error');
	is($bench->asked, 'refresh_token 403', '... and every query asks again');
}
is( $session->query(
		q{SELECT last_failure, now() - last_failure_at BETWEEN '-1s' AND '30s' FROM payment_links_credentials})->{rows},
	'the access token could not be refreshed|t',
	'... payment_links_credentials shows the failure');

# An access token that has not ended is used even if no new one can be had.

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
	is($bench->read_all, 'read', "while the token host $name, an access token that ends in half a minute reads all links");
	$bench->workers_are_gone;    # the query does not wait while the old token is still good
	like($bench->asked, qr/^refresh_token 40[03]$/, '... after a request for tokens');
	like($bench->mapping->{last_failure}, qr/ (final|passing_42501) the /, '... whose failure the mapping has in last_failure');
	is($bench->read_all, 'read', '... the next query reads all links');
	$bench->workers_are_gone;
	is(scalar(split /\n/, $bench->asked), $name eq 'fails' ? 2 : 1,
		'... ' . ($name eq 'fails' ? 'after another request' : 'without another request'));
	$bench->change(access_token_expires_at => OAuthTest::in_seconds(-1));
	like($bench->read_all, qr/^(?:28000|42501) /, '... and after the end of the access token queries fail');
}

$_->quit foreach $bench, $other;
$node->stop;
done_testing();
