# A background worker stores new tokens in a transaction of its own, even if the session
# that needed them is cancelled or ended.  Any number of sessions make one request for
# tokens.  Tokens that could not be stored are not asked for.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;
use Time::HiRes qw(sleep);

my $node = PlfTest::cluster('main', 'max_worker_processes = 12');
my $bench = OAuthTest->new($node, 'links');
my ($api, $session) = ($bench->api, $bench->session);
my @patient = map { OAuthTest->new($node, "patient_$_") } 1 .. 4;

# Waits until the mapping has another access token than before. Returns 1 if the mapping then
# has the newest tokens.
sub stored
{
	my ($of, $before) = @_;

	foreach (1 .. 3000)
	{
		return $of->holds_the_newest
		  if ($of->mapping->{access_token} // '') ne ($before->{access_token} // '');
		sleep 0.01;
	}
	return 0;
}

sub error_of { return "$_[0]->{state} $_[0]->{message}"; }

# Cases that take five seconds begin here, and their results are tested at the end of this
# file: user mappings that are locked by another session, by the same session, or by a
# worker whose session has ended.

my ($locked, $in_use, $own, $left) = @patient;
my $lock = PlfTest->session($node);
my $first = PlfTest->session($node);

sub lock_mapping
{
	my ($session, $of) = @_;

	return $bench->as_admin(
		"SELECT 1 FROM pg_user_mapping m, pg_foreign_server s
		WHERE s.oid = umserver AND srvname = '${\ $of->name}' FOR UPDATE OF m", $session);
}

$in_use->change(
	access_token => $in_use->api->oauth_issue->{access_token},
	access_token_expires_at => OAuthTest::in_seconds(50));
$_->query('BEGIN') foreach $lock, $own->session;
lock_mapping($lock, $_) foreach $locked, $in_use;
lock_mapping($own->session, $own);
$left->answer_late(6500);
$first->start(PlfTest::all_of($left->name));
ok($left->wait_until_asked, 'a session asks the token host');
$bench->as_admin('SELECT pg_terminate_backend(' . $first->pid . ')');
is($first->finish->{state}, '57P01', '... and is terminated');
$_->session->start(PlfTest::all_of($_->name)) foreach @patient;

# The session that waits for tokens is stopped, and the tokens are stored all the same.  The
# statement_timeout must be long enough for the worker to begin, and must end before the
# request is sent again.

my $patience = 2 * $PlfTest::slowdown < 6 ? 2 * $PlfTest::slowdown : 6;

foreach my $case (
	[
		'cancelled', '57014', 'canceling statement due to user request',
		sub { $bench->as_admin("SELECT pg_cancel_backend($_[0])") }
	],
	[ 'stopped by statement_timeout', '57014', 'canceling statement due to statement timeout', undef ],
	[
		'terminated', '57P01', 'terminating connection due to administrator command',
		sub { $bench->as_admin("SELECT pg_terminate_backend($_[0])") }
	])
{
	my ($name, $state, $message, $stop) = @$case;
	my $before = $bench->mapping;
	my $stopped = PlfTest->session($node);

	$bench->due;
	$bench->hold_answers;
	$stopped->query("SET statement_timeout = '${patience}s'") unless $stop;
	$stopped->start('BEGIN; ' . PlfTest::all_of('links'));
	ok($bench->wait_until_asked, 'the token host is asked');
	$stop->($stopped->pid) if $stop;
	my $result = $stopped->finish;
	is(error_of($result), "$state $message", "... for a session that is $name");
	is($bench->mapping->{refresh_token}, $before->{refresh_token}, '... before the answer comes');
	$api->release;
	ok(stored($bench, $before), '... and then the new tokens are stored');
	is($bench->read_all, 'read', '... the next query reads all links');
	is($bench->asked, 'refresh_token 200', '... without another request for tokens');
	$stopped->quit;
}

# Many sessions that need the same tokens make one request.

my @many = map { PlfTest->session($node) } 1 .. 20;
$_->query(q{SET lock_timeout = '1ms'; SET deadlock_timeout = '1ms'; SET statement_timeout = '60s'}) foreach @many;
foreach my $case (
	[ 'a token is missing', sub { $bench->renew } ],
	[ 'a token has ended', sub { $bench->due } ],
	[ 'the API has ended a token', sub { $api->oauth_expire('access'); $api->clear_log } ])
{
	my ($name, $make) = @$case;

	$make->();
	$bench->answer_late(300);
	$_->start(PlfTest::all_of('links')) foreach @many;
	my @results = map { $_->finish } @many;
	is_deeply(
		[ map { $_->{errors} || ($_->{rows} eq $bench->links ? 'read' : $_->{rows}) } @results ],
		[ ('read') x @many ],
		"twenty sessions read all links when $name");
	is($bench->asked, 'refresh_token 200', '... after one request for tokens');
	is(scalar(grep { !$_->{oauth} && $_->{status} == 200 } $api->log), 20 * 3, '... with three requests each to the API');
	ok($bench->holds_the_newest, '... and the new tokens are stored');
	$api->clear_faults;
}
$bench->due;
$bench->hold_answers;
$_->start(q{SELECT payment_links_refresh('links') > now()}) foreach @many[ 0 .. 4 ];
ok($bench->sessions_wait(@many[ 0 .. 4 ]), 'five sessions wait in payment_links_refresh()');
$api->release;
is_deeply([ map { $_->finish->{rows} } @many[ 0 .. 4 ] ], [ ('t') x 5 ], '... and get new tokens');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');

$bench->due;
my $tokens = $bench->mapping;
$bench->hold_answers;
$_->start(PlfTest::all_of('links')) foreach @many[ 0 .. 2 ];
ok($bench->wait_until_asked, 'one of three sessions asks the token host');
ok($bench->sessions_wait(@many[ 0 .. 2 ]), '... and all three wait');
$bench->as_admin('SELECT pg_cancel_backend(' . $many[$_]->pid . ')') foreach 0 .. 2;
is_deeply([ map { $_->finish->{state} } @many[ 0 .. 2 ] ], [ ('57014') x 3 ],
	'... and can be cancelled');
is($bench->mapping->{refresh_token}, $tokens->{refresh_token}, '... before the answer comes');
$api->release;
ok(stored($bench, $tokens), '... and then the new tokens are stored');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
$_->quit foreach @many;

# Settings of the database and of the role do not change how tokens are stored.

my %settings = (
	default_transaction_read_only => 'on',
	default_transaction_isolation => 'serializable',
	statement_timeout => '100ms',
	lock_timeout => '1ms',
	idle_in_transaction_session_timeout => '100ms',
	search_path => 'nowhere',
	synchronous_commit => 'off',
	role => 'nobody',
	DateStyle => 'SQL, DMY',
	TimeZone => 'Asia/Kolkata');
$settings{transaction_timeout} = '100ms'
  if $session->query('SHOW server_version_num')->{rows} >= 170000;
$bench->as_admin('CREATE ROLE nobody');
foreach my $of ('DATABASE postgres', 'ROLE CURRENT_USER')
{
	$bench->as_admin(join '; ', map { "ALTER $of SET $_ = '$settings{$_}'" } sort keys %settings);
	$bench->due;
	$bench->answer_late(400);
	is($bench->read_all, 'read', "all links are read with settings for $of");
	ok($bench->holds_the_newest, '... the new tokens are stored');
	is( $session->query("SELECT access_token_expires_at - refreshed_at
				BETWEEN '1h' - $PlfTest::slowdown * interval '5s' AND '1h'
			FROM payment_links_credentials WHERE server = 'links'")->{rows},
		't', '... with their times');
	$bench->as_admin("ALTER $of RESET ALL");
	$api->clear_faults;
}

# A database may be dropped while the token host does not answer a worker in another one.

$bench->as_admin('CREATE DATABASE other');
$bench->due;
$bench->hold_answers;
$session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'a session asks the token host');
$bench->as_admin('DROP DATABASE other');
# Other workers may still have the mappings of the servers above.
is( $bench->as_admin(q{SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		JOIN pg_user_mappings m ON m.umid = l.objid AND l.classid = 'pg_user_mapping'::regclass
		WHERE a.backend_type = 'payment_links_fdw token refresh' AND l.granted AND m.srvname = 'links'}),
	'1',
	'... and its worker still waits after another database was dropped');
$api->release;
is($session->finish->{rows}, $bench->links, '... then all links are read');

# The role is renamed while the token host does not answer.  The server can be renamed only
# when the tokens are stored, because core finds the mapping by the server's name.

$bench->as_admin('CREATE ROLE alice; GRANT USAGE ON FOREIGN SERVER links TO alice;
	GRANT USAGE ON SCHEMA links TO alice; GRANT SELECT ON links.payment_links TO alice');
my $pair = $api->oauth_issue;
$bench->as_admin(
	"CREATE USER MAPPING FOR alice SERVER links OPTIONS (client_id 'sample-client',
		client_secret 'sample-client-secret', refresh_token '$pair->{refresh_token}')");
$bench->hold_answers;
$session->query('SET ROLE alice');
$session->start(PlfTest::all_of('links'));
ok($bench->wait_until_asked, 'a role asks the token host');
$bench->as_admin('ALTER ROLE alice RENAME TO "Alice B."');
my $renaming = PlfTest->session($node);
$renaming->start('ALTER SERVER links RENAME TO "the links"');
ok( $node->poll_query_until(
		'postgres', 'SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = ' . $renaming->pid . q{ AND wait_event = 'object'}),
	'... a change of the name of the server waits until the worker has stored the tokens');
$api->release;
is($session->finish->{rows}, $bench->links, '... and reads all links although role and server were renamed');
is($renaming->finish->{state}, '', '... then the server has another name');
$renaming->quit;
$session->query('RESET ROLE');
$bench->as_admin('ALTER SERVER "the links" RENAME TO links');
ok($bench->holds_the_newest('Alice B.'), '... and the new tokens are stored');
$bench->as_admin('DROP USER MAPPING FOR "Alice B." SERVER links');

# A transaction that has changed the user mapping or the server does not renew the token.

my $uncommitted =
  '55000 the access token cannot be refreshed in the transaction that created or changed its user mapping or server';
my $commit = 'Commit first: another transaction, of a background worker, stores the new refresh token.';
foreach my $case (
	[
		'a mapping that was changed in the same transaction',
		[ 'BEGIN', sub { $bench->change(session => $session, staging_token => 'x') } ],
		'COMMIT'
	],
	[
		'a mapping that was changed in a subtransaction',
		[ 'BEGIN; SAVEPOINT s', sub { $bench->change(session => $session, staging_token => undef) }, 'RELEASE s' ],
		'COMMIT'
	],
	[
		'a mapping that was made in the same transaction',
		[
			'BEGIN; DROP USER MAPPING FOR CURRENT_USER SERVER links', sub {
				my ($mapping) = @_;
				$bench->as_admin('CREATE USER MAPPING FOR CURRENT_USER SERVER links OPTIONS ('
					  . join(', ', map { "$_ '$mapping->{$_}'" } sort keys %$mapping) . ')', $session);
			}
		],
		'COMMIT'
	],
	[
		'a server that was changed in the same transaction',
		['BEGIN; ALTER SERVER links OPTIONS (ADD concurrency $$2$$)'], 'ROLLBACK'
	])
{
	my ($name, $steps, $end) = @$case;

	$bench->due;
	my $mapping = $bench->mapping;
	ref $_ ? $_->($mapping) : $session->query($_) foreach @$steps;
	$session->query('SAVEPOINT before_the_error');
	my $result = $session->query(PlfTest::all_of('links'));
	is(error_of($result), $uncommitted, $name);
	is($result->{hint}, $commit, '... the hint says to commit');
	$session->query('ROLLBACK TO before_the_error');
	is( error_of($session->query(q{SELECT payment_links_refresh('links')})),
		$uncommitted, '... payment_links_refresh() fails too');
	is($api->count, 0, '... neither makes a request');
	$session->query("ROLLBACK TO before_the_error; $end");
	is($bench->read_all, 'read', "... and after $end all links are read");
	is($bench->asked, 'refresh_token 200', '... after one request for tokens');
}
$bench->due(30);
$session->query('BEGIN');
$bench->change(session => $session, staging_token => 'x');
is($bench->read_all, 'read', 'in such a transaction an access token that ends in half a minute reads all links');
is($bench->asked, '', '... without a request for tokens');
$session->query('ROLLBACK');
$session->query('BEGIN; SAVEPOINT s');
$bench->change(session => $session, staging_token => 'x');
$session->query('ROLLBACK TO s');
is($bench->read_all, 'read', 'after the rollback of a subtransaction that had changed the mapping all links are read');
is($bench->asked, 'refresh_token 200', '... after one request for tokens');
$session->query('COMMIT');

# Another session has changed the user mapping, and commits or rolls back meanwhile.

foreach my $end ('COMMIT', 'ROLLBACK')
{
	my $changes = PlfTest->session($node);

	$bench->renew;
	$changes->query('BEGIN');
	$bench->change(session => $changes, refresh_token => $api->oauth_issue->{refresh_token});
	$session->start(PlfTest::all_of('links'));
	ok($bench->worker_waits('transactionid'), 'the worker waits for the transaction that has changed the mapping');
	is($api->count, 0, '... before any request');
	$changes->query($end);
	is($session->finish->{rows}, $bench->links, "... after its $end all links are read");
	is($bench->asked, 'refresh_token 200', '... after one request for tokens');
	is($bench->holds_the_newest, 1, '... and the new tokens are stored');
	$changes->quit;
}

# The results of the cases that were begun at first

my $message =
  '55P03 the access token cannot be refreshed while another transaction changes or locks the user mapping';
foreach my $of ($locked, $own)
{
	my $result = $of->session->finish;

	is(error_of($result), $message,
		$of == $own ? 'a mapping that the transaction itself has locked is an error' : 'a mapping that another session has locked is an error');
	is_deeply(
		[ @{$result}{qw(detail hint)} ],
		[
			'The token host was not asked.',
			'Commit or roll back that transaction.'
		],
		'... the hint says to commit or roll back');
	cmp_ok($result->{seconds}, '>=', 5, '... after five seconds');
	is($of->api->count, 0, '... without a request');
}
is($in_use->session->finish->{rows}, $in_use->links, 'while the mapping is locked, an access token that has not ended reads all links');
is($in_use->asked, '', '... without a request for tokens');
is($left->session->finish->{rows}, $left->links, 'a session waits for the worker that a terminated session had started');
is($left->asked, 'refresh_token 200', '... and makes no request for tokens of its own');
$_->query('COMMIT') foreach $lock, $own->session;
foreach my $of ($locked, $own, $in_use)
{
	$of->due;
	is($of->read_all, 'read', 'after the lock is released all links are read');
	is($of->asked, 'refresh_token 200', '... after one request for tokens');
}

$bench->quit;
$_->quit foreach @patient;
$node->stop;
done_testing();
