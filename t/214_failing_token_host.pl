# A token host that is dead, slow or fails, and many sessions: one of them asks, the
# others share what comes of it, and a token that is good is used at once.

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

# How long a try waits for an answer.
sub set_request_timeout
{
	my ($ms) = @_;

	$bench->query("ALTER SERVER links OPTIONS (SET request_timeout '${ms}ms')");
	return;
}

sub error_of { return "$_[0]->{state} $_[0]->{message}"; }

# How many requests for tokens there were.
sub number_asked { my $number = () = $bench->asked =~ /^./mg; return $number; }

# All fail together.

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

	# Silence is waited for; all else is told when all sessions wait.
	set_request_timeout($fault->{kind} eq 'hang' ? 1000 * $PlfTest::slowdown : 10000);
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
			"six sessions and a token host that $name: $sql");
		is(number_asked(), $requests, '... are one request with its tries');
		is(scalar(grep { $_->{detail} eq $shared and $_->{hint} eq 'Try again later.' } @results),
			5, '... of one session, whose failure is that of the others');
		$bench->api->clear_faults;
	}
	is($bench->read_all, 'read', '... and the next one asks again');
}

# A failure that came before is asked about again: see t/202_refused_refresh.pl. So is one
# that came while a session waited, after the mapping has changed.

set_request_timeout(1000 * $PlfTest::slowdown);
$bench->due;
$bench->api->fault(path => $token, kind => 'hang');
$sessions[0]->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'one session asks');
$sessions[1]->start(PlfTest::all_of('links'));
ok($bench->sessions_wait(@sessions[ 0, 1 ]), '... and another one waits');
$bench->api->clear_faults;
is($sessions[0]->finish->{rows}, $bench->links, 'a try that succeeds');
is($sessions[1]->finish->{rows}, $bench->links, '... is for both');

# A token that is good is used at once by sessions that do not ask, and soon by the one that does.

$bench->due(55);
set_request_timeout(10000);
$bench->api->fault(path => $token, kind => 'hang');
$sessions[0]->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'a token with less than a minute left is renewed');
is_deeply([ map { $bench->read_all($sessions[$_]) } 1 .. 5 ],
	[ ('read') x 5 ], '... and used by all others');
is(number_asked(), 1, '... before the token host answers');
is($sessions[0]->finish->{rows}, $bench->links, '... and by the session that has it renewed');
is(number_asked(), 1, '... before the token host answers');
is(scalar(split /\n/, $bench->workers), 1, '... while the worker goes on');
is($bench->read_all, 'read', '... and a session that comes now');
is(scalar(split /\n/, $bench->workers), 1, '... starts no other');
$bench->as_admin('SELECT pg_terminate_backend(' . $bench->workers . ')');
$bench->api->clear_faults;

# ... but not one that the API has refused.
$bench->change(access_token => 'refused-by-the-api', access_token_expires_at => OAuthTest::in_seconds(3000));
$bench->answer_late(300);
$bench->api->clear_log;
$_->start(PlfTest::all_of('links')) foreach @sessions;
is_deeply([ map { $_->finish->{rows} } @sessions ], [ ($bench->links) x 6 ], 'a token that the API refuses');
is($bench->asked, 'refresh_token 200', '... is renewed once for all who were refused');

# A token that ends within a minute of its issue is shared by those who waited for it.
$bench->api->config(access_token_seconds => 20 * $PlfTest::slowdown);
$bench->api->clear_faults;
$bench->due;
$bench->hold_answers;
$_->start(PlfTest::all_of('links')) foreach @sessions;
ok($bench->sessions_wait(@sessions), 'six sessions wait');
$bench->api->release;
is_deeply([ map { $_->finish->{rows} } @sessions ], [ ($bench->links) x 6 ], '... for a token that lasts less than a minute');
is($bench->asked, 'refresh_token 200', '... which is asked for once');
$bench->api->config(access_token_seconds => 3600);

# A row that another transaction has is waited for once, by all together.

my $lock = PlfTest->session($node);
$bench->due;
$bench->as_admin("BEGIN; SELECT 1 FROM pg_user_mapping FOR UPDATE", $lock);
$_->start(PlfTest::all_of('links')) foreach @sessions;
my @results = map { $_->finish } @sessions;
is_deeply(
	[ map { error_of($_) } @results ],
	[ ('55P03 the access token cannot be refreshed while another transaction has the user mapping') x 6 ],
	'six sessions and a mapping that is locked');
cmp_ok((sort { $b <=> $a } map { $_->{seconds} } @results)[0],
	'<', 12 * $PlfTest::slowdown, '... wait together for what one waits');
is($bench->api->count, 0, '... without a request');
$lock->query('ROLLBACK');
is($bench->read_all, 'read', '... and read when it is let go');

# The mapping is dropped while a token is asked for.

my $dropped = '28000 the user mapping was dropped';
my $user = $bench->as_admin('SELECT current_user');
my $mapping = $bench->mapping;
foreach my $case (
	[ 'whose token is used up', -1, PlfTest::all_of('links') ],
	[ 'whose token would be good', 30 * $PlfTest::slowdown, q{SELECT payment_links_refresh('links')} ])
{
	my ($name, $left, $sql) = @$case;

	$bench->due($left);
	$bench->as_admin('BEGIN; DROP USER MAPPING FOR CURRENT_USER SERVER links', $lock);
	$_->start($sql) foreach @sessions[ 0, 1 ];
	ok($bench->sessions_wait(@sessions[ 0, 1 ]), 'two sessions wait');
	ok($bench->worker_waits('transactionid'), "... for a mapping $name, which is about to be dropped");
	$lock->query('COMMIT');
	@results = map { $sessions[$_]->finish } 0, 1;
	is($_->{rows} . error_of($_), $dropped, '... and is') foreach @results;
	is($bench->api->count, 0, '... without a request');
	$bench->as_admin('CREATE USER MAPPING FOR CURRENT_USER SERVER links OPTIONS ('
		  . join(', ', map { "$_ '$mapping->{$_}'" } sort keys %$mapping) . ')');
}

# ... and its refresh token is.

$bench->due;
$bench->as_admin('BEGIN');
$bench->as_admin('ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (DROP refresh_token, SET access_token $$sample$$)');
$sessions[0]->start(PlfTest::all_of('links'));
ok($bench->worker_waits('transactionid'), 'a refresh token is about to be dropped');
$bench->as_admin('COMMIT');
is( error_of($sessions[0]->finish),
	"28000 user mapping for $user on server \"links\" has no refresh token",
	'... and is');
is($bench->asked, '', '... without a request for tokens');

$_->quit foreach $lock, @sessions, $bench;
$node->stop;
done_testing();
