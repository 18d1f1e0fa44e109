# A session over time: connections are kept and replaced, plans follow changes of options, and
# neither memory nor descriptors grow.

use strict;
use warnings;

use lib 't';

use HTTP::Tiny;
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $api = SampleApi->new(count => 250);
my $links = PlfTest::links_of($api);
my $node = PlfTest::cluster('main');

PlfTest::make_server($node, 'links', base_url => $api->url, page_size => 10);
PlfTest::make_server(
	$node, 'narrow',
	base_url => $api->url,
	page_size => 10,
	concurrency => 3);

sub pages
{
	my ($from, $to, $size) = @_;

	return map { "GET /v2/payment_links?page=$_&per_page=$size" } $from .. $to;
}

# Connections

my $session = PlfTest->session($node);
foreach (1 .. 5)
{
	is($session->query('SELECT count(*) FROM (SELECT id FROM links.payment_links LIMIT 10) l')
		  ->{rows},
		'10', 'ten links are read');
}
is($session->query(q{SELECT ok, links FROM payment_links_check('links')})->{rows},
	't|250', 'payment_links_check');
is_deeply(
	[ $api->requests ],
	[ (pages(1, 1, 10)) x 5, pages(1, 1, 1) ],
	'... in a request each');
is($api->stats->{connections}, 1, '... on one connection for all of them');

$api->config(latency_ms => 20 * $PlfTest::slowdown);
foreach my $case ([ 'links', 8 ], [ 'narrow', 3 ])
{
	my ($server, $concurrency) = @$case;

	$api->clear_log;
	is($session->query(PlfTest::all_of($server))->{rows},
		$links, "$server: all links, some pages at a time")
	  foreach 1 .. 2;
	is_deeply(
		[ sort $api->requests ],
		[ sort +(pages(1, 25, 10)) x 2 ],
		'... a request a page');
	is($api->stats->{max_in_flight}, $concurrency, '... with concurrency requests in flight');
	is($api->stats->{connections}, $concurrency,
		'... on as many connections, which are kept');
}
$api->clear_log;
my $other = PlfTest->session($node);
is($other->query(PlfTest::all_of('narrow'))->{rows},
	$links, 'another session reads all links');
is($api->stats->{connections}, 3, '... on its own connections');
$other->quit;
$api->config(latency_ms => 0);

# A connection that the API closed while it was idle is no failure.
$api->clear_log;
$api->fault(kind => 'close', nth => 1);
is( $session->query('SELECT count(*) FROM (SELECT id FROM links.payment_links LIMIT 10) l')
	  ->{rows},
	'10', 'a kept connection that was closed is replaced');
is_deeply([ $api->requests ], [ (pages(1, 1, 10)) x 2 ], '... without a retry');
$api->clear_faults;

# Compressed transfer

sub bytes
{
	my ($plan) = $session->query(
		'EXPLAIN (ANALYZE, FORMAT json) SELECT * FROM links.payment_links')
	  ->{rows};

	return $plan =~ /"API Bytes": (\d+)/ ? $1 : undef;
}

$api->clear_log;
my $plain = bytes();
like(($api->log)[0]{accept_encoding}, qr/\bgzip\b/, 'gzip is accepted');
is($plain,
	length_of_pages(),
	'API Bytes of uncompressed answers are the size of the pages');
$api->config(gzip => 1);
my $compressed = bytes();
cmp_ok($compressed, '<', $plain / 2, '... and less than half of it in gzip');
is($session->query(PlfTest::all_of('links'))->{rows},
	$links, '... with all links');
$api->config(gzip => 0);

# The bytes of all 25 pages, as any client gets them
sub length_of_pages
{
	my $http = HTTP::Tiny->new(
		proxy => undef,
		http_proxy => undef,
		default_headers => { Authorization => "Bearer $PlfTest::access_token" });
	my $length = 0;

	$length += length $http->get($api->url . "/v2/payment_links?page=$_&per_page=10")
	  ->{content}
	  foreach 1 .. 25;
	return $length;
}

# Prepared statements, also with plans that are kept

my $second =
  SampleApi->new(count => 40, seed => 2, token => 'the-second-token');
my $second_links = PlfTest::links_of($second);
my $alter = PlfTest->session($node);

foreach my $mode (qw(auto force_generic_plan))
{
	PlfTest::make_server($node, $mode, base_url => $api->url);
	$session->query("SET plan_cache_mode = '$mode'");
	$session->query("PREPARE $mode AS " . PlfTest::all_of($mode));
	is($session->query("EXECUTE $mode")->{rows},
		$links, "$mode: a prepared statement")
	  foreach 1 .. 7;

	# In another session: what this one knows has to be told.
	$alter->query(
		"ALTER SERVER $mode OPTIONS (SET base_url '${\ $second->url}')");
	is($session->query("EXECUTE $mode")->{state},
		'28000', '... after a change of base_url asks the new host, with the old token');
	$alter->query(
		"ALTER USER MAPPING FOR CURRENT_USER SERVER $mode OPTIONS (SET access_token 'the-second-token')"
	);
	is($session->query("EXECUTE $mode")->{rows},
		$second_links, '... with the new token');

	$second->clear_log;
	$alter->query("ALTER SERVER $mode OPTIONS (ADD page_size '20')");
	is($session->query("EXECUTE $mode")->{rows},
		$second_links, '... and all links');
	is_deeply(
		[ $second->requests ],
		[ pages(1, 2, 20) ],
		'... with the new page size');

	$alter->query("DROP USER MAPPING FOR CURRENT_USER SERVER $mode");
	is($session->query("EXECUTE $mode")->{state},
		'28000', '... and fails without a user mapping');
	is($second->count, 2, '... without a request');
}
$session->query('RESET plan_cache_mode');
$alter->quit;
$session->quit;

# Memory and descriptors, after scans that end in every way

my $large = SampleApi->new(count => 20000);
PlfTest::make_server($node, 'large', base_url => $large->url);
$session = PlfTest->session($node);

sub memory
{
	# The first of two: the view itself leaves something in the caches.
	my $sql = 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts';

	$session->query($sql);
	return $session->query($sql)->{rows};
}

sub resident
{
	return slurp_file('/proc/' . $session->pid . '/status') =~
	  /^VmRSS:\s+(\d+) kB/m ? $1 : undef;
}

my %end = (
	completed => 'SELECT count(*) FROM (SELECT * FROM links.payment_links OFFSET 0) l',
	failed => 'SELECT 1 / (CASE WHEN id IS NULL THEN 1 ELSE 0 END) FROM links.payment_links',
	refused => q{SELECT * FROM links.payment_links WHERE status = 'paid'},
	cancelled => q{SELECT * FROM links.payment_links WHERE status = 'open'},
	left => 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM links.payment_links; MOVE 15 IN c; COMMIT');
my %state = (
	completed => '',
	failed => '22012',
	refused => 'HV000',
	cancelled => '57014',
	left => '');
my @ends = qw(completed failed left refused completed cancelled);

$api->fault(
	kind => 'status',
	status => 422,
	page => 1,
	query_contains => 'status[]=paid');
$api->fault(kind => 'hang', query_contains => 'status[]=open');

sub scan
{
	my ($end) = @_;
	my $sql = $end{$end};

	$sql = "BEGIN; SET LOCAL statement_timeout = '40ms'; $sql; ROLLBACK"
	  if $end eq 'cancelled';
	return $session->query($sql)->{state};
}

is( $session->query(
		'SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM large.payment_links OFFSET 0) l'
	)->{rows},
	'20000|20000',
	'20,000 links are read');
scan($_) foreach (@ends) x 3;
my $memory = memory();
my $resident = resident();
my $descriptors = PlfTest::descriptors($session->pid);

my @wanted = map { $ends[ $_ % @ends ] } 1 .. 200;
is_deeply(
	[ map { scan($_) } @wanted ],
	[ map { $state{$_} } @wanted ],
	'200 scans end with rows or with their errors');
is( $session->query(
		'SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM large.payment_links OFFSET 0) l'
	)->{rows},
	'20000|20000',
	'20,000 links are read again');
cmp_ok(memory() - $memory, '<=', 64 * 1024,
	'memory contexts have not grown');
# Memcheck keeps up to 20 MB of what was freed.
cmp_ok(resident() - $resident,
	'<=', (PlfTest::under_memcheck($session->pid) ? 32 : 8) * 1024,
	'... nor has the process, in kB');
# A scan opens up to eight connections and leaves them to the next; a cancelled one
# closes its own.
cmp_ok(PlfTest::descriptors($session->pid),
	'<=', $descriptors + 8, '... nor the number of descriptors');

# While one is read, a scan of 20,000 links holds some pages, not all of them.

$session->query('BEGIN; DECLARE c CURSOR FOR SELECT * FROM large.payment_links');
$session->query('MOVE 5000 IN c');
my $early = memory();
$session->query('MOVE 14000 IN c');
cmp_ok(memory() - $early, '<=', 4 * 1024 * 1024,
	'late in a scan the backend has hardly more memory than early');
is($session->query('MOVE ALL IN c; FETCH 1 FROM c; COMMIT')->{errors},
	'', '... until the end of the scan');

$session->quit;
$node->stop;
done_testing();
