# Secrets that renew tokens are sent to the token host and show nowhere else: not in a
# message, a log, a plan, a view, a process title, shared memory or pg_stat_statements, even
# if a failing token host repeats them.

use strict;
use warnings;

use lib 't';

use Digest::SHA qw(hmac_sha256 sha256);
use MIME::Base64 qw(encode_base64url);
use OAuthTest;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

# The first letters of each secret; the sample API issues tokens that begin like the last
# three.
my $client_secret = 'Cs7-recognisable/client+secret=0123456789';
my $staging_token = 'Zk9-recognisable-staging-token-9876543210';
my @secrets = qw(Cs7-reco Zk9-reco ory_at_ ory_rt_ ory_ac_);

my @watchers = PlfTest::watchers();
my $node = PlfTest::cluster(
	'main',
	"shared_preload_libraries = '" . join(',', @watchers) . q{'},
	'dynamic_shared_memory_type = mmap',
	'log_min_messages = debug5',
	'log_error_verbosity = verbose');
my $has_statements = grep { $_ eq 'pg_stat_statements' } @watchers;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements') if $has_statements;

my $bench = OAuthTest->new(
	$node, 'links',
	server => { max_retries => 0, request_timeout => 1500 * $PlfTest::slowdown . 'ms' },
	mapping => { client_secret => $client_secret, staging_token => $staging_token });
my ($api, $session) = ($bench->api, $bench->session);
my %setting = (token => [], oauth_client_secret => $client_secret, staging_token => $staging_token);
my @application = (client_secret => $client_secret, staging_token => $staging_token);
my $elsewhere = SampleApi->new(count => 1);

# Makes the bench as it was at the start, with this test's secrets.
sub renew
{
	$bench->renew(@application);
	$api->config(%setting);
	$bench->change(refresh_token => $api->oauth_issue->{refresh_token}, @_);
	return;
}
renew();

# The PKCE verifiers of the mapping are secrets too: there is one for every ten minutes since
# 2000.
my $umid = $bench->as_admin('SELECT oid FROM pg_user_mapping');

sub verifier
{
	my $slot = int((time - 946684800) / 600) + $_[0];

	return encode_base64url(hmac_sha256("code_verifier $umid $slot sample-client", $client_secret));
}
push @secrets, map { verifier($_) } 0 .. 20;
my $secret = join '|', map { quotemeta } @secrets;
$secret = qr/$secret/i;

PlfTest::overhear($node);

# Sessions that type mappings and codes do not log their statements.  (pg_stat_activity shows
# a session's last statement, which is PostgreSQL's own doing.)
my $quietly = "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = error;
	SET debug_print_parse = off; SET debug_print_rewritten = off; SET debug_print_plan = off"
  . join '', map { $_ eq 'auto_explain' ? '; SET auto_explain.log_min_duration = -1'
	  : '; SET pg_stat_statements.track_utility = off' } @watchers;
$bench->as_admin($quietly);
$bench->as_admin('SELECT pg_stat_statements_reset()') if $has_statements;
my $typist = PlfTest->session($node);
$typist->query($quietly);

my $output = '';

sub heard
{
	my ($result) = @_;

	$output .= "$result->{rows}\n$result->{errors}\n";
	return $result;
}

sub query { return heard($session->query(@_)); }

sub told
{
	return join "\n", grep { $_ =~ $secret } split /\n/, $_[0];
}

sub kept
{
	my ($text) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is(told($output), '', "$text: nothing that the client got has a secret");
	return;
}

sub code { return $api->oauth_consent(code_challenge => challenge(), code_challenge_method => 'S256')->{code}; }

# The PKCE challenge, which is a parameter of the address.
sub challenge
{
	return $typist->query(q{SELECT payment_links_authorize_url('links')})->{rows} =~ /code_challenge=([^&]*)/
	  ? $1 : die 'no challenge';
}

my $challenge = challenge();
is(scalar(grep { encode_base64url(sha256(verifier($_))) eq $challenge } -1 .. 1), 1, 'this test computes the verifiers as the extension does');

# Without failures

query("SET client_min_messages = 'debug5'");
foreach my $make (
	sub { return; },
	sub { $bench->due },
	sub { $api->oauth_expire('access') })
{
	$make->();
	is(query(PlfTest::all_of('links'))->{rows}, $bench->links, 'all links are read');
	$bench->due;
	query('EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM links.payment_links');
	query(q{SELECT * FROM payment_links_check('links')});
}
like(query(q{SELECT payment_links_refresh('links')})->{rows}, qr/^\d{4}-/, 'payment_links_refresh() works');
like(query(q{SELECT payment_links_authorize_url('links')})->{rows}, qr/^http/, 'payment_links_authorize_url() works');
like(query('SELECT * FROM payment_links_credentials')->{rows}, qr/refresh_token/, 'payment_links_credentials works');
is( scalar(grep { $_->{oauth} && $_->{staging_token} ne 'good' } $api->log),
	0, 'every request to the token host has the staging token');
my $code = code();
like(heard($typist->query("SELECT payment_links_authorize('links', '$code')"))->{rows},
	qr/^\d{4}-/, 'an exchange works');
is(query(PlfTest::all_of('links'))->{rows}, $bench->links, '... and all links are read');
kept('without failures');

# Failures: the token host repeats all secrets of the request wherever its answer has text.

sub encoded { return join '', map { sprintf '%%%02x', ord } split //, $_[0]; }

# The list of faults that repeat these secrets.
sub faults
{
	my (@sent) = @_;
	my $all = join ' and ', @sent;
	my @echoes = (
		$all, join('&', map { encoded($_) } @sent),
		"x$sent[0]$sent[1]$sent[0]", ('x' x 480) . $sent[0], join("\r\n", @sent));
	my @faults;

	foreach my $error (qw(invalid_grant invalid_client invalid_request), @sent)
	{
		push @faults, { kind => 'status', status => 400, shape => 'oauth', code => $error, detail => $_ }
		  foreach $error eq 'invalid_grant' ? @echoes : $echoes[0];
	}
	foreach my $status (200, 302, 401, 403, 404, 422, 429, 503)
	{
		push @faults, { kind => 'status', status => $status, shape => $_, detail => $all, code => $all, retry_after => 60 }
		  foreach $status == 401 ? qw(oauth list object flat html) : 'oauth';
	}
	push @faults,
	  (
		{ kind => 'status', status => 403, trace => JSON::PP::false, headers => { 'X-Tyk-Trace-Id' => $sent[0] } },
		{ kind => 'redirect', location => $elsewhere->{oauth_url} . '/oauth2/token?t=' . encoded($all) },
		{ kind => 'body', text => "<html>$all</html>", content_type => 'text/html' },
		{ kind => 'body', text => '{}', content_type => "text/$sent[0]" },
		{ kind => 'body', text => "{\"access_token\": $sent[0]" },
		{ kind => 'body', text => "{\"$sent[0]\": 1, \"$sent[0]\": 2}" },
		{ kind => 'body', text => "\"$sent[0]\"" },
		{ kind => 'body', text => $sent[0] },
		{ kind => 'invalid_json' },
		{ kind => 'missing_field', field => 'access_token' },
		{ kind => 'wrong_types', field => 'access_token', value => "$sent[0]\n" },
		{ kind => 'wrong_types', field => 'refresh_token', value => "$sent[0] x" },
		{ kind => 'wrong_types', field => 'expires_in', value => $sent[0] },
		{ kind => 'duplicate_keys', field => 'access_token' },
		{ kind => 'invalid_utf8', field => 'access_token' },
		{ kind => 'nul_escape', field => 'refresh_token' },
		{ kind => 'garbage', text => "HTTP/1.1 $sent[0]\r\n\r\n" },
		{ kind => 'garbage', text => "HTTP/1.1 200 OK\r\nContent-Encoding: $sent[0]\r\n\r\nx" },
		{ kind => 'garbage', text => "HTTP/1.1 200 OK\r\n$sent[0]\r\n\r\n" },
		{ kind => 'garbage', text => "HTTP/1.1 200 OK\r\nContent-Length: $sent[0]\r\n\r\n" });
	return @faults;
}

sub fails
{
	my ($name, $sent, $ask) = @_;
	my $failures = 0;

	foreach my $n (0 .. faults('for', 'counting') - 1)
	{
		renew();
		my @sent = $sent->();
		my $fault = (faults(@sent))[$n];
		$api->fault(path => '/oauth2/token', %$fault);
		my $result = heard($ask->(@sent));
		$failures++ if $result->{state};
		is( told("$result->{message} $result->{detail} $result->{hint} $result->{context}"),
			'',
			"$name, $fault->{kind}" . ($fault->{status} ? " $fault->{status}" : '') . ": $result->{state}");
		is(told($bench->mapping->{last_failure} // ''), '', '... and last_failure has no secret');
		query('SELECT * FROM payment_links_credentials');
	}
	cmp_ok($failures, '>', 30, '... and more than 30 of these failed');
	return;
}

fails(
	'a refresh',
	sub { return ($bench->mapping->{refresh_token}, $client_secret, $staging_token) },
	sub { return $session->query(PlfTest::all_of('links')) });
fails(
	'an exchange',
	sub { return (code(), $client_secret, verifier(0), $staging_token) },
	sub { return $typist->query("SELECT payment_links_authorize('links', '$_[0]')") });
kept('after the failures');
is($elsewhere->count, 0, 'no other host has seen a request');

# A secret that was taken out of a message is marked.
renew();
$api->fault(
	kind => 'status', status => 400, shape => 'oauth', code => 'invalid_grant', path => '/oauth2/token',
	detail => $bench->mapping->{refresh_token} . " of $client_secret");
like(query(PlfTest::all_of('links'))->{detail},
	qr/^The token host said: \[redacted\] of \[redacted\]\. Host/, 'a message has [redacted] for each secret');

# An exchange that fails before the code is used up does not log the code.

renew();
my $good = code();
foreach my $case (
	[ '22023', "http://localhost/callback?state=x&nocode=$good" ],
	[ '28000', "http://localhost/callback?state=x&code=$good" ],
	[ '28000', "http://localhost/callback?error=access_denied&code=$good" ],
	[ '22023', $good x 60 ],
	[ '42704', $good, q{, 'no such role'} ])
{
	my ($state, $given, $for) = @$case;

	is(heard($typist->query("SELECT payment_links_authorize('links', '$given'" . ($for // '') . ')'))->{state},
		$state, "an exchange is refused: $state");
}
$typist->query('BEGIN');
$bench->change(session => $typist, redirect_uri => 'http://localhost/elsewhere');
is(heard($typist->query("SELECT payment_links_authorize('links', '$good')"))->{state},
	'55000', '... for a mapping that is not committed');
$typist->query('ROLLBACK');
$api->fault(kind => 'hang', path => '/oauth2/token');
$typist->query('SET statement_timeout = $$200ms$$');
is(heard($typist->query("SELECT payment_links_authorize('links', '$good')"))->{state},
	'57014', '... by statement_timeout');
$typist->query('RESET statement_timeout');
$api->clear_faults;
kept('exchanges that fail');

# While a worker waits

renew();
$code = code();
$bench->as_admin("ALTER SERVER links OPTIONS (SET request_timeout '10s')");
foreach my $case (
	[ 'a refresh', $session, PlfTest::all_of('links') ],
	[ 'an exchange', $typist, "SELECT payment_links_authorize('links', '$code')" ])
{
	my ($name, $by, $sql) = @$case;

	$bench->hold_answers;
	$by->start($sql);
	ok($bench->wait_until_asked, "$name waits for the token host");
	my ($worker) = split /\n/, $bench->workers;
	my $about = join ' ', slurp_file("/proc/$worker/cmdline"), slurp_file("/proc/$worker/environ"),
	  slurp_file('/proc/' . $by->pid . '/cmdline');
	my $activity = $bench->as_admin(
		'SELECT * FROM pg_stat_activity WHERE pid <> ' . $typist->pid);
	my @segments = map { slurp_file($_) } glob $node->data_dir . '/pg_dynshmem/mmap.*';
  SKIP:
	{
		skip 'under memcheck a process has the title of the server', 1
		  if PlfTest::under_memcheck($worker);
		like($about, qr/payment_links_fdw token refresh/, '... the title of its worker names the extension');
	}
	is(told($about), '', '... title and environment have no secret');
	like($activity, qr/payment_links_fdw token refresh/, '... pg_stat_activity has the worker');
	is(told($activity), '', '... and no secret');
	cmp_ok(scalar @segments, '>=', 1, '... the worker shares memory with the session');
	is(scalar(grep { $_ =~ $secret } @segments), 0, '... in which there is no secret');
	$api->release;
	isnt(heard($by->finish)->{rows}, '', '... and the statement ends well');
}

# Plans and views

$bench->due;
foreach my $format (qw(text json xml yaml))
{
	query("EXPLAIN (FORMAT $format, VERBOSE, ANALYZE) SELECT * FROM links.payment_links ORDER BY amount");
}
query('SELECT * FROM pg_stat_activity WHERE pid NOT IN ('
	  . join(', ', $typist->pid, $bench->{admin}->pid) . ')');
query("SELECT * FROM $_")
  foreach qw(pg_prepared_statements pg_backend_memory_contexts pg_foreign_server
  pg_foreign_table pg_settings pg_shmem_allocations payment_links_credentials);
query('SELECT pg_log_backend_memory_contexts(pg_backend_pid())');
SKIP:
{
	skip('pg_stat_statements is not installed', 2) unless $has_statements;

	my $statements = query('SELECT query FROM pg_stat_statements')->{rows};
	like($statements, qr/FROM links\.payment_links/, 'pg_stat_statements has the queries');
	like($statements, qr/payment_links_authorize\(\$1, ?\$2\)/, '... and exchanges without their codes');
}
kept('plans and views');

# A role that is no superuser

$bench->as_admin('CREATE ROLE bob; GRANT USAGE ON FOREIGN SERVER links TO bob');
query('SET ROLE bob');
query('SELECT * FROM pg_user_mappings');
query('SELECT * FROM information_schema.user_mapping_options');
query('SELECT umoptions FROM pg_user_mapping');
query('RESET ROLE');
kept('to another role');

# A value that is refused when it is typed is neither repeated nor logged.

foreach my $case (
	[ '22023', "client_secret E'$client_secret\\n'" ],
	[ '22023', "refresh_token 'Bearer ory_rt_x'" ],
	[ '22023', "refresh_token 'ory_rt_x', access_token_file '/tmp/token'" ],
	[ '22023', "client_id '$client_secret x'" ],
	[ '22023', "redirect_uri 'ory_rt_x'" ],
	[ '22023', "access_token_expires_at 'ory_at_x'" ],
	[ '22023', "token_host '$client_secret'" ],
	[ '22023', "stored_by '$client_secret'" ],
	[ 'HV00D', "client_secrets '$client_secret'" ],
	[ 'HV00D', "token_url '$client_secret'" ])
{
	my ($state, $options) = @$case;

	is(heard($typist->query("CREATE USER MAPPING FOR PUBLIC SERVER links OPTIONS ($options)"))->{state},
		$state, ($options =~ /(\w+)/)[0] . ' is refused');
}
is( heard(
		$typist->query("CREATE SERVER typed FOREIGN DATA WRAPPER payment_links_fdw OPTIONS (client_secret '$client_secret')")
	  )->{state},
	'HV00D',
	'a secret is refused as an option of a server');
kept('options that are refused');

$typist->quit;
$bench->quit;
$node->stop;

my $log = slurp_file($node->logfile);
like($log, qr{DEBUG:  .*payment_links_fdw: POST http://127\.0\.0\.1:\d+/oauth2/token -> 200},
	'the log has the requests for tokens');
like($log, qr/FOREIGNSCAN|ForeignScan/i, 'the log has plans');
like($log, qr/payment_links_fdw token refresh/, 'the log has lines of the workers');
is(told($log), '', 'the log of the server has no secret');

done_testing();
