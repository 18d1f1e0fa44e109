# How long a token lasts, by whatever the token host says in expires_in; and answers of the
# token host with values of any length: what is stored and shown of them.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PlfTest::cluster('main', q{timezone = 'UTC'});
my $bench = OAuthTest->new($node, 'links', server => { max_retries => 0 });
my $api = $bench->api;
my $token = '/oauth2/token';

sub error_of { return "$_[0]->{state} $_[0]->{message}"; }

# expires_in

my $documented = 3600;
my $longest = 10 * 365 * 24 * 3600;
foreach my $case (
	[ '7200', 7200 ], [ '7.2e3', 7200 ], [ '72E+2', 7200 ], [ '72000e-1', 7200 ],
	[ '90.9', 90 ], [ '1e30', $longest ], [ '9' x 300, $longest ],
	[ '"7200"', 7200 ], [ '"7.2e3"', 7200 ], [ '"1e999"', $longest ],
	map { [ $_, $documented ] } '0', '-0', '-1', '0.5', '1e-30', 'null', 'true', '[]', '{}', '""', '"0"', '"-5"',
	'"soon"', '"inf"', '"nan"', '"0x7200"', '" 7200"', '"7200 s"', '"7200\u0000"')
{
	my ($raw, $seconds) = @$case;
	my $name = length $raw > 20 ? substr($raw, 0, 20) . '...' : $raw;

	$bench->renew;
	$api->fault(kind => 'wrong_types', field => 'expires_in', raw => $raw, path => $token);
	is($bench->read_all, 'read', "all links are read after an answer with $name as expires_in");
	is( $bench->query(
			"SELECT access_token_expires_at - refreshed_at
				BETWEEN $seconds * interval '1s' - $PlfTest::slowdown * interval '5s' AND $seconds * interval '1s'
			FROM payment_links_credentials"
		)->{rows},
		't', "... the token lasts $seconds s");
	is($bench->read_all, 'read', '... the next query reads all links');
	is($bench->asked, 'refresh_token 200', '... without another request for tokens');
}

# Tokens of any length: tokens of more than 64 kB are refused and not stored.

foreach my $field (qw(access_token refresh_token))
{
	foreach my $kB (1, 64)
	{
		$bench->renew;
		$api->fault(kind => 'long_value', field => $field, count => 1024 * $kB, path => $token);
		is($bench->query(q{SELECT payment_links_refresh('links') > now()})->{rows}, 't', "$field of $kB kB is accepted");
		is(length $bench->mapping->{$field}, 1024 * $kB, '... and stored');
	}
	foreach my $bytes (64 * 1024 + 1, 200_000, 300_000, 30_000_000)
	{
		$bench->renew;
		my $before = $bench->mapping;

		$api->fault(kind => 'long_value', field => $field, count => $bytes, path => $token);
		$bench->query("SET statement_timeout = '${\ (15 * $PlfTest::slowdown)}s'");
		my $result = $bench->query(PlfTest::all_of('links'));
		is( error_of($result),
			$bytes > 256 * 1024 ? '08P01 the access token could not be refreshed'
			: '08P01 the token host did not send the tokens that were requested',
			"$field of $bytes bytes is an error");
		like(
			$result->{detail},
			$bytes > 256 * 1024 ? qr/ the body is larger than such an answer may be\. /
			: qr/^It sent an? \w+ token that cannot be used\. Host/,
			'... the detail says why');
		is($bench->asked, 'refresh_token 200', '... after one request for tokens');
		my $mapping = $bench->mapping;
		delete $mapping->{last_failure};
		ok(join(',', %$mapping{ sort keys %$mapping }) eq join(',', %$before{ sort keys %$before }),
			'... and no token is stored');
		$api->clear_faults;
		is($bench->read_all, 'read', '... then the next query reads all links');
	}
}

# Error descriptions of any length

sub refusal
{
	my (%member) = @_;
	return {
		kind => 'body',
		status => 400,
		text => '{' . join(', ', map { qq("$_": "$member{$_}") } sort keys %member) . '}' };
}

foreach my $case (
	[ 'a description of 500 bytes', { error => 'invalid_grant', error_description => 'd' x 500 }, 'd' x 500 ],
	[ 'a description of 501 bytes', { error => 'invalid_grant', error_description => 'd' x 501 }, 'd' x 500 ],
	[ 'a description of 200 kB', { error => 'invalid_grant', error_description => 'd' x 200_000 }, 'd' x 500 ],
	[
		'a description of 200 kB in characters of three bytes',
		{ error => 'invalid_grant', error_description => '12' . '\u20ac' x 30_000 },
		'12' . "\xe2\x82\xac" x 166
	],
	[
		'a description that repeats the client secret',
		{ error => 'invalid_grant', error_description => 'd' x 490 . 'sample-client-secret and more' },
		'd' x 490 . '[redacted]'
	],
	[
		'a description with a line end and an escape sequence',
		{ error => 'invalid_grant', error_description => 'x\\n2026-01-01 LOG:  forged line\\u001b[31m red' },
		'x 2026-01-01 LOG:  forged line [31m red'
	],
	[
		'an error with a line end',
		{ error => 'not\\r\\nwilling' },
		'not  willing'
	],
	[
		'an error of 200 kB',
		{ error => 'e' x 200_000, error_description => 'Said so.' },
		'e' x 500 . ', Said so'
	])
{
	my ($name, $members, $words) = @$case;

	$bench->renew;
	$api->fault(%{ refusal(%$members) }, path => $token);
	my $result = $bench->query(PlfTest::all_of('links'));
	is( error_of($result),
		$members->{error} eq 'invalid_grant'
		? '28000 the token host refused the refresh token (invalid_grant)'
		: 'HV000 the access token could not be refreshed',
		"$name: the error");
	like($result->{detail}, qr/The token host said: \Q$words\E\. Host: 127/, '... and the detail has at most 500 bytes of it');
}
foreach my $megabytes (1, 5)
{
	$bench->renew;
	$api->fault(%{ refusal(error => 'invalid_grant', error_description => 'd' x ($megabytes << 20)) }, path => $token);
	is( error_of($bench->query(PlfTest::all_of('links'))),
		'08P01 the access token could not be refreshed',
		"an answer of $megabytes MB is too large");
	$api->clear_faults;
	is($bench->read_all, 'read', '... then the next query reads all links');
}

# Descriptions by the API
$bench->renew;
$bench->read_all;
foreach my $bytes (60_000, 3_000_000)
{
	$api->fault(kind => 'status', status => 403, detail => 'd' x $bytes, path => '/v2/');
	my $result = $bench->query(PlfTest::all_of('links'));
	is(error_of($result), '42501 payment links API denied access', "a description of $bytes bytes by the API: the error");
	cmp_ok(length $result->{detail}, '<', 1000, '... whose detail has less than 1,000 characters');
	like($bench->query(q{SELECT message FROM payment_links_check('links')})->{rows},
		qr/^payment links API denied access: .{0,1000}$/, '... and so has the message of payment_links_check()');
	$api->clear_faults;
}

$bench->quit;
$node->stop;
done_testing();
