# Tokens are sent to the API and show nowhere else: not in a message, a log, a plan or a view,
# even if a failing API repeats them.

use strict;
use warnings;

use lib 't';

use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

# Their first letters alone give them away.
my $access_token = 'Qx7-recognisable-access-token-0123456789';
my $staging_token = 'Zk9-recognisable-staging-token-9876543210';
my $file_token = 'Wp3-recognisable-token-of-a-file-5555555555';
my $secret = qr/Qx7-reco|Zk9-reco|Wp3-reco/i;

my $api = SampleApi->new(
	count => 25,
	staging_token => $staging_token,
	config => { token => [ $access_token, $file_token ] });
my $elsewhere = SampleApi->new(count => 25);
my $links = PlfTest::links_of($api);

my @watchers = PlfTest::watchers();
my $node = PlfTest::cluster(
	'main',
	"shared_preload_libraries = '" . join(',', @watchers) . q{'},
	'log_min_messages = debug5',
	'log_min_duration_statement = 0',
	'log_error_verbosity = verbose');
my $has_statements = grep { $_ eq 'pg_stat_statements' } @watchers;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements')
  if $has_statements;
my $track_nothing =
  $has_statements ? 'SET pg_stat_statements.track_utility = off;' : '';

my $closed_port = PlfTest::closed_port();

# The one place where they are typed.  Core would log and keep what is typed.
my $file = PostgreSQL::Test::Utils::tempdir() . '/token';
append_to_file($file, "$file_token\n");
chmod 0600, $file;
$node->safe_psql(
	'postgres', qq{
	SET log_statement = 'none';
	SET log_min_duration_statement = -1;
	$track_nothing
	CREATE SERVER links FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (
		base_url '${\ $api->url}', page_size '10', max_retries '0',
		request_timeout '500ms', concurrency '1');
	CREATE USER MAPPING FOR CURRENT_USER SERVER links
		OPTIONS (access_token '$access_token', staging_token '$staging_token');
	CREATE SERVER filed FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (
		base_url '${\ $api->url}', page_size '10', max_retries '0');
	CREATE USER MAPPING FOR CURRENT_USER SERVER filed
		OPTIONS (access_token_file '$file', staging_token '$staging_token');
	CREATE SERVER closed FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (
		base_url 'http://127.0.0.1:$closed_port');
	CREATE USER MAPPING FOR CURRENT_USER SERVER closed
		OPTIONS (access_token '$access_token', staging_token '$staging_token');
	CREATE SCHEMA links;
	IMPORT FOREIGN SCHEMA qonto FROM SERVER links INTO links;
	CREATE SCHEMA filed;
	IMPORT FOREIGN SCHEMA qonto FROM SERVER filed INTO filed;
	CREATE SCHEMA closed;
	IMPORT FOREIGN SCHEMA qonto FROM SERVER closed INTO closed;
});

# Not so this one, which shows that somebody looks.
$node->safe_psql(
	'postgres', q{
	SET log_statement = 'none';
	SET log_min_duration_statement = -1;
	CREATE USER MAPPING FOR PUBLIC SERVER closed OPTIONS (access_token 'Ht4-overheard');
	DROP USER MAPPING FOR PUBLIC SERVER closed;
});
PlfTest::overhear($node);

my $session = PlfTest->session($node);
my $output = '';
my %seen;    # SQLSTATEs

sub heard
{
	my ($result) = @_;

	$output .= "$result->{rows}\n$result->{errors}\n";
	$seen{ $result->{state} } = 1;
	return $result;
}

sub query { return heard($session->query(@_)); }

# The lines that tell a token.
sub told
{
	return join "\n", grep { $_ =~ $secret } split /\n/, $_[0];
}

# All that the client got so far has no token; the log is looked at in the end.
sub kept
{
	my ($text) = @_;

	is(told($output), '', "$text: nothing that the client got has a token");
	return;
}

query("SET client_min_messages = 'debug5'");
is(query(PlfTest::all_of($_))->{rows}, $links, "$_: all links")
  foreach qw(links filed);
is_deeply(
	[ grep { "$_->{token} $_->{staging_token}" ne 'good good' } $api->log ],
	[], 'every request had both tokens');
kept('all links');

# Failures, with both tokens repeated in all that the API may say

my $encoded = join '', map { sprintf '%%%02x', ord } split //, $access_token;
my @echoes = (
	"token $access_token, staging token $staging_token",
	"Authorization: Bearer $access_token",
	$access_token x 3,
	"$encoded $access_token",
	('x' x 480) . $access_token,
	"X-Qonto-Staging-Token: $staging_token\r\n");
my @faults;
foreach my $status (400, 401, 403, 404, 422, 429, 500, 503)
{
	push @faults,
	  { kind => 'status', status => $status, detail => $_, code => $access_token }
	  foreach @echoes[ 0, 1 ];
}
push @faults,
  { kind => 'status', status => 422, detail => $_, parameter => $access_token }
  foreach @echoes;
push @faults,
  { kind => 'status', status => 422, shape => $_, detail => $echoes[0] }
  foreach qw(list object flat html);
push @faults,
  (
	{
		kind => 'status',
		status => 502,
		trace => JSON::PP::false,
		headers => { 'X-Tyk-Trace-Id' => $access_token }
	},
	{
		kind => 'status',
		status => 429,
		retry_after => 3600,
		detail => $echoes[0]
	},
	{ kind => 'redirect', location => $elsewhere->url . "/v2/payment_links?t=$access_token" },
	{ kind => 'html_login' },
	{ kind => 'body', text => "<html>$access_token</html>", content_type => 'text/html' },
	{ kind => 'body', text => '{}', content_type => "text/$access_token" },
	{ kind => 'body', text => "{\"payment_links\": $access_token" },
	{ kind => 'body', text => "{\"$access_token\": 1, \"$access_token\": 2}" },
	{ kind => 'body', text => "\"$access_token\"" },
	{ kind => 'body', text => $access_token },
	{ kind => 'wrong_types', field => 'id', value => 1 },
	{ kind => 'meta', meta => { total_count => $access_token } },
	{ kind => 'garbage', text => "HTTP/1.1 $access_token\r\n\r\n" },
	{ kind => 'garbage', text => "$access_token\r\n\r\n" },
	{ kind => 'garbage', text => "HTTP/1.1 200 OK\r\nContent-Encoding: $access_token\r\n\r\nx" },
	{ kind => 'garbage', text => "HTTP/1.1 200 OK\r\n$access_token\r\n\r\n" },
	{ kind => 'garbage', text => "HTTP/1.1 200 OK\r\nContent-Length: $access_token\r\n\r\n" },
	{
		kind => 'garbage',
		text =>
		  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n$access_token\r\n"
	},
	{ kind => 'close' },
	{ kind => 'reset', after => 100 },
	{ kind => 'hang' },
	{ kind => 'gzip_bomb' });

# A refused token is not sent again until mapping or server are altered.
my $touch = q{ALTER SERVER links OPTIONS (SET concurrency '1')};
foreach my $i (0 .. $#faults)
{
	my $fault = $faults[$i];
	my $name = "$i: $fault->{kind}" . ($fault->{status} ? " $fault->{status}" : '');

	$api->clear_faults;
	$api->fault(%$fault);
	query($touch);
	my $result = query(PlfTest::all_of('links'));
	like($result->{state}, qr/^(08P01|08006|28000|42501|53400|HV000|HV00R)$/,
		"failure $name: SQLSTATE $result->{state}");
	is(told("$result->{rows}\n$result->{errors}"), '', '... without a token');
	query($touch);
	query(q{SELECT * FROM payment_links_check('links')});
	query($touch);
	query('EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM links.payment_links');
}
$api->clear_faults;
is($elsewhere->count, 0, 'no other host has seen a request');
kept('failures');

$api->fault(kind => 'status', status => 422, detail => $echoes[0]);
like(
	query(PlfTest::all_of('links'))->{detail},
	qr/The API said: token \[redacted\], staging token \[redacted\]/,
	'a message has [redacted] for a token');
$api->clear_faults;
$api->fault(kind => 'status', status => 422, detail => $file_token);
like(
	query(PlfTest::all_of('filed'))->{detail},
	qr/The API said: \[redacted\]/,
	'... and for a token from a file');
$api->clear_faults;

# Errors of every other kind

query(
	q{CREATE DOMAIN small AS numeric CHECK (VALUE < 0);
	CREATE ROLE nobody; GRANT USAGE ON SCHEMA links TO nobody; GRANT SELECT ON links.payment_links TO nobody;
	CREATE FOREIGN DATA WRAPPER other; CREATE SERVER other FOREIGN DATA WRAPPER other;
	CREATE FOREIGN TABLE narrow (amount numeric(2,2)) SERVER links;
	CREATE FOREIGN TABLE short (url varchar(3)) SERVER links;
	CREATE FOREIGN TABLE judged (amount small) SERVER links;
	CREATE FOREIGN TABLE misspelt (ammount numeric) SERVER links;
	CREATE FOREIGN TABLE unfit (amount money) SERVER links;
	CREATE FOREIGN TABLE capped (id uuid) SERVER links OPTIONS (max_requests '1')});

my $all = 'SELECT * FROM links.payment_links';

sub field
{
	my ($field, $value, $link) = @_;
	return {
		kind => 'wrong_types',
		field => $field,
		value => $value,
		link => $link // 0 };
}

foreach my $case (
	[ '28000', "SET ROLE nobody; $all; RESET ROLE" ],
	[ '28000', $all, { kind => 'status', status => 401 } ],
	[ '08001', 'SELECT * FROM closed.payment_links' ],
	[ '40001', $all, { kind => 'short_page', page => 2 } ],
	[ '54000', 'SELECT * FROM capped' ],
	[ 'HV000', "$all ORDER BY amount", field('amount.value', '-1.00', -1) ],
	[ '22P02', $all, field('amount.value', 'ten') ],
	[ '22007', $all, field('created_at', 'yesterday') ],
	[ '22003', 'SELECT * FROM narrow', field('amount.value', '1.5') ],
	[ '22001', 'SELECT * FROM short' ],
	[ '23514', 'SELECT * FROM judged' ],
	[ '23502', $all, field('status', undef) ],
	[ '22P05', $all, { kind => 'nul_escape' } ],
	[ 'HV005', 'SELECT * FROM misspelt' ],
	[ 'HV004', 'SELECT * FROM unfit' ],
	[ '2201W', "$all LIMIT -1" ],
	[ '2201X', "$all OFFSET -1" ],
	[ '57014', "SET statement_timeout = '200ms'; $all; RESET statement_timeout", { kind => 'hang' } ],
	[ '42704', q{SELECT * FROM payment_links_check('nowhere')} ],
	[ '42809', q{SELECT * FROM payment_links_check('other')} ],
	[ '42501', q{SET ROLE nobody; SELECT * FROM payment_links_check('links'); RESET ROLE} ])
{
	my ($state, $sql, $fault) = @$case;

	$api->fault(%$fault) if $fault;
	is(query($sql)->{state}, $state, "error $state");
	if ($fault and ($fault->{status} // 0) == 401)
	{
		is(query($sql)->{message},
			'access token was already refused by the payment links API',
			'... and the same again, without a request');
		query($touch);
	}
	query('RESET statement_timeout; RESET ROLE');
	$api->clear_faults;
}

# A token file, and other things in its place
my $aside = "$file.aside";
rename $file, $aside;
foreach my $case (
	[ '58P01', sub { return; } ],
	[ '58030', sub { symlink $file, $file } ],
	[ '42809', sub { mkdir $file } ],
	[ '42501', sub { append_to_file($file, $file_token); chmod 0644, $file } ],
	[ '28000', sub { append_to_file($file, "$file_token\n$file_token"); chmod 0600, $file } ])
{
	my ($state, $make) = @$case;

	$make->();
	is(query('SELECT * FROM filed.payment_links')->{state},
		$state, "error $state of a token file");
	is(query(q{SELECT sqlstate FROM payment_links_check('filed')})->{rows},
		$state, '... payment_links_check() reports the same error');
	rmdir $file or unlink $file;
}
rename $aside, $file;

# Sessions that run out of something, or are ended
my @unlimited;    # SQLSTATEs of what cannot be made to run out here

sub kilobytes_of
{
	my ($pid) = @_;
	return slurp_file("/proc/$pid/status") =~ /^VmSize:\s+(\d+) kB/m ? $1 : undef;
}

sub limited
{
	my ($state, $limit, $fault) = @_;
	my $poor = PlfTest->session($node);

	$api->fault(%$fault) if $fault;
	heard($poor->query("$all LIMIT 0"));    # which plans, and asks nothing
	system('prlimit', '--pid', $poor->pid, $limit->($poor->pid)) == 0
	  or die 'prlimit failed';
	is(heard($poor->query($all))->{state}, $state, "error $state");
	$poor->quit;
	$api->clear_faults;
	return;
}

SKIP:
{
	@unlimited = qw(53000 53200);
	skip 'the command prlimit is not installed', 2
	  if system('prlimit --version >/dev/null 2>&1') != 0;

	limited(
		'53000',
		sub {
			my %open = map { s{.*/}{}r => 1 } glob "/proc/$_[0]/fd/*";
			my ($free) = grep { !$open{$_} } 0 .. keys %open;
			return "--nofile=$free:$free";
		});
	@unlimited = '53200';
	skip 'what checks memory does not bear a limit on it', 1
	  if PlfTest::under_memcheck($session->pid) || kilobytes_of($session->pid) > 2**32;
	limited(
		'53200',
		sub { return '--as=' . (kilobytes_of($_[0]) + 8192) * 1024; },
		{ kind => 'endless_body' });
	@unlimited = ();
}
my $ended = PlfTest->session($node);
$api->fault(kind => 'hang');
$ended->start("SELECT 1 FROM filed.payment_links");
ok($session->wait_for_network($ended->pid), 'a session waits for the API');
query('SELECT pg_terminate_backend(' . $ended->pid . ')');
is(heard($ended->finish)->{state}, '57P01', 'error 57P01');
$ended->quit;
$api->clear_faults;
query($touch);
is(query(PlfTest::all_of($_))->{rows}, $links, "$_: then all links")
  foreach qw(links filed);
kept('errors of every kind');

# Plans and views

foreach my $format (qw(text json xml yaml))
{
	query(
		"EXPLAIN (FORMAT $format, VERBOSE, ANALYZE)
		SELECT * FROM links.payment_links WHERE status = 'open' ORDER BY amount"
	);
}
query("PREPARE p(text) AS SELECT * FROM links.payment_links WHERE status = \$1");
query("SET plan_cache_mode = 'force_generic_plan'");
query("EXPLAIN (VERBOSE) EXECUTE p('open')");
query("EXECUTE p('open')");
query('SELECT * FROM pg_stat_activity');
query('SELECT * FROM pg_prepared_statements');
query('SELECT * FROM pg_backend_memory_contexts');
query('SELECT * FROM pg_foreign_server');
query('SELECT * FROM pg_foreign_table');
query('SELECT pg_log_backend_memory_contexts(pg_backend_pid())');
SKIP:
{
	skip 'pg_stat_statements is not installed', 2 unless $has_statements;

	my $statements = query('SELECT * FROM pg_stat_statements')->{rows};
	like($statements, qr/FROM links\.payment_links/, 'pg_stat_statements has the queries');
	like($statements, qr/Ht4-overheard/, '... and the statements that were typed meanwhile');
}

# The statistics of another session while one waits for the API
my $waiting = PlfTest->session($node);
$api->fault(kind => 'latency', ms => 300 * $PlfTest::slowdown);
$waiting->start(PlfTest::all_of('filed'));
ok($session->wait_for_network($waiting->pid), 'a session waits for the API');
query('SELECT * FROM pg_stat_activity');
$output .= slurp_file('/proc/' . $waiting->pid . '/cmdline');
is($waiting->finish->{rows}, $links, '... and reads all links');
$waiting->quit;
$api->clear_faults;
kept('plans and views');

# What is refused when it is typed is not repeated, nor logged.

query(q{
	SET log_statement = 'none';
	SET log_min_duration_statement = -1;
	SET log_min_error_statement = error;
	SET debug_print_parse = off;
	SET debug_print_rewritten = off;
	SET debug_print_plan = off;
	RESET client_min_messages});
foreach my $case (
	[ '22023', "access_token E'$access_token\\n'" ],
	[ '22023', "access_token 'Bearer $access_token'" ],
	[ '22023', "access_token_file '$access_token'" ],
	[ '22023', "access_token '$access_token', access_token_file '/tmp/token'" ],
	[ '22023', "staging_token '$staging_token and more'" ],
	[ 'HV00D', "acess_token '$access_token'" ],
	[ 'HV00D', "base_url '$access_token'" ])
{
	my ($state, $options) = @$case;
	my ($option) = $options =~ /(\w+)/;

	is( query(
			"CREATE USER MAPPING FOR PUBLIC SERVER links OPTIONS ($options)")
		  ->{state},
		$state,
		"$option is refused");
}
is( query(
		"CREATE SERVER typed FOREIGN DATA WRAPPER payment_links_fdw
		OPTIONS (access_token '$access_token')")->{state},
	'HV00D',
	'a token is refused as an option of a server');

kept('options that are refused');

# That was everything: the reference has no error but those.
my ($errors) = slurp_file('doc/reference.md') =~ /^## Errors\n(.*)/ms;
my %documented = map { $_ => 1 }
  map { /^\| ([^|]*) \|/ ? $1 =~ /\b([0-9A-Z]{5})\b/g : () } split /\n/, $errors;
delete @documented{@unlimited};
cmp_ok(keys %documented, '>', 25, 'the reference documents SQLSTATEs');
is_deeply([ grep { !$seen{$_} } sort keys %documented ],
	[], '... each of which was provoked');

$session->quit;
$node->stop;

my $log = slurp_file($node->logfile);
like($log, qr/DEBUG:  .*payment_links_fdw: GET/, 'the log has the requests');
like($log, qr/FOREIGNSCAN|ForeignScan/i, 'the log has plans');
like($log, qr/Query Text:.*API Request/s, '... of auto_explain too')
  if grep { $_ eq 'auto_explain' } @watchers;
is(told($log), '', 'the log of the server has no token');

done_testing();
