# Failures between the database and the token host: which requests are sent again, what the
# error says, and that the next query renews the token and reads all links.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

# Several cases run at the same time, each on its own bench, since some of them wait.
use constant BENCHES => 8;

my $node = PlfTest::cluster('main', 'max_worker_processes = 12');
my @benches = map {
	OAuthTest->new($node, "links_$_",
		server => { request_timeout => 1500 * $PlfTest::slowdown . 'ms', max_retries => 0 })
} 1 .. BENCHES;
my $token = '/oauth2/token';
my @cases;

# A case: with these faults of the token endpoint a query ends with this error, after so
# many requests for tokens. Then, without the faults, another query reads all links.
sub fails
{
	my ($name, %case) = @_;

	push @cases, { name => $name, %case };
	return;
}

# A case in which the query reads all links.
sub succeeds { return fails(@_, state => ''); }

sub status
{
	my ($status, %fault) = @_;
	return { kind => 'status', status => $status, shape => 'oauth', %fault };
}

my $check = qr/^Check the option "token_url" of server "links_\d+"\.$/;
my $later = qr/^Try again later\.$/;
my $authorize =
  qr/^Authorize again with payment_links_authorize_url\(\) and payment_links_authorize\(\)\.$/;
my $not_refreshed = 'the access token could not be refreshed';
my $not_sent = 'the token host did not send the tokens that were requested';

# Failures after which the request is sent again

foreach my $status (408, 425, 429, 500, 502, 503, 504)
{
	succeeds("status $status, once", fault => status($status, times => 1), requests => 2);
}
succeeds('status 503, three times', fault => status(503, times => 3), requests => 4);
fails(
	'status 503',
	fault => status(503),
	state => '08006',
	message => $not_refreshed,
	detail => qr/^The token host answered with status 503\. .* The request was sent 4 times\.$/,
	hint => $later,
	requests => 4);
succeeds('an answer that is lost', lost => [1], requests => 2);
succeeds('two answers that are lost', lost => [ 1, 2 ], requests => 3);
succeeds('three answers that are lost', lost => [ 1, 2, 3 ], requests => 4);
fails(
	'answers that are always lost',
	fault => { kind => 'close' },
	state => '08006',
	message => $not_refreshed,
	detail => qr/connection to the token host was lost before the answer was complete\..* Host: 127\.0\.0\.1:\d+\. The request was sent 4 times\.$/,
	hint => $later,
	requests => 4);
succeeds('half of an answer, once', fault => { kind => 'short_body', times => 1 }, requests => 2);
fails(
	'a connection that is reset',
	fault => { kind => 'reset', after => 20 },
	state => '08006',
	message => $not_refreshed,
	hint => $later,
	requests => 4);
succeeds('silence, once', fault => { kind => 'hang', times => 1 }, requests => 2);
fails(
	'silence',
	fault => { kind => 'hang' },
	state => '08006',
	message => $not_refreshed,
	detail => qr/did not answer in time\./,
	hint => $later,
	requests => 4);
fails(
	'silence in the middle',
	fault => { kind => 'hang', after => 10 },
	state => '08006',
	message => $not_refreshed,
	hint => $later,
	requests => 4);
fails(
	'an answer that comes byte by byte',
	fault => { kind => 'drip', interval_ms => 100 },
	state => '08006',
	message => $not_refreshed,
	hint => $later,
	requests => 4);
succeeds(
	'Retry-After of a second',
	fault => status(429, times => 1, retry_after => 1),
	seconds => 1,
	requests => 2);
fails(
	'Retry-After that is too long',
	fault => status(429, retry_after => 30),
	state => '53400',
	message => $not_refreshed,
	detail => qr/^The token host answered with status 429\. The token host asked to wait 30 s\./,
	hint => qr/^Try again in 30 s\.$/,
	requests => 1);
fails(
	'Retry-After that is too long, with status 503',
	fault => status(503, retry_after => 3600),
	state => '08006',
	message => $not_refreshed,
	detail => qr/^The token host answered with status 503\. The token host asked to wait 3600 s\./,
	hint => qr/^Try again in 3600 s\.$/,
	requests => 1);
fails(
	'too many requests',
	fault => status(429),
	state => '53400',
	message => $not_refreshed,
	hint => $later,
	requests => 4);

# Failures after which the request is not sent again

foreach my $status (400, 401, 402, 403, 404, 405, 409, 410, 415, 422)
{
	my $state = $status == 403 ? '42501' : $status == 404 ? 'HV00R' : 'HV000';

	fails(
		"status $status",
		fault => status($status),
		state => $state,
		message => $not_refreshed,
		detail => qr/^The token host answered with status $status\. The token host said: \w+, [\w ]+\. Host: 127\.0\.0\.1:\d+\./,
		hint => $check,
		requests => 1);
}
fails(
	'invalid_request',
	fault => status(400, code => 'invalid_request', detail => 'Something is missing.'),
	state => 'HV000',
	message => $not_refreshed,
	detail => qr/The token host said: invalid_request, Something is missing\. Host/,
	hint => $check,
	requests => 1);
foreach my $status (301, 302, 303, 307, 308)
{
	fails(
		"a redirect, $status",
		fault => { kind => 'redirect', status => $status, location => '@elsewhere@' },
		state => '08P01',
		message => $not_refreshed,
		detail => qr/^The token host answered with status $status\. Host/,
		hint => $check,
		requests => 1);
}
foreach my $status (201, 204, 206)
{
	fails(
		"status $status",
		fault => status($status),
		state => '08P01',
		message => $not_refreshed,
		hint => $check,
		requests => 1);
}
fails(
	'status 401 in HTML',
	fault => { kind => 'status', status => 401, shape => 'html' },
	state => 'HV000',
	message => $not_refreshed,
	detail => qr/^The token host answered with status 401\. Host/,
	hint => $check,
	requests => 1);
fails(
	'status 500 in HTML',
	fault => { kind => 'status', status => 500, shape => 'html' },
	state => '08006',
	message => $not_refreshed,
	hint => $later,
	requests => 4);
foreach my $case (
	[ 'HTML', { kind => 'html_login' }, qr/It sent no JSON object/ ],
	[ 'an empty body', { kind => 'empty_body' }, qr/It sent no access token\./ ],
	[ 'half of the JSON', { kind => 'invalid_json' }, qr/It sent no JSON object/ ],
	[ 'a list', { kind => 'body', text => '[]' }, qr/It sent no JSON object/ ],
	[ 'a string', { kind => 'body', text => '"token"' }, qr/It sent no JSON object/ ],
	[ 'null', { kind => 'body', text => 'null' }, qr/It sent no JSON object/ ],
	[ 'an empty object', { kind => 'body', text => '{}' }, qr/It sent no access token\./ ],
	[ 'text after the object', { kind => 'body', text => '{} {}' }, qr/It sent no JSON object/ ],
	[ 'a key twice', { kind => 'duplicate_keys', field => 'access_token' }, qr/It sent no JSON object/ ],
	[ 'no access token', { kind => 'missing_field', field => 'access_token' }, qr/It sent no access token\./ ],
	[
		'brackets without end',
		{ kind => 'deep_nesting', where => 'body' },
		qr/It sent no JSON object/
	],
	[ 'bytes that are not UTF-8', { kind => 'invalid_utf8', field => 'scope' }, qr/It sent no JSON object/ ],
	[ 'an access token with a NUL', { kind => 'nul_escape', field => 'access_token' }, qr/It sent no access token\./ ],
	[ 'a refusal with status 200', { kind => 'body', text => '{"error": "invalid_grant"}' }, qr/It sent no access token\./ ]
  )
{
	my ($name, $fault, $detail) = @$case;

	fails(
		"$name instead of tokens",
		fault => $fault,
		state => '08P01',
		message => $not_sent,
		detail => $detail,
		hint => $check,
		requests => 1);
}
foreach my $field (qw(access_token refresh_token))
{
	foreach my $value ('', ' ', 'two words', "line\nbreak", "header\r\nX-Evil: 1", "tab\t", "caf\xe9",
		"\x{200b}", "del\x7f", 'Bearer token')
	{
		my $shown = $value =~ s/[^ -~]/?/gr;

		fails(
			"\"$shown\" as $field",
			fault => { kind => 'wrong_types', field => $field, value => $value },
			state => '08P01',
			message => $not_sent,
			detail => $field eq 'access_token' ? qr/^It sent an access token that cannot be used\. Host/
			: qr/^It sent a refresh token that cannot be used\. Host/,
			hint => $check,
			requests => 1);
	}
}
foreach my $raw ('null', '1', 'true', '["x"]', '{"x": "y"}')
{
	fails(
		"$raw as access_token",
		fault => { kind => 'wrong_types', field => 'access_token', raw => $raw },
		state => '08P01',
		message => $not_sent,
		detail => qr/It sent no access token\./,
		hint => $check,
		requests => 1);
}
foreach my $case (
	[ 'an SSH greeting', { kind => 'garbage' } ],
	[ 'a body without end', { kind => 'endless_body' } ],
	[ 'headers without end', { kind => 'endless_headers' } ],
	[ 'a gzip bomb', { kind => 'gzip_bomb', megabytes => 64 } ])
{
	my ($name, $fault) = @$case;

	fails(
		$name,
		fault => $fault,
		state => '08P01',
		message => $not_refreshed,
		hint => $check,
		requests => 1);
}

# Answers that are unusual and good

succeeds('an answer in gzip', fault => { kind => 'gzip' }, requests => 1);
succeeds('an answer in chunks', fault => { kind => 'chunked', size => 10 }, requests => 1);
succeeds('another content type', fault => { kind => 'wrong_content_type' }, requests => 1);
succeeds('a slow answer', fault => { kind => 'latency', ms => 300 }, requests => 1);
succeeds('no refresh token', fault => { kind => 'missing_field', field => 'refresh_token' }, requests => 1);
foreach my $raw ('"3600"', 'null', '3600.9', '[]', '-1', '0', '1e3', '1' . '0' x 18)
{
	succeeds(
		substr($raw, 0, 10) . ' as expires_in',
		fault => { kind => 'wrong_types', field => 'expires_in', raw => $raw },
		requests => 1);
}
succeeds(
	'unknown members',
	fault => {
		kind => 'wrong_types',
		field => 'extra',
		raw => '{"access_token": "not-this-one", "deep": [[]]}'
	},
	requests => 1);

# Refusals of the refresh token and of the application, which are not sent again

foreach my $case (
	[ 'invalid_grant', 400, 'the token host refused the refresh token (invalid_grant)', $authorize ],
	[ 'invalid_grant', 401, 'the token host refused the refresh token (invalid_grant)', $authorize ],
	[ 'invalid_client', 401, 'the token host refused the application (invalid_client)',
		qr/^Check client_id and client_secret in the user mapping for \w+ on server "links_\d+"\.$/ ],
	[ 'unauthorized_client', 400, 'the token host refused the application (unauthorized_client)',
		qr/^Check client_id and client_secret in the user mapping for \w+ on server "links_\d+"\.$/ ])
{
	my ($error, $status, $message, $hint) = @$case;

	fails(
		"$error, status $status",
		fault => status($status, code => $error, detail => 'Said so.'),
		state => '28000',
		message => $message,
		detail => qr/^The token host said: Said so\. Host: 127\.0\.0\.1:\d+\.$/,
		hint => $hint,
		requests => 1,
		final => 1);
}

# The cases run in rounds of BENCHES; the cases with many requests, which wait, run together.

my $elsewhere = SampleApi->new(count => 1);

@cases = sort { $b->{requests} <=> $a->{requests} } @cases;
while (my @round = splice @cases, 0, BENCHES)
{
	foreach my $n (0 .. $#round)
	{
		my ($bench, $case) = ($benches[$n], $round[$n]);
		my $fault = $case->{fault};

		$bench->renew;
		$case->{before} = $bench->mapping;
		$fault->{location} =~ s/\@elsewhere\@/$elsewhere->{oauth_url}$token/ if $fault and $fault->{location};
		$bench->api->oauth_forget_answers(@{ $case->{lost} }) if $case->{lost};
		$bench->api->fault(path => $token, %$fault) if $fault;
		$bench->session->start(PlfTest::all_of($bench->name));
	}
	judge($benches[$_], $round[$_]) foreach 0 .. $#round;
}

sub judge
{
	my ($bench, $case) = @_;
	my $result = $bench->session->finish;
	my $asked = () = $bench->asked =~ /^/mg;
	my $mapping = $bench->mapping;

	subtest $case->{name} => sub {
		is($result->{state}, $case->{state}, 'SQLSTATE');
		is($asked, $case->{requests}, 'requests for tokens');
		cmp_ok($result->{seconds}, '>=', $case->{seconds}, 'the query waited') if $case->{seconds};
		if ($case->{state} eq '')
		{
			is($result->{rows}, $bench->links, 'rows');
			ok(!exists $mapping->{last_failure}, 'the mapping has no last_failure');
			ok( $bench->holds_the_newest
				  || $mapping->{refresh_token} eq $case->{before}{refresh_token},
				'the tokens are stored');
			return;
		}
		is($result->{message}, $case->{message}, 'message');
		is($result->{rows}, '', 'no row');
		like($result->{detail}, $case->{detail}, 'detail') if $case->{detail};
		like($result->{hint}, $case->{hint}, 'hint');
		is($bench->read_requests, 0, 'no request is made to the API');
		like(
			delete $mapping->{last_failure},
			qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [0-9a-f]{16} \w+ \Q$case->{message}\E$/,
			'the mapping has the failure in last_failure');
		is_deeply($mapping, $case->{before}, '... and is unchanged otherwise');

		$bench->api->clear_faults;
		$bench->api->clear_log;
		is( $bench->read_all,
			$case->{final} ? "28000 $case->{message}" : 'read',
			$case->{final} ? 'then the same error' : 'then all links are read');
		is($bench->asked, $case->{final} ? '' : 'refresh_token 200', $case->{final} ? '... without a request for tokens' : '... after one request for tokens');
		ok($case->{final} || $bench->holds_the_newest, '... whose tokens are stored');
		is(exists $bench->mapping->{last_failure} ? 1 : 0,
			$case->{final} ? 1 : 0, '... last_failure is ' . ($case->{final} ? 'still set' : 'dropped'));
	};
	return;
}

is($elsewhere->count, 0, 'no redirect was followed');

# No token host listens

my $bench = shift @benches;
my $closed = PlfTest::closed_port();
my ($deaf, @sockets) = PlfTest::deaf_port();
foreach my $case (
	[ "http://127.0.0.1:$closed/oauth2/token", qr/could not connect to .* Host: 127\.0\.0\.1:$closed\.$/ ],
	[ "http://127.0.0.1:$deaf/oauth2/token", qr/could not connect to .* Host: 127\.0\.0\.1:$deaf\.$/ ],
	[ "https://127.0.0.1:$closed/oauth2/token", qr/could not connect to .* Host: 127\.0\.0\.1:$closed\.$/ ])
{
	my ($url, $detail) = @$case;

	$bench->renew;
	$bench->query("ALTER SERVER links_1 OPTIONS (SET token_url '$url')");
	my $result = $bench->query(PlfTest::all_of('links_1'));
	is("$result->{state} $result->{message}", "08001 $not_refreshed", $url);
	like($result->{detail}, $detail, '... the detail names the host');
	like($result->{hint}, qr/^Check the network of the database server and the options/, '... the hint says what to check');
	is($bench->api->count, 0, '... and no request is made to the API');
}
$bench->query("ALTER SERVER links_1 OPTIONS (SET token_url '${\ $bench->api->oauth_url}$token')");
is($bench->read_all, 'read', 'with the right token_url all links are read');

$_->quit foreach $bench, @benches;
$node->stop;
done_testing();
