# A session does not send a token again that the API refused: for a minute, for twice as
# long after each further refusal, for an hour at most, and only until the user mapping or
# the token file changes.  The reason: the API throttles an address that receives many
# answers of 401.

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

# Reads all links. Returns "refused" if the API refused the first request, "not sent" if
# no request was made, "read", or what else went wrong. $owner is the role that the message
# has to name. Afterwards $resting is the number of seconds in which the token is not sent.
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
	return 'not sent'
	  if "$result->{state} $result->{message} $requests" eq
	  '28000 access token was already refused by the payment links API 0'
	  and $result->{hint} eq $advice;
	return "$result->{errors} after $requests requests";
}

# Calls payment_links_check(), and returns the same words as attempt().
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
	return 'not sent'
	  if $rows =~ /^f\|28000\|access token was already refused by/
	  and $requests == 0;
	return "$rows after $requests requests";
}

# Tests that the token is not sent for that many seconds, up to ten of which may have
# passed already.
sub not_sent_for
{
	my ($seconds, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(attempt(), 'not sent', $name);
	is($resting > $seconds - 10 && $resting <= $seconds ? $seconds : $resting,
		$seconds, "... for $seconds seconds");
	return;
}

# Makes this session forget all refusals.
sub forget
{
	query("ALTER SERVER $_ OPTIONS (SET page_size '10')") foreach qw(links other);
	return;
}

# How long a refused token is not sent

is(attempt(), 'refused', 'a token that the API does not accept is refused');
not_sent_for(60, 'the same token is not sent again');
is(check(), 'not sent', 'payment_links_check() does not send the token either');
SKIP:
{
	skip 'no C compiler for a clock of our own', 1 unless defined $clock;

	foreach my $seconds (60, 120, 240, 480, 960, 1920, 3600, 3600, 3600)
	{
		not_sent_for($seconds, 'a refused token is not sent');
		advance($seconds - 10);
		is(attempt(), 'not sent', '... nor ten seconds before the end of that time');
		cmp_ok($resting, '<=', 10, '... and the message says that at most ten seconds are left');
		advance(10);
		is(attempt(), 'refused', '... after that time it is sent, and refused');
	}
	not_sent_for(3600, 'the time does not grow beyond an hour');

	# After the API has accepted the token the times begin at a minute again.
	advance(3600);
	$api->config(token => [ $good, $bad ]);
	is(attempt(), 'read', 'the API accepts the token');
	$api->config(token => $good);
	is(attempt(), 'refused', '... and refuses it later');
	not_sent_for(60, '... then it is not sent for a minute, as after a first refusal');

	advance(60);
	is(check(), 'refused', 'payment_links_check() sends the token after that time');
	not_sent_for(120, '... and after its refusal queries do not send it');
	advance(120);
	is(attempt(), 'refused', 'a query sends the token after that time');
	is(check(), 'not sent', '... and after its refusal payment_links_check() does not send it');
	is($resting > 230 && $resting <= 240, 1, '... for 240 seconds');

	# After a change of the server the times begin at a minute, too.
	forget();
	is(attempt(), 'refused', 'after a change of the server the token is sent');
	not_sent_for(60, '... and then not for a minute');
}

# Several requests in flight that are refused count as one refusal.

forget();
is(attempt('other'), 'read', 'another server is read');
$api->fault(kind => 'status', status => 401, from => 2);
$api->clear_log;
is(query(PlfTest::all_of('other'))->{state}, '28000', '401 for a later page fails the query');
cmp_ok($api->count, '>=', 2, '... that had made several requests');
$api->clear_faults;
is(attempt('other'), 'not sent', '... then the token is not sent');
is($resting > 50 && $resting <= 60, 1, '... for a minute, as after one refusal');
foreach my $sql (
	'SELECT count(*) FROM other.payment_links',
	q{SELECT status FROM other.payment_links WHERE status LIKE 'p%'},
	q{SELECT status FROM other.payment_links WHERE id = '} . (split /\|/, $links)[0] . q{'},
	'SELECT id FROM other.payment_links WHERE amount BETWEEN 100 AND 200',
	'ANALYZE other.payment_links')
{
	forget();
	$api->fault(kind => 'status', status => 401);
	is(query($sql)->{state}, '28000', "401 for $sql");
	$api->clear_faults;
	$api->clear_log;
	is(query($sql)->{message},
		'access token was already refused by the payment links API', '... the same query then fails');
	is($api->count, 0, '... without a request');
	is(attempt('other'), 'not sent', '... and another query makes no request either');
}

# A change of the user mapping: the token is sent again.

sub mapping
{
	my ($token, $server) = @_;
	$server //= 'links';
	return query("ALTER USER MAPPING FOR CURRENT_USER SERVER $server OPTIONS (SET access_token '$token')");
}

forget();
is(attempt(), 'refused', 'a token is refused');
mapping('a-new-token');
is(attempt(), 'refused', 'a new token is sent, and refused');
is(attempt(), 'not sent', '... and not sent again');
mapping('a-new-token');
is(attempt(), 'refused', 'after ALTER USER MAPPING the same token is sent');
query(
	"BEGIN; ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (SET access_token 'a-third')");
is(attempt(), 'refused', 'a token that the open transaction has set is sent');
query('ROLLBACK');
is(attempt(), 'refused', 'after ROLLBACK the token before it is sent');
is(attempt(), 'not sent', '... and not sent again');
query(
	"DROP USER MAPPING FOR CURRENT_USER SERVER links;
	CREATE USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (access_token 'a-new-token')");
is(attempt(), 'refused', 'the same token in a new user mapping is sent');
is(attempt(), 'not sent', '... and not sent again');
my $alter = PlfTest->session($node);
$alter->query(
	"ALTER USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (SET access_token '$good')");
is(attempt(), 'read', 'the right token, which another session has set, is sent at once');
mapping($bad);
is(attempt(), 'refused', 'the first token is sent, and refused');
$alter->query("ALTER SERVER links OPTIONS (SET max_retries '3')");
is(attempt(), 'refused', '... and sent again after another session has altered the server');

# Other changes: the token is still not sent.

sub still_not_sent
{
	my ($name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(attempt(), 'not sent', $name);
	return;
}

is(attempt('other'), 'read', 'another server is read');
still_not_sent('the token of the first server is not');
mapping($good, 'other');
still_not_sent("not sent after ALTER USER MAPPING for another server");
query("ALTER SERVER other OPTIONS (SET max_retries '3')");
still_not_sent('not sent after ALTER SERVER of another server');
query('CREATE ROLE colleague');
query("CREATE USER MAPPING FOR colleague SERVER links OPTIONS (access_token '$good')");
still_not_sent("not sent after CREATE USER MAPPING for another role");
query("ALTER USER MAPPING FOR colleague SERVER links OPTIONS (SET access_token '$bad')");
still_not_sent('... and ALTER USER MAPPING for that role');
query('DROP USER MAPPING FOR colleague SERVER links');
still_not_sent('... and DROP USER MAPPING for that role');
query('ALTER FOREIGN TABLE links.payment_links OPTIONS (ADD page_size $$20$$)');
query('ALTER FOREIGN TABLE links.payment_links OPTIONS (DROP page_size)');
still_not_sent('not sent after ALTER FOREIGN TABLE');
query('DISCARD ALL');
still_not_sent('not sent after DISCARD ALL, which pools of connections run');
query('BEGIN; SAVEPOINT s');
still_not_sent('not sent in a transaction');
query('ROLLBACK');
still_not_sent('... nor after its rollback');

# Each session, and each user mapping, has its own refusals.

$api->clear_log;
is($alter->query(PlfTest::all_of('links'))->{message},
	'payment links API refused the access token',
	'another session sends the token');
is($alter->query(PlfTest::all_of('links'))->{message},
	'access token was already refused by the payment links API',
	'... and does not send it again');
is($api->count, 1, '... which is one request');

query(
	"GRANT USAGE ON SCHEMA links TO PUBLIC; GRANT SELECT ON links.payment_links TO PUBLIC;
	CREATE ROLE another;
	CREATE USER MAPPING FOR colleague SERVER links OPTIONS (access_token '$good')");
query('SET ROLE colleague');
is(query(PlfTest::all_of('links'))->{rows}, $links, 'a role whose user mapping has another token reads all links');
query('RESET ROLE');
still_not_sent('... while the refused token is not sent');
query("ALTER USER MAPPING FOR colleague SERVER links OPTIONS (SET access_token '$bad')");
query('SET ROLE colleague');
$api->clear_log;
is(query(PlfTest::all_of('links'))->{message},
	'payment links API refused the access token',
	'the refused token in the mapping of another role is sent');
is(query(PlfTest::all_of('links'))->{message},
	'access token was already refused by the payment links API',
	'... and not sent again');
is($api->count, 1, '... which is one request');
query('RESET ROLE');

# PUBLIC's user mapping has its refusals for all roles that use it.

query(
	"DROP USER MAPPING FOR colleague SERVER links;
	DROP USER MAPPING FOR CURRENT_USER SERVER links;
	CREATE USER MAPPING FOR PUBLIC SERVER links OPTIONS (access_token '$bad')");
query('SET ROLE colleague');
is(attempt('links', 'PUBLIC'), 'refused', "the token of PUBLIC's mapping is refused");
is(attempt('links', 'PUBLIC', 'ask'), 'not sent', '... and not sent again');
query('RESET ROLE; SET ROLE another');
is(attempt('links', 'PUBLIC', 'ask'), 'not sent', '... nor for another role');
query('RESET ROLE');
is(attempt('links', 'PUBLIC'), 'not sent', '... nor for a superuser without a mapping');
query("CREATE USER MAPPING FOR CURRENT_USER SERVER links OPTIONS (access_token '$good')");
is(attempt(), 'read', 'a new mapping for the role itself is used at once');
query('SET ROLE another');
is(attempt('links', 'PUBLIC', 'ask'), 'not sent', "... while the token of PUBLIC's mapping is not sent");
query('RESET ROLE');
query("ALTER USER MAPPING FOR PUBLIC SERVER links OPTIONS (SET access_token '$good')");
query('SET ROLE another');
is(attempt('links', 'PUBLIC'), 'read', '... until that mapping is altered');
query('RESET ROLE');

# The refresh token goes while answers to two requests with the old token are on their way.
# Both requests are sent again with the token that the mapping has then.

PlfTest::make_server($node, 'replaced', @pages,
	token_url => $api->oauth_url . '/oauth2/token',
	mapping => "access_token '$good', client_id 'id', client_secret 'secret', refresh_token 'rt'");
my $later = "$good-later";
my $reader = PlfTest->session($node);
$api->config(token => [ $good, $later ]);
$api->fault(kind => 'status', status => 401, page => 2, times => 1);
$api->fault(kind => 'status', status => 401, page => 3, times => 1);
$api->fault(kind => 'latency', held => \1, page => $_) foreach 2, 3;
$api->clear_log;
$reader->start(PlfTest::all_of('replaced'));
foreach (1 .. 1000)
{
	last if $api->count >= 3;
	Time::HiRes::sleep(0.01);
}
is($api->count, 3, 'requests for two pages are on their way');
query("ALTER USER MAPPING FOR CURRENT_USER SERVER replaced OPTIONS (SET access_token '$later', DROP refresh_token)");
$api->release;
is_deeply([ @{ $reader->finish }{qw(state rows)} ], [ '', $links ],
	'a token that replaces a refreshed one is used for all requests that the API refused');
$reader->quit;
$api->clear_faults;
is(attempt('replaced'), 'read', '... and later queries send that token');
$api->config(token => $good);

# A change of the token file: the token is sent again.

my $file = "$folder/token";

# Writes the token into the file, in place, and sets the file's times if they are given.
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
is(attempt('filed'), 'refused', 'a token in a file is refused');
is(attempt('filed'), 'not sent', '... and not sent again');
is(check('filed'), 'not sent', '... nor by payment_links_check()');
write_token('not-this-two', @times);
is(attempt('filed'), 'refused',
	'another token of the same length, in a file with the same times, is sent');
is(attempt('filed'), 'not sent', '... and not sent again');
write_token($bad, @times);
is(attempt('filed'), 'not sent', 'the refusal of the token before it is not forgotten');
utime $times[0], $times[1] + 1, $file;
is(attempt('filed'), 'refused', 'after a change of its times alone the token in the file is sent');
is(attempt('filed'), 'not sent', '... and not sent again');
rename $file, "$file.old";
is(query(PlfTest::all_of('filed'))->{state}, '58P01', 'a missing file is an error');
write_token($bad, $times[0], $times[1] + 1);
is(attempt('filed'), 'refused', 'the token is sent from a new file of the same name');
is(attempt('filed'), 'not sent', '... and not sent again');
write_token($good);
is(attempt('filed'), 'read', 'the right token is sent at once');

$_->quit foreach $session, $alter;
$node->stop;
done_testing();
