# Random queries over a list that changes between their requests, and while several are in
# flight, keep the guarantee of test/drift/guarantee.py in every configuration of
# test/drift/run.py.  Then single cases that random changes seldom reach.

use strict;
use warnings;

use lib 't';

use IPC::Run ();
use PlfTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SampleApi;
use Test::More;

my $seed = 23;
my $schedules = 200;    # of each configuration
my @run = ($ENV{PYTHON} || 'python3', 'test/drift/run.py');

my $node = PlfTest::cluster('main');
local @ENV{qw(PGHOST PGPORT PGDATABASE)} =
  ($node->host, $node->port, 'postgres');

IPC::Run::run([ @run, '--list' ], '>', \my $names) or die 'no configurations';
IPC::Run::run([ @run, '--schedules', $schedules, '--seed', $seed ],
	'>', \my $output, '2>', \my $errors);
is($errors, '', 'test/drift/run.py ends without a wrong result');
note($output);
foreach my $name (split /\n/, $names)
{
	my ($line) = $output =~ /^(\Q$name\E: .*)/m;

	like($line, qr/: $schedules schedules, 0 wrong;/, "$name: the promise is kept")
	  or diag($output =~ /^(# \Q$name\E, .*\n(?:#  .*\n)*)/mg);
	cmp_ok($line =~ /changed in (\d+)/ ? $1 : 0,
		'>', $schedules / 3, '... during a third of the queries at least');
}
my $contradictions = 0;
$contradictions += $1 while $output =~ /, (\d+) contradict themselves/g;
cmp_ok($contradictions, '>', 0,
	'scans of one query that read the list at two times are recognized (a known limit)');

# A list that moves whenever it is searched is read; when a link then gets a status
# that nobody documented, the reading begins anew.

my $api = SampleApi->new(count => 40, config => { zero_share => 0.5 });
PlfTest::make_server(
	$node, 'links',
	base_url => $api->url,
	page_size => 2,
	concurrency => 1);
my $session = PlfTest->session($node);
my %expires = (expiration_date => '2025-02-01T00:00:00Z');
my $count =
  q{SELECT count(*) FROM links.payment_links WHERE status <> 'paid' AND expiration_date IS NULL};

is($session->query($count)->{rows}, '8', 'the links that never expire are counted');
$api->clear_faults;
$api->before(n => $_, links => { generate => [ { %expires, status => 'open' } ] })
  foreach 4, 6, 8;
$api->before(
	n => 11,
	links => { generate => [ map { { %expires, status => $_ } } qw(refunded open) ] });
is($session->query($count)->{rows},
	'8', '... and again where new ones are added during each search');
is($session->query('SELECT count(*) FROM links.payment_links')->{rows},
	'45', '... which did happen');

# The link that got such a status is gone again by the time of the next look: the rows
# of the window are all there nonetheless.

sub link_of
{
	my ($amount, $status, $id) = @_;
	return {
		id => $id // sprintf('00000000-0000-7000-8000-%012d', $amount),
		status => $status,
		amount => { value => "$amount.00", currency => 'EUR' }
	};
}

# The amounts in the rows, smallest first, or the SQLSTATE.
sub amounts
{
	my $answer = $session->query(@_);
	return $answer->{state} if $answer->{state};
	return join ' ', sort { $a <=> $b } map { $_ + 0 } split /\n/, $answer->{rows};
}

my $gone = 'ffffffff-0000-7000-8000-000000000000';
my $window =
  q{SELECT amount FROM links.payment_links WHERE lower(status) < 'p' ORDER BY amount LIMIT 8};

$api->clear_faults;
$api->links(replace => []);
$api->links(generate => [ map { link_of($_, 'open') } 11 .. 22 ]);
is($session->query($window)->{rows}, join("\n", map { "$_.00" } 11 .. 18), 'a window');
$api->clear_log;
$api->before(
	page => 3,
	links => {
		generate => [ (map { link_of($_, 'open') } 1 .. 3), link_of(99, 'refunded', $gone) ]
	});
$api->before(
	page => 1,
	query_contains => 'sort_by',
	nth => 2,
	links => { remove => [$gone] });
is($session->query($window)->{rows},
	join("\n", map { "$_.00" } 11 .. 18),
	'... is as long where a status that nobody documented comes and goes');
cmp_ok(scalar(grep { /sort_by/ && !/status/ } $api->requests),
	'>', 0, '... for which links of every status were read');

# The same where the list moves while a range is searched for, and the search begins anew:
# the link with that status is there nonetheless.

sub dated
{
	my ($amount, $status, $expires) = @_;
	return { %{ link_of($amount, $status) }, expiration_date => $expires };
}

sub day { return sprintf '2025-03-%02dT00:00:00Z', @_; }

my $range =
  q{SELECT amount FROM links.payment_links WHERE status > 'expired' AND expiration_date BETWEEN '2025-03-08' AND '2025-03-13'};

foreach my $n (4 .. 8)
{
	$api->clear_faults;
	$api->links(replace => []);
	$api->links(generate => [ map { dated($_, 'open', day($_)) } 1 .. 20 ]);
	$api->before(n => $n, links => { set_status => { link_of(11)->{id} => 'refunded' } });
	is(amounts($range), join(' ', 8 .. 13), "a status becomes undocumented before request $n");
}

# That is no repair, and begins with the check of the statuses: all links are searched.

sub pages
{
	my ($whose) = @_;
	return join ' ', map { /&page=(\d+)/ }
	  grep { /sort_by/ && ($whose eq 'all') != /status/ } $api->requests;
}

$node->safe_psql('postgres', q{ALTER SERVER links OPTIONS (ADD on_drift 'error')});
$api->clear_faults;
$api->links(replace => []);
$api->links(generate => [ map { dated($_, 'open', day($_)) } 1 .. 20 ]);
$api->clear_log;
is(amounts($range), join(' ', 8 .. 13), "a range, on_drift 'error'");
is(pages('some'), '1 6 3 4 5 7', '... which is searched for');
$api->clear_log;
$api->before(
	page => 3,
	links => { set_status => { map { link_of($_)->{id} => 'refunded' } 2, 11 } });
is(amounts($range), join(' ', 8 .. 13), '... and again where a link gets such a status');
is(pages('all'), '1 6 3 4 5 7', '... among links of every status');
$api->links(set_status => { map { link_of($_)->{id} => 'open' } 2, 11 });
$api->before(page => 3, links => { replace => [] });
(my $size = $range) =~ s/amount/count(*)/;
is(amounts($size), '0', 'a range is counted while the list becomes empty');
$node->safe_psql('postgres', q{ALTER SERVER links OPTIONS (DROP on_drift)});

# A list that only is out of order has not changed: its statuses are checked once.

$api->config(broken_order => 'reverse');
$api->links(generate => [ map { dated($_, 'open', day($_)) } 1 .. 20 ]);
$api->clear_log;
is(amounts($range), join(' ', 8 .. 13), 'a range of a list that is out of order');
is(scalar(grep { !/sort_by/ } $api->requests), 2, '... whose statuses are checked once');
$api->config(broken_order => 'none');

# No link expires; then some do.  Their place in the list is before or behind all others,
# which tells nothing of the place where the others stand: none of these is missed.

my $never = '0001-01-01T00:00:00Z';

foreach my $null_block (qw(first last))
{
	$api->config(null_block => $null_block);
	foreach my $clause (
		'ORDER BY expiration_date LIMIT 5',
		'ORDER BY expiration_date NULLS FIRST LIMIT 5',
		'ORDER BY expiration_date DESC LIMIT 5',
		'ORDER BY expiration_date DESC NULLS LAST LIMIT 5',
		'WHERE expiration_date IS NULL LIMIT 5',
		'WHERE expiration_date IS NULL ORDER BY expiration_date DESC LIMIT 5',
		'ORDER BY expiration_date, id',
		'ORDER BY expiration_date DESC, id')
	{
		my $wanted = $clause =~ /LIMIT/ ? 5 : 6;

		$api->clear_faults;
		$api->links(replace => []);
		$api->links(generate => [ map { dated($_, 'open', $never) } 1 .. 6 ]);
		$api->before(
			n => $clause =~ /LIMIT/ ? 3 : 4,
			links => { generate => [ map { dated($_, 'open', day($_)) } 11 .. 13 ] });
		like(
			amounts("SELECT amount FROM links.payment_links $clause"),
			qr/^(?:[1-6]\b ?){$wanted}(?:1[123] ?)*$/,
			"$clause, the others in a block that comes $null_block");
	}
}

# Where they are all gone before the first that expires is met, one that never does was
# added behind the place reached when it comes.

my $next = sub { return $session->query("FETCH $_[0] FROM c") };

$api->clear_faults;
$api->links(replace => []);
$api->links(generate => [ map { dated($_, 'open', $never) } 11 .. 16 ]);
$session->query(
	'BEGIN; DECLARE c CURSOR FOR SELECT amount FROM links.payment_links ORDER BY expiration_date DESC');
is($next->(2)->{rows}, "11.00\n12.00", 'a cursor returns two links that never expire');
$api->before(
	n => 1,
	links => {
		remove => [ map { link_of($_)->{id} } 11 .. 16 ],
		generate => [ map { dated($_, 'open', day(10 - $_)) } 1 .. 9 ]
	});
is($next->(4)->{rows}, join("\n", map { "$_.00" } 1 .. 4), '... then the links with a date that came meanwhile');
$api->before(n => 1, links => { generate => [ dated(17, 'open', $never) ] });
my $others = $next->('ALL');
is("$others->{rows}$others->{state}",
	join("\n", map { "$_.00" } 5 .. 9),
	'... but not a link whose place is before these');
$session->query('COMMIT');

# Page 3 is read before one link of page 1 goes and another one comes at the end, page 2
# after it, and says what the first one said of the length. The link that moved to page 1 is
# not missed: page 2 waits for what page 3 has to say.

$api->config(null_block => 'lowest', list_order => 'oldest');
PlfTest::make_server($node, 'three', base_url => $api->url, page_size => 7, concurrency => 3);
foreach my $clause ('', 'ORDER BY amount', 'ORDER BY amount LIMIT 40')
{
	my $count = $clause =~ /LIMIT/ ? 40 : 62;

	$api->clear_faults;
	$api->links(replace => []);
	$api->links(generate => [ map { link_of($_, 'open') } 1 .. 62 ]);
	$api->before(
		page => 2,
		links => { remove => [ link_of(4)->{id} ], generate => [ link_of(99, 'open') ] });
	$api->fault(kind => 'meta', page => 3, times => 1, meta => { total_count => 63, total_pages => undef });
	like(
		amounts("SELECT amount FROM links.payment_links $clause" =~ s/links\./three./r),
		qr/^\Q@{[ join ' ', 1 .. $count ]}\E(?: 99)?$/,
		"pages answered in another order than they are read in: $clause");
}

done_testing();
