# Many sessions and a token host that is down, slow or fails: one session makes the request,
# the others share its result, and an access token that has not ended is used at once.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = PlfTest::cluster('main', q{timezone = 'UTC'});
my $bench = OAuthTest->new($node, 'links', server => { request_timeout => '10s' });
my $token = '/oauth2/token';
my @sessions = map { PlfTest->session($node) } 1 .. 6;
my $shared = 'Another session asked the token host while this one waited.';

# Sets how long each try waits for an answer.
sub set_request_timeout
{
	my ($ms) = @_;

	$bench->query("ALTER SERVER links OPTIONS (SET request_timeout '${ms}ms')");
	return;
}

sub error_of { return "$_[0]->{state} $_[0]->{message}"; }

# How many requests for tokens there were.
sub number_asked { my $number = () = $bench->asked =~ /^./mg; return $number; }

# All sessions fail together.

foreach my $case (
	[ 'is silent', { kind => 'hang' }, '08006', 4 ],
	[ 'breaks off', { kind => 'close' }, '08006', 4 ],
	[
		'limits requests', { kind => 'status', status => 429, shape => 'oauth', retry_after => 30 },
		'53400', 1
	],
	[ 'denies access', { kind => 'status', status => 403, shape => 'oauth' }, '42501', 1 ])
{
	my ($name, $fault, $state, $requests) = @$case;

	# The token host fails when all sessions wait; if it does not answer, after a timeout.
	set_request_timeout(($fault->{kind} eq 'hang' ? 1000 : 10000) * $PlfTest::slowdown);
	foreach my $sql (PlfTest::all_of('links'), q{SELECT payment_links_refresh('links')})
	{
		$bench->due;
		$bench->api->fault(path => $token, %$fault);
		$bench->hold_answers unless $fault->{kind} eq 'hang';
		$_->start($sql) foreach @sessions;
		ok($bench->sessions_wait(@sessions), 'six sessions wait');
		$bench->api->release unless $fault->{kind} eq 'hang';
		my @results = map { $_->finish } @sessions;
		is_deeply(
			[ map { error_of($_) } @results ],
			[ ("$state the access token could not be refreshed") x 6 ],
			"six sessions fail when the token host $name: $sql");
		is(number_asked(), $requests, "... after one request for tokens, sent $requests times");
		is(scalar(grep { $_->{detail} eq $shared and $_->{hint} eq 'Try again later.' } @results),
			5, '... five of them report the failure of the sixth');
		$bench->api->clear_faults;
	}
	is($bench->read_all, 'read', '... then the next query reads all links');
}

# A try that succeeds after one that failed serves all sessions that wait.  (Queries after a
# failure are in t/202_refused_refresh.pl.)

set_request_timeout(1000 * $PlfTest::slowdown);
$bench->due;
$bench->api->fault(path => $token, kind => 'hang');
$sessions[0]->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'one session asks the token host');
$sessions[1]->start(PlfTest::all_of('links'));
ok($bench->sessions_wait(@sessions[ 0, 1 ]), '... and another one waits');
$bench->api->clear_faults;
is($sessions[0]->finish->{rows}, $bench->links, 'the second try succeeds: the first session reads all links');
is($sessions[1]->finish->{rows}, $bench->links, '... and so does the other');

# Sessions that do not ask use an access token that has not ended at once, and the session
# that asks uses it soon.

$bench->due(55);
set_request_timeout(10000);
$bench->api->fault(path => $token, kind => 'hang');
$sessions[0]->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'a session renews a token that ends in less than a minute');
is_deeply([ map { $bench->read_all($sessions[$_]) } 1 .. 5 ],
	[ ('read') x 5 ], '... meanwhile all others read all links with it');
is(number_asked(), 1, '... without further requests for tokens');
is($sessions[0]->finish->{rows}, $bench->links, '... and so does the session that renews the token');
is(number_asked(), 1, '... before the token host has answered');
is(scalar(split /\n/, $bench->workers), 1, '... while the worker goes on');
is($bench->read_all, 'read', '... another query reads all links');
is(scalar(split /\n/, $bench->workers), 1, '... and starts no other worker');
$bench->as_admin('SELECT pg_terminate_backend(' . $bench->workers . ')');
$bench->api->clear_faults;

# An access token that the API has refused is not used by the others.
$bench->change(access_token => 'refused-by-the-api', access_token_expires_at => OAuthTest::in_seconds(3000));
$bench->answer_late(300);
$bench->api->clear_log;
$_->start(PlfTest::all_of('links')) foreach @sessions;
is_deeply([ map { $_->finish->{rows} } @sessions ], [ ($bench->links) x 6 ], 'six sessions with a token that the API refuses read all links');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');

# A new token that ends in less than a minute is used by all sessions that waited for it.
$bench->api->config(access_token_seconds => 20 * $PlfTest::slowdown);
$bench->api->clear_faults;
$bench->due;
$bench->hold_answers;
$_->start(PlfTest::all_of('links')) foreach @sessions;
ok($bench->sessions_wait(@sessions), 'six sessions wait');
$bench->api->release;
is_deeply([ map { $_->finish->{rows} } @sessions ], [ ($bench->links) x 6 ], '... and read all links with a new token that ends in less than a minute');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
$bench->api->config(access_token_seconds => 3600);

# All sessions wait together for a user mapping that another transaction has locked.

my $lock = PlfTest->session($node);
my $started = qr/starting background worker process "payment_links_fdw token refresh"/;
$bench->as_admin('ALTER SYSTEM SET log_min_messages = debug1');
$bench->as_admin('SELECT pg_reload_conf()');
ok($node->poll_query_until('postgres', q{SELECT current_setting('log_min_messages') = 'debug1'}), 'the log has the start of each worker');
my $log_size = -s $node->logfile;
$bench->due;
$bench->as_admin("BEGIN; SELECT 1 FROM pg_user_mapping FOR UPDATE", $lock);
$_->start(PlfTest::all_of('links')) foreach @sessions;
my @results = map { $_->finish } @sessions;
is_deeply(
	[ map { error_of($_) } @results ],
	[ ('55P03 the access token cannot be refreshed while another transaction changes or locks the user mapping') x 6 ],
	'six sessions fail while the user mapping is locked');
cmp_ok((sort { $b <=> $a } map { $_->{seconds} } @results)[0],
	'<', 12 * $PlfTest::slowdown, '... after the time that one session waits');
is($bench->api->count, 0, '... without a request');
is(scalar(() = substr(slurp_file($node->logfile), $log_size) =~ /$started/g), 1, '... and with one worker');
$bench->as_admin('ALTER SYSTEM RESET log_min_messages');
$bench->as_admin('SELECT pg_reload_conf()');
$lock->query('ROLLBACK');
is($bench->read_all, 'read', '... after the lock is released all links are read');

# The user mapping is dropped while its token is renewed.

my $dropped = '28000 the user mapping was dropped';
my $user = $bench->as_admin('SELECT current_user');
my $mapping = $bench->mapping;
foreach my $case (
	[ 'whose token has ended', -1, PlfTest::all_of('links') ],
	[ 'whose token has not ended', 30 * $PlfTest::slowdown, q{SELECT payment_links_refresh('links')} ])
{
	my ($name, $left, $sql) = @$case;

	$bench->due($left);
	$bench->as_admin('BEGIN; DROP USER MAPPING FOR CURRENT_USER SERVER links', $lock);
	$_->start($sql) foreach @sessions[ 0, 1 ];
	ok($bench->sessions_wait(@sessions[ 0, 1 ]), 'two sessions wait');
	ok($bench->worker_waits('transactionid'), "... for a mapping $name, which is about to be dropped");
	$lock->query('COMMIT');
	@results = map { $sessions[$_]->finish } 0, 1;
	is($_->{rows} . error_of($_), $dropped, '... and fail when the drop is committed') foreach @results;
	is($bench->api->count, 0, '... without a request');
	$bench->as_admin('CREATE USER MAPPING FOR CURRENT_USER SERVER links OPTIONS ('
		  . join(', ', map { "$_ '$mapping->{$_}'" } sort keys %$mapping) . ')');
}

# The refresh token is dropped while the token is renewed.

$bench->due;
$bench->as_admin('BEGIN');
$bench->as_admin('ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (DROP refresh_token, SET access_token $$sample$$)');
$sessions[0]->start(PlfTest::all_of('links'));
ok($bench->worker_waits('transactionid'), 'a session waits for a transaction that drops the refresh token');
$bench->as_admin('COMMIT');
is( error_of($sessions[0]->finish),
	"28000 user mapping for $user on server \"links\" has no refresh token",
	'... and fails when the drop is committed');
is($bench->asked, '', '... without a request for tokens');

$_->quit foreach $lock, @sessions, $bench;
$node->stop;
done_testing();
