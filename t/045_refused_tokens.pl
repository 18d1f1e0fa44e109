# A token that the API refused rests: for a minute, for twice as long with each
# refusal, for an hour at most, and until its mapping or its file changes.  The API
# throttles an address that collects answers of 401.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;
use Time::HiRes qw(time);

my $good = $PlfTest::access_token;
my $bad = 'not-this-one';
my $api = SampleApi->new(count => 25);
my $links = PlfTest::links_of($api);

# The server's clock is what this file says.
my $folder = PostgreSQL::Test::Utils::tempdir();
my $clock = PlfTest::clock();
my $ahead = 0;
PlfTest::set_clock("$folder/clock", $ahead);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
PlfTest::start_with($node, $clock, PLF_CLOCK => "$folder/clock");
$node->safe_psql('postgres', 'CREATE EXTENSION payment_links_fdw');

my @pages = (base_url => $api->url, page_size => 10, max_retries => 2);
PlfTest::make_server($node, 'links', @pages, mapping => "access_token '$bad'");
PlfTest::make_server($node, 'other', @pages);

my $session = PlfTest->session($node);
my $user = $session->query('SELECT current_user')->{rows};

sub query { return $session->query(@_); }

sub advance
{
	$ahead += $_[0];
	PlfTest::set_clock("$folder/clock", $ahead);
	return;
}

# What comes of reading all links: "refused" by the API at the first request, "rests"
# without one, "read", or what else went wrong; the message names the mapping's owner.
# $resting is then how long, in seconds.
my $resting;

sub attempt
{
	my ($server, $owner) = ($_[0] // 'links', $_[1] // $user);
	my $advice = $_[2] ? "Ask the owner of server \"$server\", who may change the user mapping for $owner with ALTER USER MAPPING."
	  : "Put a new token into the user mapping for $owner on server \"$server\", or into its file: that one is sent at once.";
	my ($result, $requests);

	$api->clear_log;
	$result = query(PlfTest::all_of($server));
	$requests = $api->count;
	($resting) = $result->{detail} =~ /does not send it again for (\d+) s, because/;
	return 'read' if $result->{rows} eq $links and $result->{state} eq '';
	return 'refused'
	  if "$result->{state} $result->{message} $requests" eq
	  '28000 payment links API refused the access token 1';
	return 'rests'
	  if "$result->{state} $result->{message} $requests" eq
	  '28000 access token was already refused by the payment links API 0'
	  and $result->{hint} eq $advice;
	return "$result->{errors} after $requests requests";
}

# The same of payment_links_check().
sub check
{
	my ($server) = @_;
	my $sql = 'SELECT ok, sqlstate, message FROM payment_links_check(%s)';
	my ($rows, $requests);

	$api->clear_log;
	$rows = query(sprintf $sql, "'" . ($server // 'links') . "'")->{rows};
	$requests = $api->count;
	($resting) = $rows =~ /does not send it again for (\d+) s, because/;
	return 'read' if $rows eq 't||' and $requests == 1;
	return 'refused'
	  if $rows =~ /^f\|28000\|payment links API refused the access token: /
	  and $requests == 1;
	return 'rests'
	  if $rows =~ /^f\|28000\|access token was already refused by/
	  and $requests == 0;
	return "$rows after $requests requests";
}

# The number of seconds it rests, some of which may have passed meanwhile.
sub rests
{
	my ($seconds, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(attempt(), 'rests', $name);
	is($resting > $seconds - 10 && $resting <= $seconds ? $seconds : $resting,
		$seconds, '... for so many seconds');
	return;
}

# Makes what rests in this session be forgotten.
sub forget
{
	query("ALTER SERVER $_ OPTIONS (SET page_size '10')") foreach qw(links other);
	return;
}

# How long

is(attempt(), 'refused', 'a token that the API does not accept');
rests(60, 'the same again');
is(check(), 'rests', 'payment_links_check does not send it either');
SKIP:
{
	skip 'no C compiler for a clock of our own', 1 unless defined $clock;

	foreach my $seconds (60, 120, 240, 480, 960, 1920, 3600, 3600, 3600)
	{
		rests($seconds, "a token that rests $seconds s");
		advance($seconds - 10);
		is(attempt(), 'rests', '... ten seconds before that is over');
		cmp_ok($resting, '<=', 10, '... for these ten seconds');
		advance(10);
		is(attempt(), 'refused', '... is sent, and refused, after it');
	}
	rests(3600, 'an hour is the most');

	# Once it is accepted it begins anew.
	advance(3600);
	$api->config(token => [ $good, $bad ]);
	is(attempt(), 'read', 'it is accepted meanwhile');
	$api->config(token => $good);
	is(attempt(), 'refused', '... and refused later');
	rests(60, '... which is the first time again');

	advance(60);
	is(check(), 'refused', 'payment_links_check sends it when it has rested');
	rests(120, '... which counts for all queries');
	advance(120);
	is(attempt(), 'refused', 'and a query that is refused');
	is(check(), 'rests', '... counts for payment_links_check');
	is($resting > 230 && $resting <= 240, 1, '... likewise');

	# A change begins anew too.
	forget();
	is(attempt(), 'refused', 'after a change of the server it is sent');
	rests(60, '... and rests a minute');
}

# Refusals of several requests at once are one.

forget();
is(attempt('other'), 'read', 'another server is read');
$api->fault(kind => 'status', status => 401, from => 2);
$api->clear_log;
is(query(PlfTest::all_of('other'))->{state}, '28000', '401 of a later page');
cmp_ok($api->count, '>=', 2, '... of several requests');
$api->clear_faults;
is(attempt('other'), 'rests', '... is remembered');
is($resting > 50 && $resting <= 60, 1, '... once');
foreach my $sql (
	'SELECT count(*) FROM other.payment_links',
	q{SELECT status FROM other.payment_links WHERE status LIKE 'p%'},
	q{SELECT status FROM other.payment_links WHERE id = '} . (split /\|/, $links)[0] . q{'},
	'SELECT id FROM other.payment_links WHERE amount BETWEEN 100 AND 200',
	'ANALYZE other.payment_links')
{
	forget();
	$api->fault(kind => 'status', status => 401);
	is(query($sql)->{state}, '28000', "401: $sql");
	$api->clear_faults;
	$api->clear_log;
	is(query($sql)->{message},
		'access token was already refused by the payment links API', '... is remembered');
	is($api->count, 0, '... and nothing is sent');
	is(attempt('other'), 'rests', '... nor for another query');
}

# What ends it: its mapping

sub mapping
{
	my ($token, $server) = @_;
	$server //= 'links';
	return query("ALTER USER MAPPING FOR CURRENT_USER SERVER $server OPTIONS (SET access_token '$token')");
}

forget();
is(attempt(), 'refused', 'a token is refused');
mapping('a-new-token');
is(attempt(), 'refused', 'a new one is sent, and refused');
is(attempt(), 'rests', '... and rests');
mapping('a-new-token');
is(attempt(), 'refused', 'the same in an altered mapping is sent');
query(
	"BEGIN; ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (SET access_token 'a-third')");
is(attempt(), 'refused', 'one of a transaction is sent');
query('ROLLBACK');
is(attempt(), 'refused', 'when that is rolled back, the one before is');
is(attempt(), 'rests', '... and rests');
query(
	"DROP USER MAPPING FOR CURRENT_USER SERVER links;
	CREATE USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (access_token 'a-new-token')");
is(attempt(), 'refused', 'the same in a mapping that was made anew is sent');
is(attempt(), 'rests', '... and rests');
my $alter = PlfTest->session($node);
$alter->query(
	"ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (SET access_token '$good')");
is(attempt(), 'read', 'the right one, which another session gave, is sent at once');
mapping($bad);
is(attempt(), 'refused', 'the one that was refused first');
$alter->query("ALTER SERVER links OPTIONS (SET max_retries '3')");
is(attempt(), 'refused', '... is sent when another session altered the server');

# What does not end it

sub still_rests
{
	my ($name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(attempt(), 'rests', $name);
	return;
}

is(attempt('other'), 'read', 'another server is read');
still_rests('the token of the first rests');
mapping($good, 'other');
still_rests("another server's mapping was altered");
query("ALTER SERVER other OPTIONS (SET max_retries '3')");
still_rests('another server was altered');
query('CREATE ROLE colleague');
query("CREATE USER MAPPING FOR colleague SERVER links OPTIONS (access_token '$good')");
still_rests("a colleague's mapping was made");
query("ALTER USER MAPPING FOR colleague SERVER links OPTIONS (SET access_token '$bad')");
still_rests('... and altered');
query('DROP USER MAPPING FOR colleague SERVER links');
still_rests('... and dropped');
query('ALTER FOREIGN TABLE links.payment_links OPTIONS (ADD page_size $$20$$)');
query('ALTER FOREIGN TABLE links.payment_links OPTIONS (DROP page_size)');
still_rests('the table was altered');
query('DISCARD ALL');
still_rests('DISCARD ALL, as of a pool of connections');
query('BEGIN; SAVEPOINT s');
still_rests('in a transaction');
query('ROLLBACK');
still_rests('... and after it');

# It is a matter of each session, and of each mapping.

$api->clear_log;
is($alter->query(PlfTest::all_of('links'))->{message},
	'payment links API refused the access token',
	'another session sends it');
is($alter->query(PlfTest::all_of('links'))->{message},
	'access token was already refused by the payment links API',
	'... once');
is($api->count, 1, '... in one request');

query(
	"GRANT USAGE ON SCHEMA links TO PUBLIC; GRANT SELECT ON links.payment_links TO PUBLIC;
	CREATE ROLE another;
	CREATE USER MAPPING FOR colleague SERVER links OPTIONS (access_token '$good')");
query('SET ROLE colleague');
is(query(PlfTest::all_of('links'))->{rows}, $links, 'a colleague with a token of his own reads');
query('RESET ROLE');
still_rests('... while the first rests');
query("ALTER USER MAPPING FOR colleague SERVER links OPTIONS (SET access_token '$bad')");
query('SET ROLE colleague');
$api->clear_log;
is(query(PlfTest::all_of('links'))->{message},
	'payment links API refused the access token',
	'the same token in the mapping of the colleague is sent');
is(query(PlfTest::all_of('links'))->{message},
	'access token was already refused by the payment links API',
	'... once');
is($api->count, 1, '... in one request');
query('RESET ROLE');

# The mapping of PUBLIC is one, for all who have none of their own.

query(
	"DROP USER MAPPING FOR colleague SERVER links;
	DROP USER MAPPING FOR CURRENT_USER SERVER links;
	CREATE USER MAPPING FOR PUBLIC SERVER links OPTIONS (access_token '$bad')");
query('SET ROLE colleague');
is(attempt('links', 'PUBLIC'), 'refused', 'the token of PUBLIC is refused');
is(attempt('links', 'PUBLIC', 'ask'), 'rests', '... and rests');
query('RESET ROLE; SET ROLE another');
is(attempt('links', 'PUBLIC', 'ask'), 'rests', '... for another role too');
query('RESET ROLE');
is(attempt('links', 'PUBLIC'), 'rests', '... and for whoever else has no mapping');
query("CREATE USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (access_token '$good')");
is(attempt(), 'read', 'a mapping of his own is used at once');
query('SET ROLE another');
is(attempt('links', 'PUBLIC', 'ask'), 'rests', '... while that of PUBLIC rests');
query('RESET ROLE');
query("ALTER USER MAPPING FOR PUBLIC SERVER links OPTIONS (SET access_token '$good')");
query('SET ROLE another');
is(attempt('links', 'PUBLIC'), 'read', '... until it is altered');
query('RESET ROLE');

# What ends it: the file

my $file = "$folder/token";

# Writes into the file as it is, which keeps the times it had if they are given.
sub write_token
{
	my ($token, @times) = @_;

	open(my $handle, '>', $file) or die "$file: $!";
	print $handle "$token\n";
	close $handle;
	chmod 0600, $file;
	utime @times, $file if @times;
	return;
}

PlfTest::make_server($node, 'filed', @pages,
	mapping => "access_token_file '$file'");
my @times = (time - 100, int(time) - 100);
write_token($bad, @times);
is(attempt('filed'), 'refused', 'a token in a file');
is(attempt('filed'), 'rests', '... rests');
is(check('filed'), 'rests', '... for payment_links_check too');
write_token('not-this-two', @times);
is(attempt('filed'), 'refused',
	'another of the same length, in the same second, is sent');
is(attempt('filed'), 'rests', '... and rests');
write_token($bad, @times);
is(attempt('filed'), 'rests', 'the one before has not been forgotten');
utime $times[0], $times[1] + 1, $file;
is(attempt('filed'), 'refused', 'it is sent when the file was touched');
is(attempt('filed'), 'rests', '... and rests');
rename $file, "$file.old";
is(query(PlfTest::all_of('filed'))->{state}, '58P01', 'the file is not there');
write_token($bad, $times[0], $times[1] + 1);
is(attempt('filed'), 'refused', 'it is sent from a file in its place');
is(attempt('filed'), 'rests', '... and rests');
write_token($good);
is(attempt('filed'), 'read', 'the right one is sent at once');

$_->quit foreach $session, $alter;
$node->stop;
done_testing();
