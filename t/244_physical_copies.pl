# A copy of a cluster's files does not use up the refresh tokens of the original: neither a
# base backup that is started, nor a copy that the file system made, nor a restore to a point
# in time.  The original renews its tokens after a restart, and a standby after its promotion.

use strict;
use warnings;

use lib 't';

use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION payment_links_fdw');
my $bench = OAuthTest->new($node, 'links');
my $api = $bench->api;
my $user = $bench->query('SELECT current_user')->{rows};
is($bench->read_all, 'read', 'the original reads all links');
my $stored_by = $bench->mapping->{stored_by};
like($stored_by, qr{^\d+/\d+/1/[1-9]\d*/\d+$}, '... stored_by has five numbers');

my $mine = "ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS";
my $refused =
  "28000 the refresh token of the user mapping for $user on server \"links\" was stored by another copy of this database";

# Opens a session on a copy, after setting its access token to have ended.
sub on
{
	my ($copy) = @_;
	my $session = PlfTest->session($copy);

	$session->query("$mine (SET access_token_expires_at '2020-01-01T00:00:00Z')");
	$api->clear_log;
	return $session;
}

sub refuses
{
	my ($name, $copy) = @_;
	my $session = on($copy);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $result = $session->query(PlfTest::all_of('links'));
	is("$result->{state} $result->{message}", $refused, "$name does not renew the token");
	is_deeply(
		[ @{$result}{qw(detail hint)} ],
		[
			'The files of this database were copied, restored or moved since. A refresh token can be used once: if a copy used the token, the original would be locked out.',
			'If this is the original, ALTER USER MAPPING ... OPTIONS (DROP stored_by). If it is a copy, authorize again with payment_links_authorize_url() and payment_links_authorize().'
		],
		'... detail and hint say why, and what to do');
	is($session->query(q{SELECT payment_links_refresh('links')})->{message}, $result->{message}, '... payment_links_refresh() fails too');
	is($api->count, 0, '... without a request');
	$session->quit;
	$bench->due;
	is($bench->read_all . ' ' . $bench->asked, 'read refresh_token 200', '... the original renews its token');
	return;
}

sub refreshes
{
	my ($name, $copy) = @_;
	my $session = on($copy);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($bench->read_all($session) . ' ' . $bench->asked, 'read refresh_token 200', $name);
	my $now = $session->query(q{SELECT option FROM pg_user_mapping, unnest(umoptions) option WHERE option LIKE 'stored_by=%'})->{rows};
	$session->quit;
	return $now =~ s/stored_by=//r;
}

# A base backup is started while the original runs.

my $number = 0;

sub copy_of
{
	my ($backup, @settings) = @_;
	my $copy = PostgreSQL::Test::Cluster->new('copy' . ++$number);

	$copy->init_from_backup($node, $backup);
	$copy->append_conf('postgresql.conf', "$_\n") foreach @settings;
	return $copy;
}

$node->backup('base');
my $copy = copy_of('base');
$copy->start;
refuses('a base backup', $copy);
$copy->restart;
refuses('a base backup after a restart', $copy);

# One command makes a copy use the tokens, as when the original is gone.
$copy->safe_psql('postgres', "$mine (DROP stored_by)");
my $copied_by = refreshes('after DROP stored_by the copy renews the token', $copy);
isnt($copied_by, $stored_by, '... stored_by names the copy');
like($copied_by, qr{^\Q${\ ($stored_by =~ s/\/\d+\/\d+$//r)}\E/[1-9]\d*/\d+$}, '... by the place of its files');
$copy->restart;
is(refreshes('... after a restart it renews the token', $copy), $copied_by, '... and stored_by is unchanged');
$copy->stop;
$bench->renew;
is($bench->read_all, 'read', 'the original reads all links with new tokens');

# The statements that the reference gives for a copy, to be run before it is used
$node->backup('to_neutralise');
$copy = copy_of('to_neutralise');
$copy->start;
my $session = PlfTest->session($copy);
my $reference = slurp_file('doc/reference.md');
foreach my $option (qw(stored_by refresh_token))
{
	my ($select) = $reference =~ /```sql\n(SELECT format\('ALTER USER MAPPING[^`]*?\(DROP \Q$option\E\)[^`]*?)\\gexec/s;
	ok($select, "the reference has statements that drop $option from all mappings");
	my $statements = $session->query($select // '')->{rows};
	is($statements, "ALTER USER MAPPING FOR $user SERVER links OPTIONS (DROP $option)", '... which are these');
	is($session->query($statements)->{state}, '', '... and run');
}
is($session->query(q{SELECT kind FROM payment_links_credentials})->{rows}, 'access_token', 'then the copy has no refresh token');
$api->clear_log;
is($session->query(q{SELECT payment_links_refresh('links')})->{message},
	"user mapping for $user on server \"links\" has no refresh token", '... payment_links_refresh() fails');
is($api->count, 0, '... without a request');
$session->quit;
$copy->stop;

# The file system copies the stopped original, which is then started again.

sub restart_original
{
	$bench->quit_sessions;
	$node->stop;
	$_[0]->() if $_[0];
	$node->start;
	$bench->connect;
	return;
}

my $cold = $node->backup_dir . '/cold';
restart_original(sub { system_or_bail('cp', '-a', $node->data_dir, $cold); });
unlink "$cold/postmaster.pid";
$bench->due;
is($bench->read_all . ' ' . $bench->asked, 'read refresh_token 200', 'the original renews its token after a restart');
$copy = copy_of('cold');
$copy->start;
refuses('a copy of the files', $copy);
$copy->stop;

$bench->due;
$bench->quit_sessions;
$node->stop('immediate');
$node->start;
$bench->connect;
is($bench->read_all, 'read', 'the original renews its token after a crash');

# A restore to a point in time: the refresh token may have been used since.

$node->backup('past');
$copy = copy_of('past', q{restore_command = 'false'}, q{recovery_target = 'immediate'}, q{recovery_target_action = 'promote'});
$copy->set_recovery_mode;
$copy->start;
ok($copy->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), 'a restore to a point in time ends');
refuses('a restore to a point in time', $copy);
$copy->stop;

# Which values of stored_by are accepted: timeline, place of the files, machine

my ($system, $database, $timeline, $place, $machine) = split m{/}, $bench->mapping->{stored_by};
foreach my $case (
	[ 'without timeline, place and machine', "$system/$database", 1 ],
	[ 'on an older timeline', "$system/$database/0/$place/$machine", 1 ],
	[ 'on an unknown machine', "$system/$database/$timeline/$place/0", 1 ],
	[ 'in another place', "$system/$database/$timeline/1/$machine", 0 ],
	[ 'in an unknown place', "$system/$database/$timeline/0/$machine", 0 ],
	[ 'in another place, on timeline 0', "$system/$database/0/1/$machine", 0 ],
	[ 'in another place, on a later timeline', "$system/$database/7/1/$machine", 0 ])
{
	my ($name, $by, $used) = @$case;

	$bench->due;
	$bench->change(stored_by => $by);
	is($bench->read_all . ' ' . $bench->asked, $used ? 'read refresh_token 200' : "$refused ", "a refresh token stored $name is " . ($used ? 'used' : 'refused'));
	is($bench->mapping->{stored_by}, $used ? "$system/$database/$timeline/$place/$machine" : $by, '... stored_by is then ' . ($used ? 'that of the original' : 'unchanged'));
}
SKIP:
{
	skip 'this machine has no identity', 1 unless $machine;

	$bench->due;
	$bench->change(stored_by => "$system/$database/$timeline/$place/1");
	is($bench->read_all, $refused, 'a refresh token stored on another machine is refused');
}
$bench->renew;
is($bench->read_all, 'read', 'the original reads all links with new tokens');

# A standby renews tokens after its promotion, and after a restart. A copy of it does not.

my $standby = PostgreSQL::Test::Cluster->new('standby');
$node->backup('standby');
$standby->init_from_backup($node, 'standby', has_streaming => 1);
$standby->start;
$bench->due;
is($bench->read_all, 'read', 'the original renews its token while it has a standby');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
$bench->quit_sessions;
$node->stop;
$standby->promote;
ok($standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()'), 'the standby is promoted');
$standby->backup('before');
my $first = refreshes('... and renews the token', $standby);
like($first, qr{^$system/$database/2/(?!$place/)\d+/}, '... stored_by has the new timeline');
$standby->restart;
is(refreshes('after a restart it renews the token', $standby), $first, '... and stored_by is unchanged');

# Without background workers no token is renewed: this is how to start a copy.
$standby->append_conf('postgresql.conf', 'max_worker_processes = 0');
$standby->restart;
$session = on($standby);
is($session->query(q{SELECT payment_links_refresh('links')})->{state} . ' ' . $bench->asked, '53000 ', 'with max_worker_processes = 0 no token is renewed');
$session->quit;

$copy = PostgreSQL::Test::Cluster->new('copy_of_standby');
$standby->backup('after');
$copy->init_from_backup($standby, 'after');
$copy->start;
$session = on($copy);
is($bench->read_all($session), $refused, 'a copy of the promoted standby does not renew the token');
$session->quit;
$copy->stop;

$_->stop foreach grep { $_->{_pid} } $standby, $copy;
$api->stop;
done_testing();
